"""The training loop: trains an objective step by step, measures it at the checks, and leaves everything in a folder.

In: an Objective, a recipe, what measures images. Out: Progress as it goes; in the folder the journal, the state, the
weights of the best check, a picture per check and, last of all, the outcome. The same call continues what is there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from gpproxy.errors import RunError
from gpproxy.training.checkpoint import BEST, load_state, save_state, save_weights
from gpproxy.training.grid import grid_name, write_grid
from gpproxy.training.journal import Journal
from gpproxy.training.objective import Objective
from gpproxy.training.outcome import OUTCOME, Check, Outcome, Progress, best_of, numbers, write_outcome
from gpproxy.training.recipe import Recipe
from gpproxy.training.verdict import FINISHED, NOT_FINITE, Verdict

#: Seconds between two saved states, and between two Progress.
SAVE, TELL = 30.0, 1.0

#: The fact that is a result itself.
FLOOR = "floor"

Measure = Callable[[Tensor], Mapping[str, float]]


def train_loop(
    objective: Objective,
    recipe: Recipe,
    *,
    folder: Path,
    measure: Measure | None,
    samples: int,
    main: str,
    about: Mapping[str, Any],
    facts: Mapping[str, Any] = MappingProxyType({}),
    stop: Callable[[], bool] | None = None,
) -> Iterator[Progress]:
    """Trains to the end of the recipe, or to a verdict, or until `stop`; continues what the folder holds.

    A continued training is equal, bit for bit, to one that was never interrupted, on a CPU and with the same number of
    threads. It may be abandoned at any Progress.

    Args:
        objective: untrained; it takes over the state of the folder.
        recipe: how many steps, when to check, when to give up.
        folder: made where there is none. Nothing else writes in it while this runs.
        measure: from images, uint8 `sample x 3 x height x width`, to numbers; None measures no images.
        samples: images to measure.
        main: name of the number that chooses the best check; lower is better.
        about: what is trained, as JSON; a folder only continues what it began.
        facts: what a measured number belongs to, as JSON: extractor, reference and their digests, which decide a
            training as `about` does; and the floor, where it is known before the end. Every check in the journal has
            them, and the outcome in its `about`.
        stop: asked after each step; true saves the state and ends the iteration.

    Raises:
        RunError: the folder belongs to another training or was measured by another extractor, or its state is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / OUTCOME).is_file():
        return
    about = {**about, **{name: value for name, value in facts.items() if name != FLOOR}}
    yield from _Training(objective, recipe, folder, measure, samples, main, about, facts).run(stop or (lambda: False))


@dataclass
class _Training:
    """One training while it runs."""

    objective: Objective
    recipe: Recipe
    folder: Path
    measure: Measure | None
    samples: int
    main: str
    about: Mapping[str, Any]
    facts: Mapping[str, Any]
    step: int = 0
    #: whether a verdict ends it here
    over: bool = False
    curve: list[Check] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)
    means: dict[str, float] = field(default_factory=dict)
    #: seconds of earlier processes, and of this one without checks
    before: float = 0.0
    stepping: float = 0.0

    def __post_init__(self) -> None:
        self.journal = Journal(self.folder)
        self.verdict = Verdict(self.recipe)
        #: journal lines, one per hundredth of the steps
        self.interval = max(math.ceil(self.recipe.steps / 100), 1)
        #: losses that have not been read, and what their device still computes them on
        self.waiting: list[Tensor] = []
        self.stream = getattr(self.objective, "stream", None)
        self.names: list[str] = []
        self.started = self.saved = self.told = time.monotonic()

    def run(self, stop: Callable[[], bool]) -> Iterator[Progress]:
        self._continue()
        first, checks = self.step, set(self.recipe.check_steps)
        while self.step < self.recipe.steps and not self.over:
            began = time.monotonic()
            self._advance()
            check, line = self.step in checks, self.step % self.interval == 0
            if (check or line or began - self.told > TELL) and self.step < self.recipe.steps:
                # Told before the losses are read: on a GPU other objectives can go on while this one computes.
                self.told = began
                yield self._progress(first)
            if check or line:
                self._read()
                self._line()
            self.stepping += time.monotonic() - began
            # A verdict counts where losses are read in any case, so that it does not depend on interruptions.
            measures = self._check() if check or (line and self.verdict.word) else None
            self.over = bool(self.verdict.word) and (check or line)
            asked = stop()
            if asked or check or self.over or time.monotonic() - self.saved > SAVE:
                self._read()
                self._save()
            if measures is not None:
                yield self._progress(first, measures)
            if asked and not self.over and self.step < self.recipe.steps:
                return
        self._finish()

    def _advance(self) -> None:
        losses = self.objective.step(self.step)
        self.names = list(losses)
        self.waiting.extend(losses.values())
        self.step += 1

    def _read(self) -> None:
        """Waits for the steps that were begun, and takes in their losses."""
        if not self.waiting:
            return
        with torch.cuda.stream(self.stream) if self.stream else nullcontext():
            rows = torch.stack(self.waiting).view(-1, len(self.names)).tolist()
        for index, row in enumerate(rows, start=self.step - len(rows)):
            found = dict(zip(self.names, row))
            self.verdict.losses(index, found)
            self.sums = {name: self.sums.get(name, 0.0) + value for name, value in found.items()}
        self.waiting.clear()

    def _line(self) -> None:
        """Means of the losses since the last line, into the journal."""
        count = (self.step - 1) % self.interval + 1
        self.means = {name: total / count for name, total in self.sums.items()}
        self.sums = {} if self.step % self.interval == 0 else self.sums
        self.journal.append("losses", self.step, **self.means, seconds=round(self._seconds(), 3))

    def _check(self) -> dict[str, float] | None:
        """Measures, draws the picture, and keeps the weights where they are the best so far."""
        weights = self.objective.weights()
        self.verdict.weights(self.step, weights)
        if self.verdict.word == NOT_FINITE:
            return None
        measured: Mapping[str, float] = {}
        if self.step in self.recipe.image_steps:
            images = self.objective.samples(self.samples)
            self.verdict.images(self.step, images)
            measured = {} if self.measure is None else self.measure(images)
        found = {name: float(value) for name, value in {**self.objective.held_out_losses(), **measured}.items()}
        self.curve.append(Check(self.step, found))
        if best_of(self.curve, self.main) is self.curve[-1]:
            save_weights(self.folder / BEST, weights, {"step": self.step, **self.about})
        write_grid(self.folder / grid_name(self.step), self.objective.picture())
        seen = self.step * self.recipe.images_per_step
        counts = {"images_seen": seen, "samples": self.samples, "seconds": round(self._seconds(), 3)}
        self.journal.append("check", self.step, measures=found, **self.facts, **counts)
        return found

    def _progress(self, first: int, measures: Mapping[str, float] | None = None) -> Progress:
        rate = (self.step - first) / self.stepping if self.stepping else 0.0
        return Progress(self.step, self.recipe.steps, self.means, rate, self._seconds(), measures)

    def _seconds(self) -> float:
        return self.before + time.monotonic() - self.started

    def _save(self) -> None:
        """Replaces the state by the present one."""
        state = {
            "about": dict(self.about),
            "step": self.step,
            "over": self.over,
            "seconds": self._seconds(),
            "sums": self.sums,
            "means": self.means,
            "curve": [[check.step, dict(check.measures)] for check in self.curve],
            "verdict": self.verdict.state_dict(),
            "objective": self.objective.state_dict(),
        }
        save_state(self.folder, state)
        self.saved = time.monotonic()

    def _continue(self) -> None:
        """Takes over the state in the folder, where there is one."""
        state = load_state(self.folder)
        if state is None:
            self.journal.cut(0)
            return
        # What an older state does not say is not compared.
        other = [name for name, value in sorted(state["about"].items()) if value != self.about.get(name)]
        if other:
            raise RunError(
                f"{self.folder} holds a training with another {', '.join(other)}. Continue it with its own settings, "
                "or choose another folder."
            )
        self.objective.load_state_dict(state["objective"])
        self.verdict.load_state_dict(state["verdict"])
        self.step, self.over, self.before = state["step"], state["over"], state["seconds"]
        self.sums, self.means = state["sums"], state["means"]
        self.curve = [Check(step, numbers(measures)) for step, measures in state["curve"]]
        self.journal.cut(self.step)

    def _finish(self) -> None:
        word, reason = self.verdict.word or FINISHED, self.verdict.reason
        ended = Outcome(
            word,
            reason,
            self.step,
            self.recipe.steps,
            round(self._seconds(), 3),
            self.main,
            tuple(self.curve),
            self.means,
            {**self.about, **self.facts},
        )
        self.journal.append("end", self.step, verdict=word, reason=reason)
        write_outcome(self.folder, ended)
