"""What scoring an architecture gives, and the one rule for what counts as a score.

A finite number is a score. A dead network has minus infinity, with a problem that begins with `dead: `. Everything else
(NaN, another infinity, a failure) is no value: NaN, with the reason as its problem. The mean over initialisations has
what the first of them has that is no score.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

#: How the text that says what is wrong begins for a network without a live path.
DEAD = "dead: "


class Value(NamedTuple):
    """What one proxy says of one architecture.

    Attributes:
        score: higher is better; -inf for a dead network, NaN where there is none.
        problem: why there is no score, or empty.
        failed: whether the generator could not be looked at, or the proxy stopped with an error.
        spread: standard deviation over the initialisations of the mean; NaN for a single one.
        note: how much of the network was seen, where that is not all.
    """

    score: float
    problem: str = ""
    failed: bool = False
    spread: float = math.nan
    note: str = ""


def value(number: float, reason: str = "") -> Value:
    """The value of a live network: the number where it is finite, otherwise none, with a reason."""
    if math.isfinite(number):
        return Value(number)
    return Value(math.nan, reason or ("no value" if math.isnan(number) else "infinite"))


def dead(reason: str) -> Value:
    """The value of a dead network."""
    return Value(-math.inf, DEAD + reason)


def failed(reason: str) -> Value:
    """The value of a network that could not be looked at."""
    return Value(math.nan, reason, True)


def mean(values: Sequence[Value]) -> Value:
    """The value over one or more initialisations, in their order."""
    missing = next((one for one in values if not math.isfinite(one.score)), None)
    if missing is not None or len(values) == 1:
        return missing or values[0]
    scores = [one.score for one in values]
    return Value(statistics.fmean(scores), spread=statistics.stdev(scores), note=values[0].note)


def told_of_notes(notes: Iterable[str], count: int) -> str:
    """One sentence on networks that were not seen whole, empty where there are none; `count` is the number of all."""
    number, first, warning = 0, "", ""
    for note in notes:
        number, first = number + 1, first or note
        if not warning and note.startswith("Only "):
            warning = note
    if not number:
        return ""
    careful = "Careful: " if warning else ""
    return f"{careful}{number:,} of {count:,} networks are not seen whole. {warning or first}."


def cell(score: float) -> str:
    """A score in a CSV file: every digit, `-inf` for a dead network, empty where there is none."""
    return "" if math.isnan(score) else repr(float(score))


@dataclass(frozen=True)
class Scored:
    """One architecture with its scores.

    Attributes:
        code: the architecture.
        scores: one per proxy, higher is better; -inf for a dead network, NaN where a proxy has no value.
        params, macs: of the live network, macs for one image; NaN where nobody asked.
        latency: median milliseconds of one image, NaN when not measured.
        problem: why a score is missing, or empty.
        slow: whether it breaks the limit on latency; it is not ranked then and has no scores.
        failed: whether it could not be looked at, or a proxy stopped with an error.
        spreads: per proxy the standard deviation over its initialisations, NaN for a single one; empty where no proxy
            has any.
        note: how much of the network was seen; empty where all was.
    """

    code: str
    scores: tuple[float, ...]
    params: float = math.nan
    macs: float = math.nan
    latency: float = math.nan
    problem: str = ""
    slow: bool = False
    failed: bool = False
    spreads: tuple[float, ...] = ()
    note: str = ""

    @classmethod
    def of(cls, code: str, values: Sequence[Value], latency: float = math.nan) -> Scored:
        """The values of all proxies together; what says that the network is dead comes first."""
        problems = dict.fromkeys(one.problem for one in values if one.problem)
        return cls(
            code,
            tuple(one.score for one in values),
            latency=latency,
            problem="; ".join(sorted(problems, key=lambda problem: not problem.startswith(DEAD))),
            failed=any(one.failed for one in values),
            spreads=() if all(math.isnan(one.spread) for one in values) else tuple(one.spread for one in values),
            note=next((one.note for one in values if one.note), ""),
        )

    @property
    def score(self) -> float:
        """That of the first proxy."""
        return self.scores[0]

    @property
    def spread(self) -> float:
        """That of the first proxy; NaN for a single initialisation."""
        return self.spreads[0] if self.spreads else math.nan

    @property
    def dead(self) -> bool:
        return self.problem.startswith(DEAD)

    def cost(self, objective: str) -> float:
        """`macs`, `params` or `latency`; lower is better."""
        return float(getattr(self, objective))
