"""Is the formula worth using? One word and the reason, from the numbers of the test alone.

In: a Result. Out: an Advice per benchmark; the report opens with it. What it says is what the intervals say: a number
whose interval holds 0 is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gpproxy.benchmarks.split import TESTED
from gpproxy.evolve.result import Result
from gpproxy.evolve.rivals import KINDS, Rival
from gpproxy.ranking.confounders import SAME
from gpproxy.ranking.difference import MEASURES
from gpproxy.ranking.metrics import Row
from gpproxy.ranking.power import architectures_for, least_tau
from gpproxy.run.tables import joined, number, with_interval
from gpproxy.search_spaces.describe import WORDS

#: A correlation that a proxy which is of use should reach; the advice tells how many labels show it.
USEFUL = 0.5
#: Rivals that are no simpler than the formula and need the same labels: they tell what the evolution is worth, and not
#: whether to use what it has found, unless they rank better.
CONTROLS = ("random", "black box")


@dataclass(frozen=True)
class Advice:
    """`tone`: `good`, `care` or `bad`; `title` says it in a few words, `text` why."""

    tone: Literal["good", "care", "bad"]
    title: str
    text: str


def advise(result: Result, benchmark: str) -> Advice:
    """Whether to use the formula of a run, as far as one benchmark tells."""
    rows = result.benchmarks[benchmark]
    test = rows["test"]
    low = test["kendall_interval"][0]
    count = test["n"]
    measured = _measured(test)
    if low is None or low <= 0 or test["kendall"] < least_tau(count):
        holds = (
            "chance can do that, too: the interval holds 0"
            if low is not None and low <= 0
            else "chance can do that, too"
        )
        why = "that is too few for an interval" if low is None else holds
        return Advice("bad", "Not worth using: not shown to rank at all", f"{measured}; {why}. "
                      f"{too_few(result, benchmark)}")  # fmt: skip
    same = [found for found in rows["confounders"] if abs(found["spearman"] or 0.0) >= SAME]
    rivals = [rival for rival in result.rivals_of(benchmark) if rival.difference is not None]
    descriptor = next((rival for rival in rivals if rival.kind == "descriptor"), None)
    plain = descriptor is not None and not _better(descriptor)
    if same and (plain or descriptor is None):
        name, rho = same[0]["descriptor"], same[0]["spearman"]
        return Advice(
            "bad",
            f"Not worth using: it is {WORDS.get(name, name)} in disguise",
            f"{measured}, but its order is that of {_ordered(name, rho)} (ρ {number(rho)} with it), which is read off "
            "the architecture without running it. Rank by that instead: nothing is gained by the formula.",
        )
    if plain:
        assert descriptor is not None and descriptor.difference is not None
        gap = descriptor.difference
        other = _ordered(descriptor.name, descriptor.sign)
        if any(gap.sign(measure) > 0 for measure in MEASURES):
            return Advice(
                "care",
                f"To be used with care: not better than {other} by every measure",
                f"{measured}, but against ranking by {other}, which is read off the architecture without running it, "
                f"it is {gap.words}: the difference in τ is {with_interval(gap.to_json(), 'kendall')}, in ρ "
                f"{with_interval(gap.to_json(), 'spearman')}. More networks would tell.",
            )
        worse = gap.sign("kendall") < 0
        told = "is better" if worse else "does as well as far as these labels tell"
        return Advice(
            "bad",
            f"Not worth using: {'worse than' if worse else 'not shown to be better than'} {other}",
            f"{measured}, but ranking by {other}, which is read off the architecture without running it, {told}: the "
            f"difference in τ is {with_interval(gap.to_json(), 'kendall')}. Use that"
            f"{'' if worse else ', or measure more networks'}.",
        )
    if not rivals:
        return Advice(
            "care",
            "Not known: it ranks, but was compared with nothing",
            f"{measured}. The run was made by a version that did not compare in pairs; run it anew for a verdict.",
        )
    ahead = [_told(rival) for rival in rivals if rival.kind in CONTROLS and _worse(rival)]
    if ahead:
        return Advice(
            "care",
            "To be used with care: it ranks, but another choice by the same labels ranks better",
            f"{measured}, but is worse than {joined(ahead)}: another seed may find a better formula.",
        )
    others = [_told(rival) for rival in rivals if rival.kind not in CONTROLS and not _better(rival)]
    if others:
        beaten = "" if descriptor is None else " It is better than the best descriptor of the architecture."
        return Advice(
            "care",
            "To be used with care: it ranks, but something simpler may do as well",
            f"{measured}.{beaten} It is not shown to be better than {joined(others)}: use whichever is simpler.",
        )
    unpaired = None if any(rival.kind == "classical" for rival in rivals) else _best_classical(rows["baselines"])
    if unpaired is not None and unpaired[1] >= low:
        return Advice(
            "care",
            "To be used with care: it ranks, but a classical proxy may do as well",
            f"{measured} and is better than {joined([KINDS[r.kind] for r in rivals])}. Classical proxies were computed "
            f"on the test alone, so none could be chosen to compare with in pairs; of them {unpaired[0]} has τ "
            f"{number(unpaired[1])} there. A run with --proxy-parts all compares.",
        )
    flagged = [found["descriptor"] for found in rows["confounders"] if found["flagged"]]
    if flagged:
        return Advice(
            "care",
            f"To be used with care: it ranks, but adds little to {joined(flagged)}",
            f"{measured} and is better than everything that it was compared with; yet given {joined(flagged)} little "
            "is left of it. Look at the confounders below.",
        )
    beaten = joined([KINDS[rival.kind] for rival in rivals if _better(rival)])
    equal = [KINDS[rival.kind] for rival in rivals if not _better(rival)]
    luck = ""
    if equal:
        luck = f" That it took an evolution is not shown: {joined(equal)}, chosen by the same labels, may do as well."
    return Advice(
        "good",
        "Worth using on such networks",
        f"{measured}, and is better, in pairs on the same networks, than {beaten}.{luck}",
    )


def _measured(test: Row) -> str:
    """How it ranks the test, first in plain words: τ is the share of pairs in the right order less that in the wrong.

    With ties τ-b is not quite that, so the share is rounded.
    """
    if test["kendall"] is None:
        return f"It was tested on {test['n']} networks"
    pairs = test["n"] * (test["n"] - 1) // 2
    told, of = (f"100 pairs among {test['n']}", 100) if pairs > 100 else (f"the {pairs} pairs of {test['n']}", pairs)
    return (
        f"Of {told} networks that it has never seen it puts about {round(of * (1 + test['kendall']) / 2)} in the right "
        f"order, a coin {of // 2} (τ {with_interval(test, 'kendall')})"
    )


def _ordered(name: str, sign: float) -> str:
    """`the number of layers`, or `the number of layers, low first`."""
    return WORDS.get(name, name) if sign > 0 else f"{WORDS.get(name, name)}, low first"


def too_few(result: Result, benchmark: str) -> str:
    """What as many test networks can tell, and how many would tell more, in sentences."""
    rows = result.benchmarks[benchmark]
    count = rows["test"]["n"]
    least = least_tau(count)
    told = (
        f"With {count} test networks chance alone reaches |τ| {least:.2f} in one of twenty cases"
        if least <= 1
        else f"With {count} test networks no ranking, however good, can be told from chance"
    )
    needed = architectures_for(USEFUL)
    if count >= needed:
        return f"{told}."
    return f"{told}; a τ of {USEFUL:g} takes {needed} of them, about {TESTED * needed} labels in all."


def _best_classical(baselines: Mapping[str, Any]) -> tuple[str, float] | None:
    """The classical proxy that ranks the test best, and its τ there, in its published direction; None without any."""
    known = {name: row["test"]["kendall"] for name, row in baselines.items() if row["kind"] == "classical"}
    return max(((name, tau) for name, tau in known.items() if tau is not None), key=lambda one: one[1], default=None)


def _told(rival: Rival) -> str:
    """`best single statistic (NAME, low first)`, and where the measures do not agree, what each says."""
    named = "" if rival.kind in ("random", "black box") else f"{rival.name}{', low first' if rival.sign < 0 else ''}"
    words = rival.difference.words if rival.difference is not None else ""
    told = "; ".join(filter(None, [named, words if " by " in words else ""]))
    return f"{KINDS[rival.kind]} ({told})" if told else KINDS[rival.kind]


def _better(rival: Rival) -> bool:
    return rival.difference is not None and rival.difference.better


def _worse(rival: Rival) -> bool:
    return rival.difference is not None and any(rival.difference.sign(measure) < 0 for measure in MEASURES)
