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
    assert pick([parts], [None], 0.0, [1, 9, 9]) == 1
    assert pick([parts], [None], 0.0, [1, 9, 4]) == 2


def test_with_focus_the_one_that_is_right_at_the_top_wins() -> None:
    """Each formula reverses a third of the architectures: one the worst, the other the best."""
    quality, third = torch.arange(float(COUNT)), COUNT // 3
    wrong_below, wrong_above = quality.clone(), quality.clone()
    wrong_below[: third + 2] = quality[: third + 2].flip(0)
    wrong_above[-third:] = quality[-third:].flip(0)
    parts = seen(wrong_above, wrong_below)
    assert pick([parts], [None], 0.0, [5, 5], focus=0.0) == 0
    assert pick([parts], [None], 0.0, [5, 5], focus=1.0) == 1
