"""EquivalenceClasses: means per class equal a loop, dead twins are left out, one value per class in a fixed order."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpproxy.ranking.equivalence import EquivalenceClasses


@settings(deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_means_equal_a_loop(classes, rng) -> None:
    values = torch.tensor([[rng.gauss(0, 1) for _ in classes] for _ in range(2)], dtype=torch.float64)
    kept = torch.tensor([rng.random() < 0.7 for _ in classes])
    twins = EquivalenceClasses(classes)
    assert len(twins) == len(set(classes))
    found, alive = twins.mean(values), twins.mean(values, kept)
    for i, name in enumerate(sorted(set(classes))):
        members = [j for j, one in enumerate(classes) if one == name]
        assert int(twins.first[i]) == members[0]
        torch.testing.assert_close(found[:, i], values[:, members].mean(1))
        left = [j for j in members if kept[j]]
        wanted = values[:, left].mean(1) if left else torch.full((2,), torch.nan, dtype=torch.float64)
        torch.testing.assert_close(alive[:, i], wanted, equal_nan=True)
    assert twins.all(kept).tolist() == [
        all(kept[j] for j, one in enumerate(classes) if one == name) for name in sorted(set(classes))
    ]


def test_what_is_undefined_stays_in_its_class() -> None:
    twins = EquivalenceClasses([0, 0, 1, 2])
    found = twins.mean(torch.tensor([1.0, torch.nan, 2.0, -torch.inf]))
    assert found[0].isnan() and found[1:].tolist() == [2.0, -torch.inf]
    kept = twins.mean(torch.tensor([1.0, torch.nan, 2.0, 4.0]), torch.tensor([True, False, True, True]))
    assert kept.tolist() == [1.0, 2.0, 4.0]
