"""Mixtures of discretised logistics: how likely 8-bit colours are under the parameters that a network puts out.

Every position has ten logistics with three channels each, of which green leans on red, and blue on both. Parameters are
`sample x 100 x height x width`: the logits of the ten, then for each channel in turn ten means, ten log scales and ten
of the numbers by which it leans (one of them for green, two for blue).
Source: Salimans et al. (2017), PixelCNN++.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

#: Logistics at a position, and the channels of their parameters.
COUNT = 10
CHANNELS = 10 * COUNT
#: Smallest log scale.
LOWEST = -7.0


def logistic_surprise(images: Tensor, made: Tensor, log_scale: Tensor) -> Tensor:
    """Negative log probability of every 8-bit value in [-1, 1] under a logistic around `made`, in nats.

    The probability of a value is that of the interval of 1/127.5 around it; those of the darkest and the brightest have
    no end (Salimans et al., 2017). Scales below e^-7 count as that.
    """
    log_scale = log_scale.clamp_min(LOWEST)
    distance, precision = images - made, (-log_scale).exp()
    above, below = precision * (distance + 1 / 255), precision * (distance - 1 / 255)
    # log(sigmoid(above) - sigmoid(below)), without the difference of two nearly equal numbers
    inside = above + torch.log(-torch.expm1(below - above)) - F.softplus(above) - F.softplus(below)
    whole = torch.where(images > 0.999, -F.softplus(below), inside)
    return -torch.where(images < -0.999, -F.softplus(-above), whole)


def mixture_surprise(images: Tensor, parameters: Tensor) -> Tensor:
    """Negative log probability of the colour at every position, in nats: `sample x height x width`.

    Args:
        images: `sample x 3 x height x width` in [-1, 1].
        parameters: `sample x 100 x height x width`.
    """
    logits, means, scales, leaning = _parts(parameters)
    red, green, _ = images[:, :, None].unbind(1)
    first, second, third = leaning.unbind(1)
    shifts = torch.stack([torch.zeros_like(means[:, 0]), first * red, second * red + third * green], 1)
    surprise = logistic_surprise(images[:, :, None], means + shifts, scales).sum(1)
    return -torch.logsumexp(F.log_softmax(logits, 1) - surprise, 1)


def mixture_mean(parameters: Tensor) -> Tensor:
    """The mean colour at every position, `sample x 3 x height x width`, no channel outside [-1, 1]."""
    logits, means, _, leaning = _parts(parameters)
    first, second, third = leaning.unbind(1)
    red, green, blue = means.unbind(1)
    green = green + first * red
    blue = blue + second * red + third * green
    share = logits.softmax(1)
    return torch.stack([(share * colour).sum(1) for colour in (red, green, blue)], 1).clamp(-1, 1)


def _parts(parameters: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits `sample x 10 x ...`; means, log scales and leanings `sample x 3 x 10 x ...`."""
    logits, rest = parameters[:, :COUNT], parameters[:, COUNT:].unflatten(1, (3, 3, COUNT))
    means, scales, leaning = rest.unbind(2)
    return logits, means, scales, leaning.tanh()
