"""What a training tells: its progress while it runs, and its outcome, which marks it as over.

`outcome.json` is written last and as a whole: a folder that has it needs no further work.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpproxy.files import write_atomically
from gpproxy.run.reading import reading, typed
from gpproxy.training.journal import plain

#: Files of a training folder: how it ended, and every measure of its best weights.
OUTCOME, QUALITY = "outcome.json", "quality.json"


@dataclass(frozen=True)
class Progress:
    """Where a training is.

    Attributes:
        step: steps done.
        steps: steps planned.
        losses: mean losses of the latest steps that have been read; on a GPU they lag behind `step`.
        rate: steps per second of this process so far, without checks.
        seconds: time of all processes so far, checks included.
        measures: what was measured after this step; None between checks.
    """

    step: int
    steps: int
    losses: Mapping[str, float]
    rate: float
    seconds: float
    measures: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Check:
    """One check: the step after which it was made, and what was measured."""

    step: int
    measures: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        verdict: `finished`, `collapsed` or `not finite` (`gpproxy.training.verdict`).
        reason: why it ended early, a sentence; empty when it finished.
        step: steps done.
        steps: steps planned.
        seconds: time, checks included.
        main: name of the measure that chooses the best check; lower is better.
        curve: all checks, in order.
        losses: mean losses of the last steps.
        about: what was trained: space, architecture, seed, recipe and so on; and what measured it: samples, extractor,
            reference and, where it was known, the floor.
    """

    verdict: str
    reason: str
    step: int
    steps: int
    seconds: float
    main: str
    curve: tuple[Check, ...]
    losses: Mapping[str, float]
    about: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        measured = f", {self.main} {self.value:.4g}" if math.isfinite(self.value) else ""
        return f"Outcome({self.verdict!r}, {self.step} of {self.steps} steps{measured})"

    @property
    def best(self) -> Check | None:
        """The check with the lowest main measure, whose weights are kept; the last where nothing is measured."""
        return best_of(self.curve, self.main)

    @property
    def value(self) -> float:
        """The main measure of the best check, lower is better; NaN when nothing was measured."""
        return math.nan if self.best is None else self.best.measures.get(self.main, math.nan)

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON, numbers that are not finite as null."""
        entries = {**vars(self), "curve": [vars(check) for check in self.curve]}
        return {**plain(entries), "best": None if self.best is None else self.best.step, "value": plain(self.value)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Outcome:
        """The outcome of `to_json`."""
        entries = {name: value for name, value in content.items() if name not in ("best", "value")}
        curve = tuple(Check(check["step"], numbers(check["measures"])) for check in entries.pop("curve"))
        return cls(**{**entries, "curve": curve, "losses": numbers(entries["losses"])})


def best_of(curve: tuple[Check, ...] | list[Check], main: str) -> Check | None:
    """The check with the lowest main measure, the first of equals; the last where none has it, None without checks."""
    known = [check for check in curve if math.isfinite(check.measures.get(main, math.nan))]
    return min(known, key=lambda check: check.measures[main]) if known else curve[-1] if curve else None


def numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    """Numbers as they were before `plain`: null is NaN."""
    return {name: math.nan if value is None else value for name, value in values.items()}


def outcome(folder: str | Path) -> Outcome | None:
    """The outcome in a folder, None while there is none. Raises RunError when the file is broken."""
    path = Path(folder) / OUTCOME
    if not path.is_file():
        return None
    with reading(path, "Remove the file to finish the training again."):
        return typed(Outcome.from_json(json.loads(path.read_text(encoding="utf-8"))))


def write_outcome(folder: Path, found: Outcome) -> None:
    """Marks the training in a folder as over."""
    text = json.dumps(found.to_json(), indent=1, allow_nan=False, ensure_ascii=False)
    write_atomically(folder / OUTCOME, text + "\n")
