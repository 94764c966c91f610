"""Tasks for the tests of the scheduler; importable, as tasks have to be."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from gpproxy.errors import RunError
from gpproxy.execution.task import Stop
from gpproxy.execution.workfolder import WorkFolder


class Odd(Exception):
    """An error that cannot be pickled: it takes other arguments than its text."""

    def __init__(self, one: int, two: int):
        super().__init__(f"odd {one}")


def divide(a: int, b: int) -> float:
    if b == 13:
        raise Odd(a, b)
    return a / b


def sized(count: int, *padding: bytes) -> bytes:
    return bytes(count)


def threads() -> tuple[int, int, bool]:
    import torch

    return os.getpid(), torch.get_num_threads(), "gpproxy_plugin_mine" in sys.modules


def unsendable() -> object:
    return threading.Lock()


def die(text: str) -> str:
    if text == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return text


def say_and_sleep(seconds: float) -> None:
    os.write(1, b"begun\n")  # at once, for another process may write too
    time.sleep(seconds)


def count(steps: int, folder: str, stop: Stop) -> Iterator[int]:
    """Counts, goes on where it was stopped, and says what its folder has been told."""
    file = Path(folder) / f"{steps}"
    begun = int(file.read_text()) if file.is_file() else 0
    for step in range(begun + 1, steps + 1):
        if steps == 13:
            raise RunError("unlucky")
        if steps == 66:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
        file.write_text(str(step))
        yield step
        if stop():
            return None
    return f"{steps} steps"


def turns(running, together):  # noqa: ANN001, ANN201
    from gpproxy.training.cuda_graph import in_turns

    return in_turns(running, together)


def slow(number: int, seconds: float) -> tuple[int, str]:
    """Sleeps and says where it was."""
    import ray

    time.sleep(seconds)
    return number, ray.get_runtime_context().get_node_id()


def count_on(steps: int, seconds: float, folder: WorkFolder, stop: Stop) -> Iterator[int]:
    """Counts in its folder, wherever that is, and goes on from what is there; tells how it has begun."""
    file = folder.path / "count"
    folder.path.mkdir(exist_ok=True)
    begun = int(file.read_text()) if file.is_file() else 0
    with (folder.path / "begun.txt").open("a") as told:
        told.write(f"{begun} {folder.carried}\n")
    for step in range(begun + 1, steps + 1):
        time.sleep(seconds)
        file.write_text(str(step))
        yield step
        if stop():
            return None
    return f"{steps} steps"


def wait_for_end(folder: str, stop: Stop) -> Iterator[str]:
    """Runs until it is asked to stop, and writes down that it was."""
    name = Path(folder) / f"{os.getpid()}"
    name.write_text("begun")
    while not stop():
        time.sleep(0.01)
        yield "step"
    time.sleep(0.2)
    name.write_text("saved")
