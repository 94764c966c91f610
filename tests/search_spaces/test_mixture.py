"""Discretised logistics and mixtures of them: probabilities that add up, against SciPy and a loop."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import logistic
from torch import Tensor

from gpproxy.search_spaces.mixture import CHANNELS, COUNT, logistic_surprise, mixture_mean, mixture_surprise
from gpproxy.seeds import numbered


@pytest.mark.parametrize("scale", [-1.0, -3.0, -6.0])
def test_the_logistic_is_a_distribution_over_bytes(scale):
    values = (torch.arange(256, dtype=torch.float64) / 127.5 - 1).view(-1, 1, 1, 1)
    made, log_scale = torch.tensor(0.31, dtype=torch.float64), torch.tensor([[[scale]]], dtype=torch.float64)
    found = (-logistic_surprise(values, made, log_scale)).exp().flatten()
    assert found.sum().item() == pytest.approx(1, abs=1e-9)
    # SciPy's logistic over the interval of each value, the first and the last without an end.
    edges = (torch.arange(1, 256, dtype=torch.float64) - 0.5) / 127.5 - 1
    below = [0.0, *logistic.cdf(edges, 0.31, math.exp(scale)), 1.0]
    expected = [b - a for a, b in zip(below, below[1:])]
    assert found.tolist() == pytest.approx(expected, abs=1e-12)


def test_far_from_the_value_the_surprise_is_finite_and_has_a_slope():
    made = torch.tensor([-1.0, 1.0], requires_grad=True)
    found = logistic_surprise(torch.tensor([1.0, 0.0]), made, torch.tensor(-7.0))
    (slope,) = torch.autograd.grad(found.sum(), made)
    assert bool(found.isfinite().all()) and bool((slope != 0).all())


def parameters(positions: int = 2) -> Tensor:
    return torch.randn(1, CHANNELS, positions, 1, generator=numbered(0), dtype=torch.float64) * 0.5


def by_hand(value: Tensor, given: Tensor) -> float:
    """Probability of a colour, three numbers, under the hundred parameters of a position: Salimans et al., 2017."""
    red, green, blue = value.tolist()
    weights = given[:COUNT].softmax(0).tolist()
    rest = given[COUNT:].view(3, 3, COUNT)  # channel, kind, logistic

    def byte(x: float, mean: float, scale: float) -> float:
        low = -math.inf if x < -0.999 else x - 1 / 255
        high = math.inf if x > 0.999 else x + 1 / 255
        scale = math.exp(max(scale, -7))
        return logistic.cdf(high, mean, scale) - logistic.cdf(low, mean, scale)

    total = 0.0
    for k in range(COUNT):
        (mr, sr, a), (mg, sg, b), (mb, sb, c) = (rest[channel, :, k].tolist() for channel in range(3))
        a, b, c = map(math.tanh, (a, b, c))
        total += (
            weights[k] * byte(red, mr, sr) * byte(green, mg + a * red, sg) * byte(blue, mb + b * red + c * green, sb)
        )
    return total


def test_mixtures_against_a_loop():
    given = parameters(3)
    colours = torch.tensor([[-1.0, 0.2, 1.0], [0.5, -0.4, 0.1], [1.0, 1.0, -1.0]], dtype=torch.float64)
    images = colours.T[None, :, :, None]
    found = (-mixture_surprise(images, given)).exp().flatten().tolist()
    assert found == pytest.approx([by_hand(colours[i], given[0, :, i, 0]) for i in range(3)], rel=1e-6)


def test_probabilities_of_red_add_up():
    """With green and blue taken out by scales that do not matter: sums over all their values are 1."""
    given = parameters(1)
    levels = torch.arange(0, 256, dtype=torch.float64) / 127.5 - 1
    few = levels[::17]  # 16 values of red, each with all greens, the sum over blue done before
    total = torch.zeros(len(few), dtype=torch.float64)
    for place, red in enumerate(few):
        green = levels[:, None].expand(256, 256)
        images = torch.stack([torch.full_like(green, float(red)), green, levels.expand(256, 256)])[None]
        total[place] = (-mixture_surprise(images, given.expand(1, CHANNELS, 256, 256))).exp().sum()
    weights, rest = given[0, :COUNT, 0, 0].softmax(0), given[0, COUNT:, 0, 0].view(3, 3, COUNT)
    alone = torch.stack([
        (weights * (-logistic_surprise(red.expand(COUNT), rest[0, 0], rest[0, 1])).exp()).sum() for red in few
    ])  # fmt: skip
    torch.testing.assert_close(total, alone, rtol=1e-6, atol=1e-12)


def test_the_mean_is_that_of_many_draws():
    given = parameters(1)
    given[:, COUNT:].view(1, 3, 3, COUNT, 1, 1)[:, :, 1] = -4.0  # narrow, so that no draw leaves [-1, 1]
    given[:, COUNT:].view(1, 3, 3, COUNT, 1, 1)[:, :, 0] *= 0.3
    weights, rest = given[0, :COUNT, 0, 0].softmax(0), given[0, COUNT:, 0, 0].view(3, 3, COUNT)
    generator = numbered(1)
    which = torch.multinomial(weights, 200_000, replacement=True, generator=generator)
    uniform = torch.rand(3, len(which), generator=generator, dtype=torch.float64).clamp(1e-9, 1 - 1e-9)
    noise = uniform.logit() * rest[:, 1][:, which].exp()
    lean = rest[:, 2][:, which].tanh()
    red = rest[0, 0][which] + noise[0]
    green = rest[1, 0][which] + lean[0] * red + noise[1]
    blue = rest[2, 0][which] + lean[1] * red + lean[2] * green + noise[2]
    expected = torch.stack([red, green, blue]).mean(1)
    torch.testing.assert_close(mixture_mean(given).flatten(), expected, rtol=0, atol=0.01)
