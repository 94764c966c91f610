"""A finished run as one object: its folder in; settings, result, scores, generations out. Nothing is computed anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpproxy.errors import RunError
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.result import Entry, Result, check_numbers
from gpproxy.evolve.scores import SCORES, RunScores, read_scores
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.run.folder import AGAIN, ENVIRONMENT, FRONT, JOURNAL, RESULT
from gpproxy.run.reading import reading, typed


@dataclass(frozen=True)
class Step:
    """A generation as the journal has it.

    Attributes:
        index: its number; 0 is the random first one.
        seconds: since the start of the evolution.
        evaluated: distinct formulas so far.
        formula: the best one on the training architectures, None where none ranks them.
        kendall, spearman: of that formula there, on the worst benchmark.
        front: formula, nodes, cost, quality and validation τ of every formula of the front, simple ones first; empty in
            folders of version 0.2.0 and before.
    """

    index: int
    seconds: float
    evaluated: int
    formula: str | None
    kendall: float | None
    spearman: float | None
    front: tuple[dict[str, Any], ...] = ()

    def __repr__(self) -> str:
        return f"Step({self.index}, {self.evaluated} formulas, best {self.formula!r})"


@dataclass(frozen=True, eq=False)
class EvolveRun:
    """A finished run of evolve.

    Attributes:
        folder: where it lies.
        settings: as it was started.
        result: what it found; see `gpproxy.evolve.result.Result`.
        scores: benchmark -> every score on every architecture; empty for folders of version 0.2.0 and before.
        steps: its generations.
        environment: versions, hardware, command.
    """

    folder: Path
    settings: EvolveSettings
    result: Result
    scores: dict[str, RunScores]
    steps: tuple[Step, ...]
    environment: dict[str, Any]

    def __repr__(self) -> str:
        return f"EvolveRun({str(self.folder)!r}, {self.result!r})"

    def _repr_html_(self) -> str:
        return self.result._repr_html_()


def read_run(folder: str | Path) -> EvolveRun:
    """The run of a folder. Raises RunError where it is none of evolve, or not finished."""
    place = EvolveFolder.open(folder)
    if not place.finished:
        raise RunError(f"The run in {place.path} is not finished. Continue it: gpproxy evolve --resume {place.path}")
    return of_folder(place, result_of(place))


def result_of(place: EvolveFolder) -> Result:
    """The result of a finished run. Raises RunError for a damaged file."""
    with reading(place.path / FRONT, AGAIN):
        entries = place.read_json(FRONT)
        check_numbers(entries)
        front = tuple(typed(Entry(**entry)) for entry in entries)
    with reading(place.path / RESULT, AGAIN):
        return typed(Result.from_json(place.read_json(RESULT), front, place.path))


def of_folder(place: EvolveFolder, result: Result) -> EvolveRun:
    """The run of a folder whose result is known."""
    scores = read_scores(place.path) if (place.path / SCORES).is_file() else {}
    return EvolveRun(place.path, place.config, result, scores, _steps(place), place.read_json(ENVIRONMENT))


def _steps(place: EvolveFolder) -> tuple[Step, ...]:
    """One per generation: of one that was made again after a stop, the last."""
    found = {}
    with reading(place.path / JOURNAL, AGAIN):
        for event in place.journal():
            if event["event"] == "generation":
                step = Step(
                    event["index"], event["seconds"], event["evaluated"], event.get("best"), event.get("kendall"),
                    event.get("spearman"), tuple(event.get("front", ())),
                )  # fmt: skip
                found[step.index] = typed(step)
    return tuple(found[index] for index in sorted(found))
