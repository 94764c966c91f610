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


def run_tasks(
    function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], *, workers: int = 1, cluster: str = ""
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yields `(task, function(*task))` in the order of completion.

    Args:
        function: importable at module level; it must not depend on the order of tasks.
        tasks: argument tuples, small and picklable.
        workers: processes; 1 runs in this process.
        cluster: `"ray"` runs on the Ray cluster that the environment names (extra `gpproxy[ray]`).

    Raises whatever a task raises, and `Lost` when a process was killed. Leaving the loop early stops what has not
    begun, Ctrl-C in it everything.

    >>> sorted(run_tasks(pow, [(2, 3), (2, 4)]))
    [((2, 3), 8), ((2, 4), 16)]
    """
    tasks = list(tasks)
    with _place(min(workers, len(tasks)), cluster, function) as place:
        for number, task in enumerate(tasks):
            place.submit(number, function, task)
        place.complete()
        while (message := place.take()) is not None:
            yield tasks[message.number], _result(message, tasks[message.number])


@contextmanager
def open_tasks(
    function: Callable[..., Any], *, workers: int = 1, cluster: str = ""
) -> Iterator[Callable[..., Callable[[], Any]]]:
    """A function that hands a task out and returns what waits for its result; arguments as for `run_tasks`.

    In this process a task runs when it is waited for, in the order in which tasks were handed out.
    """
    tasks: list[tuple[Any, ...]] = []
    found: dict[int, Message] = {}
    with _place(workers, cluster, function) as place:

        def submit(*task: Any) -> Callable[[], Any]:
            number = len(tasks)
            tasks.append(task)
            place.submit(number, function, task)

            def result() -> Any:
                while number not in found:
                    message = place.take()
                    assert message is not None, "a task is waited for twice"
                    if message.kind == LOST:  # even where another one was killed
                        _result(message, tasks[message.number])
                    found[message.number] = message
                tasks[number] = ()  # it will not be told again
                return _result(found.pop(number), task)

            return result

        yield submit


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
        tasks: argument tuples, small and picklable.
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
    if message.kind == LOST:
        return News(task, ended=True, error=Lost(f"it {message.value}."))
    if message.kind == ERROR:
        return News(task, ended=True, error=message.value)
    return News(task, ended=True, result=message.value)


def _result(message: Message, task: tuple[Any, ...]) -> Any:
    """The result of a task. Raises what it has raised."""
    if message.kind == LOST:
        raise Lost(
            f"A task ({told(task)}) {message.value}, most likely because memory ran out. What was finished is kept; "
            "run again with fewer workers."
        )
    if message.kind == ERROR:
        raise message.value
    return message.value
