"""Ctrl-C, a kill and a closed terminal: the first lets what is running come to its end, the second quits.

In: the signals of this process. Out: KeyboardInterrupt where it does no harm. Python raises it anywhere; inside the
import of torch or numpy it would be swallowed or end in a traceback, so it waits there for the end of the import. What
a program around us has decided about signals, such as nohup, is left as it is. This file is the first that a command
loads, and loads little itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
from contextlib import contextmanager

TYPE_CHECKING = False  # as in typing, which would take time in the first moment of a command
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType
    from typing import Any

#: What ends a command; all of them like Ctrl-C.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
#: Seconds between two looks at whether an import is over.
PAUSE = 0.02


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; `folder` is what to resume with the command, `kept` a part of a sentence on what it holds, `more` what
    else can be done."""

    def __init__(self, folder: Path, command: str = "evolve", kept: str = "everything so far is saved", more: str = ""):
        self.folder = folder
        super().__init__(f"Stopped; {kept}. Continue with\n  {resume_command(folder, command)}{more}")


def resume_command(folder: Path, command: str = "evolve") -> str:
    """What continues a run."""
    from gpproxy.run.invocation import command_line

    return command_line(command, "--resume", folder)


class _State:
    """What has come, and whether it may be raised: before a command has begun, nobody would catch it."""

    received = 0
    begun = False
    waiting = False


_state = _State()


def exit_code() -> int:
    """What a shell expects of a process that a signal has ended: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + (_state.received or signal.SIGINT)


def install() -> None:
    """Takes over the signals for a command, from its first moment on; `begin` says when they may raise."""
    for number in SIGNALS:
        with contextlib.suppress(ValueError):  # not the main thread
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, _stop)


def begin() -> None:
    """From now on KeyboardInterrupt is caught. Raises it where a signal came before."""
    _state.begun = True
    if _state.waiting:
        _state.waiting = False
        raise KeyboardInterrupt


def end() -> None:
    """The command is over: a signal would only disturb the end of the process."""
    for number in SIGNALS:
        with contextlib.suppress(ValueError):
            if signal.getsignal(number) == _stop:
                signal.signal(number, signal.SIG_IGN)


def _stop(number: int, frame: FrameType | None) -> None:
    _receive(number)
    if not _state.begun:
        _state.waiting = True
        return
    _raise_outside_imports(frame)


def _receive(number: int) -> None:
    _state.received = _state.received or number
    if number == getattr(signal, "SIGHUP", None):
        # The terminal is gone: writing to it would be an error.
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (1, 2):
                if stat.S_ISCHR(os.fstat(stream).st_mode):
                    os.dup2(nowhere, stream)


def _raise_outside_imports(frame: FrameType | None) -> None:
    """Raises KeyboardInterrupt now, or as soon as the import that is going on is over."""
    alarm = getattr(signal, "SIGALRM", None)
    if alarm is None or not _importing(frame) or signal.getsignal(alarm) not in (signal.SIG_DFL, _look_again):
        raise KeyboardInterrupt
    signal.signal(alarm, _look_again)
    signal.setitimer(signal.ITIMER_REAL, PAUSE)


def _look_again(number: int, frame: FrameType | None) -> None:
    if _importing(frame):
        signal.setitimer(signal.ITIMER_REAL, PAUSE)
        return
    signal.setitimer(signal.ITIMER_REAL, 0)  # a second signal has set it again: by itself it would end the process
    signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt


def _importing(frame: FrameType | None) -> bool:
    """Whether a foreign module is being imported, or an object taken away, where an exception would be swallowed."""
    while frame is not None:
        code, name = frame.f_code, str(frame.f_globals.get("__name__", ""))
        if code.co_filename.startswith("<frozen importlib") or code.co_name == "__del__":
            return True
        if name.split(".")[0] == "gpproxy" and code.co_name != "<module>":
            return False
        frame = frame.f_back
    return False


class Patience:
    """What Ctrl-C does: `waiting` lets it wait until someone looks at `asked`, otherwise it stops at once."""

    def __init__(self) -> None:
        self.waiting = False
        self.asked = False


@contextmanager
def patient() -> Iterator[Patience]:
    """Handles the signals as the Patience says, until the end of the block."""
    patience = Patience()

    def handle(number: int, frame: FrameType | None) -> None:
        _receive(number)
        if patience.asked or not patience.waiting:
            _raise_outside_imports(frame)
        patience.asked = True

    before: dict[int, Any] = {}
    try:
        for number in SIGNALS:
            old = signal.getsignal(number)
            if old in (signal.SIG_DFL, signal.default_int_handler, _stop):
                before[number] = signal.signal(number, handle)
    except ValueError:  # not the main thread: the program around us owns the signals
        yield patience
        return
    try:
        yield patience
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def install_early(verbs: tuple[str, ...]) -> None:
    """The same at the first import of the installed command, of `python -m gpproxy` and `python -m gpproxy.VERB`."""
    words = list(getattr(sys, "orig_argv", ()))
    targets = {"gpproxy", *(f"gpproxy.{verb}" for verb in verbs)}
    if sys.argv[0] != "-m" or any(one == "-m" and other in targets for one, other in zip(words, words[1:])):
        install()
