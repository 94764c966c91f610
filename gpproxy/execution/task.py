"""What a task is and what it tells: the same words in this process, in another one and on a cluster.

In: an importable function with its arguments. Out: messages: reports while it runs, then its result or what it raised.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from traceback import extract_tb, format_exception
from typing import Any, Protocol, TypeVar

from gpproxy.errors import RunError

#: Kinds of messages. `LOST`: the process of the task is gone; its value is a sentence part with the exit code.
#: `DEADLY`: so are those in which it was repeated on a cluster.
REPORT, RESULT, ERROR, LOST, DEADLY = "report", "result", "error", "lost", "deadly"

#: Asked between two steps; True ends the tasks after the step that is running.
Stop = Callable[[], bool]

T = TypeVar("T")
#: Items of many iterators, so many of them in turns: `(number of the iterator, item)`.
Turns = Callable[[Iterable[Iterator[Any]], int], Iterator[tuple[int, Any]]]


@dataclass(frozen=True)
class Message:
    """News of one task.

    Attributes:
        number: the task, counted from 0 in the order of submission.
        kind: `REPORT`, `RESULT`, `ERROR`, `LOST` or `DEADLY`; every one but the first is the last word of its task.
        value: what the task has yielded, returned or raised, or how its process ended.
    """

    number: int
    kind: str
    value: Any

    @property
    def last(self) -> bool:
        """Whether the task is over."""
        return self.kind != REPORT


class Lost(RunError):
    """The process of a task was killed, most likely because memory ran out."""


class Place(Protocol):
    """Where tasks run. Opened with `with`; leaving the block drops what has not begun and waits for what runs."""

    def __enter__(self) -> Place: ...

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None: ...

    @property
    def workers(self) -> int:
        """Tasks that run at a time."""

    def submit(self, number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """Takes a task on; it begins as soon as there is room for it."""

    def complete(self) -> None:
        """Says that no further task will come. Only then is the last of several tasks in turns sure to run."""

    def take(self) -> Message | None:
        """Waits for the next message; None when all tasks are over, or were stopped or dropped."""


def never() -> bool:
    """A `Stop` that lets every task come to its end."""
    return False


def one_by_one(running: Iterable[Iterator[T]], together: int = 1) -> Iterator[tuple[int, T]]:
    """The plainest `Turns`: one iterator after the other, whatever `together` is."""
    for number, one in enumerate(running):
        for item in one:
            yield number, item


def messages(
    number: int, function: Callable[..., Any], arguments: tuple[Any, ...], stop: Stop | None
) -> Iterator[Message]:
    """Runs a task and yields what it tells; what it raises is its last message, for others go on.

    Args:
        stop: given to a function that yields reports, as its last argument; None for one that returns its result.
    """
    try:
        if stop is None:
            yield Message(number, RESULT, function(*arguments))
            return
        running = function(*arguments, stop)
        while True:
            try:
                report = next(running)
            except StopIteration as end:
                yield Message(number, RESULT, end.value)
                return
            yield Message(number, REPORT, report)
    except Exception as error:
        yield Message(number, ERROR, error)


def call(task: bytes, *stop: Any) -> Any:
    """Unpacks a task where what goes wrong with that is the task's own error, and calls it."""
    function, arguments = pickle.loads(task)
    return function(*arguments, *stop)


def packed(message: Message) -> bytes:
    """A message on its way to another process. What cannot travel becomes an error that says so."""
    try:
        data = pickle.dumps(message)
        if message.kind == ERROR:
            pickle.loads(data)  # errors that take other arguments than their text fail only when they arrive
            data = pickle.dumps((message, "".join(format_exception(message.value)), where(message.value)))
        return data
    except Exception as problem:
        error = message.value if message.kind == ERROR else problem
        told = RunError(f"A task ended with what cannot be sent to another process: {type(error).__name__}: {error}")
        return pickle.dumps((Message(message.number, ERROR, told), "".join(format_exception(error)), where(error)))


def unpacked(data: bytes) -> Message:
    """The message of `packed`; an error has the other process's traceback as its cause."""
    found = pickle.loads(data)
    if isinstance(found, Message):
        return found
    message: Message = found[0]
    trace, place = found[1:]
    message.value.__cause__ = _Elsewhere(f'\n"""\n{trace}"""')
    message.value.__cause__.place = place
    return message


class _Elsewhere(Exception):
    """The traceback of another process, shown before that of this one."""

    place = ""


def where(error: BaseException) -> str:
    """The file and line that has raised an error, in this process or in that of its task; empty when unknown."""
    if isinstance(error.__cause__, _Elsewhere):
        return error.__cause__.place
    return "".join(f"{frame.filename}, line {frame.lineno}" for frame in extract_tb(error.__traceback__)[-1:])


def told(arguments: tuple[Any, ...]) -> str:
    """A task in a few words, for sentences: what is text or number in its arguments, at most a line of it."""
    words = [str(one) for one in arguments if isinstance(one, (str, int)) and str(one)]
    text = ", ".join(words) or ", ".join(type(one).__name__ for one in arguments)
    return text if len(text) <= 100 else f"{text[:97]}..."
