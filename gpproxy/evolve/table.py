"""The table at the end of a run: the front, the pick marked, the baselines below, and what to make of them.

In: a Result and a width. Out: lines of rich text; below 120 columns a formula stands under its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from gpproxy.evolve.result import ENDS
from gpproxy.expressions.notation.words import explained
from gpproxy.ranking.difference import MEASURES
from gpproxy.run.folder import COMMITTEE
from gpproxy.run.tables import capital, number, with_interval, wrapped

if TYPE_CHECKING:
    from gpproxy.evolve.result import Entry, Result
    from gpproxy.evolve.rivals import Rival

#: Baselines that are shown; result.json has all.
SHOWN = 12
#: Fewest networks in groups of equal size, with which a correlation inside the groups says something.
INSIDE = 8
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


def top_sentence(test: dict[str, Any]) -> str:
    """What is found at the top of the test, as far as older results tell."""
    found = test["regret"]
    told, luck = (", ".join(f"{one[name]:.3g}" for one in found) for name in ("chosen", "random"))
    sizes = joined([str(one["k"]) for one in found])
    return (
        f"at the top, it finds {100 * test['top_tenth']:.0f} % of the best tenth; the best of the {sizes} that it "
        f"ranks highest stays {told} behind the best of all {test['n']} in measured quality (at random {luck}); "
        f"weighted τ {number(test['weighted'])}."
    )


def says(inside: dict[str, Any]) -> bool:
    """Whether a correlation inside groups says something: of at least two groups, and enough networks in all."""
    return inside["spearman"] is not None and inside["groups"] > 1 and inside["n"] >= INSIDE


def _hanging(title: str, text: str, width: int) -> Iterator[Text]:
    """A titled paragraph with its lines indented."""
    indent = 12
    for i, piece in enumerate(wrapped(text, max(width - indent, 20))):
        yield Text.assemble((title.ljust(indent) if i == 0 else " " * indent, "bold"), piece)


def facts(result: Result) -> Iterator[tuple[str, str]]:
    """Titles and sentences below the table."""
    yield "formula", result.formula
    if result.rank_form != result.formula:
        yield "ranks like", result.rank_form
    yield "in words", result.words
    if result.tie_break:
        yield "order", tie_sentence(result.tie_break)
    for name, meaning in explained(result.statistics):
        yield "where", f"{name}: {meaning}"
    kind = "a forward and a backward pass" if result.needs_backward else "a forward pass only"
    yield "needs", f"{kind}: {', '.join(result.statistics)}"
    yield from verdict(result)
    yield from committees(result)
    several = len(result.benchmarks) > 1
    for name, rows in result.benchmarks.items():
        for sentence in remarks(rows):
            yield "note", f"{name}: {sentence}" if several else sentence
    what = f"{result.evaluations:,} formulas in {result.generations} generations and {result.seconds:.0f} s"
    yield "searched", f"{what}, until {ENDS.get(result.finished, result.finished)}"
    draws = [row for row in result.baselines.values() if "rankings" in row]
    if draws:
        yield "compared", random_budget(draws, result.rankings)
    if any("train" not in row or "validation" not in row for row in result.baselines.values()):
        yield (
            "-",
            "in a row of a baseline: not computed there. Classical proxies are computed on the test alone; "
            "--proxy-parts all computes them elsewhere, too, and --proxies all the dear ones.",
        )
    if result.folder:
        yield "written to", str(result.folder)


def tie_sentence(found: dict[str, Any]) -> str:
    """What orders first, and that all else only breaks its ties."""
    told = (
        f"{found['first']} comes first, with {found['values']} different values on the {found['networks']} training "
        f"networks; the rest, {found['then']}, only breaks ties between networks that share one."
    )
    return told + (" In single precision some of what it adds would be lost." if found["fragile"] else "")


def verdict(result: Result) -> Iterator[tuple[str, str]]:
    """The formula against each kind of baseline, as the same labels would have chosen it; then what that comes to."""
    several = len(result.benchmarks) > 1
    for name in result.benchmarks:
        rivals = [rival for rival in result.rivals_of(name) if rival.difference is not None]
        for rival in rivals:
            yield "formula −", against(rival) + (f", on {name}" if several else "")
        told = summary(rivals, [found for found in result.benchmarks[name]["confounders"] if found["flagged"]])
        if told:
            yield "verdict", f"{name}: {told}" if several else told


def committees(result: Result) -> Iterator[tuple[str, str]]:
    """The committee of the run beside the formula, and how it is used."""
    several = len(result.benchmarks) > 1
    for name in result.benchmarks:
        found = result.committee_of(name)
        if found is None or found.difference is None:
            continue
        numbers = ", ".join(f"{mark} {with_interval(found.test, measure)}" for measure, mark in MEASURES.items())
        gap = with_interval(found.difference.to_json(), "kendall")
        where = f" on {name}" if several else ""
        use = "" if result.folder is None else f" Use it by --proxy {result.folder / COMMITTEE}"
        yield (
            "committee",
            f"the mean rank by the formula and {found.among - 1} of the archive that rank otherwise: test {numbers}"
            f"{where}; the formula less this: τ {gap}, {found.difference.words}.{use}",
        )


def against(rival: Rival) -> str:
    """`best descriptor (depth): τ .12 [.02, .21], ρ .15 [.03, .26]: better`."""
    difference = rival.difference
    assert difference is not None
    row = difference.to_json()
    numbers = ", ".join(f"{mark} {with_interval(row, measure)}" for measure, mark in MEASURES.items())
    return f"{rival.title}: {numbers}: {difference.words}"


def summary(rivals: Sequence[Rival], confounders: Sequence[dict[str, Any]]) -> str:
    """What the comparisons come to, in sentences; empty where there are none."""
    from gpproxy.evolve.rivals import KINDS

    if not rivals:
        return ""
    better = [KINDS[rival.kind] for rival in rivals if rival.difference and rival.difference.better]
    others = [KINDS[rival.kind] for rival in rivals if rival.difference and not rival.difference.better]
    told = []
    if better:
        told.append(f"on the test the formula is better than {joined(better)} by ρ and τ.")
    if others:
        told.append(f"{'It' if better else 'On the test the formula'} is not shown to be better than {joined(others)}.")
    descriptor = next((rival for rival in rivals if rival.kind == "descriptor"), None)
    if descriptor is not None and descriptor.difference is not None and not descriptor.difference.better:
        backwards = ", counted backwards" if descriptor.sign < 0 else ""
        told.append(
            f"A trivial descriptor that needs no network, {descriptor.name}{backwards}, is all that these labels show."
        )
    elif confounders:
        told.append(f"It may be {confounders[0]['descriptor']} in disguise, see the note.")
    return capital(" ".join(told))


def joined(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def random_budget(draws: Sequence[dict[str, Any]], evolved: int) -> str:
    """How far the random searches came, and what their picks reach on the test."""
    taus = ", ".join(number(row["test"]["kendall"]) for row in draws)
    fewer = [row for row in draws if row["finished"] == "exhausted"]
    head = "1 draw of random formulas," if len(draws) == 1 else f"{len(draws)} draws of random formulas, each"
    told = f"{head} of {draws[0]['rankings']:,} different rankings"
    told += f" as evolved ({evolved:,})" if not fewer else ", and no others were found"
    return f"{told}, in {max(row['seconds'] for row in draws):.0f} s{' each at most' * (len(draws) > 1)}; test τ {taus}"


def remarks(rows: dict[str, Any]) -> Iterator[str]:
    """Sentences on one benchmark: dead networks, groups, confounders, chance level, ceiling, what was left out."""
    test, dead = rows["test"], rows["dead"]["test"]
    if dead:
        alive = test["without_dead"]
        yield (
            f"{len(dead)} of {test['n']} test networks are dead and rank last for every proxy; without them "
            f"ρ {with_interval(alive, 'spearman')}, τ {with_interval(alive, 'kendall')}."
        )
    if test.get("regret"):
        yield top_sentence(test)
    if rows["group"]:
        inside = test["within"].get(rows["group"], {"spearman": None})
        if says(inside):
            low, high = inside["interval"]
            yield (
                f"inside {inside['groups']} groups of equal {rows['group']} ({inside['n']} networks): "
                f"ρ {number(inside['spearman'])} [{number(low)}, {number(high)}]."
            )
    for found in rows["confounders"]:
        if found["flagged"]:
            yield (
                f"CAUTION: the formula may be {found['descriptor']} in disguise: it has ρ {number(found['spearman'])} "
                f"with it, and given it {number(found['partial'])} is left with the quality."
            )
    yield (
        f"by luck alone, the best of as many formulas reaches |τ| {number(rows['chance']['expected'])} on as many "
        "training architectures."
    )
    if rows["ceiling"]:
        best = rows["ceiling"]
        rho, tau = number(best["spearman"]), number(best["kendall"])
        if best["kendall"] is None:
            yield (
                "as far as the repeats tell, trainings of one network differ as much as those of different ones: there "
                "is no ceiling to tell, and the labels may be noise."
            )
        else:
            yield f"the noise of retraining keeps every proxy below ρ {rho}, τ {tau}."
    if rows["inits"]:
        inits = rows["inits"]
        each = " ".join(number(rho) for rho in inits["spearman"])
        yield (
            f"the test scores are the mean of {len(inits['spearman'])} initialisations; each alone has ρ {each}. A "
            f"score varies between them by {number(inits['spread'])} of its deviation over the networks."
        )
    if rows["left_out"]:
        count = len(rows["left_out"])
        yield f"left out, because they could not be looked at: {count} generator{'s' * (count > 1)}."
