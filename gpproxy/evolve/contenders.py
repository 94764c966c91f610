"""All that is scored beside the formulas of a run: a benchmark that was looked at in, rivals and scores.csv out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from deap import gp
from torch import Tensor

from gpproxy.benchmarks.split import PARTS
from gpproxy.errors import ExpressionError
from gpproxy.evolve.discovery import DiscoveryData, descriptors
from gpproxy.evolve.judge import baseline_scores
from gpproxy.evolve.part_scores import PartScores, score_part
from gpproxy.evolve.rivals import LEARNT, Candidates, Rival, chosen, directed, random_rival
from gpproxy.evolve.scores import PICK, RunScores
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse, to_text
from gpproxy.proxies.baselines import composites
from gpproxy.proxies.named import HAND_MADE
from gpproxy.statistics.classical import PROXIES

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
    """The scores of everything that a formula is compared with, on one benchmark.

    Attributes:
        views: part -> what was seen there.
        own: part -> scores of the formula.
        random: per draw, part -> scores of the picked formula, `initialisation x architecture`.
        candidates: kind -> candidates, each known on some parts.
        single: formula and part -> `initialisation x architecture` of the single statistic that was chosen.
    """

    views: Mapping[str, PartScores]
    own: Mapping[str, Tensor]
    random: Sequence[Mapping[str, Tensor]]
    candidates: Mapping[str, Candidates]
    single: tuple[str, Mapping[str, Tensor]]
    singles: int

    @classmethod
    def of(
        cls,
        data: DiscoveryData,
        views: Mapping[str, PartScores],
        at: int,
        places: Mapping[str, Sequence[int]],
        hand_made: Sequence[str],
        singles: Sequence[gp.PrimitiveTree],
        config: EvolveSettings,
    ) -> Contenders:
        """Scores what was not scored yet.

        Args:
            at: place of the chosen formula among the trees of the views.
            places: kind -> places of its formulas.
            hand_made: names of the composites at their places.
            singles: formulas of one statistic, of which one is chosen on the training and validation architectures.
        """
        named = {part: baseline_scores(view) for part, view in views.items()}
        found: dict[str, dict[str, dict[str, Tensor]]] = {"descriptor": {}, "classical": {}, "composite": {}}
        for part, scores in named.items():
            known = descriptors(views[part].columns)
            for name, (kind, score) in scores.items():
                place = "descriptor" if name in known else "classical" if kind in CLASSICAL else ""
                if place:
                    found[place].setdefault(name, {})[part] = score
            joined = composites({name: score for name, (_, score) in scores.items()})
            made = {name: views[part].scores[place] for name, place in zip(hand_made, places["composite"])}
            for name, score in {**joined, **made}.items():
                found["composite"].setdefault(name, {})[part] = score
        best = _best_single(data, views, singles, config)
        if best is not None:
            parts = {p: score_part(data, getattr(data.parts, p), [best], config.cores, config.seed) for p in PARTS}
            single = to_text(best), {part: one.inits[:, 0] for part, one in parts.items()}
        else:
            single = "", {}
        random = [{part: view.inits[:, place] for part, view in views.items()} for place in places["random"]]
        own = {part: view.scores[at] for part, view in views.items()}
        return cls(views, own, random, found, single, len(singles))

    def rivals(self, rankings: int) -> list[Rival]:
        """One rival of each kind that there is; `rankings` is the size of a random draw."""
        own = self.own["test"]
        found: list[Rival | None] = []
        for kind in ("descriptor", "classical"):
            found.append(chosen(kind, _everywhere(self.candidates[kind]), self.views, own))
        if self.single[0]:
            text, inits = self.single
            alone = {text: {part: one.mean(0) for part, one in inits.items()}}
            found.append(chosen("statistic", alone, self.views, own, self.singles))
        found.append(chosen("composite", _everywhere(self.candidates["composite"]), self.views, own))
        if self.random:
            draws = [{part: one.mean(0) for part, one in draw.items()} for draw in self.random]
            found.append(random_rival(draws, rankings, self.views, own))
        return [one for one in found if one is not None]


def _everywhere(candidates: Candidates) -> Candidates:
    """Those that are known on all parts, or, where there are none, on the training architectures and the test."""
    whole = {name: one for name, one in candidates.items() if all(part in one for part in PARTS)}
    return whole or {name: one for name, one in candidates.items() if {"train", "test"} <= set(one)}


def _best_single(
    data: DiscoveryData, views: Mapping[str, PartScores], singles: Sequence[gp.PrimitiveTree], config: EvolveSettings
) -> gp.PrimitiveTree | None:
    """The formula of one statistic that ranks the training and validation architectures best, either way round."""
    if not singles:
        return None
    seen = {p: score_part(data, getattr(data.parts, p), singles, config.cores, config.seed).scores for p in LEARNT}
    defined = torch.ones(len(singles), dtype=torch.bool)
    for part, scores in seen.items():
        alive = ~views[part].metrics.dead
        defined &= scores[:, alive].isfinite().all(1)
    kept = defined.nonzero().flatten()
    if not len(kept):
        return None
    strength = directed(views, {part: scores[kept] for part, scores in seen.items()})
    return singles[int(kept[strength.abs().argmax()])]


def run_scores(
    data: DiscoveryData, views: Mapping[str, PartScores], at: int, shown: int, contenders: Contenders
) -> RunScores:
    """The columns of `scores.csv` for one benchmark.

    Args:
        at: place of the chosen formula among the trees of the views.
        shown: how many of these, from the first on, are the front.
    """
    codes = tuple(code for part in PARTS for code in getattr(data.parts, part))
    table = data.benchmark.select(codes)

    def joined(pieces: Mapping[str, Tensor]) -> Tensor:
        """`initialisation x architecture` over all parts; NaN where a part is missing."""
        inits = max(len(one) for one in pieces.values())
        missing = {part: torch.full((inits, len(views[part].part)), torch.nan, dtype=torch.float64) for part in PARTS}
        return torch.cat([pieces[part].expand(inits, -1) if part in pieces else missing[part] for part in PARTS], dim=1)

    columns = {PICK: joined({part: view.inits[:, at] for part, view in views.items()})}
    for place in range(shown):
        columns[f"front {place + 1}"] = joined({part: view.inits[:, place] for part, view in views.items()})
    for number, draw in enumerate(contenders.random):
        columns[f"random {number + 1}"] = joined(draw)
    if contenders.single[0]:
        columns["statistic"] = joined(contenders.single[1])
    for name in dict.fromkeys(name for view in views.values() for name in view.proxy_inits):
        sign = PROXIES[name].direction if name in PROXIES else 1
        columns[name] = joined({p: sign * v.proxy_inits[name] for p, v in views.items() if name in v.proxy_inits})
    for name, column in table.columns.items():
        columns[name if name not in columns else f"published/{name}"] = column[None]
    return RunScores(
        data.name,
        codes,
        tuple(part for part in PARTS for _ in getattr(data.parts, part)),
        torch.cat([views[part].metrics.dead for part in PARTS]),
        table.quality,
        table.card.in_units(table.repeats),
        columns,
    )
