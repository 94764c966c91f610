"""All that a search needs to go on, as JSON: a continued search equals an unbroken one, bit for bit.

Random streams are named by seed, island and generation, so no generator state has to be kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

import torch

from gpproxy.errors import RunError
from gpproxy.evolution.archive import Archive
from gpproxy.evolution.assess import Assessor
from gpproxy.evolution.individual import Individual, Score
from gpproxy.evolution.problem import Problem
from gpproxy.evolution.settings import EvolutionSettings
from gpproxy.expressions.text import parse, to_text

FORMAT = 1


def stream(seed: int, *place: object) -> Random:
    """The random stream of a place in a run; the same in every process."""
    return Random("/".join(map(str, (seed, *place))))


@dataclass(frozen=True, eq=False)
class EvolutionState:
    """A search between two generations. It is a snapshot: it stays valid while the search goes on.

    Attributes:
        generation: index of the last finished generation.
        islands: the populations, in order of survival.
        archive: members, by complexity.
        record: operator -> (successes, trials), fading.
        stale: generations since the best quality last rose.
        proposed: trees assessed, repeats included.
        scores: structural key -> fitness of every structure seen; the first `seen` entries belong to this state.
        invalid: reason -> structures.
        seconds: run time so far; the only entry that differs between equal runs.
        identity: of the problem and the settings.
    """

    generation: int
    islands: tuple[tuple[Individual, ...], ...]
    archive: tuple[Individual, ...]
    record: Mapping[str, tuple[float, float]]
    stale: int
    proposed: int
    scores: Mapping[str, Score]
    seen: int
    invalid: Mapping[str, int]
    seconds: float
    identity: Mapping[str, object]

    @property
    def rankings(self) -> int:
        """Different rankings of the training architectures among all structures seen."""
        return len({score.signature for score in islice(self.scores.values(), self.seen)} - {""})

    def to_json(self) -> str:
        """One line of JSON; formulas as text."""
        before = {
            "format": FORMAT,
            "generation": self.generation,
            "islands": [_dump(island) for island in self.islands],
            "archive": _dump(self.archive),
            "record": self.record,
            "stale": self.stale,
            "proposed": self.proposed,
        }
        scores = (f"{_line(name)}:{score.text}" for name, score in islice(self.scores.items(), self.seen))
        after = {"invalid": self.invalid, "seconds": self.seconds, "identity": self.identity}
        return f'{_line(before)[:-1]},"scores":{{{",".join(scores)}}},{_line(after)[1:]}'

    @classmethod
    def from_json(cls, text: str, problem: Problem, config: EvolutionSettings) -> EvolutionState:
        """The state that `to_json` wrote.

        Raises RunError when the text is broken or belongs to another problem or other settings.
        """
        try:
            data = json.loads(text)
            found = (data["format"], data["identity"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise RunError(f"The saved state is not a state of this program: {error}. Start a new run.") from error
        if found[0] != FORMAT:
            raise RunError(f"The saved state has format {found[0]}, this version reads {FORMAT}. Start a new run.")
        saved = {config.RENAMED.get(name, name): value for name, value in found[1].items()}
        check_identity(saved, identity(problem, config))
        assessor = Assessor(problem, config.limits)
        assessor.scores = {name: Score.from_json(score) for name, score in data["scores"].items()}
        return cls(
            data["generation"],
            tuple(_load(island, assessor) for island in data["islands"]),
            _load(data["archive"], assessor),
            {name: (s, t) for name, (s, t) in data["record"].items()},
            data["stale"],
            data["proposed"],
            assessor.scores,
            len(assessor.scores),
            data["invalid"],
            data["seconds"],
            saved,
        )


def identity(problem: Problem, config: EvolutionSettings) -> dict[str, object]:
    """What a saved state must share with the run that continues it."""
    return {"problem": problem.fingerprint(), "torch": torch.__version__, **config.identity()}


def check_identity(saved: Mapping[str, object], wanted: Mapping[str, object]) -> None:
    """Raises RunError, naming the first difference, unless both are equal."""
    saved = {"without": "", **saved}  # which versions up to 0.2.0 do not know
    for name in wanted:
        if saved.get(name) != wanted[name]:
            raise RunError(
                f"The saved state has {name}={saved.get(name)}, this run {name}={wanted[name]}. "
                "Continue with the settings and data of the saved run, or start a new one."
            )


def _line(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _dump(individuals: Sequence[Individual]) -> list[list[str]]:
    return [[to_text(i.tree), i.origin] for i in individuals]


def _load(rows: Sequence[Sequence[str]], assessor: Assessor) -> tuple[Individual, ...]:
    return tuple(assessor.individual(parse(text, assessor.problem.grammar), origin) for text, origin in rows)


def restore(state: EvolutionState, assessor: Assessor, config: EvolutionSettings) -> Archive:
    """Puts the state's memory into an assessor and returns its archive."""
    assessor.scores = dict(islice(state.scores.items(), state.seen))
    assessor.proposed = state.proposed
    assessor.invalid = dict(state.invalid)
    return Archive(config.archive_width, state.archive)
