"""A committee in an exported proxy: what joins the formulas of its members, as code and as the engine computes it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import torch

from gpproxy.ranking.committee import votes


def mean_vote(scores: Sequence[float], references: Sequence[Sequence[float]]) -> float:
    """The mean of the members' votes on one network; NaN where a score is."""
    pairs = zip(scores, references)
    return statistics.fmean(float(votes(torch.tensor(score, dtype=torch.float64), known)) for score, known in pairs)


def committee_code(vote: str, names: Sequence[str]) -> str:
    """The function `formula(look)` of a file: the mean vote of the functions of these names.

    Args:
        vote: what the function `votes` is called there.
    """
    return f'''def formula(look):
    """The mean of the places that the members give to the network, one number in a tensor of shape (1,)."""
    found = [{", ".join(f"{name}(look)" for name in names)}]
    return torch.stack([{vote}(number, known) for number, (_, known) in zip(found, MEMBERS)]).mean(0)'''
