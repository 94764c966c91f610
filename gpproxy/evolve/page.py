"""Finished runs as a page: what `report.html` shows of evolve, in the order in which one asks.

In: EvolveRuns. Out: a Document for `gpproxy.report.render`. A picture that could not say anything is left out, with a
sentence that says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from gpproxy.evolve import page_figures as figures
from gpproxy.evolve.advice import advise
from gpproxy.evolve.facts import remarks, says, tie_sentence, verdict
from gpproxy.evolve.finished import EvolveRun
from gpproxy.evolve.page_card import table_card
from gpproxy.evolve.page_series import ladder, over_seeds
from gpproxy.evolve.series import Series
from gpproxy.evolve.series_table import verdict as verdict_of_series
from gpproxy.evolve.table import steps
from gpproxy.expressions.notation.mathematics import mathml_of
from gpproxy.expressions.notation.words import explained
from gpproxy.report.document import Block, Document, Math, Section, Table, Text, Tone
from gpproxy.report.render import REPORT
from gpproxy.report.repeat import repeat
from gpproxy.run.tables import capital, number, with_interval
from gpproxy.search_spaces.describe import WORDS

#: Signs and abbreviations of every table of correlations.
LEGEND = (
    "τ: Kendall's rank correlation with the measured quality, ρ: Spearman's; 1 is the same order, 0 chance, −1 the "
    "reverse. In brackets 95 % bootstrap intervals. "
)
#: Runs that stand whole on one page, and the sections of each where there are more: a page stays below a megabyte.
WHOLE, FIRST = 4, 3
#: What is said where runs are no series.
NO_SERIES = (
    "The runs are no series of one command, so they are not paired. gpproxy evolve --seeds 0-9 makes one, and tells "
    "how surely the formula is better over all its splits."
)


def document(
    runs: Sequence[EvolveRun],
    series: Mapping[str, Series] | None = None,
    ablation: Mapping[str, Series] | None = None,
) -> Document:
    """One run, or several under each other after a table of all.

    Args:
        series: what holds over the seeds, by benchmark, where the runs are those of one series.
        ablation: the rows of its ablation, by benchmark, where there is one.
    """
    names = [" + ".join(run.result.benchmarks) for run in runs]
    if len(runs) == 1:
        run = runs[0]
        return Document(
            f"A proxy learnt from {names[0]}", _origin(run), {str(run.folder.name): list(sections(run, "r0"))}
        )
    parts: dict[str, list[Section]] = {"All runs": list(side_by_side(runs, series, ablation))}
    for place, run in enumerate(runs):
        label = f"{run.folder.name} (seed {run.settings.seed})"
        own = sections(run, f"r{place}")
        if len(runs) > WHOLE:
            own = islice(own, FIRST)
        parts[label if label not in parts else f"{label}, {place + 1}"] = list(own)
    title = f"{len(runs)} runs on {', '.join(dict.fromkeys(names))}"
    told = "side by side, then one after the other"
    if len(runs) > WHOLE:
        told += f"; of {len(runs)} the first sections, the rest is in the {REPORT} of each folder"
    return Document(title, told, parts)


def side_by_side(
    runs: Sequence[EvolveRun],
    series: Mapping[str, Series] | None = None,
    ablation: Mapping[str, Series] | None = None,
) -> Iterator[Section]:
    """Whether the formulas are worth using, the test of every run in one picture and one table, and what holds over
    all of them."""
    rows, tones = [], []
    for run in runs:
        for name, found in run.result.benchmarks.items():
            told = advise(run.result, name)
            tones.append(told.tone)
            test = found["test"]
            rows.append(
                [run.folder.name, str(run.settings.seed), name, with_interval(test, "kendall"),
                 with_interval(test, "spearman"), str(test["n"]), told.title, run.result.formula]
            )  # fmt: skip
    head = ["run", "seed", "table", "test τ", "test ρ", "networks", "verdict", "formula"]
    legend = LEGEND + "Every run has its own split: the tests are different networks, so the numbers are not paired."
    good, care = tones.count("good"), tones.count("care")
    told_of = f"{good or 'None'} of {len(tones)} {'is' if good < 2 else 'are'} worth using"
    told_of += f", {care} with care" if care else ""
    why = [capital(verdict_of_series(one)) for one in (series or {}).values()] or [NO_SERIES]
    tone: Tone = "good" if good == len(tones) else "care" if good or care else "bad"
    yield Section("Are they worth using?", [Text(" ".join(why), tone, f"{told_of}, each judged on its own test")])
    yield Section("Side by side", [*figures.several(runs), Table(head, rows, legend)])
    for name, one in (series or {}).items():
        yield Section(f"Over all seeds{f' on {name}' if len(series or {}) > 1 else ''}", list(over_seeds(name, one)))
    for place, (name, one) in enumerate((ablation or {}).items()):
        on = f" on {name}" if len(ablation or {}) > 1 else ""
        yield Section(f"What each part of the method is worth{on}", list(ladder(name, one, f"ablation-{place}")))


def sections(run: EvolveRun, name: str) -> Iterator[Section]:
    """The sections of one run; `name` keeps the ids of its pictures apart."""
    result = run.result
    yield Section("Is it worth using?", list(_worth(run)))
    yield Section("The formula", list(_formula(run)))
    for benchmark in result.benchmarks:
        on = f" on {benchmark}" if len(result.benchmarks) > 1 else ""
        key = f"{name}-{list(result.benchmarks).index(benchmark)}"
        yield Section(f"Score against measured quality{on}", figures.quality(run, benchmark, key))
        yield Section(f"Against what{on}", [*figures.rivals(run, benchmark, key), *_rivals(run, benchmark)])
    yield Section("Along the front", [*figures.front(run, name), _front(run)])
    for benchmark in result.benchmarks:
        on = f" on {benchmark}" if len(result.benchmarks) > 1 else ""
        key = f"{name}-{list(result.benchmarks).index(benchmark)}"
        yield Section(f"What each term is worth{on}", figures.terms(run, benchmark, key))
        yield Section(f"More than its size?{on}", list(_confounders(run, benchmark)))
    yield Section("Convergence", figures.convergence(run, name))
    for benchmark in result.benchmarks:
        on = f" on {benchmark}" if len(result.benchmarks) > 1 else ""
        key = f"{name}-{list(result.benchmarks).index(benchmark)}"
        yield Section(f"Which layers say it{on}", figures.depth(run, benchmark, key))
    yield Section("On other tables", figures.transferred(run, name))
    for benchmark in result.benchmarks:
        on = f" on {benchmark}" if len(result.benchmarks) > 1 else ""
        key = f"{name}-{list(result.benchmarks).index(benchmark)}"
        yield Section(f"Notes{on}", [Text(capital(sentence)) for sentence in remarks(result.benchmarks[benchmark])])
    yield Section("The table", list(_card(run)))
    yield Section("To repeat it", list(_repeat(run)))


def _origin(run: EvolveRun) -> str:
    parts = {part: getattr(run.result, part)["n"] for part in ("train", "validation", "test")}
    sizes = ", ".join(f"{count} {part}" for part, count in parts.items())
    return f"{run.folder.name}; seed {run.settings.seed}; networks: {sizes}; {run.result.evaluations:,} formulas judged"


def _worth(run: EvolveRun) -> Iterator[Block]:
    """The verdict, and what a proxy is."""
    result = run.result
    for name in result.benchmarks:
        told = advise(result, name)
        on = f" ({name})" if len(result.benchmarks) > 1 else ""
        yield Text(told.text, told.tone, told.title + on)
    if run.settings.exclude:
        yield Text(
            f"{', '.join(run.settings.exclude)}. Single statistics that the formula is compared with went without "
            "them, too: whether one of these ranks as well is not told here. A run without --exclude tells.",
            "care",
            "By request, no formula could use some statistics or primitives",
        )
    yield Text(
        "A proxy is a formula that scores untrained networks, so that the better ones can be told before any is "
        f"trained. This one was learnt from {result.train['n']} networks whose quality after training is known, "
        f"chosen among others by {result.validation['n']} more, and then tested once on {result.test['n']} that had "
        "no part in it."
    )
    for name in result.benchmarks:
        card = table_card(run, name)
        if card is not None and card.recipe:
            yield Text(
                f"Quality{f' in {name}' if len(result.benchmarks) > 1 else ''} is {card.metric}, {card.direction} is "
                f"better, after this training: {card.recipe}. Another training may rank the networks otherwise."
            )


def _formula(run: EvolveRun) -> Iterator[Block]:
    result = run.result
    yield Math(mathml_of(result.formula), result.formula)
    yield Text(f"In words: {result.words}.")
    if result.tie_break:
        yield Text(tie_sentence(result.tie_break), "care", "One term orders, the rest only breaks ties")
    if result.rank_form != result.formula:
        yield Text(f"It ranks like {result.rank_form}.")
    kind = "a forward and a backward pass" if result.needs_backward else "a forward pass"
    yield Text(f"A score takes {kind} through the untrained network. Higher is predicted to be better.")
    if described := explained(result.statistics):
        yield Table(["statistic", "what it is"], described)


def _rivals(run: EvolveRun, benchmark: str) -> Iterator[Block]:
    rivals = run.result.rivals_of(benchmark)
    rows = []
    for rival in rivals:
        gap = None if rival.difference is None else rival.difference.to_json()
        numbers = ["-", "-", "-"]
        if gap is not None and rival.difference is not None:
            numbers = [with_interval(gap, "kendall"), with_interval(gap, "spearman"), rival.difference.words]
        rows.append([rival.title, number(rival.test.get("kendall")), number(rival.test.get("spearman")), *numbers])
    if rows:
        yield Table(
            ["rival", "test τ", "test ρ", "formula − rival, τ", "formula − rival, ρ", "the formula is"],
            rows,
            LEGEND + "Every rival was chosen among its kind on the training and validation networks, with the "
            "direction learnt there. Differences are paired: the same resampled networks. Where an interval holds 0 "
            "the "
            "words are “not distinguishable”.",
        )
    told = [text for title, text in verdict(run.result) if title == "verdict"]
    if told and benchmark == list(run.result.benchmarks)[-1]:
        yield from (Text(text) for text in told)
    baselines = run.result.benchmarks[benchmark]["baselines"]
    ranked = sorted(baselines.items(), key=lambda item: -abs(item[1]["test"]["kendall"] or 0.0))
    yield Table(
        ["baseline", "kind", "train τ", "test τ", "test ρ"],
        [
            [label, row["kind"], number(row.get("train", {}).get("kendall")), with_interval(row["test"], "kendall"),
             with_interval(row["test"], "spearman")]
            for label, row in ranked
        ],
        "In their published direction, by what they reach on the test: the first of so many is flattered by its "
        "choice. A dash in the place of a number: not computed there.",
        folded=f"All {len(ranked)} baselines",
    )  # fmt: skip


def _front(run: EvolveRun) -> Table:
    shown = steps(run.result.front)
    rows = [
        [str(entry.complexity), f"{entry.cost:.1f}", number(entry.train.get("kendall")),
         number(entry.validation.get("kendall")), with_interval(entry.test, "kendall") if entry.test else "-",
         entry.formula]
        for entry in shown
    ]  # fmt: skip
    return Table(
        ["nodes", "cost", "train τ", "validation τ", "test τ", "formula"],
        rows,
        LEGEND + "Nodes: operations, statistics and constants of the formula. Cost: passes over the feature maps of "
        "the network, the collection of the statistics included. The chosen formula stands out; it was chosen on "
        "training "
        "and validation networks, and the test was read once, afterwards.",
        [place for place, entry in enumerate(shown) if entry.pick],
    )


def _confounders(run: EvolveRun, benchmark: str) -> Iterator[Block]:
    found = run.result.benchmarks[benchmark]["confounders"]
    if not found:
        yield Text("No descriptor differs between the test networks, so there is nothing to be confounded with.")
        return
    rows = []
    for one in found:
        low, high = one["partial_interval"]
        left = f"{number(one['partial'])} [{number(low)}, {number(high)}]"
        rows.append([_in_words(one["descriptor"]), number(one["spearman"]), left, "caution" if one["flagged"] else ""])
    yield Table(
        ["descriptor", "ρ with the formula", "ρ left, given it", ""],
        rows,
        "Descriptors are read off the architecture without any pass. “ρ left, given it” is the partial rank "
        "correlation of formula and quality once the descriptor is taken out of both: near 0 the formula adds "
        "nothing to it.",
        [place for place, one in enumerate(found) if one["flagged"]],
    )
    test = run.result.benchmarks[benchmark]["test"]
    rows = []
    for name, inside in test.get("within", {}).items():
        if says(inside):
            low, high = inside["interval"]
            told = f"{number(inside['spearman'])} [{number(low)}, {number(high)}]"
            rows.append([_in_words(name), str(inside["groups"]), str(inside["n"]), told])
    if rows:
        yield Table(
            ["equal …", "groups", "networks", "ρ inside the groups"],
            rows,
            "Rank correlation among networks that share the value of a descriptor, in groups of at least 4. Where "
            "there was one group, or fewer than 8 networks in all, nothing is shown.",
        )


def _in_words(descriptor: str) -> str:
    """`the number of parameters (params)`."""
    words = WORDS.get(descriptor, "")
    return f"{words} ({descriptor})" if words else descriptor


def _card(run: EvolveRun) -> Iterator[Block]:
    for name in run.result.benchmarks:
        card = table_card(run, name)
        if card is None:
            yield Text(f"The table {name} is not at hand here.")
            continue
        count = len(run.scores[name].quality) if name in run.scores else ""
        told: dict[str, Any] = {
            "table": name, "space": card.space, "quality": f"{card.metric} ({card.direction} is better)",
            "networks": count, "trainings each": card.seeds or "unknown", "task": card.task, "data": card.data,
            "recipe": card.recipe, "source": card.source, "licence": card.licence, "notes": card.notes,
        }  # fmt: skip
        yield Table(["", ""], [[key, str(value)] for key, value in told.items() if value])


def _repeat(run: EvolveRun) -> Iterator[Block]:
    yield from repeat("evolve", run.folder, run.environment)
    yield Text(
        "Equal bit for bit on one kind of processor: another rounds the last bit of a number otherwise, and an "
        "evolution amplifies that."
    )
