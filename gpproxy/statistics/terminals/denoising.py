"""What a denoising network shows by noise level and by resolution: of the plain pass, whose samples differ in level.

The level is the first further argument with one float per sample, such as the logarithm of the noise in
`gpproxy.search_spaces.edm`; where a generator is told no such number, these statistics are absent. A slope by level is
that of least squares, sum of (l - mean l)(v - mean v) over sum of (l - mean l)^2, of values v at levels l.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.primitives.types import LayerScalar, Scalar
from gpproxy.statistics.absent import AbsentPass
from gpproxy.statistics.classical.proxy import gradients_of
from gpproxy.statistics.cut import Sizes, as_map
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import statistic


@statistic(LayerScalar, source="gpproxy; skeleton of Ronneberger et al., 2015", reads="plain")
def path(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Way of the layer through the resolutions: -1 going down, before the coarsest is reached, 0 at the coarsest, and 1
    going up, after it was left. `mean_layers(x * path)` weighs the decoder against the encoder.
    """
    _levels(passes)
    sides = [as_map(layer.activation).shape[3] for layer in passes.noise.layers]
    bottom = [place for place, side in enumerate(sides) if side == min(sides)]
    ways = [(place > bottom[-1]) - (place < bottom[0]) for place in range(len(sides))]
    return [torch.tensor(float(way), dtype=torch.float64, device="cpu") for way in ways]


@statistic(LayerScalar, source="gpproxy; noise levels of Karras et al., 2022", reads="plain")
def activation_by_noise(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Slope by noise level of the norm of a sample's `activation`, in units of the mean norm."""
    levels = _levels(passes)
    return [_slope(levels, _norms(layer.activation)) for layer in passes.noise.layers]


@statistic(LayerScalar, source="gpproxy; noise levels of Karras et al., 2022", backward=True, reads="gradients")
def gradient_by_noise(passes: Passes, sizes: Sizes) -> list[Tensor | None]:
    """Slope by noise level of the norm of a sample's `gradient`, in units of the mean norm."""
    levels = _levels(passes)
    return [_slope(levels, _norms(layer.gradient)) for layer in gradients_of(passes)]


@statistic(Scalar, source="gpproxy; noise levels of Karras et al., 2022", range="nonnegative", reads="plain")
def identity_error(passes: Passes, sizes: Sizes) -> Tensor:
    """How far the output is from a multiple of the noisy image: the mean over samples of 1 - cos(output, image)^2."""
    _levels(passes)
    return _identity_errors(passes).mean()


@statistic(Scalar, source="gpproxy; noise levels of Karras et al., 2022", reads="plain")
def identity_error_by_noise(passes: Passes, sizes: Sizes) -> Tensor:
    """Slope by noise level of a sample's `identity_error`."""
    return _slope(_levels(passes), _identity_errors(passes), relative=False)


def _levels(passes: Passes) -> Tensor:
    """Noise level of each sample, float64. Raises AbsentPass where the generator is told none."""
    count = len(passes.inputs)
    for tensor in passes.batch.tensors:
        if tensor.ndim == 1 and len(tensor) == count and tensor.is_floating_point():
            levels = tensor.detach().double()
            if tensor is not passes.inputs and bool((levels != levels[0]).any()):
                return levels
    raise AbsentPass("This generator is told no noise levels, one float per sample that differs between samples.")


def _norms(value: Tensor) -> Tensor:
    """Of every sample, float64."""
    return torch.linalg.vector_norm(value.detach().flatten(1), dim=1, dtype=torch.float64)


def _slope(levels: Tensor, values: Tensor, relative: bool = True) -> Tensor:
    """Of the values by level; relative ones are zero where all values are."""
    along = levels - levels.mean()
    slope = (along * (values - values.mean())).sum() / along.square().sum()
    return slope / values.mean().clamp_min(1e-300) if relative else slope


def _identity_errors(passes: Passes) -> Tensor:
    """Of every sample; 1 where the output or the image is zero. Raises AbsentPass where they differ in shape."""
    output, image = passes.noise.output.detach(), passes.inputs
    if output.shape != image.shape:
        raise AbsentPass("This generator puts out no image of the size that it takes, so it is far from any identity.")
    output, image = output.flatten(1).double(), image.flatten(1).double()
    return 1 - torch.nn.functional.cosine_similarity(output, image, dim=1, eps=1e-30).square().clamp_max(1.0)
