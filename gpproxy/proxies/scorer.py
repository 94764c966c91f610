"""Applies proxies to architectures, one at a time: a code in, a Scored out. Fresh looks; for the cache see `cached`.

Every proxy that looks at generators in the same way shares the network and its passes. Only the statistics that the
formulas need are collected, and no gradient is computed when none needs one. A score depends on the architecture, its
seed and the proxy alone: neither on other architectures and their order nor on the company of other proxies.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from torch import nn

from gpproxy.errors import StatisticsError
from gpproxy.execution.memory import keep_freed_memory
from gpproxy.foreign import LOOK, Ended, foreign_code
from gpproxy.proxies.file import value_of_file
from gpproxy.proxies.latency import latency
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scored import Scored, Value, dead, failed, mean
from gpproxy.proxies.size import Size, Sizer
from gpproxy.proxies.values import values_of
from gpproxy.search_spaces.check import make_space
from gpproxy.seeds import seeded
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.exact import exact
from gpproxy.statistics.observe import collect_one
from gpproxy.statistics.passes import Passes

#: Passes that a look runs when they are asked for, with the forward and backward passes that each takes.
PASSES = {
    "wide": (1, 0), "perturbed": (1, 0), "ones": (1, 1), "input_gradient": (1, 1), "jacobian": (1, 0),
}  # fmt: skip


@dataclass(frozen=True)
class Setup:
    """What a worker has to know; equal setups score alike.

    Attributes:
        space, settings: name and constructor arguments of the search space.
        proxies: in the order of the scores.
        device: where the passes run.
        sized: whether to tell parameters and MACs.
        timed: whether to measure the latency.
        max_latency_ms: longest latency that is worth a score; 0 for no limit.
        plain: whether the networks as they are built have the sizes that the space describes, see `Sizer.plain`.
        look_seconds: time that a look at one of them may take, 0 for any.
    """

    space: str
    settings: tuple[tuple[str, Any], ...]
    proxies: tuple[Proxy, ...]
    device: str = "cpu"
    sized: bool = True
    timed: bool = False
    max_latency_ms: float = 0.0
    plain: bool = False
    look_seconds: float = LOOK


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
        self._views = [self._view(members) for members in _alike(setup.proxies)]

    @exact()
    def score(self, code: str, size: Size | None = None) -> Scored:
        """The scores of a code; its size is worked out when it is not given.

        Raises ConfigError for a proxy.py without a function `score`, SpaceError for a code that is none.
        """
        self._size = size
        if size is None and self.setup.sized and not self.setup.plain:
            self._size = self._sized(code)
        found = self._score(code)
        if not self.setup.sized:
            return found
        size = self._size or self._sized(code)
        return replace(found, params=size.params, macs=size.macs)

    def _sized(self, code: str) -> Size:
        self._sizer = self._sizer or Sizer(self.space)
        return self._sizer(self.space.decode(code))

    def _score(self, code: str) -> Scored:
        """The scores, the size still missing."""
        count = len(self.setup.proxies)
        if reason := self.space.dead(self.space.decode(code)):
            return Scored.of(code, [dead(reason)] * count)
        found: list[list[Value]] = [[] for _ in range(count)]
        measured = math.nan
        for view in self._views:
            for number in range(view.inits):
                try:
                    with foreign_code(self.setup.look_seconds):
                        values, measured = self._initialised(view, code, number, measured)
                except Ended as error:
                    values = [failed(f"looking at the generator {error}")] * len(view.members)
                if 0 < self.setup.max_latency_ms < measured:
                    return Scored(code, (math.nan,) * count, latency=measured, slow=True)
                for member, value in zip(view.members, values):
                    found[member].append(value)
                if not any(math.isfinite(value.score) for value in values):
                    break  # what is missing once stays missing
        return Scored.of(code, [mean(values) for values in found], measured)

    def _initialised(self, view: _View, code: str, number: int, measured: float) -> tuple[list[Value], float]:
        """What the proxies of a view say of one initialisation, and the latency, once it is known."""
        try:
            network = self._network(code, view.how.seed + number)
        except Exception as error:  # whatever a space's own code raises, the others go on
            reason = f"building the generator failed: {type(error).__name__}: {error}"
            return [failed(reason)] * len(view.members), measured
        if self.setup.timed and math.isnan(measured):
            measured = latency(network, self._template(view, 0).batch.first(1)).median
            if 0 < self.setup.max_latency_ms < measured:
                return [], measured
        return self._look(view, code, network, number), measured

    def _network(self, code: str, seed: int) -> nn.Module:
        self.work.networks += 1
        made = self.space.build(self.space.decode(code), seeded(self.space.name, code, seed, "weights"))
        return made if self.setup.device == "cpu" else made.to(self.setup.device)

    def _look(self, view: _View, code: str, network: nn.Module, number: int) -> list[Value]:
        """What the proxies of a view say of one initialisation."""
        proxies = [self.setup.proxies[i] for i in view.members]
        how = replace(view.how, seed=view.how.seed + number)
        template = self._template(view, number)
        values: list[Value | None] = [None] * len(proxies)
        here = [i for i, proxy in enumerate(proxies) if not proxy.path]
        fresh = not here
        if here:
            passes = template.of(network)
            for i, value in zip(here, self._collected(code, how, passes, [proxies[i] for i in here])):
                values[i] = value
        for i, proxy in enumerate(proxies):
            if proxy.path:
                # A file may change what it is given, and must not see what another proxy has changed.
                own = network if fresh else self._network(code, how.seed)
                fresh = False
                self.work.forwards += 1
                values[i] = value_of_file(proxy.path, own, template.wide_batch.own(), self.space, how.seed)
        return [value for value in values if value is not None]

    def _collected(self, code: str, how: Collection, passes: Passes, proxies: Sequence[Proxy]) -> list[Value]:
        """What formulas and classical proxies say, from the statistics of one look."""
        try:
            record = collect_one(self.space, code, how, passes)
        except StatisticsError as error:
            return [failed(str(error).removeprefix(f"{code}: "))] * len(proxies)
        finally:
            self._count(passes, how)
        if self.setup.plain:
            self._size = self._size or _seen_size(passes)
        return values_of(record, proxies, self.setup.device)

    def _template(self, view: _View, number: int) -> Passes:
        """A look without its network: the batch and the probes are the same for all architectures of a space."""
        if number not in view.template:
            how, name = view.how, self.space.name
            batch = self.space.batch(how.samples, seeded(name, how.seed + number, "inputs")).to(how.device)
            probes = seeded(name, how.seed + number, "probes")
            view.template[number] = Passes(nn.Identity(), batch, self.space.loss, probes, view.backward)
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
        proxies = [self.setup.proxies[i] for i in members]
        first = proxies[0]
        how = Collection(
            seed=first.init_seed,
            samples=first.inputs,
            sizes=first.sizes,
            statistics=tuple(dict.fromkeys(name for proxy in proxies for name in proxy.statistics)),
            proxies=tuple(proxy.classical for proxy in proxies if proxy.classical),
            device=self.setup.device,
            describe=False,
        )
        return _View(how, first.inits, tuple(members), any(proxy.needs_backward for proxy in proxies))


def _seen_size(passes: Passes) -> Size:
    """The size of the network that was looked at, from what its pass has recorded."""
    params = sum(p.numel() for p in passes.network.parameters())
    return Size(float(params), passes.noise.macs)


def _alike(proxies: Sequence[Proxy]) -> list[list[int]]:
    """Positions of the proxies, those together that look in the same way."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i, proxy in enumerate(proxies):
        groups.setdefault((proxy.init_seed, proxy.inputs, proxy.inits, proxy.sizes), []).append(i)
    return list(groups.values())


def score_chunk(setup: Setup, codes: Sequence[str], sizes: Mapping[str, Size]) -> tuple[list[Scored], Work]:
    """The scores of a few codes and what they took; runs in a worker.

    Args:
        sizes: those that are known already.
    """
    keep_freed_memory()
    scorer = _scorer(setup)
    scorer.work = Work()
    start = time.perf_counter()
    found = [scorer.score(code, sizes.get(code)) for code in codes]
    scorer.work.seconds = time.perf_counter() - start
    return found, scorer.work


def score_one(number: int, code: str, setup: Setup) -> Scored:
    """The scores of one code; runs in a worker. `number` only names the task."""
    return score_chunk(setup, [code], {})[0][0]


def unscored(task: tuple[int, str, Setup], why: str) -> Scored:
    """What stands for the result of a `score_one` that has killed its process again and again."""
    _, code, setup = task
    return Scored.of(code, [failed(f"looking at the generator {why}")] * len(setup.proxies))


@lru_cache(maxsize=2)
def _scorer(setup: Setup) -> Scorer:
    return Scorer(setup)
