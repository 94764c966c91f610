"""The score between its two ends."""

from __future__ import annotations

import math

import pytest
import torch

from gpproxy.errors import QualityError
from gpproxy.quality.classifier_score import classifier_score


def test_sure_and_even_reaches_the_number_of_classes() -> None:
    sure = torch.eye(10).repeat(20, 1)
    assert classifier_score(sure) == pytest.approx((10.0, 0.0))


@pytest.mark.parametrize("row", [torch.full((10,), 0.1), torch.eye(10)[3]])
def test_one_class_for_all_or_no_idea_scores_one(row: torch.Tensor) -> None:
    assert classifier_score(row.repeat(100, 1)) == pytest.approx((1.0, 0.0))


def test_one_part_is_the_formula_and_ten_are_its_mean() -> None:
    p = torch.rand(100, 5, generator=torch.Generator().manual_seed(0)).softmax(dim=1).double()

    def formula(q: torch.Tensor) -> float:
        return math.exp(float((q * (q / q.mean(dim=0)).log()).sum(dim=1).mean()))

    assert classifier_score(p, 1)[0] == pytest.approx(formula(p)) and math.isnan(classifier_score(p, 1)[1])
    parts = torch.tensor([formula(q) for q in p.split(10)], dtype=torch.float64)
    assert classifier_score(p) == pytest.approx((float(parts.mean()), float(parts.std()) / 10**0.5))
    with pytest.raises(QualityError, match="over 10 parts"):
        classifier_score(p[:9])
