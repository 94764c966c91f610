"""Votes of a committee: places among what was learnt from, bounded beyond it, strictly rising."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gpproxy.ranking.committee import votes as place

numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3))


@given(st.lists(numbers, min_size=1, max_size=30))
def test_votes_on_what_was_learnt_from_are_its_mean_ranks(values: list[float]) -> None:
    votes = place(torch.tensor(values, dtype=torch.float64), values)
    expected = (stats.rankdata(values) - 0.5) / len(values)
    assert votes.tolist() == pytest.approx(expected.tolist())


@given(st.lists(numbers, min_size=2, max_size=20), st.lists(numbers, min_size=2, max_size=20, unique=True))
def test_votes_never_fall_and_stay_near_the_unit_interval(values: list[float], asked: list[float]) -> None:
    votes = place(torch.tensor(sorted(asked), dtype=torch.float64), values)
    assert bool((votes.diff() >= 0).all())
    assert float(votes.min()) > -0.5 and float(votes.max()) <= 1.0 + 1e-12


def test_beyond_its_range_a_member_goes_on_ranking_but_counts_no_more_than_one_place() -> None:
    far = torch.tensor([3.0, 3.1, 30.0, 1e300, float("inf")], dtype=torch.float64)
    votes = place(far, [0.0, 1.0, 2.0, 3.0])
    assert bool((votes[:3].diff() > 0).all()) and float(votes[-1] - votes[0]) <= 0.125 + 1e-12


def test_the_dead_and_the_undefined_stay_what_they_are() -> None:
    votes = place(torch.tensor([-torch.inf, torch.nan, 1.5], dtype=torch.float64), [1.0, 2.0])
    assert votes[0] == -torch.inf and bool(votes[1].isnan()) and float(votes[2]) == pytest.approx(0.5)
    assert place(torch.tensor([2.0, 5.0]), [2.0, 2.0]).tolist()[0] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="finite score"):
        place(torch.tensor([1.0]), [torch.nan])
