"""Applies a proxy to many architectures by their statistics in the cache: codes in, one Scored each out.

What an evolution has left there is used; what is missing is collected into it, and only what the proxy needs. The
scores are those of `scorer`, to the last bit, but for what only a full look shows: a network whose gradients are all
zero counts as dead here also for a formula without gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from gpproxy.errors import StatisticsError
from gpproxy.execution.scheduler import run_tasks
from gpproxy.foreign import LOOK
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scored import Scored, Value, failed, mean
from gpproxy.proxies.scorer import Setup, score_one, unscored
from gpproxy.proxies.values import values_of
from gpproxy.search_spaces import SearchSpace
from gpproxy.statistics.collect import fill, recorded
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.exact import exact

#: Architectures whose statistics are in memory at a time.
CHUNK = 128

Progress = Callable[[int, int], None]


def score_cached(
    proxy: Proxy,
    space: SearchSpace,
    codes: Sequence[str],
    workers: int = 1,
    device: str = "cpu",
    on_progress: Progress = lambda done, total: None,
    cluster: str = "",
    look_seconds: float = LOOK,
) -> list[Scored]:
    """The scores in the order of the codes; those that could not be looked at are `failed`.

    A proxy.py that can only be run has nothing in the cache and looks afresh.

    Args:
        on_progress: called with (done, total) as looks finish.
        workers, cluster: as for `run_tasks`.
        look_seconds: time that a look may take, 0 for any.

    Raises StatisticsError where none could be looked at, with the first reason.
    """
    workers = workers if device == "cpu" else 1
    if proxy.path:
        setup = Setup(
            space.name, tuple(asdict(space.settings).items()), (proxy,), device, sized=False, look_seconds=look_seconds
        )
        found = _fresh(setup, codes, workers, cluster, on_progress)
    else:
        values: dict[str, list[Value]] = {code: [] for code in codes}
        for number in range(proxy.inits):
            how = replace(_way(proxy, number, device), look_seconds=look_seconds)
            for code, value in _values(proxy, space, codes, how, workers, cluster, on_progress):
                values[code].append(value)
        found = [Scored.of(code, [mean(values[code])]) for code in codes]
    if all(one.failed for one in found):
        reason = f" The first: {found[0].problem}" if found else ""
        raise StatisticsError(f"{proxy.label} fails on all {len(codes)} architectures of {space.name}.{reason}")
    return found


def _fresh(setup: Setup, codes: Sequence[str], workers: int, cluster: str, on_progress: Progress) -> list[Scored]:
    tasks = [(number, code, setup) for number, code in enumerate(codes)]
    found: dict[str, Scored] = {}
    where: dict[str, Any] = {"workers": workers, "cluster": cluster, "gpus": float(setup.device != "cpu")}
    for task, scored in run_tasks(score_one, tasks, left_out=unscored, **where):
        found[task[1]] = scored
        on_progress(len(found), len(tasks))
    return [found[code] for code in codes]


def _way(proxy: Proxy, number: int, device: str) -> Collection:
    """How to look at one of the initialisations: at what the proxy needs."""
    how = Collection(seed=proxy.init_seed + number, sizes=proxy.sizes, proxies=(), device=device)
    if proxy.classical:
        return replace(how, statistics=(), proxies=(proxy.classical,), proxy_samples=proxy.inputs)
    return replace(how, samples=proxy.inputs, statistics=proxy.statistics, describe=False)


def _values(
    proxy: Proxy,
    space: SearchSpace,
    codes: Sequence[str],
    how: Collection,
    workers: int,
    cluster: str,
    on_progress: Progress,
) -> Iterator[tuple[str, Value]]:
    reasons = fill(space, codes, how, workers=workers, cluster=cluster, on_progress=on_progress)
    yield from ((code, failed(reason.removeprefix(f"{code}: "))) for code, reason in reasons.items())
    alive = [code for code in codes if code not in reasons]
    for start in range(0, len(alive), CHUNK):
        records = recorded(space, alive[start : start + CHUNK], how, only=proxy.statistics)
        with exact():
            found = [(record.architecture, values_of(record, [proxy], how.device)[0]) for record in records]
        yield from found
