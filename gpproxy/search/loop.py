"""The search: proposals in, scored candidates out, in an order that no number of workers changes.

Candidates are scored in small batches, in this process or in several, and taken back in the order in which they were
handed out. A strategy that learns hears of each batch before it proposes further than its `room` allows, so the same
seed gives the same search everywhere. A resumed search runs the same way again and takes what is there from the
journal.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field

from gpproxy.errors import ConfigError
from gpproxy.estimators.estimator import Estimator, estimate, left_out
from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.execution.scheduler import open_tasks
from gpproxy.proxies.scored import Scored, ScoredList
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Size, Sizer
from gpproxy.search.journal import Journal, Memory
from gpproxy.search.limits import FLAGS, Limits, smallest
from gpproxy.search.proposals import Proposals
from gpproxy.search.strategies import Strategy

#: Candidates that a worker gets at a time, and batches in its queue.
CHUNK, AHEAD = 4, 3
#: Candidates that break the limit on latency in a row, with none within it, after which the search ends.
TOO_SLOW = 60

Chunk = tuple[list[Scored], Work]


@dataclass
class Progress:
    """How far a search is; the same object after every batch.

    Attributes:
        seen: the scored candidates, in order.
        budget: how many there will be.
        seconds: since this process began to search.
        fresh: candidates that this process has scored; the others come from the journal.
        work: what all scored candidates took, those of earlier runs included.
        excluded, slow: architectures that a limit on size or on latency has excluded.
        repeated: proposals that had been seen before.
        finished: empty while the search goes on; then `budget`, `time`, `space` (nothing is left) or `rare` (hardly
            anything is within the limits).
    """

    seen: ScoredList
    budget: int
    seconds: float = 0.0
    fresh: int = 0
    work: Work = field(default_factory=Work)
    excluded: int = 0
    slow: int = 0
    repeated: int = 0
    finished: str = ""

    @property
    def rate(self) -> float:
        """Candidates per second of this process."""
        return self.fresh / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float:
        """Seconds that the rest will take; infinite before anything is known."""
        return (self.budget - len(self.seen)) / self.rate if self.rate else float("inf")


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
    journal: Journal | None = None,
    memory: Memory | None = None,
) -> Generator[Progress, None, None]:
    """Yields after every batch; the last one has `finished` set.

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
        journal: where candidates are written as they come.
        memory: what an earlier run has written.

    Raises ConfigError when nothing passes the limits, Lost when a process was killed.
    """
    memory = memory or Memory()
    proposals = Proposals(strategy, sizer, limits, memory)
    progress = Progress(ScoredList(len(estimator.labels)), budget, work=memory.work)
    queue: deque[tuple[list[str], dict[str, Scored], Callable[[], Chunk] | None]] = deque()
    taken = told = 0
    before, late = estimator.set_up + memory.seconds, False
    in_time = not limits.latency
    start = time.perf_counter()
    with open_tasks(estimate, workers=workers, cluster=cluster, gpus=gpus, left_out=left_out) as tasks:
        submit = _one_by_one(tasks) if cluster else tasks
        while True:
            while not proposals.finished and not late and (strategy.feedback or len(queue) < tasks.workers * AHEAD):
                room = min(CHUNK, strategy.room(taken, told), budget - taken)
                drawn: list[tuple[str, Size | None]] = []
                while len(drawn) < room and (one := proposals.take()):
                    drawn.append(one)
                if not drawn:
                    break
                taken += len(drawn)
                codes = [code for code, _ in drawn]
                known = {code: memory.candidates.pop(code) for code in codes if code in memory.candidates}
                sizes = {code: size for code, size in drawn if size is not None and code not in known}
                left = [code for code in codes if code not in known]
                queue.append((codes, known, submit(estimator, left, sizes) if left else None))
            if journal and (excluded := proposals.drain()):
                journal.excluded(excluded)
            if not queue:
                break
            codes, known, wait = queue.popleft()
            if wait is not None:
                fresh, work = wait()
                spent = time.perf_counter() - start if max_seconds else 0.0
                late = late or 0 < max_seconds <= before + spent
                if journal:
                    journal.scored(fresh, work, spent + memory.seconds)
                progress.fresh += len(fresh)
                progress.work.add(work)
                known.update((candidate.code, candidate) for candidate in fresh)
            for code in codes:
                if known[code].slow:
                    progress.slow += 1
                    taken -= 1
                    continue
                progress.seen.add(known[code])
                strategy.tell(known[code])
                told += 1
                in_time = in_time or known[code].latency <= limits.latency
            if progress.slow >= TOO_SLOW and not in_time:
                raise _all_too_slow(strategy, estimator, sizer, limits, progress.slow)
            progress.seconds = time.perf_counter() - start
            progress.excluded, progress.repeated = proposals.refused, proposals.repeated
            if told < budget:
                yield progress
    if progress.slow and not in_time:
        raise _all_too_slow(strategy, estimator, sizer, limits, progress.slow)
    progress.seconds = time.perf_counter() - start
    progress.excluded, progress.repeated = proposals.refused, proposals.repeated
    progress.finished = "budget" if told >= budget else "time" if late else proposals.finished or "space"
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
