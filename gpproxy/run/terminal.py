"""What every command shows while it works: remarks, and progress with the time left.

In: what is done, of how much. Out: what a console shows. In a terminal bars are redrawn in place; where the output is a
file or a pipe, a plain line every few seconds. What a verb shows beside it stands in a subclass of its own.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from gpproxy.run.console import usual_console
from gpproxy.run.duration import duration
from gpproxy.run.notebook import CellPicture, live
from gpproxy.run.tables import in_parts

if TYPE_CHECKING:
    from rich.live import Live
    from typing_extensions import Self

#: Seconds between two lines of progress where nothing can be redrawn.
PAUSE = 10.0


class Watch:
    """Watches a run in silence; what `run` uses from Python. A subclass shows what it likes."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def progress(self, what: str, done: int, total: int) -> None:
        """`done` of `total` are finished."""

    def step(self, what: str) -> None:
        """Something short begins."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The run has ended, well or not."""


class Terminal(Watch):
    """Shows a run in a terminal or below the cell of a notebook, or as plain lines where there is neither."""

    def __init__(self, console: Console | None = None):
        self.console = console or usual_console()
        self._live: Live | CellPicture | None = None
        self._bars = _bars(self.console)
        self._tasks: dict[str, TaskID] = {}
        #: What is drawn above the bars.
        self.above: RenderableType = Text()
        self._paces: dict[str, _Pace] = {}

    def note(self, text: str) -> None:
        if self.console.is_terminal:
            text = in_parts(text, self.console.width)
        self.console.print(text, markup=False, soft_wrap=not self.console.is_terminal)

    def progress(self, what: str, done: int, total: int) -> None:
        if not self.console.is_terminal:
            self._plain_progress(what, done, total)
            return
        if what not in self._tasks or done < total and self._bars.tasks[self._tasks[what]].finished:
            if done >= total:
                return
            self._hide_bars()
            self._tasks[what] = self._bars.add_task(what, total=total, completed=done)
        self._bars.update(self._tasks[what], completed=done, total=total)
        self.draw()

    def step(self, what: str) -> None:
        if self.console.is_terminal:
            self._hide_bars()
            self._bars.add_task(what, total=None)
            self.draw()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _plain_progress(self, what: str, done: int, total: int) -> None:
        """At most a line every few seconds, and none for what is finished from the start. What begins anew after its
        end, such as looks at further initialisations, is counted anew."""
        now = time.monotonic()
        if what not in self._paces or done < total and self._paces[what].said == math.inf:
            if done < total:
                self.note(f"{what}: {done:,}/{total:,}")
            self._paces[what] = _Pace(now, done, now if done < total else math.inf, done)
            return
        pace = self._paces[what]
        if (now - pace.said > PAUSE or done == total > pace.told) and what != "generations":
            left = pace.left(now, done, total)
            self.note(f"{what}: {done:,}/{total:,}" + (f", about {duration(left)} left" if left else ""))
            pace.said, pace.told = now if done < total else math.inf, done

    def _hide_bars(self) -> None:
        for task in self._bars.task_ids:
            self._bars.update(task, visible=False)

    def draw(self) -> None:
        """Redraws what stands above, and the bars."""
        picture = Group(self.above, self._bars)
        if self._live is None:
            self._live = live(picture, self.console)
            self._live.start()
        else:
            self._live.update(picture)

    def close(self) -> None:
        """Ends what is redrawn; later lines are printed below each other."""
        if self._live is not None:
            self._live.stop()
            self._live = None


@dataclass
class _Pace:
    """Time and count of the first news of some progress, which may continue an earlier run, and of the last line.

    Times are seconds of `time.monotonic`.
    """

    started: float
    before: int
    said: float
    told: int

    def left(self, now: float, done: int, total: int) -> float:
        """Seconds to the end at the mean pace since the first news; 0 at the end and where nothing was done since."""
        return (now - self.started) * (total - done) / (done - self.before) if done > self.before else 0.0


class _Count(ProgressColumn):
    """`3/20`, `1,024/45,114`; nothing for a step of unknown length."""

    def render(self, task: Task) -> Text:
        return Text() if task.total is None else Text(f"{int(task.completed):,}/{int(task.total):,}")


class _Left(TimeRemainingColumn):
    """`time left 0:01:40`; nothing for a step of unknown length."""

    def render(self, task: Task) -> Text:
        return Text() if task.total is None else Text("time left ").append_text(super().render(task))


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        _Count(),
        _Left(),
        console=console,
        expand=True,
    )
