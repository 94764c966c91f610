"""What the tests of all autoencoders ask of their bound."""

from __future__ import annotations

from collections.abc import Mapping

from gpproxy.tasks.bound import BOUND, DIVERGENCE, ERROR
from gpproxy.tasks.task import Task


def learns(task: Task, code: str) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Trains for 60 steps; held-out measures before and after, of which the bound has to fall."""
    objective = task.objective(code, 0, times=10)
    before = objective.held_out_losses()
    for index in range(60):
        losses = objective.step(index)
    after = objective.held_out_losses()
    assert set(losses) == {"bound"} and list(after) == [BOUND, DIVERGENCE, ERROR]
    assert after[BOUND] < before[BOUND] - 0.3
    return before, after
