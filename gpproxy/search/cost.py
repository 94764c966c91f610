"""What a search cost, and what training would have cost: measured on the same machine, none of it quoted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gpproxy.proxies.scorer import Work


@dataclass(frozen=True)
class Training:
    """One training-based evaluation, from measured times of its parts.

    Attributes:
        recipe: name of the recipe, with what was changed.
        code: architecture whose steps were timed.
        steps: generator updates of the recipe.
        step: measured seconds of one.
        checks: measurements of quality in a training.
        check: measured seconds of one.
        hardware: where it was measured.
    """

    recipe: str
    code: str
    steps: int
    step: float
    checks: int
    check: float
    hardware: str

    @property
    def seconds(self) -> float:
        """Of one evaluation."""
        return self.steps * self.step + self.checks * self.check


@dataclass(frozen=True)
class Cost:
    """Cost of a search.

    Attributes:
        candidates: how many were scored.
        work: networks, passes and seconds of a single worker, summed over the workers.
        training: what one training would take, None when it was not measured.
        title: what has scored them, for sentences.
        set_up: seconds before the first candidate.
    """

    candidates: int
    work: Work
    training: Training | None = None
    title: str = "the proxy"
    set_up: float = 0.0

    @property
    def seconds(self) -> float:
        """Worker seconds per candidate."""
        return self.work.seconds / max(self.candidates, 1)

    @property
    def speed_up(self) -> float | None:
        """How many candidates the proxy scores in the time of one training; None when no training was measured."""
        if self.training is None or not self.work.seconds:
            return None
        return self.training.seconds / self.seconds

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "candidates": self.candidates,
            **asdict(self.work),
            "seconds_per_candidate": self.seconds,
            "training": None if self.training is None else {**asdict(self.training), "seconds": self.training.seconds},
            "speed_up": self.speed_up,
        }

    def sentences(self) -> list[str]:
        """What to tell about it."""
        work, each = self.work, max(self.candidates, 1)
        built = work.networks / each
        passes = (
            f"{built:.3g} {'network' if built == 1 else 'networks'} built, {work.forwards / each:.3g} forward and "
            f"{work.backwards / each:.3g} backward passes"
        )
        how = f": {passes}" if work.forwards else ""
        before = f", after {self.set_up:,.0f} s of set-up" if self.set_up else ""
        told = [f"{self.candidates:,} candidates, {self.seconds:.3g} s of one worker each{before}{how}."]
        if self.training is not None:
            training = self.training
            told.append(
                f"One training of {training.code} by the recipe {training.recipe} takes {training.seconds:,.0f} s on "
                f"{training.hardware} ({training.steps:,} steps of {training.step:.3g} s, {training.checks} checks of "
                f"{training.check:.3g} s, timed on a few): {self.title} is {self.speed_up:,.0f} times faster."
            )
        return told
