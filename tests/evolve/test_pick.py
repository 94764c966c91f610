"""The choice of one formula out of an archive."""

import torch

from gpproxy.evolve.part_scores import PartScores
from gpproxy.evolve.pick import pick
from tests.evolve.test_rivals import view

COUNT = 24


def seen(*scores: torch.Tensor) -> list[PartScores]:
    """Training and validation of one benchmark, both of growing quality, with the scores of formulas on both."""
    part = view(torch.arange(float(COUNT)))
    values = torch.stack([score.double() for score in scores])[None]
    return [PartScores(**{**vars(part), "inits": values}) for _ in range(2)]


def test_the_better_one_wins_and_the_simpler_of_equals() -> None:
    quality, generator = torch.arange(float(COUNT)), torch.Generator().manual_seed(0)
    noise = torch.randn(COUNT, generator=generator)
    parts = seen(noise, quality, 2 * quality + 1)
    assert pick([parts], [None], 0.0, [1, 9, 9])[0] == 1
    assert pick([parts], [None], 0.0, [1, 9, 4])[0] == 2


def test_with_focus_the_one_that_is_right_at_the_top_wins() -> None:
    """Each formula reverses a third of the architectures: one the worst, the other the best."""
    quality, third = torch.arange(float(COUNT)), COUNT // 3
    wrong_below, wrong_above = quality.clone(), quality.clone()
    wrong_below[: third + 2] = quality[: third + 2].flip(0)
    wrong_above[-third:] = quality[-third:].flip(0)
    parts = seen(wrong_above, wrong_below)
    assert pick([parts], [None], 0.0, [5, 5], focus=0.0)[0] == 0
    assert pick([parts], [None], 0.0, [5, 5], focus=1.0)[0] == 1


def test_a_committee_is_of_formulas_nearly_as_good_that_rank_most_unlike() -> None:
    quality, generator = torch.arange(float(COUNT)), torch.Generator().manual_seed(0)
    first, near, other = quality.clone(), quality.clone(), quality.clone()
    first[:2] = first[:2].flip(0)
    near[:2], near[2:4] = near[:2].flip(0), near[2:4].flip(0)
    other[-2:] = other[-2:].flip(0)
    noise = torch.randn(COUNT, generator=generator)
    found = pick([seen(noise, first, 3 * first, near, other)], [None], 0.0, [1, 2, 3, 9, 9])
    assert found == [1, 4, 3]  # the noise is not as good, and what ranks alike adds nothing
    assert pick([seen(noise, first)], [None], 0.0, [1, 2]) == [1]
