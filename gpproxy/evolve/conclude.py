"""The end of a run: the archive in, the chosen formula and its honest numbers out. The test is read here, once.

Formulas are chosen as they have evolved, by one initialisation, on all statistics of the training and validation
architectures; the tested ones are looked at by every initialisation, at what the formulas need that are tested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from deap import gp

from gpproxy.benchmarks.split import LEARNT, PARTS
from gpproxy.errors import RunError
from gpproxy.evolution.archive import front
from gpproxy.evolution.individual import Individual
from gpproxy.evolution.state import EvolutionState
from gpproxy.evolve.committee import NAME, committee_of, judged, together
from gpproxy.evolve.contenders import Beside, Contenders, hand_made_formulas, run_scores
from gpproxy.evolve.convergence import convergence_rows, parsed
from gpproxy.evolve.discovery import DiscoveryData, Training, backward_statistics, looked, with_proxies
from gpproxy.evolve.draws import Draw
from gpproxy.evolve.judge import (
    Row,
    baseline_rows,
    baseline_scores,
    confounder_rows,
    finite,
    init_row,
    row,
    shared_baselines,
    within_rows,
    worst,
)
from gpproxy.evolve.layers import layer_rows
from gpproxy.evolve.part_scores import PartScores, score_part
from gpproxy.evolve.pick import pick
from gpproxy.evolve.result import Entry, Result
from gpproxy.evolve.rivals import Rival
from gpproxy.evolve.scores import RunScores
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.evolve.terms import term_rows
from gpproxy.evolve.validation import Validation
from gpproxy.expressions.notation.formula import Formula
from gpproxy.expressions.notation.ties import tie_break
from gpproxy.expressions.rewriting.algebra import Algebra
from gpproxy.expressions.rewriting.shape_constants import ShapeConstants
from gpproxy.expressions.smallest import single_statistics
from gpproxy.expressions.structure import cost, needs, needs_backward
from gpproxy.expressions.text import to_text
from gpproxy.ranking.ceiling import ceiling
from gpproxy.ranking.chance import best_of_noise
from gpproxy.ranking.correlation import dense_ranks
from gpproxy.run.tables import number
from gpproxy.run.terminal import Watch

#: The name of the random formulas among the baselines.
RANDOM = "random formulas"
#: Seconds that SymPy may take for one formula of the front.
SIMPLIFYING = 3.0
#: Random formulas that one is chosen from, the best on the training architectures: they share little, so each is dear.
LUCKY = 80

#: Per part of the split, what was seen of each benchmark.
Views = dict[str, list[PartScores]]


@dataclass(frozen=True, eq=False)
class Conclusion:
    """The result, and what lies behind it.

    Attributes:
        result: plain data.
        formula: the chosen formula in all its forms.
        scores: of every formula and baseline on every architecture.
        discovery: what was looked at.
        committee: the content of `committee.json`; None where no other formula is nearly as good and ranks otherwise.
    """

    result: Result
    formula: Formula
    scores: tuple[RunScores, ...]
    discovery: tuple[DiscoveryData, ...]
    committee: dict[str, Any] | None = None


def entries(members: Sequence[Individual], validation: Validation | None = None) -> list[Entry]:
    """The undominated formulas of an archive, by complexity, with how they rank the validation architectures."""
    shown = list(front(members))
    rows = validation.rows(shown) if validation else [{} for _ in shown]
    return [replace(_entry(one), validation=row) for one, row in zip(shown, rows)]


def conclude(
    config: EvolveSettings,
    discovery: Sequence[DiscoveryData],
    training: Training,
    state: EvolutionState,
    finished: str,
    draws: Sequence[Draw] = (),
    watch: Watch | None = None,
    history: Mapping[int, str] | None = None,
) -> Conclusion:
    """Chooses on validation, reads the test once, and judges the formulas and all baselines there.

    Args:
        finished: why the evolution ended.
        draws: random formulas of as many rankings.
        watch: told what is done next, and what the classical proxies reach as they come.
        history: formulas by generation that are tested, too, once all else is chosen; see `convergence`.

    Raises RunError when the archive is empty.
    """
    members = state.archive
    if not members:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in list(state.invalid.items())[:5])
        raise RunError(
            f"None of {state.seen} formulas ranks the training architectures: {reasons or 'all rank backwards'}. "
            "Try another seed, more generations or a larger population."
        )
    watch = watch or Watch()

    def watch_looks(what: str, done: int, total: int) -> None:
        watch.progress(f"looking at {what}", done, total)

    discovery = list(discovery)
    watch.step("choosing on the training and validation architectures")
    chosen, *partners = (members[i] for i in _choose(config, discovery, training, members))
    lucky = [drawn[_choose(config, discovery, training, drawn)[0]] for drawn in map(_luckiest, draws) if drawn]
    watch.step("simplifying")
    evaluator = training.problem.cases[0].evaluator
    shown = list(front(members))
    if chosen not in shown:
        shown = sorted([*shown, chosen], key=lambda i: (i.complexity, *i.order))
    tested = [*shown, *(one for one in partners if one not in shown)]
    simplified = _simplified([i.tree for i in tested], training)
    at, count = shown.index(chosen), len(tested)
    formula = simplified[at]
    trees = [i.tree for i in tested] + [one.tree for one in simplified] + [formula.rank_form.tree]
    random = range(len(trees), len(trees) + len(lucky))
    trees += [i.tree for i in lucky]
    views: Views = {p: [score_part(s, p, trees, config.cores, config.seed) for s in discovery] for p in LEARNT}
    watch.step("choosing what the formula is compared with")
    grammar = training.problem.grammar
    singles, hand_made = single_statistics(grammar), hand_made_formulas(grammar)
    beside = [
        Beside.of(s, {p: views[p][n] for p in LEARNT}, singles, hand_made, training.problem.cases[n].evaluator, config)
        for n, s in enumerate(discovery)
    ]
    past = parsed(history or {}, grammar)
    needed = {name for tree in trees for name in needs(tree)}
    once = {name for tree in past.values() for name in needs(tree)}
    for n, data in enumerate(discovery):
        how = data.how if config.black_box else data.of(needed | beside[n].needs)
        wide = how if config.black_box else data.of(needed | beside[n].needs | once)
        data = replace(looked(replace(data, inits=1), "test", config, wide, watch_looks), inits=data.inits)
        discovery[n] = looked(data, "test", config, how, watch_looks)
        for known, names in with_proxies(discovery[n], config, watch_looks):
            discovery[n] = known
            watch.note(f"{data.name}: {_told(known, names, config)}")
    watch.step("reading the test")
    for part in PARTS:  # again where classical proxies are known by now
        before = views.get(part)
        views[part] = [
            before[n] if before and not s.proxies.get(part) else score_part(s, part, trees, config.cores, config.seed)
            for n, s in enumerate(discovery)
        ]
    formulas = [
        new if _alike(views, n, count + n) else Formula(i.tree) for n, (i, new) in enumerate(zip(tested, simplified))
    ]
    formula = formulas[at]
    if not _alike(views, at, 2 * count):
        formula = Formula(formula.tree, note=formula.note)
    watch.step("judging the baselines")
    written = [_entry(i, training, one, i is chosen) for i, one in zip(shown, formulas)]
    front_entries = tuple(_judged(entry, views, n, training.groups) for n, entry in enumerate(written))
    voters = [tested.index(one) for one in (chosen, *partners)] if partners else []
    texts = [formulas[n].text for n in voters]
    learnt = [torch.cat([seen.scores[n, ~seen.metrics.dead] for p in LEARNT for seen in views[p]]) for n in voters]
    per_benchmark, scores = {}, []
    for n, data in enumerate(discovery):
        seen = {p: views[p][n] for p in PARTS}
        rankings = max((one.rankings for one in draws), default=0)
        found = Contenders.of(data, seen, at, random, beside[n], rankings, config)
        rivals = [rival for rival, _ in found.rivals.values()]
        per_benchmark[data.name] = _benchmark_rows(data, training.groups[n], seen, at, state.seen, rivals)
        votes = together(voters, learnt, seen) if voters else {}
        if votes:
            per_benchmark[data.name][NAME] = judged(texts, votes, seen, seen["test"].scores[at]).to_json()
        scores.append(run_scores(data, seen, at, len(shown), found, votes))
        own = seen["test"].scores[at]
        per_benchmark[data.name]["layers"] = layer_rows(formula.tree, training.problem.cases[n].evaluator)
        per_benchmark[data.name]["terms"] = term_rows(data, seen, own, formula.tree, config.cores, config.seed)
        per_benchmark[data.name]["convergence"] = convergence_rows(data, past, history or {}, config)
        for nth, place in enumerate(random, 1):
            per_benchmark[data.name]["baselines"][f"{RANDOM} {nth}"] = {
                "kind": "random",
                "formula": to_text(trees[place]),
                **{p: row(v, v.scores[place], training.groups[n] if p == "test" else None) for p, v in seen.items()},
            }
    baselines = shared_baselines({name: rows["baselines"] for name, rows in per_benchmark.items()})
    for nth, (draw, best) in enumerate(zip(draws, lucky), 1):
        baselines[f"{RANDOM} {nth}"] |= {
            "formula": to_text(best.tree),
            "evaluations": draw.evaluated,
            "rankings": draw.rankings,
            "seconds": round(draw.seconds, 3),
            "finished": draw.finished,
        }
    parts: dict[str, Any] = {p: worst({name: rows[p] for name, rows in per_benchmark.items()}) for p in PARTS}
    result = Result(
        formula=formula.text,
        rank_form=formula.rank_form.text,
        latex=formula.latex,
        words=formula.words,
        complexity=formula.complexity,
        cost=cost(formula.tree, training.problem.prices),
        needs_backward=formula.needs_backward,
        statistics=formula.needs,
        seconds=round(state.seconds, 3),
        evaluations=state.seen,
        rankings=state.rankings,
        proposed=state.proposed,
        generations=state.generation,
        finished=finished,
        **parts,
        baselines=baselines,
        benchmarks=per_benchmark,
        front=front_entries,
        tie_break=None if (ties := tie_break(formula.tree, evaluator)) is None else asdict(ties),
    )
    return Conclusion(result, formula, tuple(scores), tuple(discovery), committee_of(texts, learnt) if voters else None)


def _told(data: DiscoveryData, names: Sequence[str], config: EvolveSettings) -> str:
    """What classical proxies reach on the test, the strongest first, in a line."""
    seen = score_part(data, "test", [], config.cores, config.seed)
    rows = {name: seen.metrics.measure(score)["spearman"] for name, (_, score) in baseline_scores(seen).items()}
    known = sorted(((rows[n], n) for n in names if rows.get(n) is not None), key=lambda one: -abs(one[0]))
    return "test ρ of classical proxies: " + (", ".join(f"{n} {number(rho)}" for rho, n in known) or "none has any")


def _simplified(trees: Sequence[gp.PrimitiveTree], training: Training) -> list[Formula]:
    """Every formula in its simplest form on the training architectures."""
    evaluators = [case.evaluator for case in training.problem.cases]
    shapes, grammar = ShapeConstants(evaluators), training.problem.grammar
    with Algebra() as algebra:
        return [
            Formula.of(tree, grammar, evaluators[0], seconds=SIMPLIFYING, algebra=algebra, shapes=shapes)
            for tree in trees
        ]


def _luckiest(draw: Draw) -> list[Individual]:
    """The random formulas that one is chosen from."""
    return sorted(draw.archive, key=lambda i: i.order)[:LUCKY]


def _choose(
    config: EvolveSettings, discovery: Sequence[DiscoveryData], training: Training, members: Sequence[Individual]
) -> list[int]:
    """Indexes of the formula that ranks validation and training architectures best, and of those that vote with it; the
    test takes no part."""
    trees = [i.tree for i in members]
    seen = [[score_part(s, part, trees, config.cores, config.seed) for part in LEARNT] for s in discovery]
    return pick(seen, training.groups, config.group_weight, [i.complexity for i in members], config.focus)


def _alike(views: Views, left: int, right: int) -> bool:
    """Whether two formulas rank all architectures alike, on every benchmark and part."""
    for seen in (s for part in views.values() for s in part):
        ranks = dense_ranks(seen.metrics.last(seen.scores[[left, right]]))
        if not torch.equal(ranks[0], ranks[1]):
            return False
    return True


def _entry(
    individual: Individual, training: Training | None = None, formula: Formula | None = None, chosen: bool = False
) -> Entry:
    """A line of the front; with a simplified formula its own size and cost."""
    price = individual.cost
    if training is not None and formula is not None:
        price = cost(formula.tree, training.problem.prices)
    formula = formula or Formula(individual.tree)
    backward = needs_backward(formula.tree, backward_statistics())
    return Entry(formula.text, formula.pretty, formula.complexity, price, backward, individual.quality, pick=chosen)


def _judged(entry: Entry, views: Views, n: int, groups: Sequence[str | None]) -> Entry:
    """The entry with its measures; correlation inside the groups is measured on the test."""
    rows: dict[str, Any] = {}
    for part in PARTS:
        named = [group if part == "test" else None for group in groups]
        rows[part] = worst({s.part.name: row(s, s.scores[n], group) for s, group in zip(views[part], named)})
    return replace(entry, **rows)


def _benchmark_rows(
    data: DiscoveryData,
    group: str | None,
    views: dict[str, PartScores],
    at: int,
    formulas: int,
    rivals: Sequence[Rival],
) -> Row:
    """Everything about one benchmark; `at` is the place of the chosen formula."""
    test = views["test"]
    best = ceiling(data.benchmark, data.space)
    chance = best_of_noise(max(formulas, 1), len(data.parts.train))
    rows: Row = {part: row(seen, seen.scores[at]) for part, seen in views.items()}
    rows["test"]["within"] = within_rows(test, test.scores[at])
    return rows | {
        "group": group,
        "inits": init_row(test, at),
        "confounders": confounder_rows(test, test.scores[at]),
        "chance": asdict(chance),
        "ceiling": None if best is None else finite(asdict(best)),
        "dead": {part: dict(seen.dead) for part, seen in views.items()},
        "left_out": dict(data.left_out),
        "dropped_rows": [str(bad) for bad in data.benchmark.dropped],
        "baselines": baseline_rows(views, group),
        "rivals": [rival.to_json() for rival in rivals],
    }
