"""Does a search run away? How many candidates lie beyond what a formula has learnt from, statistic by statistic.

In: proxies of runs, and codes. Out: shares. The range of a statistic is that over the layers of all training
architectures, of maps and matrices by their root mean square in a layer. Training architectures are read from the
cache of statistics, where their run has left them; where they are not there any more, nothing is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from gpproxy.proxies.provenance import training_provenance
from gpproxy.proxies.proxy import Proxy
from gpproxy.search_spaces import SearchSpace
from gpproxy.statistics.collect import cached, fill, recorded
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.record import Record

#: Candidates that are looked at on either side: the best, and the first, which are random.
LOOKED_AT = 20

Range = tuple[float, float]


@dataclass(frozen=True)
class Outside:
    """Shares of candidates with a statistic beyond its range on the training architectures.

    Attributes:
        best, first: of the best candidates, and of the first ones of the search.
        looked_at: how many of each.
        statistics: those that are beyond in the best candidates, the most frequent first.
    """

    best: float
    first: float
    looked_at: int
    statistics: tuple[str, ...]

    @property
    def sentence(self) -> str:
        named = f" (most often {', '.join(self.statistics[:3])})" if self.statistics else ""
        return (
            f"Of the best {self.looked_at} candidates, {self.best:.0%} have a statistic beyond its range on what the "
            f"proxy has learnt from{named}; of the first {self.looked_at}, {self.first:.0%}."
        )


def outside(
    proxies: Sequence[Proxy], space: SearchSpace, best: Sequence[str], first: Sequence[str], device: str = "cpu"
) -> Outside | None:
    """The shares for the best and the first candidates; None where no proxy tells what it has learnt from.

    A candidate that cannot be looked at counts as within.
    """
    known = [proxy for proxy in proxies if proxy.run and proxy.trees]
    names = tuple(dict.fromkeys(name for proxy in known for name in proxy.statistics))
    pasts = [training_provenance(proxy).codes.get(space.name, ()) for proxy in known]
    learnt = list(dict.fromkeys(code for codes in pasts for code in codes))
    if not names or not learnt:
        return None
    look = known[0]
    few = Collection(
        seed=look.init_seed,
        samples=look.inputs,
        sizes=look.sizes,
        statistics=names,
        proxies=(),
        device=device,
        describe=False,
    )
    if not cached(space, learnt, few):
        return None
    ranges = _joined(extents(record, names) for record in recorded(space, learnt, few, only=names) if not record.dead)
    shares, beyond = [], dict.fromkeys(names, 0)
    for codes in (best, first):
        failed = fill(space, codes, few)
        records = recorded(space, [code for code in codes if code not in failed], few, only=names)
        out = [_beyond(extents(record, names), ranges) for record in records if not record.dead]
        shares.append(sum(map(bool, out)) / max(len(codes), 1))
        if codes is best:
            for name in (name for found in out for name in found):
                beyond[name] += 1
    frequent = sorted((name for name in names if beyond[name]), key=lambda name: -beyond[name])
    return Outside(shares[0], shares[1], len(best), tuple(frequent))


def extents(record: Record, names: Sequence[str]) -> dict[str, Range]:
    """The smallest and the largest number of each statistic over the layers of a network; none where there is none."""
    found = {}
    for name in names:
        value = record.values.get(name)
        layers = [value] if isinstance(value, torch.Tensor) else value or []
        parts = [layer for layer in layers if layer is not None]
        numbers = [float(v) if v.numel() == 1 else float(v.double().square().mean().sqrt()) for v in parts]
        finite = [number for number in numbers if math.isfinite(number)]
        if finite:
            found[name] = (min(finite), max(finite))
    return found


def _beyond(found: Mapping[str, Range], ranges: Mapping[str, Range]) -> list[str]:
    """Names of the statistics that leave their range; one that was never seen before does."""
    nowhere = (math.inf, -math.inf)
    return [
        name
        for name, (low, high) in found.items()
        if low < ranges.get(name, nowhere)[0] or high > ranges.get(name, nowhere)[1]
    ]


def _joined(every: Iterable[Mapping[str, Range]]) -> Mapping[str, Range]:
    ranges: dict[str, Range] = {}
    for found in every:
        for name, (low, high) in found.items():
            before = ranges.get(name, (low, high))
            ranges[name] = (min(low, before[0]), max(high, before[1]))
    return ranges
