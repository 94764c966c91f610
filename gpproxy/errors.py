"""Errors a user can mend: each message names the rule, the value, the place and the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GPProxyError(Exception):
    """Base of every error that gpproxy raises on purpose."""


class ConfigError(GPProxyError):
    """A setting is impossible, unknown or contradicts another."""


class RegistryError(GPProxyError):
    """A name is unknown or taken."""


class PrimitiveError(GPProxyError):
    """A primitive does not keep its promises (purity, finiteness, shape, dtype)."""


class SpaceError(GPProxyError):
    """An architecture code does not belong to its search space, or a space breaks its promises."""


class StatisticsError(GPProxyError):
    """A generator cannot be looked at: no layers, no parameters, NaN, a failing backward pass."""


class ExpressionError(GPProxyError):
    """A formula cannot be read, typed or simplified."""


class BenchmarkError(GPProxyError):
    """A table of measured architectures is missing, broken or too small."""


class ImageError(GPProxyError):
    """A set of images is missing, broken or of another kind than asked for."""


class QualityError(GPProxyError):
    """A quality cannot be measured: weights are missing, images do not fit, too few samples."""


class RunError(GPProxyError):
    """A run folder is missing, incomplete or belongs to other settings."""


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The nearest match as the end of a sentence (`" Did you mean 'snip'?"`), empty when nothing is near."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" Did you mean '{near[0]}'?" if near else ""
