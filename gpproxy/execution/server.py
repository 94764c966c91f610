"""What makes new processes: a small server that has loaded what they need, and that Ctrl-C does not reach."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Signals that end a program. The process that has made the others decides on them, for all.
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
#: Modules that are loaded once for all processes that are ever made: slow ones that nearly all tasks need.
_preloaded: dict[str, None] = {"torch": None}


def preload(*modules: str) -> None:
    """Names modules for new processes to find loaded; without effect once the first process was made."""
    _preloaded.update(dict.fromkeys(modules))


def process_context(*modules: str) -> multiprocessing.context.ForkServerContext:
    """What makes new processes; they find these modules loaded, unless others were named before the first process."""
    # forkserver: a forked copy of a process that already used torch's thread pool can hang
    preload(*modules)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_preloaded))
    _start_server()
    return context


def warm_up(*modules: str) -> None:
    """Begins to load what new processes will need, in the background, while this one still loads what it needs."""
    process_context(*modules)


def _start_server() -> None:
    """Starts the server, if it does not run. It and its processes never see what ends a program."""
    from multiprocessing import forkserver, resource_tracker

    resource_tracker.ensure_running()  # first: starting it would unblock the signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # new processes begin with this mask
    try:
        with main_hidden():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_signals_to_owner() -> None:
    """In a new process: what ends a program reaches it, but does nothing; programs that it starts do see it."""
    for number in ENDING:
        signal.signal(number, _nothing)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def _nothing(number: int, frame: Any) -> None:
    """Handles a signal by going on. To ignore it would be inherited by programs that are started."""


@contextmanager
def main_hidden() -> Iterator[None]:
    """Keeps new processes from running the user's script again, which has no need of an `if __name__` guard then."""
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {name: vars(main).pop(name) for name in ("__file__", "__spec__") if name in vars(main)}
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(hidden)
