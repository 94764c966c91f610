"""Scores single architectures with one or more proxies: a code in, a Candidate out.

Every proxy that looks at generators in the same way shares the network and its passes. Only the statistics that the
formulas need are collected, and no gradient is computed when none needs one. A score depends on the architecture, its
seed and the proxy alone, and equals that of `gpproxy.score`.
"""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from torch import nn

from gpproxy.errors import StatisticsError
from gpproxy.execution.memory import keep_freed_memory
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.structure import needs
from gpproxy.proxies.apply import call_file
from gpproxy.proxies.candidate import DEAD, Candidate
from gpproxy.proxies.latency import latency
from gpproxy.proxies.proxy import Source
from gpproxy.proxies.size import Size, Sizer
from gpproxy.search_spaces.check import make_space
from gpproxy.search_spaces.space import Architecture
from gpproxy.seeds import seeded
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collect import Collection, collect_one
from gpproxy.statistics.exact import exact
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import STATISTICS
from gpproxy.statistics.terminals.layers import layer_macs

#: Passes that a look runs when they are asked for, with the forward and backward passes that each takes.
PASSES = {
    "wide": (1, 0), "perturbed": (1, 0), "ones": (1, 1), "input_gradient": (1, 1), "jacobian": (1, 0),
}  # fmt: skip


@dataclass(frozen=True)
class Setup:
    """What a worker has to know; equal setups score alike.

    Attributes:
        space, settings: name and constructor arguments of the search space.
        sources: the proxies, in the order of the scores.
        device: where the passes run.
        timed: whether to measure the latency.
        max_latency_ms: longest latency that is worth a score; 0 for no limit.
        plain: whether the networks as they are built have the sizes that the space describes, see `Sizer.plain`.
    """

    space: str
    settings: tuple[tuple[str, Any], ...]
    sources: tuple[Source, ...]
    device: str = "cpu"
    timed: bool = False
    max_latency_ms: float = 0.0
    plain: bool = False


@dataclass
class Work:
    """What scoring took.

    Attributes:
        networks: networks that were built.
        forwards, backwards: passes through them.
        seconds: wall time, summed over the workers.
    """

    networks: int = 0
    forwards: float = 0.0
    backwards: float = 0.0
    seconds: float = 0.0

    def add(self, other: Work) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True, eq=False)
class _View:
    """Proxies that see the same networks and inputs."""

    how: Collection
    inits: int
    members: tuple[int, ...]
    backward: bool
    template: dict[int, Passes] = field(default_factory=dict)


class Scorer:
    """Applies the proxies of a setup to one architecture after the other."""

    def __init__(self, setup: Setup):
        self.setup = setup
        self.space = make_space(setup.space, dict(setup.settings))
        self.work = Work()
        self._sizer: Sizer | None = None
        self._size: Size | None = None
        self._trees = [source.tree if source.formula else None for source in setup.sources]
        self._views = [self._view(members) for members in _alike(setup.sources)]

    def score(self, code: str, size: Size | None = None) -> Candidate:
        """The candidate of a code; its size is worked out when it is not given."""
        architecture = self.space.decode(code)
        self._size = size
        if size is None and not self.setup.plain:
            self._size = self._sized(code)
        found = self._score(code, architecture)
        size = self._size or self._sized(code)
        return replace(found, params=size.params, macs=size.macs)

    def _sized(self, code: str) -> Size:
        self._sizer = self._sizer or Sizer(self.space)
        return self._sizer(self.space.decode(code))

    def _score(self, code: str, architecture: Architecture) -> Candidate:
        """The candidate, its size still missing."""
        blank = Candidate(code, (math.nan,) * len(self.setup.sources), math.nan, math.nan)
        if dead := self.space.dead(architecture):
            return replace(blank, scores=(-math.inf,) * len(blank.scores), problem=DEAD + dead)
        scores: dict[int, float] = {}
        problems: dict[str, None] = {}
        for view in self._views:
            found = []
            for i in range(view.inits):
                network = self._network(code, view.how.seed + i)
                if self.setup.timed and math.isnan(blank.latency):
                    blank = replace(blank, latency=self._latency(network, view))
                    if 0 < self.setup.max_latency_ms < blank.latency:
                        return replace(blank, slow=True)
                values, problem = self._apply(view, code, network, i)
                found.append(values)
                if problem:
                    problems[problem] = None
                if problem and not any(map(math.isfinite, values)):
                    break
            for member, each in zip(view.members, zip(*found)):
                broken = [value for value in each if not math.isfinite(value)]
                scores[member] = broken[0] if broken else statistics.fmean(each)
        ordered = tuple(scores[i] for i in range(len(self.setup.sources)))
        if -math.inf in ordered and any(problem.startswith(DEAD) for problem in problems):
            ordered = (-math.inf,) * len(ordered)
        return replace(blank, scores=ordered, problem="; ".join(sorted(problems, key=lambda p: not p.startswith(DEAD))))

    def _network(self, code: str, seed: int) -> nn.Module:
        self.work.networks += 1
        made = self.space.build(self.space.decode(code), seeded(self.space.name, code, seed, "weights"))
        return made if self.setup.device == "cpu" else made.to(self.setup.device)

    def _latency(self, network: nn.Module, view: _View) -> float:
        return latency(network, self._template(view, 0).inputs[:1]).median

    def _apply(self, view: _View, code: str, network: nn.Module, number: int) -> tuple[list[float], str]:
        """The scores of a view's proxies for one initialisation, and what is wrong with them."""
        sources = [self.setup.sources[i] for i in view.members]
        passes = copy.copy(self._template(view, number))
        passes.network, passes.memo = network, {}
        how = replace(view.how, seed=view.how.seed + number)
        values = [math.nan] * len(sources)
        problem = ""
        if how.chosen() or how.chosen_proxies():
            try:
                record = collect_one(self.space, code, how, passes)
            except StatisticsError as error:
                self._count(passes, how)
                return values, str(error).removeprefix(f"{code}: ")
            self._count(passes, how)
            self._size = self._size or _seen_size(passes)
            if record.dead:
                return [-math.inf] * len(sources), DEAD + record.dead
            trees = [self._trees[i] for i in view.members if self._trees[i] is not None]
            if trees:
                found = Evaluator(assemble([record]).to(self.setup.device)).scores(trees)
                rows = iter(zip(found.values[:, 0].tolist(), found.reasons))
            for i, source in enumerate(sources):
                if source.formula:
                    values[i], reason = next(rows)
                    problem = problem or reason or ""
                elif source.classical:
                    values[i] = PROXIES[source.classical].direction * record.columns[source.classical]
        for i, source in enumerate(sources):
            if source.path:
                values[i], reason = self._run_file(source, network, passes, how.seed)
                problem = problem or reason
        return values, problem or ("no value" if any(map(math.isnan, values)) else "")

    def _run_file(self, source: Source, network: nn.Module, passes: Passes, seed: int) -> tuple[float, str]:
        self.work.forwards += 1
        try:
            value = call_file(source.path, network, passes.wide_inputs, self.space, seed)
        except Exception as error:
            return math.nan, f"{type(error).__name__}: {error}"
        if value == math.inf:
            return math.nan, "infinite"
        return value, DEAD + "by the file" if value == -math.inf else ""

    def _template(self, view: _View, number: int) -> Passes:
        """A look without its network: the batch and the probes are the same for all architectures of a space."""
        if number not in view.template:
            how, name = view.how, self.space.name
            inputs = self.space.inputs(how.samples, seeded(name, how.seed + number, "inputs")).to(how.device)
            probes = seeded(name, how.seed + number, "probes")
            view.template[number] = Passes(nn.Identity(), inputs, self.space.loss, probes, view.backward)
        return view.template[number]

    def _count(self, passes: Passes, how: Collection) -> None:
        """Adds the passes that the look has run."""
        if "noise" in vars(passes):
            self.work.forwards += 1
            self.work.backwards += passes.backward
        for name, (forwards, backwards) in PASSES.items():
            if name in vars(passes):
                self.work.forwards += forwards
                self.work.backwards += backwards
        for name in how.chosen_proxies():
            self.work.forwards += PROXIES[name].forwards
            self.work.backwards += PROXIES[name].backwards

    def _view(self, members: Sequence[int]) -> _View:
        sources = [self.setup.sources[i] for i in members]
        names = tuple(dict.fromkeys(n for i in members if (tree := self._trees[i]) is not None for n in needs(tree)))
        proxies = tuple(source.classical for source in sources if source.classical)
        backward = any(STATISTICS[n].backward for n in names) or any(PROXIES[n].needs_backward for n in proxies)
        first = sources[0]
        how = Collection(
            seed=first.seed,
            samples=first.samples,
            sizes=first.sizes,
            statistics=names,
            proxies=proxies,
            device=self.setup.device,
            describe=False,
        )
        return _View(how, first.inits, tuple(members), backward)


def _seen_size(passes: Passes) -> Size:
    """The size of the network that was looked at, from what its pass has recorded."""
    params = sum(p.numel() for p in passes.network.parameters())
    return Size(float(params), float(sum(layer_macs(layer) for layer in passes.noise.layers)))


def _alike(sources: Sequence[Source]) -> list[list[int]]:
    """Positions of the proxies, those together that look in the same way."""
    groups: dict[tuple, list[int]] = {}
    for i, source in enumerate(sources):
        groups.setdefault((source.seed, source.samples, source.inits, source.sizes), []).append(i)
    return list(groups.values())


def score_chunk(setup: Setup, codes: Sequence[str], sizes: Mapping[str, Size]) -> tuple[list[Candidate], Work]:
    """The candidates of a few codes and what they took; runs in a worker.

    Args:
        sizes: those that are known already.
    """
    keep_freed_memory()
    scorer = _scorer(setup)
    scorer.work = Work()
    start = time.perf_counter()
    with exact():
        found = [scorer.score(code, sizes.get(code)) for code in codes]
    scorer.work.seconds = time.perf_counter() - start
    return found, scorer.work


@lru_cache(maxsize=2)
def _scorer(setup: Setup) -> Scorer:
    return Scorer(setup)
