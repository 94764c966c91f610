"""From the rows of a file to a Benchmark: every row is checked, and a bad one is named, never skipped in silence.

In: rows as a reader found them. Out: a Benchmark. Rules: the architecture belongs to the space, the metric is a finite
number (a collapsed training may lack one), no training stands twice, and the metric is not the same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gpproxy.benchmarks.benchmark import BadRow, Benchmark, Card
from gpproxy.errors import BenchmarkError, ConfigError, SpaceError
from gpproxy.search_spaces import SearchSpace

#: What to do with bad rows.
CHOICES = ("refuse", "drop")
#: Bad rows that a message lists before it only counts.
LISTED = 10


@dataclass(frozen=True)
class Row:
    """One training as a reader found it; `fault` is what the reader itself could not make sense of."""

    number: int
    code: str
    metric: float = math.nan
    seed: str = ""
    collapsed: bool = False
    columns: Mapping[str, float] = field(default_factory=dict)
    fault: str = ""


def assemble(
    name: str, card: Card, space: SearchSpace, rows: Iterable[Row], place: str, on_bad_rows: str = "refuse"
) -> Benchmark:
    """The Benchmark of these rows, trainings of one architecture together.

    Args:
        place: where the rows come from, for messages.
        on_bad_rows: `refuse` raises on the first bad rows, `drop` leaves them out and lists them in `dropped`.

    Raises BenchmarkError: bad rows under `refuse`, no usable row, a constant metric.
    """
    if on_bad_rows not in CHOICES:
        raise ConfigError(f"Bad rows can be 'refuse'd or 'drop'ped, but on_bad_rows is '{on_bad_rows}'.")
    trainings, bad = sift(rows, card, space)
    if bad and on_bad_rows == "refuse":
        raise BenchmarkError(_complaint(place, bad))
    if not trainings:
        raise BenchmarkError(f"{place} has no usable row" + (f": {bad[0]}." if bad else "."))
    quality, repeats, collapsed = _qualities([list(group.values()) for group in trainings.values()], card)
    if len(set(quality.tolist())) < 2:
        raise BenchmarkError(
            f"{place}: the metric '{card.metric}' is the same ({card.in_units(quality)[0]:.6g}) for all "
            f"{len(quality)} architectures, so nothing can be ranked by it. Check the card's metric."
        )
    means = _means([list(group.values()) for group in trainings.values()])
    measured = {name: means.pop(name) for name in card.measured_columns if name in means}
    constant = [name for name, column in means.items() if len(set(column[column.isfinite()].tolist())) < 2]
    remarks = tuple(f"The column '{name}' is left out: its values do not differ." for name in constant)
    columns = {card.prefix + name: column for name, column in means.items() if name not in constant}
    return Benchmark(
        name, card.space, tuple(trainings), quality, card, columns, repeats, collapsed, tuple(bad), remarks, measured
    )


def sift(rows: Iterable[Row], card: Card, space: SearchSpace) -> tuple[dict[str, dict[str, Row]], list[BadRow]]:
    """The good rows, code -> seed -> row, and the bad ones with the rule that each breaks."""
    trainings: dict[str, dict[str, Row]] = {}
    bad: list[BadRow] = []
    for row in rows:
        code, reason = _check(row, card, space)
        if not reason and row.seed in trainings.get(code, {}):
            first = trainings[code][row.seed].number
            reason = f"repeats row {first}" + (f" (seed {row.seed})" if row.seed else "")
        if reason:
            bad.append(BadRow(row.number, row.code, reason))
        else:
            trainings.setdefault(code, {})[row.seed] = row
    return trainings, bad


def _check(row: Row, card: Card, space: SearchSpace) -> tuple[str, str]:
    """The code in the space's own spelling, and the reason why the row is bad."""
    if row.fault:
        return row.code, row.fault
    try:
        code = space.encode(space.decode(row.code))
    except SpaceError as error:
        return row.code, f"unknown architecture: {error}"
    except Exception as error:  # of a space's own encode; decode raises SpaceError whatever happens in it
        return row.code, f"{space.name}.encode raised {type(error).__name__}: {error}"
    if not row.collapsed and not math.isfinite(row.metric):
        return code, f"{card.metric} is {row.metric}, not a finite number"
    if card.scale == "log" and math.isfinite(row.metric) and row.metric <= 0:
        return code, f"{card.metric} is {row.metric}, but a metric on the log scale is above 0"
    return code, ""


def _complaint(place: str, bad: Sequence[BadRow]) -> str:
    listed = "\n".join(f"  {row}" for row in bad[:LISTED])
    more = f"\n  ... and {len(bad) - LISTED} more" if len(bad) > LISTED else ""
    rows = "1 bad row" if len(bad) == 1 else f"{len(bad)} bad rows"
    return f"{place} has {rows}:\n{listed}{more}\nMend the file, or choose to drop bad rows."


def _qualities(groups: Sequence[Sequence[Row]], card: Card) -> tuple[Tensor, Tensor, Tensor]:
    width = max(len(group) for group in groups)
    metric = torch.full((len(groups), width), math.nan, dtype=torch.float64)
    collapsed = torch.zeros(metric.shape, dtype=torch.bool)
    for i, group in enumerate(groups):
        for j, row in enumerate(group):
            metric[i, j] = row.metric if math.isfinite(row.metric) else math.nan
            collapsed[i, j] = row.collapsed
    repeats = card.oriented(metric)
    if collapsed.any():
        measured = repeats[repeats.isfinite()]
        if not len(measured):
            measured = torch.zeros(1, dtype=torch.float64)
        span = (measured.max() - measured.min()).item() or 1.0
        repeats = repeats.masked_fill(collapsed, measured.min().item() - 1e-6 * span)
    return repeats.nanmean(1), repeats, collapsed


def _means(groups: Sequence[Sequence[Row]]) -> dict[str, Tensor]:
    """Further columns, name -> `architecture`: the mean over the trainings that have a value."""
    names = list(dict.fromkeys(name for group in groups for row in group for name in row.columns))
    means = {}
    for name in names:
        values = [[row.columns.get(name, math.nan) for row in group] for group in groups]
        means[name] = torch.tensor(
            [_mean([v for v in group if math.isfinite(v)]) for group in values], dtype=torch.float64
        )
    return means


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
