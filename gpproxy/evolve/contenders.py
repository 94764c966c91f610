"""All that is scored beside the formulas of a run: a benchmark that was looked at in, rivals and scores.csv out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from deap import gp
from torch import Tensor

from gpproxy.benchmarks.split import LEARNT, PARTS
from gpproxy.errors import ExpressionError
from gpproxy.evolve.black_box import kernel_ridge
from gpproxy.evolve.committee import NAME
from gpproxy.evolve.discovery import DiscoveryData, descriptors
from gpproxy.evolve.judge import baseline_scores
from gpproxy.evolve.part_scores import PartScores, score_part
from gpproxy.evolve.rivals import KINDS, Candidates, Rival, chosen, directed, random_rival, rival_column
from gpproxy.evolve.scores import PICK, RunScores
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.structure import needs
from gpproxy.expressions.text import parse, to_text
from gpproxy.proxies.baselines import composites
from gpproxy.proxies.named import HAND_MADE
from gpproxy.proxies.values import MEMORY
from gpproxy.ranking.equivalence import functional_classes
from gpproxy.search_spaces import SearchSpace
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collect import collect

#: Kinds of named baselines that are classical proxies.
CLASSICAL = ("classical", "auto-gas")


def hand_made_formulas(grammar: Grammar) -> dict[str, gp.PrimitiveTree]:
    """The formulas that people have put together, as far as the grammar has their parts."""
    found = {}
    for name, text in HAND_MADE.items():
        try:
            found[name] = parse(text, grammar)
        except ExpressionError:
            continue  # a statistic was excluded, or this table lacks it
    return found


@dataclass(frozen=True, eq=False)
class Contenders:
    """What a formula is compared with, on one benchmark.

    Attributes:
        random: per draw, part -> scores of the picked formula, `initialisation x architecture`.
        rivals: kind -> the rival, and its scores by part, `architecture`; none for the random formulas.
    """

    random: Sequence[Mapping[str, Tensor]]
    rivals: Mapping[str, tuple[Rival, Mapping[str, Tensor]]]

    @classmethod
    def of(
        cls,
        data: DiscoveryData,
        views: Mapping[str, PartScores],
        at: int,
        random: Sequence[int],
        beside: Beside,
        rankings: int,
        config: EvolveSettings,
    ) -> Contenders:
        """Scores what was not scored yet, and chooses.

        Args:
            at: place of the chosen formula among the trees of the views.
            random: places of the random formulas.
            beside: formulas that are tested, too.
            rankings: size of a random draw.
        """
        own = views["test"].scores[at]
        rivals: dict[str, tuple[Rival, Mapping[str, Tensor]]] = {}
        candidates: dict[str, Candidates] = {}
        named = _named(views)
        among = {"statistic": beside.singles}
        for kind, formulas in beside.formulas.items():
            trees = list(formulas.values())
            parts = {part: score_part(data, part, trees, config.cores, config.seed).scores for part in PARTS}
            for place, name in enumerate(formulas):
                named.setdefault(kind, {})[name] = {part: scores[place] for part, scores in parts.items()}
        among["composite"] = len(named["composite"]) + max(beside.composites - 1, 0)
        candidates |= {kind: _everywhere(some) for kind, some in named.items()}
        if config.black_box:
            candidates["black box"] = _black_box(data, views, beside, config)
        for kind in KINDS:
            if found := chosen(kind, candidates.get(kind, {}), views, own, among.get(kind, 0)):
                rivals[kind] = found
        drawn = [{part: view.inits[:, place] for part, view in views.items()} for place in random]
        if drawn:
            draws = [{part: one.mean(0) for part, one in draw.items()} for draw in drawn]
            rivals["random"] = random_rival(draws, rankings, views, own), {}
        return cls(drawn, rivals)


@dataclass(frozen=True, eq=False)
class Beside:
    """Formulas that are tested beside the evolved ones: of each kind the one that the same labels would have chosen.

    Attributes:
        formulas: kind of rival -> name -> formula.
        singles, composites: how many formulas of one statistic and hand-made ones they were chosen from.
        pool: part -> `formula x architecture`, the values of all formulas of one statistic; training and validation.
        trees: of the pool.
    """

    formulas: Mapping[str, Mapping[str, gp.PrimitiveTree]]
    singles: int
    composites: int
    pool: Mapping[str, Tensor]
    trees: Sequence[gp.PrimitiveTree]

    @classmethod
    def of(
        cls,
        data: DiscoveryData,
        views: Mapping[str, PartScores],
        singles: Sequence[gp.PrimitiveTree],
        hand_made: Mapping[str, gp.PrimitiveTree],
        train: Evaluator,
        config: EvolveSettings,
    ) -> Beside:
        """Chooses on the training and validation architectures, which were looked at with all statistics.

        Args:
            views: of both.
            train: of the training architectures.
        """
        pool = {"train": train.scores(singles).values, "validation": _values(data, "validation", singles, config)}
        formulas: dict[str, dict[str, gp.PrimitiveTree]] = {}
        best = _best_single(views, singles, pool)
        if best is not None:
            formulas["statistic"] = {to_text(best): best}
        if hand_made:
            trees = list(hand_made.values())
            scores = {part: score_part(data, part, trees, config.cores, config.seed).scores for part in LEARNT}
            name = list(hand_made)[int(directed(views, scores).abs().argmax())]
            formulas["composite"] = {name: hand_made[name]}
        return cls(formulas, len(singles), len(hand_made), pool, singles)

    @property
    def needs(self) -> set[str]:
        """The statistics that the formulas need."""
        return {name for some in self.formulas.values() for tree in some.values() for name in needs(tree)}


def _named(views: Mapping[str, PartScores]) -> dict[str, dict[str, dict[str, Tensor]]]:
    """Descriptors, classical proxies and their composites, each on the parts that it is known for."""
    found: dict[str, dict[str, dict[str, Tensor]]] = {"descriptor": {}, "classical": {}, "composite": {}}
    for part, view in views.items():
        scores = baseline_scores(view)
        known = descriptors(view.columns)
        for name, (kind, score) in scores.items():
            place = "descriptor" if name in known else "classical" if kind in CLASSICAL else ""
            if place:
                found[place].setdefault(name, {})[part] = score
        for name, score in composites({name: score for name, (_, score) in scores.items()}).items():
            found["composite"].setdefault(name, {})[part] = score
    return found


def _everywhere(candidates: Candidates) -> Candidates:
    """Those that are known on all parts, or, where there are none, on the training architectures and the test."""
    whole = {name: one for name, one in candidates.items() if all(part in one for part in PARTS)}
    return whole or {name: one for name, one in candidates.items() if {"train", "test"} <= set(one)}


def _values(data: DiscoveryData, part: str, trees: Sequence[gp.PrimitiveTree], config: EvolveSettings) -> Tensor:
    """`formula x architecture` of a part that was looked at with all statistics, by the first initialisation."""
    table = collect(data.space, getattr(data.parts, part), data.how)[0].to(data.how.device)
    return Evaluator(table, memory=MEMORY, workers=config.cores).scores(trees).values


def _best_single(
    views: Mapping[str, PartScores], singles: Sequence[gp.PrimitiveTree], pool: Mapping[str, Tensor]
) -> gp.PrimitiveTree | None:
    """The formula of one statistic that ranks training and validation best, either way round."""
    scores = {part: pool[part] for part in LEARNT}
    defined = [values[:, ~views[part].metrics.dead].isfinite().all(1) for part, values in scores.items()]
    kept = torch.stack(defined).all(0).nonzero().flatten()
    if not len(kept):
        return None
    strength = directed(views, {part: values[kept] for part, values in scores.items()})
    return singles[int(kept[strength.abs().argmax()])]


def _black_box(
    data: DiscoveryData, views: Mapping[str, PartScores], beside: Beside, config: EvolveSettings
) -> Candidates:
    """The predictions of a kernel ridge regression on what was learnt from; the dead take no part."""
    pool = {**beside.pool, "test": _values(data, "test", beside.trees, config)}
    alive = {part: ~views[part].metrics.dead for part in pool}
    quality = torch.cat([views[part].part.quality[alive[part]] for part in LEARNT])
    some, formulas = kernel_ridge({part: values[:, alive[part]] for part, values in pool.items()}, quality, LEARNT)
    found = {}
    for part, predictions in some.items():
        found[part] = torch.full((len(alive[part]),), torch.nan, dtype=torch.float64)
        found[part][alive[part]] = predictions
    return {f"kernel ridge over {formulas} formulas": found}


def _class_names(codes: Sequence[str], space: SearchSpace) -> tuple[str, ...]:
    """The functional class of each architecture, by the name of its first one."""
    numbers = functional_classes(codes, space)
    first: dict[int, str] = {}
    for code, number in sorted(zip(codes, numbers)):
        first.setdefault(number, code)
    return tuple(first[number] for number in numbers)


def run_scores(
    data: DiscoveryData,
    views: Mapping[str, PartScores],
    at: int,
    shown: int,
    contenders: Contenders,
    committee: Mapping[str, Tensor],
) -> RunScores:
    """The columns of `scores.csv` for one benchmark.

    Args:
        at: place of the chosen formula among the trees of the views.
        shown: how many of these, from the first on, are the front.
        committee: part -> its votes, `initialisation x architecture`; empty where there is none.
    """
    codes = tuple(code for part in PARTS for code in getattr(data.parts, part))
    table = data.benchmark.select(codes)

    def joined(pieces: Mapping[str, Tensor]) -> Tensor:
        """`initialisation x architecture` over all parts; NaN where a part or an initialisation is missing."""
        inits = max(len(one) for one in pieces.values())
        whole = {part: torch.full((inits, len(views[part].part)), torch.nan, dtype=torch.float64) for part in PARTS}
        for part, one in pieces.items():
            whole[part][: len(one)] = one
        return torch.cat([whole[part] for part in PARTS], dim=1)

    columns = {PICK: joined({part: view.inits[:, at] for part, view in views.items()})}
    if committee:
        columns[NAME] = joined(committee)
    for place in range(shown):
        columns[f"front {place + 1}"] = joined({part: view.inits[:, place] for part, view in views.items()})
    for number, draw in enumerate(contenders.random):
        columns[f"random {number + 1}"] = joined(draw)
    for kind, (_, scores) in contenders.rivals.items():
        if scores:
            columns[rival_column(kind)] = joined({part: one[None] for part, one in scores.items()})
    for name in dict.fromkeys(name for view in views.values() for name in view.proxy_inits):
        sign = PROXIES[name].direction if name in PROXIES else 1
        columns[name] = joined({p: sign * v.proxy_inits[name] for p, v in views.items() if name in v.proxy_inits})
    for name, column in table.columns.items():
        columns[name if name not in columns else f"published/{name}"] = column[None]
    return RunScores(
        data.name,
        codes,
        _class_names(codes, data.space),
        tuple(part for part in PARTS for _ in getattr(data.parts, part)),
        torch.cat([views[part].metrics.dead for part in PARTS]),
        table.quality,
        table.card.in_units(table.repeats),
        columns,
    )
