"""What a run of evolve shows: the front as it grows, and the final table.

In: generations, fronts and a Result. Out: what a console shows. In a terminal the front is redrawn in place; where the
output is a file or a pipe, one plain line per generation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gpproxy.evolve.series_table import series_table
from gpproxy.evolve.table import final_table, steps
from gpproxy.run.tables import told_width
from gpproxy.run.terminal import Terminal, Watch

if TYPE_CHECKING:
    from gpproxy.evolution.generation import Generation
    from gpproxy.evolve.result import Entry, Result
    from gpproxy.evolve.series import Series


class EvolveWatch(Watch):
    """Watches a run in silence; what `run` uses from Python. A subclass shows what it likes."""

    def generation(self, generation: Generation, front: Sequence[Entry], last: int) -> None:
        """A generation is finished; `last` is the index of the last one planned."""

    def result(self, result: Result) -> None:
        """The run is finished."""

    def series(self, found: Mapping[str, Series]) -> None:
        """The runs of several seeds are finished."""


class EvolveTerminal(Terminal, EvolveWatch):
    """Shows a run in a terminal, or as plain lines where there is none."""

    def generation(self, generation: Generation, front: Sequence[Entry], last: int) -> None:
        if not self.console.is_terminal:
            self.note(generation_line(generation, front, last))
            return
        self.above = front_table(generation, front, self.console.height - 8)
        self.progress("generations", generation.index, last)
        self.draw()

    def result(self, result: Result) -> None:
        self.close()
        for line in final_table(result, told_width(self.console)):
            self.console.print(line, soft_wrap=True, no_wrap=True, crop=False)

    def series(self, found: Mapping[str, Series]) -> None:
        self.close()
        for series in found.values():
            for line in series_table(series, told_width(self.console)):
                self.console.print(line, soft_wrap=True, no_wrap=True, crop=False)


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
