"""What a training will take, from a few timed steps and a few images that are measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from gpproxy.training.objective import Objective

#: Steps that are timed, after some that are not; seconds of a first step that is enough by itself; images that are
#: measured.
TIMED, WARM_UP, LONG, FEW = 5, 2, 3.0, 250


@dataclass(frozen=True)
class DryRun:
    """What a training will take.

    Attributes:
        parameters, macs: of the generator; multiply-accumulates of one image.
        discriminator: parameters of the discriminators.
        steps: generator updates.
        step: measured seconds of one.
        check: measured seconds of one check, scaled up; 0 where nothing is measured.
        checks: how many there are.
        samples: images that each measures.
        reference: seconds for the features of the real images, scaled up from a few; 0 where they are kept already.
        final: seconds of every measure of the best weights, scaled up from a few images; 0 where none is taken.
    """

    parameters: int
    macs: float
    discriminator: int
    steps: int
    step: float
    check: float
    checks: int
    samples: int
    reference: float = 0.0
    final: float = 0.0

    @property
    def seconds(self) -> float:
        """Of the whole training."""
        return self.reference + self.steps * self.step + self.checks * self.check + self.final


def step_seconds(objective: Objective, device: str) -> float:
    """Seconds of a step of an untrained objective: the mean of a few, or of the first where that is long enough."""
    first = seconds_of(lambda: objective.step(0), device)
    if first >= LONG:
        return first
    objective.step(1)
    return seconds_of(lambda: [objective.step(WARM_UP + index) for index in range(TIMED)], device) / TIMED


def seconds_of(work: Callable[[], Any], device: str) -> float:
    """Seconds of some work, until the device is done with it."""
    start = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
