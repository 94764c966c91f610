"""What a training will take, from a few timed steps and a few images that are measured."""

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
        reference: seconds for the features of the real images, scaled up from a few; 0 where they are kept already.
        final: seconds of every measure of the best weights, scaled up from a few images; 0 where none is taken.
    """

    parameters: int
    macs: float
    judge: int
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
