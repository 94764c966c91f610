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
from dataclasses import dataclass, field
from typing import Any

from gpproxy.errors import ConfigError, RunError
from gpproxy.estimators.estimator import Estimator, estimate, left_out
from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.execution.scheduler import open_tasks
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Size, Sizer
from gpproxy.run.folder import AGAIN
from gpproxy.run.reading import reading
from gpproxy.search.candidates import Candidates
from gpproxy.search.limits import FLAGS, Limits, smallest
from gpproxy.search.order import LEADING, Leaders
from gpproxy.search.proposals import Proposals
from gpproxy.search.store import Store, key_of
from gpproxy.search.strategies import Strategy
from gpproxy.search_spaces.space import Architecture

#: Candidates that a worker gets at a time, and batches in its queue.
CHUNK, AHEAD = 4, 3
#: Candidates that break the limit on latency in a row, with none within it, after which the search ends.
TOO_SLOW = 60

Chunk = tuple[list[Scored], Work]
#: A proposal that was taken up: its code, and its size where a limit asked for it.
Drawn = tuple[str, Size | None]


@dataclass
class Progress:
    """How far a search is; the same object after every batch.

    Attributes:
        store: where the candidates are.
        budget: how many there will be.
        told: scored candidates so far, in the order of the search.
        leaders: the best of them.
        seconds: since this process began to search.
        fresh: candidates that this process has scored; the others were there already.
        dropped: candidates that were there and belong to a search that took another course, as with another budget.
        excluded, slow: architectures that a limit on size or on latency has excluded.
        repeated: proposals that had been seen before.
        finished: empty while the search goes on; then `budget`, `time`, `space` (nothing is left) or `rare` (hardly
            anything is within the limits).
    """

    store: Store
    budget: int
    told: int = 0
    leaders: Leaders = field(default_factory=Leaders)
    seconds: float = 0.0
    fresh: int = 0
    dropped: int = 0
    excluded: int = 0
    slow: int = 0
    repeated: int = 0
    finished: str = ""

    @property
    def seen(self) -> Candidates:
        """The scored candidates, in order."""
        return Candidates(self.store)

    @property
    def work(self) -> Work:
        """What all scored candidates took, those of earlier runs included."""
        return self.store.work

    @property
    def rate(self) -> float:
        """Candidates per second of this process."""
        return self.fresh / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float:
        """Seconds that the rest will take; infinite before anything is known."""
        return (self.budget - self.told) / self.rate if self.rate else float("inf")


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
    course = _Course(strategy, Proposals(strategy, sizer, limits, store), store, budget)
    progress = course.progress
    waits: deque[tuple[list[str], dict[str, Scored], Callable[[], Chunk] | None]] = deque()
    before, set_up, late = store.seconds, estimator.set_up, False
    start = time.perf_counter()
    with open_tasks(estimate, workers=workers, cluster=cluster, gpus=gpus, left_out=left_out) as tasks:
        submit = _one_by_one(tasks) if cluster else tasks
        while True:
            while course.waiting or (not late and (strategy.feedback or len(waits) < tasks.workers * AHEAD)):
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


class _Course:
    """What is drawn, told and kept, and where a search is that goes on.

    Attributes:
        in_time: whether any candidate was within the limit on latency, or there is none.
        waiting: batches that were drawn before the state from which this search goes on.
    """

    def __init__(self, strategy: Strategy, proposals: Proposals, store: Store, budget: int):
        self.strategy, self.proposals, self.store = strategy, proposals, store
        self.progress = Progress(store, budget)
        self.in_time = not proposals.limits.latency
        self.waiting: deque[list[Drawn]] = deque()
        #: batches that were drawn and not told yet
        self._out: deque[list[Drawn]] = deque()
        #: candidates that were looked up, and those that the budget is for: slow ones do not count once they are told
        self._looked_up = self._taken = 0
        #: whether the state is that of every search with this seed; once the budget has cut a batch, it is not
        self._uncut = True
        if store.count - store.slow > budget:
            raise RunError(
                f"{store.path.parent} has {store.count - store.slow:,} candidates already, but got budget={budget}. "
                f"Give --budget {store.count - store.slow} or more."
            )
        state = store.state()
        strategy.recall = self._recalled
        if state is not None:
            with reading(store.path, AGAIN):
                self._restore(state)

    def draw(self) -> list[Drawn]:
        """The next batch; none where there is no room, or nothing left."""
        if self.waiting:
            drawn = self.waiting.popleft()
        else:
            room = min(CHUNK, self.strategy.room(self._taken, self.progress.told))
            left = self.progress.budget - self._taken
            self._uncut = self._uncut and left >= room
            drawn = []
            while len(drawn) < min(room, left) and (one := self.proposals.take()):
                drawn.append(one)
            self._taken += len(drawn)
        if drawn:
            self._out.append(drawn)
        self.progress.excluded, self.progress.repeated = self.proposals.refused, self.proposals.repeated
        return drawn

    def known(self, drawn: Sequence[Drawn]) -> dict[str, Scored]:
        """Those of a batch that were there already; whatever else is there from then on is of another course."""
        first, self._looked_up = self._looked_up, self._looked_up + len(drawn)
        if first >= self.store.count:
            return {}
        known: dict[str, Scored] = {}
        for (code, _), one in zip(drawn, self.store.rows(first, len(drawn))):
            if one.code != code:
                self.progress.dropped += self.store.drop(first + len(known))
                break
            known[code] = one
        return known

    def tell(self, batch: Sequence[Scored], whole: bool) -> None:
        """Tells the strategy of a batch and commits it.

        Args:
            whole: whether the search goes on after it.
        """
        progress = self.progress
        self._out.popleft()
        for one in batch:
            if one.slow:
                progress.slow += 1
                self._taken -= 1
                continue
            progress.told += 1
            progress.leaders.add(one)
            self.strategy.tell(one)
            self.in_time = self.in_time or one.latency <= self.proposals.limits.latency
        if whole and self._uncut and self.store.due and (state := self._state()):
            self.store.save(state)
        self.store.commit()

    def _state(self) -> dict[str, Any] | None:
        """Where the search is, as plain values; None for a strategy that has no state."""
        strategy = self.strategy.state()
        if strategy is None:
            return None
        progress, proposals = self.progress, self.proposals.state()
        return {
            "strategy": strategy,
            "proposals": proposals,
            "told": progress.told,
            "slow": progress.slow,
            "in_time": self.in_time,
            "out": list(self._out),
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        progress = self.progress
        self.strategy.restore(state["strategy"])
        self.proposals.restore(state["proposals"])
        progress.told, progress.slow = int(state["told"]), int(state["slow"])
        self.in_time = bool(state["in_time"])
        for batch in state["out"]:
            self.waiting.append(
                [(str(code), None if size is None else Size(*map(float, size))) for code, size in batch]
            )
        self._looked_up = progress.told + progress.slow
        self._taken = progress.told + sum(map(len, self.waiting))
        if not 0 <= self._looked_up <= self.store.count:
            raise ValueError(f"its state is after {self._looked_up} candidates, but it has {self.store.count}")
        progress.leaders = Leaders(self.store.best(LEADING, self._looked_up))

    def _recalled(self, architecture: Architecture) -> float | None:
        key = key_of(self.strategy.space.canonical(architecture))
        return self.store.recall(key, self.progress.told + self.progress.slow)


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
