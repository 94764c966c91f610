"""What a run of evolve shows: the front as it grows, and the final table.

In: generations, fronts and a Result. Out: what a console shows. In a terminal the front is redrawn in place; where the
output is a file or a pipe, one plain line per generation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gpproxy.evolve.curve_table import curve_table
from gpproxy.evolve.series_table import ablation_table, series_table
from gpproxy.evolve.table import final_table, steps
from gpproxy.run.tables import number, told_width, wrapped
from gpproxy.run.terminal import Terminal, Watch

if TYPE_CHECKING:
    from gpproxy.evolution.generation import Generation
    from gpproxy.evolve.curve import Point
    from gpproxy.evolve.result import Entry, Result
    from gpproxy.evolve.series import Series


T = TypeVar("T")


class EvolveWatch(Watch):
    """Watches a run in silence; what `run` uses from Python. A subclass shows what it likes."""

    def generation(self, generation: Generation, front: Sequence[Entry], last: int) -> None:
        """A generation is finished; `last` is the index of the last one planned."""

    def result(self, result: Result) -> None:
        """The run is finished."""

    def series(self, found: Mapping[str, Series]) -> None:
        """The runs of several seeds are finished."""

    def ablation(self, found: Mapping[str, Series]) -> None:
        """An ablation is finished."""

    def curve(self, found: Mapping[str, Sequence[Point]]) -> None:
        """A learning curve is finished."""


class EvolveTerminal(Terminal, EvolveWatch):
    """Shows a run in a terminal, or as plain lines where there is none."""

    _explained = False

    def generation(self, generation: Generation, front: Sequence[Entry], last: int) -> None:
        if not self.console.is_terminal:
            if not self._explained:
                self.note(LINES)
                self._explained = True
            self.note(generation_line(generation, front, last))
            return
        self.above = front_table(generation, front, self.console.width, self.console.height - 4)
        self.progress("generations", generation.index, last)
        self.draw()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if kind is not None and issubclass(kind, KeyboardInterrupt) and self.console.is_terminal:
            self.console.print(self.above)  # what was drawn in place is gone: the front so far stays to be looked at

    def result(self, result: Result) -> None:
        self.close()
        for line in final_table(result, told_width(self.console)):
            self.console.print(line, soft_wrap=True, no_wrap=True, crop=False)

    def series(self, found: Mapping[str, Series]) -> None:
        self._tables(series_table, found)

    def ablation(self, found: Mapping[str, Series]) -> None:
        self._tables(ablation_table, found)

    def curve(self, found: Mapping[str, Sequence[Point]]) -> None:
        self._tables(curve_table, found)

    def _tables(self, table: Callable[[T, int], Iterator[Text]], found: Mapping[str, T]) -> None:
        self.close()
        for one in found.values():
            for line in table(one, told_width(self.console)):
                self.console.print(line, soft_wrap=True, no_wrap=True, crop=False)


#: What the columns of the front mean.
LEGEND = (
    "nodes: operations, statistics and constants of a formula; cost: passes over the feature maps of a network; τ, ρ: "
    "Kendall's and Spearman's rank correlation with quality on the training networks, 1 is the same order; "
    "valid. τ: on the validation networks, by one initialisation; nothing is bred by it; Σ: sum over the layers, "
    "Σ[late] over those in the last third of the depth"
)
#: What the lines of the generations mean, where there is no terminal.
LINES = f"one line per generation, of its best formula on the training networks. {LEGEND}"


def generation_line(generation: Generation, front: Sequence[Entry], last: int) -> str:
    """A generation in one line."""
    head = f"generation {generation.index}/{last}  {generation.seconds:.0f} s  {generation.evaluated:,} formulas"
    if generation.best is None:
        return f"{head}  no valid formula yet"
    best = generation.best
    tau, rho = min(best.score.kendall), min(best.score.spearman)
    shown = max(front, key=lambda entry: entry.quality)
    valid = f"  valid. τ {number(shown.validation['kendall'])}" if shown.validation else ""
    size = f"{best.complexity} node{'s' * (best.complexity > 1)}"
    return f"{head}  train τ {tau:.3f} ρ {rho:.3f}{valid}  {size}  {shown.formula}"


def front_table(generation: Generation, front: Sequence[Entry], width: int, height: int) -> RenderableType:
    """The front so far, one line per formula, the best last; below it the best one whole, and what is shown.

    Args:
        width, height: room in characters and lines; the simplest formulas give way.
    """
    if not front:
        return Text("no formula ranks the training architectures yet", style="dim")
    shown = steps(front)
    whole = ["best: " + line if not place else "      " + line
             for place, line in enumerate(wrapped(shown[-1].pretty, max(width - 6, 20)))]  # fmt: skip
    told = wrapped(LEGEND, max(width, 20))
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 1))
    columns = (("nodes", "cyan"), ("cost", "dim"), ("τ", "green"), ("ρ", "green"), ("valid. τ", "green"))
    for name, style in columns:
        table.add_column(name, justify="right", style=style, no_wrap=True, min_width=5)
    table.add_column("formula", ratio=1, no_wrap=True, overflow="ellipsis")
    scores = {(i.complexity, i.quality): i.score for i in generation.archive}
    for entry in shown[-max(height - len(whole) - len(told) - 4, 3) :]:
        score = scores[entry.complexity, entry.quality]
        tau, rho = min(score.kendall), min(score.spearman)
        valid = entry.validation.get("kendall")
        cells = (f"{entry.cost:.1f}", f"{tau:.3f}", f"{rho:.3f}", "-" if valid is None else f"{valid:.3f}")
        table.add_row(str(entry.complexity), *cells, Text(entry.pretty))
    seconds = int(generation.seconds)
    facts = f"{generation.evaluated:,} formulas in {seconds // 60}:{seconds % 60:02d}"
    if generation.invalid:
        facts += f", {sum(generation.invalid.values())} without a ranking"
    return Group(table, Text("\n".join(whole), style="bold"), Text("\n".join([*told, facts]), style="dim"))
