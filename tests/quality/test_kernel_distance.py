"""The kernel distance: sums by hand, unbiasedness, its error against repeated draws."""

from __future__ import annotations

import itertools

import pytest
import torch

from gpproxy.errors import QualityError
from gpproxy.quality.kernel_distance import kernel_distance, squared_mmd


def draw(count: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(seed)) + shift


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_estimate_is_that_of_the_sums_written_out() -> None:
    x, y = draw(5, 1).double(), draw(4, 2).double()

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        return float((a @ b / 4 + 1) ** 3)

    def within(z: torch.Tensor) -> float:
        return sum(kernel(a, b) for a, b in itertools.permutations(z, 2)) / (len(z) * (len(z) - 1))

    between = sum(kernel(a, b) for a in x for b in y) / 20
    assert squared_mmd(x, y) == pytest.approx(within(x) + within(y) - 2 * between)


def test_it_is_unbiased_at_any_number_of_samples() -> None:
    found = torch.tensor([squared_mmd(draw(20, 2 * i).double(), draw(20, 2 * i + 1).double()) for i in range(400)])
    assert abs(float(found.mean())) < 3 * float(found.std()) / 20
    assert (found < 0).any()


def test_the_error_is_the_deviation_over_repeated_draws() -> None:
    reference = draw(4000, 5)
    pairs = [kernel_distance(draw(400, 10 + i, 0.6), reference, seeded(), 30) for i in range(40)]
    values, errors = (torch.tensor(column) for column in zip(*pairs))
    assert float(errors.mean()) == pytest.approx(float(values.std()), rel=0.4)


def test_the_same_seed_gives_the_same_number_and_a_shift_is_seen() -> None:
    x, y = draw(200, 1), draw(200, 2)
    assert kernel_distance(x, y, seeded()) == kernel_distance(x, y, seeded())
    assert kernel_distance(x, y, seeded())[0] < kernel_distance(x + 1, y, seeded())[0]
    with pytest.raises(QualityError, match="at least 4 samples"):
        kernel_distance(x[:3], y, seeded())
