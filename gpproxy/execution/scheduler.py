"""Where independent tasks run: in this process, in several, or on a Ray cluster. Results come as they finish."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gpproxy.errors import ConfigError, RunError
from gpproxy.registry import PLUGINS, load_plugin

#: Modules that are slow to load and that nearly all tasks need.
PRELOADED = ("torch", "gpproxy.statistics.forward_mode")


def run_tasks(
    function: Callable[..., Any], tasks: Iterable[tuple], *, workers: int = 1, cluster: str = ""
) -> Iterator[tuple[tuple, Any]]:
    """Yields `(task, function(*task))` in the order of completion.

    Args:
        function: importable at module level; it must not depend on the order of tasks.
        tasks: argument tuples, small and picklable.
        workers: processes; 1 runs in this process.
        cluster: `"ray"` runs on the Ray cluster that the environment names (extra `gpproxy[ray]`).

    Raises whatever a task raises. Leaving the loop early stops what has not begun, Ctrl-C in it everything.
    """
    tasks = list(tasks)
    if cluster:
        yield from _on_ray(function, tasks, cluster)
    elif workers <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, function(*task)
    else:
        yield from _in_processes(function, tasks, workers)


def _in_processes(function: Callable[..., Any], tasks: list[tuple], workers: int) -> Iterator[tuple[tuple, Any]]:
    pool = open_pool(min(workers, len(tasks)), function.__module__)
    try:
        with main_hidden():
            futures = {pool.submit(function, *task): task for task in tasks}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise RunError(
            f"One of {workers} processes was killed, most likely because memory ran out. What was finished is kept; "
            "run again with fewer workers."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Pool(ProcessPoolExecutor):
    """Processes that Ctrl-C ends at once; left alone they would wait for work for ever."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the processes after their tasks; in the middle of them on the way out of Ctrl-C, or when that comes."""
        if isinstance(sys.exc_info()[1], KeyboardInterrupt):
            self._kill()
        try:
            super().shutdown(wait, cancel_futures=cancel_futures)
        except KeyboardInterrupt:
            self._kill()
            super().shutdown(wait, cancel_futures=cancel_futures)
            raise

    def _kill(self) -> None:
        for process in list((self._processes or {}).values()):
            process.kill()


def open_pool(workers: int, *modules: str) -> Pool:
    """New processes with the same plugins, one torch thread each; submit to them inside `main_hidden`.

    Args:
        modules: what they will need, loaded once for all processes that are ever made.
    """
    context = process_context(*PRELOADED, *modules)
    return Pool(workers, mp_context=context, initializer=_begin, initargs=(tuple(PLUGINS),))


def process_context(*modules: str) -> multiprocessing.context.ForkServerContext:
    """What makes new processes; they find these modules loaded, unless others were named before the first process."""
    # forkserver: a forked copy of a process that already used torch's thread pool can hang
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(modules))
    _start_server()
    return context


def warm_up(*modules: str) -> None:
    """Begins to load what new processes will need, in the background, while this one still loads what it needs."""
    process_context(*PRELOADED, *modules)


def _start_server() -> None:
    """Starts what makes new processes, if it does not run. It and they never see Ctrl-C: this process decides on it."""
    from multiprocessing import forkserver, resource_tracker

    resource_tracker.ensure_running()  # first: starting it would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # new processes begin with this mask
    try:
        with main_hidden():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(plugins: tuple[Path, ...]) -> None:
    """Makes a new process like this one: one thread, the same plugins. It ends when this one does, even by a kill."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where something else has started the server, it is not blocked
    threading.Thread(target=_follow_parent, daemon=True).start()
    torch.set_num_threads(1)
    for path in plugins:
        load_plugin(path)


def _follow_parent() -> None:
    """Waits until the process that made this one is gone, and ends this one."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


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


def _on_ray(function: Callable[..., Any], tasks: list[tuple], cluster: str) -> Iterator[tuple[tuple, Any]]:
    if cluster != "ray":
        raise ConfigError(f"cluster must be 'ray' or empty, but is '{cluster}'.")
    try:
        import ray
    except ImportError as error:
        raise ConfigError("cluster = 'ray' needs Ray: pip install 'gpproxy[ray]'.") from error
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False)
    remote = ray.remote(_with_plugins)
    waiting = {remote.remote(tuple(PLUGINS), function, *task): task for task in tasks}
    try:
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            yield waiting.pop(done), ray.get(done)
    finally:
        for left in waiting:
            ray.cancel(left)


def _with_plugins(plugins: tuple[Path, ...], function: Callable[..., Any], *task: Any) -> Any:
    for path in plugins:
        load_plugin(path)
    return function(*task)
