"""One evaluation of a graph: threads take ready nodes in schedule order, values are freed after their last use.

When the values in flight outgrow the budget, kept ones go first; then those are dropped whose next use is furthest
away, and made again from the statistics when it comes. What is computed for a node is the same each time.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Mapping

import torch

from gpproxy.execution.threads import torch_threads
from gpproxy.expressions.evaluation.apply import Fault, apply
from gpproxy.expressions.evaluation.cache import Cache
from gpproxy.expressions.evaluation.graph import Graph
from gpproxy.expressions.evaluation.layout import Blocks, Held, Layouts, held_bytes
from gpproxy.expressions.evaluation.schedule import Schedule
from gpproxy.expressions.nodes import Operation

#: Share of the budget for values of earlier calls. More would cost more in touching fresh memory than it saves.
KEPT = 1 / 8
#: What calling one operation costs, in elements.
CALL = 5000.0


class Run:
    """Evaluates the roots of a graph.

    Args:
        graph: the trees.
        leaves: values of the statistics and constants by code.
        layouts: those of the table.
        cache: values of earlier runs; this one takes from it and leaves its own.
        memory: bytes for values in flight and kept together.
    """

    def __init__(self, graph: Graph, leaves: Mapping[str, Held], layouts: Layouts, cache: Cache, memory: int):
        self._graph, self._layouts, self._cache, self._memory = graph, layouts, cache, memory
        self._kept = int(memory * KEPT)
        self._values: list[Held | Fault | None] = [None] * len(graph)
        self._sizes = [0] * len(graph)
        self._costs = [0.0] * len(graph)
        self._bytes = 0
        #: Highest number of bytes in flight and kept, and how many values were made again.
        self.peak = 0
        self.repeated = 0
        leaf = {i for i, node in enumerate(graph.nodes) if not isinstance(node, Operation)}
        for i in leaf:
            self._values[i] = leaves[graph.nodes[i].code]
        self._schedule = Schedule(graph, lambda i: i in leaf or graph.keys[i] in cache)
        self._owned = [i for i in self._schedule.found if i not in leaf]
        for i in self._owned:
            value, self._costs[i] = cache.pop(graph.keys[i])
            self._store(i, value)
        self._uses = dict(self._schedule.uses)
        self._waits = self._schedule.waits
        self._place = {i: n for n, i in enumerate(self._schedule.order)}
        self._done: set[int] = set()

    def evaluate(self, workers: int) -> dict[int, Held | Fault]:
        """The value of every root, by node number."""
        with torch_threads():
            if workers <= 1:
                with torch.no_grad():
                    for i in self._schedule.order:
                        self._finish(i, *self._compute(i, [self._values[j] for j in self._graph.operands[i]]))
            else:
                _Pool(self, workers).work()
        roots = {root: self._pull(root) for root in dict.fromkeys(self._graph.roots)}
        for root in roots:
            self._release(root)
        self._cache.shrink(self._kept)
        return roots

    def _compute(self, i: int, operands: list[Held | Fault | None]) -> tuple[Held | Fault, float]:
        """The value of a node and its cost, in elements touched."""
        graph = self._graph
        below = graph.operands[i]
        given = [self._pull(j) if value is None else value for j, value in zip(below, operands)]
        node = graph.nodes[i]
        assert isinstance(node, Operation)
        value = apply(node, given, self._layouts)
        return value, CALL + sum(self._costs[j] for j in below) + node.primitive.cost * sum(map(_elements, given))

    def _pull(self, i: int) -> Held | Fault:
        """The value of a node; made again when it was dropped."""
        value = self._values[i]
        if value is None:
            self.repeated += 1
            with torch.no_grad():
                value = self._compute(i, [self._values[j] for j in self._graph.operands[i]])[0]
        return value

    def _finish(self, i: int, value: Held | Fault, cost: float) -> None:
        self._costs[i] = cost
        self._done.add(i)
        self._store(i, value)
        for j in dict.fromkeys(self._graph.operands[i]):
            self._release(j)
        if self._cache.bytes > self._kept or self._bytes + self._cache.bytes > self._memory:
            self._make_room(i)

    def _store(self, i: int, value: Held | Fault) -> None:
        self._values[i] = value
        self._sizes[i] = 0 if isinstance(value, Fault) else held_bytes(value)
        self._bytes += self._sizes[i]
        self.peak = max(self.peak, self._bytes + self._cache.bytes)

    def _release(self, i: int) -> None:
        """One use less; after the last the value moves from the run to the cache."""
        self._uses[i] -= 1
        value = self._values[i]
        if self._uses[i] or value is None or not self._graph.operands[i]:
            return
        self._bytes -= self._sizes[i]
        self._values[i] = None
        self._cache.put(self._graph.keys[i], value, self._sizes[i], self._costs[i])

    def _make_room(self, current: int) -> None:
        self._cache.shrink(min(self._kept, self._memory - self._bytes))
        if self._bytes <= self._memory:
            return
        held = [i for i in (*self._done, *self._owned) if self._sizes[i] and self._values[i] is not None]
        held = [i for i in held if isinstance(self._values[i], Blocks) and i != current]
        for i in sorted(held, key=self._next_use, reverse=True):
            self._bytes -= self._sizes[i]
            self._values[i] = None
            if self._bytes <= self._memory:
                return

    def _next_use(self, i: int) -> int:
        places = [self._place[c] for c in self._schedule.consumers[i] if c not in self._done]
        return min(places, default=len(self._place))


class _Pool:
    """Threads over one run; a thread always takes the first ready node in schedule order."""

    def __init__(self, run: Run, workers: int):
        self._run, self._workers = run, workers
        self._turn = threading.Condition()
        self._ready = [n for n, i in enumerate(run._schedule.order) if run._waits[i] == 0]
        self._left = len(run._schedule.order)
        self._error: BaseException | None = None

    def work(self) -> None:
        threads = [threading.Thread(target=self._loop) for _ in range(self._workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._error:
            raise self._error

    def _loop(self) -> None:
        run = self._run
        torch.set_num_threads(1)
        try:
            with torch.no_grad():
                while True:
                    with self._turn:
                        while self._left and not self._ready and not self._error:
                            self._turn.wait()
                        if not self._left or not self._ready or self._error:
                            return
                        i = run._schedule.order[heapq.heappop(self._ready)]
                        operands = [run._values[j] for j in run._graph.operands[i]]
                    value, cost = run._compute(i, operands)
                    with self._turn:
                        run._finish(i, value, cost)
                        self._left -= 1
                        for c in run._schedule.consumers[i]:
                            run._waits[c] -= 1
                            if run._waits[c] == 0:
                                heapq.heappush(self._ready, run._place[c])
                        self._turn.notify_all()
        except BaseException as error:  # handed to the caller by `work`
            with self._turn:
                self._error = self._error or error
                self._turn.notify_all()


def _elements(value: Held | Fault) -> int:
    return 0 if isinstance(value, Fault) else held_bytes(value) // 4
