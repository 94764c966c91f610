"""The table at the end of a run: the front, the pick marked, the baselines below, and what to make of them.

In: a Result. Out: lines of rich text for a given width; below 120 columns a formula stands under its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

if TYPE_CHECKING:
    from gpproxy.study.result import Result

#: Baselines that are shown; result.json has all.
SHOWN = 12
WIDE = 120


def final_table(result: Result, width: int) -> Iterator[Text]:
    """The lines of the final table."""
    rows: list[tuple[str, str, str, dict[str, Any], str]] = []
    from gpproxy.console import steps

    for entry in steps(result.front):
        parts = {"train": entry.train, "validation": entry.validation, "test": entry.test}
        rows.append((">" if entry.pick else "", str(entry.complexity), f"{entry.cost:.1f}", parts, entry.pretty))
    columns = _columns(result)
    several = len(result.benchmarks) > 1
    title = f"Rank correlation with the measured quality (95 % intervals, test n = {result.test['n']})"
    yield Text(title + (", each time on the worst benchmark" if several else ""), style="bold")
    yield _line(columns, None, width)
    for mark, nodes, cost, parts, pretty in rows:
        yield from _row(columns, mark, nodes, cost, parts, pretty, width, "bold green" if mark else "")
    yield Text("Baselines, in their published direction", style="bold")
    ranked = sorted(result.baselines.items(), key=lambda item: -abs(item[1]["test"]["spearman"] or 0.0))
    shown = [item for i, item in enumerate(ranked) if i < SHOWN or item[1]["kind"] == "random"]
    for name, row in shown:
        label = f"{name} ({row['kind']})" if row["kind"] != "random" else name
        yield from _row(columns, "", "", "", row, label, max(width, WIDE) if len(label) < 1 else width, "")
    if len(ranked) > len(shown):
        yield Text(f"   ... and {len(ranked) - len(shown)} more in result.json", style="dim")
    yield Text()
    yield from _remarks(result)


def _columns(result: Result) -> list[str]:
    """The optional columns that mean something here."""
    rows = result.benchmarks.values()
    found = []
    if any(row["dead"]["test"] for row in rows):
        found.append("alive")
    if any(row["group"] for row in rows):
        found.append("inside")
    return found


def _row(
    columns: Sequence[str], mark: str, nodes: str, cost: str, parts: dict[str, Any], name: str, width: int, style: str
) -> Iterator[Text]:
    numbers = _line(columns, (mark, nodes, cost, parts), width)
    if width >= WIDE:
        room = width - numbers.cell_len - 2
        pieces = _wrapped(name, room)
        yield Text.assemble(numbers, "  ", pieces[0], style=style)
        for piece in pieces[1:]:
            yield Text(" " * (numbers.cell_len + 2) + piece, style=style)
    elif not nodes:
        yield Text.assemble(numbers, style=style)
        yield Text(" " * 4 + name, style=style or "dim")
    else:
        yield Text.assemble(numbers, style=style)
        for piece in _wrapped(name, width - 4):
            yield Text(" " * 4 + piece, style=style or "dim")


def _line(columns: Sequence[str], values: tuple[str, str, str, dict[str, Any]] | None, width: int) -> Text:
    """The numbers of one row, or the header for None."""
    if values is None:
        cells = ["", "nodes", "cost"]
        cells += ["train τ", "ρ", "valid. τ", "ρ"] if width >= WIDE else ["train ρ", "valid. ρ"]
        cells += ["test ρ", "test τ"] + {"alive": ["alive ρ"], "inside": []}.get("alive" if "alive" in columns else "", [])
        cells += ["in groups"] if "inside" in columns else []
    else:
        mark, nodes, cost, parts = values
        test = parts["test"]
        cells = [mark, nodes, cost]
        for part in ("train", "validation"):
            row = parts.get(part, {})
            cells += [_number(row.get("kendall"))] if width >= WIDE else []
            cells += [_number(row.get("spearman"))]
        cells += [_with_interval(test, "spearman"), _with_interval(test, "kendall")]
        if "alive" in columns:
            cells.append(_number(test["without_dead"]["spearman"]))
        if "inside" in columns:
            inside = list(test.get("within", {}).values())
            cells.append(_number(inside[0]["spearman"]) if inside else "")
    widths = [1, 5, 5] + ([7, 5, 8, 5] if width >= WIDE else [7, 8]) + [18, 18, 7, 9]
    text = " ".join(cell.rjust(size) for cell, size in zip(cells, widths))
    return Text(text, style="dim" if values is None else "")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _with_interval(row: dict[str, Any], measure: str) -> str:
    low, high = row[f"{measure}_interval"]
    if row[measure] is None:
        return "-"
    return f"{row[measure]:.2f} [{_number(low)}, {_number(high)}]"


def _wrapped(text: str, room: int) -> list[str]:
    """Lines of at most `room` characters, broken at spaces where there are any."""
    lines, line = [], ""
    for word in text.split(" "):
        while len(word) > room:
            lines.append((line + " " + word)[:room].strip() if line else word[:room])
            word = word[room - len(line) - 1 if line else room :]
            line = ""
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def _remarks(result: Result) -> Iterator[Text]:
    yield Text.assemble(("formula    ", "bold"), result.formula)
    if result.rank_form != result.formula:
        yield Text.assemble(("ranks like ", "bold"), result.rank_form)
    kind = "forward and backward pass" if result.needs_backward else "forward pass only"
    yield Text.assemble(("needs      ", "bold"), f"{', '.join(result.statistics)} ({kind})")
    for name, rows in result.benchmarks.items():
        for remark in remarks(rows):
            yield Text.assemble((name, "bold"), f": {remark}")
    if result.folder:
        yield Text.assemble(("written to ", "bold"), str(result.folder))


def remarks(rows: dict[str, Any]) -> Iterator[str]:
    """Sentences on one benchmark: dead networks, groups, disguise, luck, ceiling, what was left out."""
    test = rows["test"]
    dead = rows["dead"]["test"]
    if dead:
        alive = test["without_dead"]
        yield (
            f"{len(dead)} of {test['n']} test networks are dead and rank last; without them "
            f"ρ {_with_interval(alive, 'spearman')}, τ {_with_interval(alive, 'kendall')}."
        )
    for name, inside in test["within"].items():
        if inside["spearman"] is not None:
            low, high = inside["interval"]
            yield (
                f"inside groups of equal {name}: ρ {_number(inside['spearman'])} [{_number(low)}, {_number(high)}] "
                f"({inside['groups']} groups, {inside['n']} networks)."
            )
    flagged = [d for d in rows["disguise"] if d["flagged"]]
    for found in flagged:
        yield (
            f"CAUTION: the formula ranks like {found['descriptor']} (ρ {_number(found['spearman'])}); given it, "
            f"{_number(found['partial'])} remains."
        )
    luck = rows["luck"]["expected"]
    yield f"by luck alone the best of as many formulas reaches |τ| {luck:.2f} on the training architectures."
    if rows["ceiling"]:
        best = rows["ceiling"]
        yield (
            f"retraining noise caps every proxy near ρ {best['spearman']:.2f}, τ {best['kendall']:.2f} "
            f"({best['n']} {best['source']})."
        )
    if rows["left_out"]:
        yield f"{len(rows['left_out'])} generators could not be looked at and were left out."
