"""A finished training as one object: its folder in; settings, outcome, measures, losses out."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpproxy.errors import RunError
from gpproxy.quality.measure import Quality
from gpproxy.run.folder import AGAIN, ENVIRONMENT
from gpproxy.run.reading import reading, typed
from gpproxy.train.folder import TrainFolder
from gpproxy.train.settings import TrainSettings
from gpproxy.training.grid import grid_name
from gpproxy.training.journal import Journal
from gpproxy.training.outcome import QUALITY, Outcome, outcome


@dataclass(frozen=True, eq=False)
class FinishedTraining:
    """A finished training.

    Attributes:
        folder: where it lies.
        settings: as it was started.
        outcome: verdict, checks, what was trained.
        quality: every measure of the best weights; None where nothing measures.
        losses: step, and losses by name, as the journal has them.
        environment: versions, hardware, command.
    """

    folder: Path
    settings: TrainSettings
    outcome: Outcome
    quality: Quality | None
    losses: tuple[tuple[int, dict[str, float]], ...]
    environment: dict[str, Any]

    def __repr__(self) -> str:
        return f"FinishedTraining({str(self.folder)!r}, {self.outcome!r})"

    @property
    def grid(self) -> Path | None:
        """The picture of images that the best weights draw, or the last one there is."""
        best = self.outcome.best
        kept = self.folder / grid_name(0 if best is None else best.step)
        return kept if kept.is_file() else max(self.folder.glob("samples_*.png"), default=None)


def read_run(folder: str | Path) -> FinishedTraining:
    """The training of a folder. Raises RunError where it is none, or not over."""
    place = TrainFolder.open(folder)
    found = outcome(place.path)
    if found is None:
        raise RunError(f"The training in {place.path} is not over. Continue it: gpproxy train --resume {place.path}")
    quality = None
    if (place.path / QUALITY).is_file():
        with reading(place.path / QUALITY, "Remove the file and continue the training: it is measured again."):
            quality = Quality.from_json(json.loads((place.path / QUALITY).read_text(encoding="utf-8")))
    journal = Journal(place.path)
    with reading(journal.path, AGAIN):
        losses = tuple(
            (int(event["step"]), {name: float(value) for name, value in event.items() if _is_loss(name, value)})
            for event in journal.read()
            if event["event"] == "losses"
        )
        environment = place.read_json(ENVIRONMENT)
        return typed(FinishedTraining(place.path, place.config, found, quality, losses, environment))


def _is_loss(name: str, value: Any) -> bool:
    return name not in ("event", "step", "seconds") and isinstance(value, (int, float)) and math.isfinite(value)
