"""What a search shows: the best so far as they change, candidates per second, time left, and the result."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from gpproxy.pictures.architecture import short
from gpproxy.proxies.scored import Scored
from gpproxy.run.console import usual_console
from gpproxy.run.notebook import CellPicture, live
from gpproxy.search.contenders import Line, bounded

if TYPE_CHECKING:
    from rich.live import Live

    from gpproxy.search.course import Progress as SearchProgress

#: Seconds between two pictures in a terminal, and between two lines where nothing can be redrawn.
REDRAW, PAUSE = 0.5, 10.0


class SearchWatch:
    """Watches a search in silence; what `run` uses from Python. A subclass shows what it likes."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def search(self, progress: SearchProgress, top: int) -> None:
        """A batch was scored; `top` is how many of the best to show."""

    def best(self, rows: Sequence[tuple[Scored, float]], timed: bool) -> None:
        """The search is over; its best candidates and their scores."""

    def compared(self, lines: Sequence[Line], measure: str) -> None:
        """All trainings are over."""

    def __enter__(self) -> SearchWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The search has ended, well or not."""


class SearchTerminal(SearchWatch):
    """Shows a search in a terminal or below the cell of a notebook, or as plain lines where there is neither."""

    def __init__(self, console: Console | None = None):
        self.console = console or usual_console()
        self._live: Live | CellPicture | None = None
        self._said = 0.0

    def note(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=not self.console.is_terminal)

    def search(self, progress: SearchProgress, top: int) -> None:
        now = time.monotonic()
        terminal = self.console.is_terminal
        if not progress.finished and now - self._said < (REDRAW if terminal else PAUSE):
            return
        self._said = now
        rows = progress.leaders.best(top)
        if not terminal:
            self.note(search_line(progress, rows))
        elif self._live is None:
            self._live = live(_picture(progress, rows), self.console)
            self._live.start()
        else:
            self._live.update(_picture(progress, rows))

    def best(self, rows: Sequence[tuple[Scored, float]], timed: bool) -> None:
        self._close()
        self.console.print(best_table(rows, timed))

    def compared(self, lines: Sequence[Line], measure: str) -> None:
        self.console.print(compare_table(lines, measure))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def search_line(progress: SearchProgress, rows: Sequence[tuple[Scored, float]]) -> str:
    """How far a search is, in one line."""
    head = f"{progress.told}/{progress.budget}  {facts(progress)}"
    return f"{head}  best {rows[0][1]:.6g} {rows[0][0].code}" if rows else head


def facts(progress: SearchProgress) -> str:
    """Speed, time left, and what was passed over."""
    told = [f"{progress.rate:.3g} candidates/s"] if progress.fresh else []
    if math.isfinite(progress.left) and not progress.finished:
        seconds = int(progress.left)
        told.append(f"time left {seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}")
    if progress.excluded or progress.slow:
        told.append(f"{progress.excluded + progress.slow} outside the limits")
    if progress.repeated:
        told.append(f"{progress.repeated} seen before")
    return ", ".join(told)


def best_table(rows: Sequence[tuple[Scored, float]], timed: bool) -> Table:
    """The best candidates, first the best."""
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for name, style in (("rank", "dim"), ("score", "green"), ("params", ""), ("MACs", "")):
        table.add_column(name, justify="right", style=style, no_wrap=True)
    if timed:
        table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("architecture", overflow="fold")
    for rank, (one, score) in enumerate(rows, start=1):
        latency = [f"{one.latency:.3g}"] if timed else []
        text = Text(one.code + (f"  {one.problem}" if one.problem else ""))
        table.add_row(str(rank), f"{score:.6g}", short(one.params), short(one.macs), *latency, text)
    return table


def compare_table(lines: Sequence[Line], measure: str) -> Table:
    """Quality after training with 95 % intervals; lower is better. `measure` is empty when nothing was measured."""
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("group", no_wrap=True)
    table.add_column(f"{measure} ↓" if measure else "", justify="right", style="green", no_wrap=True)
    for name in ("runs", "collapsed", "params", "MACs"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("architecture", overflow="fold", min_width=18)
    for line in lines:
        whole = not line.code
        cells = ["", ""] if whole else [short(line.params), short(line.macs)]
        code = f"mean of {line.architectures}" if whole else line.code
        counts = [str(line.trainings), str(line.collapsed)]
        value = "-" if math.isnan(line.mean) else bounded(line.mean, line.low, line.high)
        table.add_row(line.group, value, *counts, *cells, code, style="bold" if whole else "")
    return table


def _picture(progress: SearchProgress, rows: Sequence[tuple[Scored, float]]) -> RenderableType:
    bar = Progress(
        BarColumn(bar_width=None), MofNCompleteColumn(), TextColumn("{task.description}", markup=False), expand=True
    )
    bar.add_task(facts(progress), total=progress.budget, completed=progress.told)
    timed = any(not math.isnan(one.latency) for one, _ in rows)
    return Group(best_table(rows, timed), bar)
