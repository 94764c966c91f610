"""The search: proposals in, scored candidates out, in an order that no number of workers changes.

Candidates are scored in small batches, in this process or in several, and taken back in the order in which they were
handed out. A strategy that learns hears of each batch before it proposes further than its `room` allows, so the same
seed gives the same search everywhere. Now and then its state is kept in the store; a resumed search goes on from there
and takes what was scored after it from the store. Without a state it runs the same way again from the start.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence

from gpproxy.errors import ConfigError
from gpproxy.estimators.estimator import Estimator, estimate, left_out
from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.execution.scheduler import open_tasks
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Size, Sizer
from gpproxy.search.course import Course, Progress
from gpproxy.search.limits import FLAGS, Limits, smallest
from gpproxy.search.proposals import Proposals
from gpproxy.search.store import Store
from gpproxy.search.strategies import Strategy

#: Batches in the queue of a worker; one where there is one worker, for whom nobody waits, and in a search that is ended
#: by time, which would first have to finish them.
AHEAD = 3
#: Candidates that break the limit on latency in a row, with none within it, after which the search ends.
TOO_SLOW = 60

Chunk = tuple[list[Scored], Work]


def search(
    strategy: Strategy,
    estimator: Estimator,
    sizer: Sizer,
    limits: Limits,
    budget: int,
    *,
    max_seconds: float = 0.0,
    workers: int = 1,
    cluster: str = "",
    gpus: float = 0.0,
    store: Store | None = None,
) -> Generator[Progress, None, None]:
    """Yields after every batch, which is safe then; the last one has `finished` set.

    Args:
        strategy: proposes architectures.
        estimator: scores them.
        sizer: tells sizes.
        limits: what an architecture may have.
        budget: candidates to score.
        max_seconds: wall-clock time after which it ends, that of earlier processes and of the set-up included; 0 for
            no limit.
        workers: processes; 1 works in this one.
        cluster, gpus: as for `run_tasks`; on a cluster one candidate that kills its process is left out by itself.
        store: where candidates are kept as they come, with those of an earlier run; by default in memory.

    Raises ConfigError when nothing passes the limits, RunError for a budget below what is there, Lost when a process
    was killed.
    """
    store = store or Store.temporary(len(estimator.labels))
    course = Course(strategy, Proposals(strategy, sizer, limits, store), store, budget)
    progress = course.progress
    waits: deque[tuple[list[str], dict[str, Scored], Callable[[], Chunk] | None]] = deque()
    before, set_up, late = store.seconds, estimator.set_up, False
    start = time.perf_counter()
    with open_tasks(estimate, workers=workers, cluster=cluster, gpus=gpus, left_out=left_out) as tasks:
        submit = _one_by_one(tasks) if cluster else tasks
        ahead = tasks.workers * AHEAD if tasks.workers > 1 and not max_seconds else tasks.workers
        while True:
            while course.waiting or (not late and (strategy.feedback or len(waits) < ahead)):
                drawn = course.draw()
                if not drawn:
                    break
                known = course.known(drawn)
                codes = [code for code, _ in drawn]
                sizes = {code: size for code, size in drawn if size is not None and code not in known}
                left = [code for code in codes if code not in known]
                waits.append((codes, known, submit(estimator, left, sizes) if left else None))
            if not waits:
                break
            codes, known, wait = waits.popleft()
            if wait is not None:
                fresh, work = wait()
                spent = time.perf_counter() - start if max_seconds else 0.0
                late = late or 0 < max_seconds <= set_up + before + spent
                store.add(fresh, work, before + spent)
                progress.fresh += len(fresh)
                known.update((candidate.code, candidate) for candidate in fresh)
            course.tell([known[code] for code in codes], whole=not late)
            if progress.slow >= TOO_SLOW and not course.in_time:
                raise _all_too_slow(strategy, estimator, sizer, limits, progress.slow)
            progress.seconds = time.perf_counter() - start
            if progress.told < budget:
                yield progress
    if progress.slow and not course.in_time:
        raise _all_too_slow(strategy, estimator, sizer, limits, progress.slow)
    progress.seconds = time.perf_counter() - start
    ended = course.proposals.finished or "space"
    progress.finished = "budget" if progress.told >= budget else "time" if late else ended
    yield progress


def _one_by_one(submit: Callable[..., Callable[[], Chunk]]) -> Callable[..., Callable[[], Chunk]]:
    """Hands out a task per candidate instead of a few in one; the cluster makes batches of them itself."""

    def chunk(estimator: Estimator, codes: Sequence[str], sizes: Mapping[str, Size]) -> Callable[[], Chunk]:
        waits = [submit(estimator, [code], {code: sizes[code]} if code in sizes else {}) for code in codes]

        def joined() -> Chunk:
            found, work = [], Work()
            for wait in waits:
                some, more = wait()
                found += some
                work.add(more)
            return found, work

        return joined

    return chunk


def _all_too_slow(strategy: Strategy, estimator: Estimator, sizer: Sizer, limits: Limits, count: int) -> ConfigError:
    """What to tell when nothing is fast enough: what the architecture with the fewest MACs takes."""
    space = strategy.space
    architecture, size = smallest(space, sizer, "macs")
    code = space.encode(architecture)
    assert isinstance(estimator, ProxyEstimator), "only a proxy's passes have a limit on time"
    device = estimator.setup.device
    (found,), _ = estimator.unhurried().score([code], {code: size})
    return ConfigError(
        f"{FLAGS['latency']} {limits.latency:,.6g} excluded all of the first {count} live architectures of "
        f"{space.name} on {device}: the one with the fewest MACs, {code}, takes {found.latency:.3g} ms. Allow "
        "more."
    )
