"""From architectures to typed statistics: passes, hooks, probes, cache."""

import gpproxy.statistics.terminals  # noqa: F401  registers the built-in statistics
