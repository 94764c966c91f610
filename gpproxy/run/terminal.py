"""What a run shows in a terminal: progress with time left, the front as it grows, and the final table.

In a terminal the front is redrawn in place; where the output is a file or a pipe, one plain line per generation.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from gpproxy.evolve.table import final_table, steps, wrapped
from gpproxy.run.duration import duration

if TYPE_CHECKING:
    from gpproxy.evolution.generation import Generation
    from gpproxy.evolve.result import Entry, Result

#: Seconds between two lines of progress where nothing can be redrawn.
PAUSE = 10.0
#: Columns of a table where neither a terminal nor COLUMNS says how many there are.
UNTOLD = 140


class Watch:
    """Watches a run in silence; what `run` uses from Python. A subclass shows what it likes."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def progress(self, what: str, done: int, total: int) -> None:
        """`done` of `total` are finished."""

    def step(self, what: str) -> None:
        """Something short begins."""

    def generation(self, generation: Generation, front: Sequence[Entry], last: int) -> None:
        """A generation is finished; `last` is the index of the last one planned."""

    def result(self, result: Result) -> None:
        """The run is finished."""

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The run has ended, well or not."""


class Terminal(Watch):
    """Shows a run in a terminal, or as plain lines where there is none."""

    def __init__(self, console: Console | None = None):
        self.console = console or Console(highlight=False)
        self._live: Live | None = None
        self._bars = _bars(self.console)
        self._tasks: dict[str, TaskID] = {}
        self._front: RenderableType = Text()
        self._paces: dict[str, _Pace] = {}

    def note(self, text: str) -> None:
        if self.console.is_terminal:
            text = in_parts(text, self.console.width)
        self.console.print(text, markup=False, soft_wrap=not self.console.is_terminal)

    def progress(self, what: str, done: int, total: int) -> None:
        if not self.console.is_terminal:
            self._plain_progress(what, done, total)
            return
        if what not in self._tasks:
            if done >= total:
                return
            self._hide_bars()
            self._tasks[what] = self._bars.add_task(what, total=total, completed=done)
        self._bars.update(self._tasks[what], completed=done, total=total)
        self._draw()

    def step(self, what: str) -> None:
        if self.console.is_terminal:
            self._hide_bars()
            self._bars.add_task(what, total=None)
            self._draw()

    def generation(self, generation: Generation, front: Sequence[Entry], last: int) -> None:
        if not self.console.is_terminal:
            self.note(generation_line(generation, front, last))
            return
        self._front = front_table(generation, front, self.console.height - 8)
        self.progress("generations", generation.index, last)
        self._draw()

    def result(self, result: Result) -> None:
        self._close()
        told = self.console.is_terminal or os.environ.get("COLUMNS", "").isdigit()
        for line in final_table(result, self.console.width if told else UNTOLD):
            self.console.print(line, soft_wrap=True, no_wrap=True, crop=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _plain_progress(self, what: str, done: int, total: int) -> None:
        """At most a line every few seconds, and none for what is finished from the start."""
        now = time.monotonic()
        if what not in self._paces:
            if done < total:
                self.note(f"{what}: {done}/{total}")
            self._paces[what] = _Pace(now, done, now if done < total else math.inf)
            return
        pace = self._paces[what]
        if (now - pace.said > PAUSE or done == total) and what != "generations":
            left = pace.left(now, done, total)
            self.note(f"{what}: {done}/{total}" + (f", about {duration(left)} left" if left else ""))
            pace.said = now if done < total else math.inf

    def _hide_bars(self) -> None:
        for task in self._bars.task_ids:
            self._bars.update(task, visible=False)

    def _draw(self) -> None:
        picture = Group(self._front, self._bars)
        if self._live is None:
            self._live = Live(picture, console=self.console, refresh_per_second=4, transient=True)
            self._live.start()
        else:
            self._live.update(picture)

    def _close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


@dataclass
class _Pace:
    """Time and count of the first news of some progress, which may continue an earlier run, and when it was told last.

    Times are seconds of `time.monotonic`.
    """

    started: float
    before: int
    said: float

    def left(self, now: float, done: int, total: int) -> float:
        """Seconds to the end at the mean pace since the first news; 0 at the end and where nothing was done since."""
        return (now - self.started) * (total - done) / (done - self.before) if done > self.before else 0.0


def in_parts(text: str, width: int) -> str:
    """A line of parts with three spaces between them, broken between parts where it is longer than `width`."""
    first, *others = re.split(r"(?<=\S) {3}(?=\S)", text)
    if len(text) <= width or not others or "\n" in text:
        return text
    lines = [first]
    for part in others:
        if len(lines[-1]) + 3 + len(part) <= width:
            lines[-1] += "   " + part
        else:
            lines += ["    " + piece for piece in wrapped(part, width - 4)]
    return "\n".join(lines)


class _Count(MofNCompleteColumn):
    """`3/20`; nothing for a step of unknown length."""

    def render(self, task: Task) -> Text:
        return Text() if task.total is None else super().render(task)


class _Left(TimeRemainingColumn):
    """`time left 0:01:40`; nothing for a step of unknown length."""

    def render(self, task: Task) -> Text:
        return Text() if task.total is None else Text("time left ").append_text(super().render(task))


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        _Count(),
        _Left(),
        console=console,
        expand=True,
    )


def generation_line(generation: Generation, front: Sequence[Entry], last: int) -> str:
    """A generation in one line."""
    head = f"generation {generation.index}/{last}  {generation.seconds:.0f} s  {generation.evaluated} formulas"
    if generation.best is None:
        return f"{head}  no valid formula yet"
    best = generation.best
    tau, rho = min(best.score.kendall), min(best.score.spearman)
    text = max(front, key=lambda entry: entry.quality).formula
    return f"{head}  train τ {tau:.3f} ρ {rho:.3f}  {best.complexity} nodes  {text}"


def front_table(generation: Generation, front: Sequence[Entry], height: int) -> RenderableType:
    """The front so far: one line per formula, the best last."""
    if not front:
        return Text("no formula ranks the training architectures yet", style="dim")
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 1))
    for name, style in (("nodes", "cyan"), ("cost", "dim"), ("τ", "green"), ("ρ", "green")):
        table.add_column(name, justify="right", style=style, no_wrap=True, min_width=5)
    table.add_column("formula (correlations on the training architectures)", ratio=1, no_wrap=True, overflow="ellipsis")
    scores = {(i.complexity, i.quality): i.score for i in generation.archive}
    for entry in steps(front)[-max(height, 3) :]:
        score = scores[entry.complexity, entry.quality]
        tau, rho = min(score.kendall), min(score.spearman)
        cost = f"{entry.cost:.1f}"
        table.add_row(str(entry.complexity), cost, f"{tau:.3f}", f"{rho:.3f}", Text(entry.pretty))
    seconds = int(generation.seconds)
    facts = f"{generation.evaluated} formulas in {seconds // 60}:{seconds % 60:02d}"
    if generation.invalid:
        facts += f", {sum(generation.invalid.values())} invalid"
    return Group(table, Text(facts, style="dim"))
