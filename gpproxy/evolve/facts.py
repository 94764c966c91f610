"""What to make of the numbers of a run, in sentences: below the table in the terminal, and on its page.

In: a Result. Out: titles and sentences: the formula in words, the verdict against every rival, the committee, notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gpproxy.evolve.advice import advise
from gpproxy.evolve.result import ENDS
from gpproxy.expressions.notation.words import explained
from gpproxy.ranking.difference import MEASURES, Difference
from gpproxy.run.folder import COMMITTEE
from gpproxy.run.tables import capital, joined, number, with_interval

if TYPE_CHECKING:
    from gpproxy.evolve.result import Result
    from gpproxy.evolve.rivals import Rival

#: Fewest networks in groups of equal size, with which a correlation inside the groups says something.
INSIDE = 8
#: What a formula that is not shown to be better than a descriptor comes to.
AS_WELL = "As far as these labels tell, a trivial descriptor that needs no network does as well"


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
    for name in result.benchmarks:
        yield "in short", (f"{name}: " if several else "") + f"{advise(result, name).title}."
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
    sides = outcome((KINDS[rival.kind], rival.difference) for rival in rivals)
    told = [f"on the test the formula is {sides}."] if sides else []
    descriptor = next((rival for rival in rivals if rival.kind == "descriptor"), None)
    if descriptor is not None and descriptor.difference is not None and not descriptor.difference.better:
        backwards = ", counted backwards" if descriptor.sign < 0 else ""
        told.append(f"{AS_WELL}: {descriptor.name}{backwards}.")
    elif confounders:
        told.append(f"It may be {confounders[0]['descriptor']} in disguise, see the note.")
    return capital(" ".join(told))


def outcome(compared: Iterable[tuple[str, Difference | None]]) -> str:
    """`better, by ρ and τ, than A; not shown to be better than B; worse than C`, of those with a difference."""
    sides: dict[str, list[str]] = {"better, by ρ and τ, than": [], "not shown to be better than": [], "worse than": []}
    best, open_, worst = sides.values()
    for name, difference in compared:
        if difference is not None:
            (best if difference.better else worst if difference.worse else open_).append(name)
    return "; ".join(f"{words} {joined(names)}" for words, names in sides.items() if names)


def random_budget(draws: Sequence[dict[str, Any]], evolved: int) -> str:
    """How far the random searches came, and what their picks reach on the test."""
    taus = ", ".join(number(row["test"]["kendall"]) for row in draws)
    fewer = [row for row in draws if row["finished"] == "exhausted"]
    head = "1 draw of random formulas," if len(draws) == 1 else f"{len(draws)} draws of random formulas, each"
    counts = [row["rankings"] for row in draws]
    many = " to ".join(f"{count:,}" for count in dict.fromkeys((min(counts), max(counts))))
    told = f"{head} of {many} different rankings"
    told += f" as evolved ({evolved:,})" if not fewer else ", and no others were found"
    return f"{told}, in {max(row['seconds'] for row in draws):.0f} s{' each at most' * (len(draws) > 1)}; test τ {taus}"


def remarks(rows: dict[str, Any]) -> Iterator[str]:
    """Sentences on one benchmark: dead networks, groups, confounders, chance level, ceiling, what was left out."""
    test, dead = rows["test"], rows["dead"]["test"]
    if dead:
        alive = test["without_dead"]
        yield (
            f"{len(dead)} of {test['n']} test networks {'is' if len(dead) == 1 else 'are'} dead and "
            f"rank{'s' * (len(dead) == 1)} last for every proxy; without {'it' if len(dead) == 1 else 'them'} "
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
