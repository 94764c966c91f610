"""The table at the end of a run: the front, the pick marked, the baselines below, and what to make of them.

In: a Result and a width. Out: lines of rich text; below 120 columns a formula stands under its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from gpproxy.evolve.facts import facts, says
from gpproxy.run.tables import number, with_interval, wrapped

if TYPE_CHECKING:
    from gpproxy.evolve.result import Entry, Result

#: Baselines that are shown; result.json has all.
SHOWN = 12
#: Columns from which formulas stand beside their numbers.
WIDE = 120

Parts = dict[str, dict[str, Any]]


def final_table(result: Result, width: int) -> Iterator[Text]:
    """The lines of the final table."""
    layout = _Layout.of(result, width)
    if len(result.benchmarks) > 1:
        yield Text("Rank correlation with measured quality", style="bold").append(
            ", each on its worst benchmark", style="not bold dim"
        )
        sizes = ", ".join(f"{rows['test']['n']} of {name}" for name, rows in result.benchmarks.items())
        for piece in wrapped(f"95 % intervals; test architectures: {sizes}", width):
            yield Text(piece, style="dim")
    else:
        yield Text("Rank correlation with measured quality", style="bold").append(
            f"; {result.test['n']} test architectures, 95 % intervals", style="not bold dim"
        )
    yield Text(layout.header(), style="dim")
    for entry in steps(result.front):
        parts = {"train": entry.train, "validation": entry.validation, "test": entry.test}
        head = [">" if entry.pick else "", str(entry.complexity), f"{entry.cost:.1f}"]
        yield from layout.lines(head, parts, entry.pretty, "bold green" if entry.pick else "")
    yield Text("baselines, in their published direction", style="dim")
    ranked = sorted(result.baselines.items(), key=lambda item: -abs(item[1]["test"]["spearman"] or 0.0))
    shown = [item for i, item in enumerate(ranked) if i < SHOWN or item[1]["kind"] == "random"]
    for name, row in shown:
        label = name if row["kind"] == "random" else f"{name} ({row['kind']})"
        yield from layout.baseline(label, row, "cyan" if row["kind"] == "random" else "")
    if len(ranked) > len(shown):
        yield Text(f"and {len(ranked) - len(shown)} more in result.json", style="dim")
    for piece in wrapped(layout.legend(result), width):
        yield Text(piece, style="dim")
    yield Text()
    for title, text in facts(result):
        yield from _hanging(title, text, width)


def steps(front: Sequence[Entry]) -> list[Entry]:
    """The entries that are better than every simpler one, and the pick: the front without the cost."""
    kept: list[Entry] = []
    best = float("-inf")
    for entry in sorted(front, key=lambda e: (e.complexity, -e.quality)):
        if entry.quality > best or entry.pick:
            kept.append(entry)
        best = max(best, entry.quality)
    return kept


@dataclass(frozen=True)
class _Layout:
    """Which columns there are, and how wide a line may be."""

    width: int
    alive: bool
    inside: bool

    @classmethod
    def of(cls, result: Result, width: int) -> _Layout:
        rows = result.benchmarks.values()
        inside = [found for row in rows if row["group"] and (found := row["test"].get("within", {}).get(row["group"]))]
        return cls(width, any(row["dead"]["test"] for row in rows), any(map(says, inside)))

    @property
    def wide(self) -> bool:
        return self.width >= WIDE

    def columns(self) -> list[tuple[str, int]]:
        """Titles and widths."""
        found = [("", 1), ("nodes↓", 6), ("cost↓", 5)]
        for title in ("train ρ", "valid. ρ"):
            found += [(title, len(title)), ("τ", 5)] if self.wide else [(title, len(title))]
        found += [("test ρ ↑", 17), ("test τ ↑", 17)]
        found += [("alive", 5)] if self.alive else []
        return found + ([("inside", 6)] if self.inside else [])

    def header(self) -> str:
        return self._join([title for title, _ in self.columns()]) + ("  formula" if self.wide else "")

    def lines(self, head: list[str], parts: Parts, name: str, style: str) -> Iterator[Text]:
        """One row: its numbers, and a formula or a name beside or below them."""
        numbers = self._join([*head, *self._numbers(parts)])
        if not self.wide:
            yield Text(numbers, style=style)
            for piece in wrapped(name, self.width - 4):
                yield Text("    " + piece, style=style or "dim")
            return
        first, *rest = wrapped(name, self.width - len(numbers) - 2)
        yield Text(f"{numbers}  {first}", style=style)
        for piece in rest:
            yield Text(" " * (len(numbers) + 2) + piece, style=style)

    def baseline(self, name: str, parts: Parts, style: str) -> Iterator[Text]:
        """One row of a baseline; in a narrow terminal its name stands in the place of the first columns."""
        if self.wide:
            yield from self.lines(["", "", ""], parts, name, style)
            return
        first = sum(size + 1 for _, size in self.columns()[:5]) - 1
        label = "  " + (name if len(name) <= first - 2 else name[: first - 3] + "…")
        numbers = self._join(["", "", "", *self._numbers(parts)])
        yield Text(label.ljust(first) + numbers[first:], style=style)

    def _join(self, cells: list[str]) -> str:
        return " ".join(cell.rjust(size) for cell, (_, size) in zip(cells, self.columns()))

    def _numbers(self, parts: Parts) -> list[str]:
        cells, test = [], parts["test"]
        for part in ("train", "validation"):
            row = parts.get(part, {})
            cells += [number(row.get("spearman"))] + ([number(row.get("kendall"))] if self.wide else [])
        cells += [with_interval(test, "spearman"), with_interval(test, "kendall")]
        cells += [number(test["without_dead"]["spearman"])] if self.alive else []
        within = [found for found in test.get("within", {}).values() if says(found)][:1]
        return cells + ([number(within[0]["spearman"]) if within else ""] if self.inside else [])

    def legend(self, result: Result) -> str:
        """What the columns and signs mean."""
        told = [
            "marked with >: the chosen formula",
            "nodes: operations, statistics and constants of a formula",
            "cost: passes over the feature maps of a network, statistics included",
            "ρ, τ: Spearman's and Kendall's rank correlation with the measured quality, 1 is the same order, 0 "
            "chance; in brackets 95 % intervals",
            "valid.: validation networks",
            "↑ higher is better, ↓ lower",
            "published direction: a baseline counts as its authors have it; with a minus sign it ranks backwards",
        ]
        if self.alive:
            told.append("alive: test ρ without dead networks")
        if self.inside:
            groups = dict.fromkeys(rows["group"] for rows in result.benchmarks.values() if rows["group"])
            told.append(f"inside: test ρ among networks of equal {', '.join(groups)}; how many groups, see the note")
        return "; ".join(told) + "."


def _hanging(title: str, text: str, width: int) -> Iterator[Text]:
    """A titled paragraph with its lines indented."""
    indent = 12
    for i, piece in enumerate(wrapped(text, max(width - indent, 20))):
        yield Text.assemble((title.ljust(indent) if i == 0 else " " * indent, "bold"), piece)
