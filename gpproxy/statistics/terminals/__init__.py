"""The built-in statistics: importing the package registers them."""

from gpproxy.statistics.terminals import feature_maps, information, kernels, layers, network, weights  # noqa: F401
