"""What `benchmark estimate` prints: a line per estimator, readable from 80 columns on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from gpproxy.run.duration import duration
from gpproxy.run.tables import with_interval

if TYPE_CHECKING:
    from gpproxy.benchmark.estimate import Estimated


def estimate_lines(found: Sequence[Estimated], table: str, width: int) -> Iterator[Text]:
    """Rank correlations with the quality, higher is better, and what each costs.

    The last column says from how many architectures the first estimator is cheaper than this one.
    """
    count = found[0].metrics["n"]
    yield Text(f"{table}: {count} architectures", style="bold").append("; rank correlation, 95 %", style="not bold dim")
    room = 17 if width < 110 else 48
    head = f"{'estimator':<{room}} {'ρ':>17} {'τ':>17} {'each':>8} {'before':>8} {'first <':>8}"
    yield Text(head, style="dim")
    for one in found:
        name = one.name if len(one.name) <= room else f"{one.name[: room - 1]}…"
        before = duration(one.price.set_up) if one.price.set_up else "-"
        cells = (with_interval(one.metrics, "spearman"), with_interval(one.metrics, "kendall"))
        yield Text(
            f"{name:<{room}} {cells[0]:>17} {cells[1]:>17} {_seconds(one.price.each):>8} {before:>8} "
            f"{_candidates(one.cheaper_from):>8}"
        )
    yield Text(
        f"each: seconds of one core for an architecture (median); before: until the first one; first <: architectures "
        f"from which {found[0].name} is cheaper",
        style="dim",
    )
    for one in found:
        if one.told:
            yield Text(f"before {one.name}: {one.told}", style="dim")


def _seconds(value: float) -> str:
    return f"{value:.3g} s"


def _candidates(value: float) -> str:
    if math.isnan(value):
        return ""
    return "never" if math.isinf(value) else f"{math.ceil(value):,}" if value else "always"
