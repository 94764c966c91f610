"""The other end of `processes`: one process that does tasks as its owner hands them out.

It ends when it is told to, and when its owner is gone, even by a kill: at once, or with reports after the step that is
running, whose state is saved then.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from gpproxy.execution.server import leave_signals_to_owner
from gpproxy.execution.task import Turns, call, messages, packed
from gpproxy.registry import load_plugin

#: Last words to a process: no other task comes; what has not begun is dropped and what runs is to stop.
LAST, STOP = "last", "stop"


def work(pipe: Connection, plugins: tuple[Path, ...], steps: bool, together: int, turns: Turns) -> None:
    """Takes tasks from the pipe until it is told the last word or its owner is gone."""
    import torch

    leave_signals_to_owner()
    torch.set_num_threads(1)
    for path in plugins:
        load_plugin(path)
    inbox = _Inbox(pipe, steps)
    running = (messages(number, call, (task,), inbox.stopped if steps else None) for number, task in inbox)
    for _, message in turns(running, together):
        try:
            pipe.send_bytes(packed(message))
        except (BrokenPipeError, ConnectionResetError):  # nobody listens: what runs comes to its end all the same
            inbox.stop()


class _Inbox:
    """What the owner has sent: tasks, and then LAST, STOP or the end of the pipe.

    A thread of its own reads, so that the owner never waits for this process to listen.
    """

    def __init__(self, pipe: Connection, steps: bool):
        self._pipe, self._steps = pipe, steps
        self._tasks: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()
        self._stopped = threading.Event()
        self._owner = parent_process()
        threading.Thread(target=self._read, daemon=True).start()

    def stop(self) -> None:
        """Drops what has not begun and asks what runs to end."""
        self._stopped.set()
        self._tasks.put(None)

    def stopped(self) -> bool:
        """Whether the tasks that are running are to end."""
        return self._stopped.is_set() or self._owner is None or not self._owner.is_alive()

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """The tasks as they come."""
        while (task := self._tasks.get()) is not None and not self._stopped.is_set():
            yield task

    def _read(self) -> None:
        word: Any = None
        while word != STOP:
            try:
                word = self._pipe.recv()
            except (EOFError, OSError):
                if not self._steps:
                    os._exit(1)  # the owner was killed: nobody waits for a result
                word = STOP
            if word == STOP:
                self.stop()
            else:
                self._tasks.put(None if word == LAST else word)
        if not self._steps and self._owner is not None:
            self._owner.join()  # it waits for the task that is running, unless it is killed
            os._exit(1)
