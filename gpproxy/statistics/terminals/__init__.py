"""The built-in statistics: importing the package registers them."""

from gpproxy.statistics.terminals import (  # noqa: F401
    denoising,
    feature_maps,
    information,
    kernels,
    layers,
    network,
    weights,
)
