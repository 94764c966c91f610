"""Is the formula worth using? One word and the reason, from the numbers of the test alone.

In: a Result. Out: an Advice per benchmark; the report opens with it. What it says is what the intervals say: a number
whose interval holds 0 is not shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gpproxy.evolve.result import Result
from gpproxy.evolve.rivals import KINDS, Rival
from gpproxy.evolve.table import joined
from gpproxy.ranking.confounders import SAME
from gpproxy.ranking.power import architectures_for, least_tau
from gpproxy.run.tables import with_interval

#: A correlation that a proxy which is of use should reach; the advice tells how many labels show it.
USEFUL = 0.5


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
    measured = f"On {count} networks that it has never seen it reaches τ {with_interval(test, 'kendall')}"
    if low is None or low <= 0 or test["kendall"] < least_tau(count):
        holds = "the interval holds 0" if low is not None and low <= 0 else "that is no more than chance can do"
        why = "that is too few for an interval" if low is None else holds
        return Advice("bad", "Not shown to rank at all", f"{measured}: {why}. {too_few(result, benchmark)}")
    same = [found for found in rows["confounders"] if abs(found["spearman"] or 0.0) >= SAME]
    rivals = [rival for rival in result.rivals_of(benchmark) if rival.difference is not None]
    descriptor = next((rival for rival in rivals if rival.kind == "descriptor"), None)
    plain = descriptor is not None and not _better(descriptor)
    if same and (plain or descriptor is None):
        name, rho = same[0]["descriptor"], same[0]["spearman"]
        return Advice(
            "bad",
            f"{name} in disguise",
            f"{measured}, but its ranking is that of {name} (ρ {rho:.2f} with it), which takes no look at the network. "
            "Rank by that instead: nothing is gained by the formula.",
        )
    if plain:
        assert descriptor is not None and descriptor.difference is not None
        gap = with_interval(descriptor.difference.to_json(), "kendall")
        backwards = " counted backwards" if descriptor.sign < 0 else ""
        return Advice(
            "bad",
            f"Not shown to be better than {descriptor.name}{backwards}",
            f"{measured}, but {descriptor.name}{backwards}, which takes no look at the network, does as well as far as "
            f"these labels tell: the difference in τ is {gap}. Use that, or measure more networks.",
        )
    if not rivals:
        return Advice(
            "care",
            "It ranks; against what is not known",
            f"{measured}. The run was made by a version that did not compare in pairs; run it anew for a verdict.",
        )
    others = [KINDS[rival.kind] for rival in rivals if not _better(rival)]
    if others:
        return Advice(
            "care",
            "It ranks, but the evolution is not shown to have helped",
            f"{measured}. It is not shown to be better than {joined(others)}. Use whichever is simpler.",
        )
    flagged = [found["descriptor"] for found in rows["confounders"] if found["flagged"]]
    if flagged:
        return Advice(
            "care",
            "It ranks, but adds little",
            f"{measured} and is better than everything that it was compared with; yet given {joined(flagged)} little "
            "is left of it. Look at the confounders below.",
        )
    return Advice(
        "good",
        "Worth using on such networks",
        f"{measured}, and is better, in pairs on the same networks, than {joined([KINDS[r.kind] for r in rivals])}.",
    )


def too_few(result: Result, benchmark: str) -> str:
    """What as many test networks can tell, and how many would tell more, in sentences."""
    rows = result.benchmarks[benchmark]
    count = rows["test"]["n"]
    every = sum(rows[part]["n"] for part in ("train", "validation", "test"))
    least = least_tau(count)
    told = (
        f"With {count} test networks chance alone reaches |τ| {least:.2f} in one of twenty cases"
        if least <= 1
        else f"With {count} test networks no ranking, however good, can be told from chance"
    )
    needed = architectures_for(USEFUL)
    if count >= needed:
        return f"{told}."
    whole = -(-needed * every // max(count, 1))
    return f"{told}; τ {USEFUL:g} takes {needed} of them, which is about {whole} labels in all."


def _better(rival: Rival) -> bool:
    return rival.difference is not None and rival.difference.better
