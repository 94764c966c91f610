"""Independent tasks, wherever they run: in this process, in several, or on a Ray cluster.

In: an importable function and argument tuples, small and picklable. Out: results as they finish (`run_tasks`), in any
order that the caller asks for (`open_tasks`), or with reports of long tasks on the way (`run_steps`). A task depends on
its arguments alone, so results are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gpproxy.execution.local import Local
from gpproxy.execution.task import (
    DEADLY,
    ERROR,
    LOST,
    REPORT,
    Lost,
    Message,
    Place,
    Stop,
    Turns,
    never,
    one_by_one,
    told,
)

#: What stands for the result of a task, from its arguments and the reason as a sentence part ("has ended ...").
LeftOut = Callable[[tuple[Any, ...], str], Any]


def run_tasks(
    function: Callable[..., Any],
    tasks: Iterable[tuple[Any, ...]],
    *,
    workers: int = 1,
    cluster: str = "",
    gpus: float = 0.0,
    left_out: LeftOut | None = None,
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yields `(task, function(*task))` in the order of completion.

    Args:
        function: importable at module level; it must not depend on the order of tasks.
        tasks: argument tuples, small and picklable.
        workers: processes of this machine; 1 runs in this process.
        cluster: `"ray"` or `"ray:ADDRESS"` runs on a Ray cluster instead (extra `gpproxy[ray]`), see `Cluster`.
        gpus: share of a GPU that a task takes on a cluster.
        left_out: what stands for the result of a task that has killed its process on a cluster again and again.

    Raises whatever a task raises, and `Lost` when a process was killed. Leaving the loop early stops what has not
    begun, Ctrl-C in it everything.

    >>> sorted(run_tasks(pow, [(2, 3), (2, 4)]))
    [((2, 3), 8), ((2, 4), 16)]
    """
    tasks = list(tasks)
    if not tasks:
        return
    with _place(min(workers, len(tasks)), cluster, function, gpus=gpus) as place:
        for number, task in enumerate(tasks):
            place.submit(number, function, task)
        place.complete()
        while (message := place.take()) is not None:
            yield tasks[message.number], _result(message, tasks[message.number], left_out)


class Tasks:
    """Hands tasks out one by one; made by `open_tasks`."""

    def __init__(self, place: Place, function: Callable[..., Any], left_out: LeftOut | None):
        self._place, self._function, self._left_out = place, function, left_out
        self._handed_out = 0
        self._tasks: dict[int, tuple[Any, ...]] = {}
        self._found: dict[int, Message] = {}

    @property
    def workers(self) -> int:
        """Tasks that run at a time; of a cluster, as it is now."""
        return self._place.workers

    def __call__(self, *task: Any) -> Callable[[], Any]:
        """Hands a task out, by its arguments; returns what waits for its result."""
        number = self._handed_out
        self._handed_out += 1
        self._tasks[number] = task
        self._place.submit(number, self._function, task)

        def result() -> Any:
            while number not in self._found:
                message = self._place.take()
                assert message is not None, "a task is waited for twice"
                if message.kind == LOST:  # even where another one was killed
                    _result(message, self._tasks[message.number])
                self._found[message.number] = message
            del self._tasks[number]  # it will not be told again
            return _result(self._found.pop(number), task, self._left_out)

        return result


@contextmanager
def open_tasks(
    function: Callable[..., Any],
    *,
    workers: int = 1,
    cluster: str = "",
    gpus: float = 0.0,
    left_out: LeftOut | None = None,
) -> Iterator[Tasks]:
    """What hands a task out and returns what waits for its result; arguments as for `run_tasks`.

    In this process a task runs when it is waited for, in the order in which tasks were handed out.
    """
    with _place(workers, cluster, function, gpus=gpus) as place:
        yield Tasks(place, function, left_out)


@dataclass(frozen=True)
class News:
    """News of one long task.

    Attributes:
        task: its arguments.
        report: what it has yielded; None at its end.
        ended: whether it is over.
        result: what it has returned.
        error: what it has raised, or `Lost` where its process was killed; None where all is well.
    """

    task: tuple[Any, ...]
    report: Any = None
    ended: bool = False
    result: Any = None
    error: Exception | None = None


def run_steps(
    function: Callable[..., Iterator[Any]],
    tasks: Iterable[tuple[Any, ...]],
    *,
    stop: Stop = never,
    workers: int = 1,
    cluster: str = "",
    together: int = 1,
    turns: Turns = one_by_one,
    gpus: float = 0.0,
) -> Iterator[News]:
    """News of long tasks as it comes. A task that fails does not take the others with it.

    Args:
        function: importable at module level, `function(*task, stop)`; yields reports, asks `stop()` between its steps
            and comes to its end when that is True, and may return a result.
        tasks: argument tuples, small and picklable; with a `WorkFolder` among them a task keeps its state there, on a
            cluster, too.
        stop: asked between two steps; once it is True, running tasks are asked to end, and others do not begin.
        workers, cluster: as for `run_tasks`.
        together: tasks in turns in each process, where a GPU computes them side by side.
        turns: what gives them their turns, importable.
        gpus: share of a GPU that a task takes on a cluster.

    When this process is killed, tasks are asked to end as by `stop`.
    """
    tasks = list(tasks)
    count = min(workers, len(tasks))
    how = _place(count, cluster, function, steps=True, stop=stop, together=together, turns=turns, gpus=gpus)
    with how as place:
        for number, task in enumerate(tasks):
            place.submit(number, function, task)
        place.complete()
        while (message := place.take()) is not None:
            yield _news(message, tasks[message.number])


def _place(
    workers: int,
    cluster: str,
    function: Callable[..., Any],
    *,
    steps: bool = False,
    stop: Stop = never,
    together: int = 1,
    turns: Turns = one_by_one,
    gpus: float = 0.0,
) -> Place:
    """Where tasks run."""
    if cluster:
        from gpproxy.execution.cluster import RayCluster, connect

        return RayCluster(connect(cluster), steps=steps, stop=stop, gpus=gpus)
    if workers <= 1:
        return Local(steps=steps, stop=stop, together=together, turns=turns)
    from gpproxy.execution.processes import Pool

    return Pool(workers, function.__module__, steps=steps, stop=stop, together=together, turns=turns)


def _news(message: Message, task: tuple[Any, ...]) -> News:
    if message.kind == REPORT:
        return News(task, message.value)
    if message.kind in (LOST, DEADLY):
        return News(task, ended=True, error=Lost(f"it {message.value}."))
    if message.kind == ERROR:
        return News(task, ended=True, error=message.value)
    return News(task, ended=True, result=message.value)


def _result(message: Message, task: tuple[Any, ...], left_out: LeftOut | None = None) -> Any:
    """The result of a task, or what stands for it. Raises what it has raised."""
    if message.kind == DEADLY:
        if left_out is None:
            raise Lost(f"A task ({told(task)}) {message.value}. What was finished is kept; run again without it.")
        return left_out(task, message.value)
    if message.kind == LOST:
        raise Lost(
            f"A task ({told(task)}) {message.value}, most likely because memory ran out. What was finished is kept; "
            "run again with fewer workers."
        )
    if message.kind == ERROR:
        raise message.value
    return message.value
