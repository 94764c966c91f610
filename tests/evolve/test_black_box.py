"""The black box learns what can be learnt, and leaves out what has no value."""

from __future__ import annotations

import pytest
import torch

from gpproxy.evolve.black_box import _left_out, kernel_ridge
from gpproxy.ranking.correlation import kendall


def test_a_sum_of_two_formulas_is_learnt_from_either() -> None:
    generator = torch.Generator().manual_seed(0)
    sizes = {"train": 40, "validation": 20, "test": 30}
    values = {part: torch.rand(6, n, generator=generator).double() for part, n in sizes.items()}
    truth = {part: v[0] - v[3] for part, v in values.items()}
    values["train"][5, 3] = torch.nan
    for part in values:
        values[part][4] = values[part][1].exp()  # ranks like another
    found, formulas = kernel_ridge(values, torch.cat([truth["train"], truth["validation"]]), ("train", "validation"))
    assert formulas == 4
    alone = max(float(kendall(values["test"][row], truth["test"]).abs()) for row in range(5))
    assert float(kendall(found["test"], truth["test"])) > alone
    with pytest.raises(ValueError, match="No formula"):
        kernel_ridge({part: v[5:] for part, v in values.items()}, truth["train"], ("train",))


def test_leaving_one_out_in_closed_form_equals_doing_it() -> None:
    generator = torch.Generator().manual_seed(1)
    points, target = torch.rand(8, 2, generator=generator).double(), torch.rand(8, generator=generator).double()
    kernel = torch.exp(-torch.cdist(points, points).square())
    errors = []
    for out in range(8):
        rest = [i for i in range(8) if i != out]
        inner = kernel[rest][:, rest] + 0.1 * torch.eye(7).double()
        errors.append(float(target[out] - kernel[out, rest] @ torch.linalg.solve(inner, target[rest])) ** 2)
    assert _left_out(kernel, target, 0.1) == pytest.approx(sum(errors) / 8)
