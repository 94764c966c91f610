"""Tasks on the Ray cluster that the environment names, or on a local one (extra `gpproxy[ray]`)."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpproxy.errors import ConfigError
from gpproxy.execution.task import LOST, Message, Stop, messages, never, packed, unpacked
from gpproxy.registry import PLUGINS, load_plugin

#: Seconds between two looks at whether tasks with reports are to stop, here and there.
PAUSE = 0.5


def check_cluster(cluster: str) -> None:
    """Raises ConfigError for another name than `ray` or an empty one, and where Ray is not installed."""
    if cluster not in ("", "ray"):
        raise ConfigError(f"cluster must be 'ray' or empty, but is '{cluster}'.")
    there = sys.modules["ray"] is not None if "ray" in sys.modules else find_spec("ray") is not None
    if cluster and not there:
        raise ConfigError("cluster = 'ray' needs Ray: pip install 'gpproxy[ray]'.")


def connect(cluster: str) -> Any:
    """Ray, connected. Raises as `check_cluster`."""
    check_cluster(cluster)
    import ray

    if not ray.is_initialized():  # type: ignore[attr-defined]
        # A local cluster would run its processes at the lowest priority.
        os.environ.setdefault("RAY_worker_niceness", "0")
        before = signal.getsignal(signal.SIGTERM)
        ray.init(include_dashboard=False, log_to_driver=False)  # type: ignore[attr-defined]
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # Ray takes it; what it means is decided elsewhere
    return ray


class RayCluster:
    """See `Place`. Ray decides where a task runs and how many run at a time.

    Args:
        ray: what `connect` returns.
        steps: whether functions yield reports and take a `Stop` as their last argument.
        stop: asked now and then; once it is True, no further task begins and those with reports are to end.
        gpus: share of a GPU that a task takes; Ray hides GPUs from tasks that ask for none.
    """

    def __init__(self, ray: Any, *, steps: bool = False, stop: Stop = never, gpus: float = 0.0):
        self._ray, self._steps, self._stop = ray, steps, stop
        self._options = {"num_gpus": gpus} if gpus else {}
        self._waiting: dict[Any, int] = {}
        self._flag: Any = None
        self._stopped = False

    def __enter__(self) -> RayCluster:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        for left in self._waiting:
            self._ray.cancel(left)
        self._waiting.clear()
        if self._flag is not None:
            self._ray.kill(self._flag)

    def submit(self, number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """See `Place.submit`."""
        how = (number, tuple(PLUGINS), function, arguments)
        if not self._steps:
            remote = self._ray.remote(_whole).options(**self._options)
            self._waiting[remote.remote(*how)] = number
            return
        if self._flag is None:
            self._flag = self._ray.remote(_Flag).options(num_cpus=0).remote()
        remote = self._ray.remote(_in_steps).options(num_returns="streaming", max_retries=0, **self._options)
        self._waiting[remote.remote(*how, self._flag)] = number

    def complete(self) -> None:
        """See `Place.complete`."""

    def take(self) -> Message | None:
        """See `Place.take`."""
        ray = self._ray
        while self._waiting:
            if self._steps and not self._stopped and self._stop():
                self._stopped = True
                ray.get(self._flag.set.remote())
            done, _ = ray.wait(list(self._waiting), num_returns=1, timeout=PAUSE if self._steps else None)
            for one in done:
                message = self._message(one)
                if message is not None:
                    return message
        return None

    def _message(self, one: Any) -> Message | None:
        """What a task has told; None for one that has stopped before it began."""
        number = self._waiting[one]
        try:
            message = unpacked(self._ray.get(next(one) if self._steps else one))
        except StopIteration:
            del self._waiting[one]
            return None
        except self._ray.exceptions.RayError as error:
            del self._waiting[one]
            return Message(number, LOST, f"was lost: {type(error).__name__}: {error}")
        if message.last:
            del self._waiting[one]
        return message


class _Flag:
    """Says to tasks everywhere whether they are to stop."""

    def __init__(self) -> None:
        self.raised = False

    def set(self) -> None:
        self.raised = True

    def get(self) -> bool:
        return self.raised


def _begin(plugins: tuple[Path, ...]) -> None:
    import torch

    torch.set_num_threads(1)
    for path in plugins:
        load_plugin(path)


def _whole(number: int, plugins: tuple[Path, ...], function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    """One task over there."""
    _begin(plugins)
    (message,) = messages(number, function, arguments, None)
    return packed(message)


def _in_steps(
    number: int, plugins: tuple[Path, ...], function: Callable[..., Any], arguments: tuple[Any, ...], flag: Any
) -> Iterator[bytes]:
    """One task with reports over there."""
    import ray

    _begin(plugins)
    asked, stopped = -PAUSE, False

    def stop() -> bool:
        nonlocal asked, stopped
        if not stopped and time.monotonic() - asked >= PAUSE:
            asked, stopped = time.monotonic(), ray.get(flag.get.remote())  # type: ignore[attr-defined]
        return stopped

    if not stop():
        for message in messages(number, function, arguments, stop):  # Ray takes no `yield from`
            yield packed(message)
