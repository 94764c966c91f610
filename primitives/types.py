"""The nominal types of a formula: what a value is, and how often it exists.

A value of a *layer* type exists once per (architecture, layer), a value of a *network* type once per architecture. Only
the layer reducers lead from the first to the second. The classes are names: they have no instances and no inheritance,
so that a tree which joins a sample axis to a channel axis cannot be built.
"""

from __future__ import annotations


class FeatureMap:
    """`sample x channel x height x width`, per layer: an activation, its gradient, a pre-activation."""


class Weight:
    """`out x fan_in`, per layer: a weight or its gradient, kernel positions folded into fan_in."""


class SampleKernel:
    """`sample x sample`, symmetric, per layer: how alike the samples look to a layer."""


class ChannelKernel:
    """`channel x channel`, symmetric, per layer: how alike the channels of a layer are."""


class SampleVector:
    """`sample`, per layer."""


class ChannelVector:
    """`channel`, per layer."""


class Spectrum:
    """`rank`, per layer: eigenvalues of a kernel or singular values of a weight, descending."""


class LayerScalar:
    """One number per layer: any reduction, and the layer's channels, resolution, depth, params, MACs."""


class NetworkKernel:
    """`sample x sample`, symmetric, per network: a sum of kernels over layers, the correlation of input gradients."""


class NetworkSpectrum:
    """`rank`, per network: eigenvalues of a network kernel, descending."""


class Scalar:
    """One number per network: the score, and every total over layers."""


LAYER_TYPES = (FeatureMap, Weight, SampleKernel, ChannelKernel, SampleVector, ChannelVector, Spectrum, LayerScalar)
NETWORK_TYPES = (NetworkKernel, NetworkSpectrum, Scalar)
TYPES = LAYER_TYPES + NETWORK_TYPES

#: Number of axes of one value, without the leading batch axis.
AXES: dict[type, int] = {
    FeatureMap: 4, Weight: 2, SampleKernel: 2, ChannelKernel: 2, SampleVector: 1, ChannelVector: 1, Spectrum: 1,
    LayerScalar: 0, NetworkKernel: 2, NetworkSpectrum: 1, Scalar: 0,
}  # fmt: skip
