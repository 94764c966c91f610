"""Code of other people, such as a generator that is looked at: it may hang, print, or end the process.

In: seconds. Out: a context in which the time is limited, what is printed goes to standard error, since results go to
standard output, and `sys.exit` is an error like any other. A signal ends what takes too long, between two instructions
of Python: a single operation of torch comes to its end first. Only the first thread of a process gets signals; in
another one the time has no limit.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import FrameType

#: Seconds that a look at a generator may take where nothing else is said.
LOOK = 600.0
#: Seconds after which a signal that the code has swallowed comes again.
AGAIN = 1.0


class Ended(Exception):
    """The code was ended, or wanted to end this process; a sentence part that says so.

    Attributes:
        lasting: whether that will come again on another day.
    """

    def __init__(self, why: str, lasting: bool):
        self.lasting = lasting
        super().__init__(why)


class _Over(BaseException):
    """No Exception, so that code which goes on after any of those does not go on after this one."""


@contextmanager
def foreign_code(seconds: float) -> Iterator[None]:
    """Raises Ended where its block takes longer than so many seconds, 0 for no limit, or calls `sys.exit`.

    Not to be entered within itself. A timer that is running goes on afterwards.
    """
    with redirect_stdout(sys.stderr), _limited(seconds):
        try:
            yield
        except SystemExit as error:
            raise Ended(f"was ended by sys.exit({error.code!r}) in its own code", lasting=True) from error


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    if not seconds or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(number: int, frame: FrameType | None) -> None:
        if running:
            raise _Over

    running, begun = True, time.monotonic()
    handler = signal.signal(signal.SIGALRM, over)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        try:
            yield
        finally:
            running = False
    except _Over:
        why = f"took longer than {seconds:g} s and was ended"
        raise Ended(why, lasting=False) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 1e-3), interval)
