"""What a training will take, from a few timed steps and a small check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DryRun:
    """What a training will take.

    Attributes:
        parameters, macs: of the generator; multiply-accumulates of one image.
        judge: parameters of the discriminator.
        steps: generator updates.
        step: measured seconds of one.
        check: measured seconds of one check, scaled up; 0 where nothing is measured.
        checks: how many there are.
        samples: images that each measures.
    """

    parameters: int
    macs: float
    judge: int
    steps: int
    step: float
    check: float
    checks: int
    samples: int

    @property
    def seconds(self) -> float:
        """Of the whole training."""
        return self.steps * self.step + self.checks * self.check
