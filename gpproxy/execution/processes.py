"""Tasks in several processes of this machine, with one torch thread each and the same plugins as this one.

Every process is spoken to through a pipe of its own, so a process that is killed takes nothing with it, and nothing is
left behind that must be cleaned up, whichever way this one ends. What is pickled goes through these pipes, between this
process and those that it has made; nothing of it comes from a file.
"""

from __future__ import annotations

import atexit
import pickle
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any

from gpproxy.execution.server import main_hidden, process_context
from gpproxy.execution.task import LOST, Message, Stop, Turns, never, one_by_one, unpacked
from gpproxy.execution.worker import LAST, STOP, work
from gpproxy.registry import PLUGINS

#: Tasks that a process has at hand beside the one that it does, so that it need not wait for the next.
AHEAD = 1
#: Seconds after which `stop` is asked again, and that tasks with reports get to end their step on the way out.
PAUSE, PATIENCE = 0.5, 60.0


@dataclass
class _Worker:
    """A process, the tasks that it has, and the last word that it was told."""

    process: Any
    tasks: list[int] = field(default_factory=list)
    word: str = ""

    def say(self, pipe: Any, what: Any) -> None:
        """Sends; a process that is gone is noticed when its pipe is read."""
        try:
            pipe.send(what)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def end(self, pipe: Any, word: str) -> None:
        """Says a last word, once."""
        if self.word not in (word, STOP):
            self.word = word
            self.say(pipe, word)


class Pool:
    """See `Place`. Processes are made as they are needed.

    On the way out, what has not begun is dropped and what runs comes to its end; tasks without reports are killed
    instead where the way out is that of Ctrl-C, and everything is when that comes once more.

    Args:
        workers: most processes.
        modules: what they will need, loaded once for all processes that are ever made.
        steps: whether functions yield reports and take a `Stop` as their last argument.
        stop: asked now and then; once it is True, no further task begins and those with reports are to end.
        together, turns: how many tasks run at a time in each process, and what gives them their turns; importable.
    """

    def __init__(
        self,
        workers: int,
        *modules: str,
        steps: bool = False,
        stop: Stop = never,
        together: int = 1,
        turns: Turns = one_by_one,
    ):
        self._count, self._steps, self._stop = workers, steps, stop
        self._together, self._turns = together, turns
        self._context = process_context(*modules)
        self._workers: dict[Any, _Worker] = {}
        self._left: deque[tuple[int, bytes]] = deque()
        self._ready: deque[Message] = deque()
        self._made, self._complete, self._stopped = 0, False, False
        _open.add(self)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._left.clear()
        try:
            if not self._steps and kind is not None and issubclass(kind, KeyboardInterrupt):
                self.kill()
            for pipe, worker in self._workers.items():
                worker.end(pipe, STOP)
                pipe.close()
            self._join()
        except KeyboardInterrupt:
            self.kill()
            self._join()
            raise
        finally:
            self._workers.clear()

    @property
    def workers(self) -> int:
        """See `Place.workers`."""
        return self._count

    def submit(self, number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """See `Place.submit`. Raises what pickle raises for what cannot be sent."""
        self._left.append((number, pickle.dumps((function, arguments))))
        self._hand_out()

    def complete(self) -> None:
        """See `Place.complete`."""
        self._complete = True
        self._hand_out()

    def take(self) -> Message | None:
        """See `Place.take`."""
        while not self._ready:
            if self._stop() and not self._stopped:
                self._stopped = True
                self._left.clear()
                for pipe, worker in self._workers.items():
                    worker.end(pipe, STOP)
            if not self._stopped and not self._workers and self._left:
                if self._made >= self._count:  # every process was lost
                    number, _ = self._left.popleft()
                    return Message(number, LOST, "was not begun: no process is left")
                self._hand_out()
            if not any(worker.tasks or worker.word for worker in self._workers.values()):
                return None
            for pipe in wait(list(self._workers), timeout=PAUSE):
                self._read(pipe)
        return self._ready.popleft()

    def kill(self) -> None:
        """Ends all processes, in the middle of their tasks."""
        for worker in self._workers.values():
            worker.process.kill()

    def _read(self, pipe: Any) -> None:
        """Takes a message from a process, or notices that it is gone."""
        worker = self._workers[pipe]
        try:
            message = unpacked(pipe.recv_bytes())
        except (EOFError, ConnectionResetError):
            del self._workers[pipe]
            pipe.close()
            worker.process.join()
            code = worker.process.exitcode
            # A process that was stopped leaves tasks that it never began.
            if code or worker.word != STOP:
                how = f"was lost: its process ended with code {code}"
                self._ready.extend(Message(number, LOST, how) for number in worker.tasks)
            return
        self._ready.append(message)
        if message.last:
            worker.tasks.remove(message.number)
            self._hand_out()

    def _hand_out(self) -> None:
        """Gives waiting tasks to the processes with the fewest, and makes processes while there are too few."""
        room = self._together + (0 if self._steps else AHEAD)
        while self._left and not self._stopped:
            pipe, worker = min(self._workers.items(), key=lambda one: len(one[1].tasks), default=(None, None))
            if (worker is None or worker.tasks) and self._made < self._count:
                pipe, worker = self._make()
            if worker is None or len(worker.tasks) >= room:
                return
            number, task = self._left.popleft()
            worker.tasks.append(number)
            worker.say(pipe, (number, task))
        if self._complete and not self._left:
            for pipe, worker in self._workers.items():
                worker.end(pipe, LAST)

    def _make(self) -> tuple[Any, _Worker]:
        ours, theirs = self._context.Pipe()
        how = (theirs, tuple(PLUGINS), self._steps, self._together, self._turns)
        with main_hidden():
            # no daemon: a task may make processes of its own
            process = self._context.Process(target=work, args=how)
            process.start()
        theirs.close()
        self._made += 1
        self._workers[ours] = worker = _Worker(process)
        return ours, worker

    def _join(self) -> None:
        end = time.monotonic() + PATIENCE
        for worker in self._workers.values():
            worker.process.join(max(end - time.monotonic(), 0.0) if self._steps else None)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()


#: Pools that are not yet gone.
_open: weakref.WeakSet[Pool] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """Before Python waits for processes that wait for it: those of a pool that was never left."""
    for pool in list(_open):
        pool.kill()
