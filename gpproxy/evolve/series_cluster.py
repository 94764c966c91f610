"""Runs of a series on a cluster: settings with their folders in, the finished folders out.

A seed is one long task: on some machine of the cluster a run works in a temporary folder, with looks of its own, which
stay in the cache of that machine for the next seed there; the whole folder comes back and is written by this process. A
run that was stopped comes back as far as it is, and goes on from there, on the cluster or here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpproxy.errors import RunError
from gpproxy.evolve.console import EvolveWatch
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.result import Result
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.execution.scheduler import run_steps
from gpproxy.execution.task import Stop
from gpproxy.execution.workfolder import WorkFolder
from gpproxy.registry import load_plugin
from gpproxy.run.folder import ENVIRONMENT, environment
from gpproxy.run.interrupt import Interrupted, patient
from gpproxy.run.kind import CONFIG

#: Runs one seed: settings, the folder of a run that goes on or None, a watch.
Runner = Callable[[EvolveSettings, EvolveFolder | None, EvolveWatch | None], Result]


class _Stopping(EvolveWatch):
    """Ends a run as Ctrl-C would, between two of its steps, once the command has asked for that."""

    def __init__(self, stop: Stop):
        self._stop = stop

    def progress(self, what: str, done: int, total: int) -> None:
        self._look()

    def generation(self, generation: Any, front: Any, last: int) -> None:
        self._look()

    def _look(self) -> None:
        if self._stop():
            raise KeyboardInterrupt


def run_on_cluster(configs: Sequence[EvolveSettings], watch: EvolveWatch, run_one: Runner) -> bool:
    """Brings runs to their end on the cluster of their settings; False where that was stopped before.

    Args:
        configs: settings of runs that differ in seed and folder; what a folder holds already goes on.
        run_one: importable.

    Raises RunError with the reasons of the runs that have failed, once the others have come to their end.
    """
    folders, tasks, failed = [], [], []
    for plugin in configs[0].plugins:
        load_plugin(plugin)
    for config in configs:
        place = Path(config.out)
        folder = EvolveFolder.open(place) if (place / CONFIG).is_file() else EvolveFolder.create(config)
        folders.append((folder, config))
        # Plug-ins travel as source, and are there already when the task begins.
        there = replace(config, plugins=(), cluster="", cluster_address="", workers=1)
        tasks.append((WorkFolder(folder.path), there, run_one))
    gpus = float(configs[0].device != "cpu")
    with patient() as patience:
        patience.waiting = True
        watch.progress("seeds on the cluster", 0, len(tasks))
        ended = 0
        for news in run_steps(one_seed, tasks, stop=lambda: patience.asked, cluster=configs[0].place, gpus=gpus):
            seed = news.task[1].seed
            if news.error is not None:
                failed.append(f"seed {seed}: {news.error}")
            elif news.ended:
                ended += 1
                watch.progress("seeds on the cluster", ended, len(tasks))
        stopped = patience.asked
    for folder, config in folders:
        folder.write(CONFIG, config.to_toml())
    if failed:
        raise RunError("Not every seed came to its end; the same command goes on.\n" + "\n".join(failed))
    return not stopped


def one_seed(work: WorkFolder, config: EvolveSettings, run_one: Runner, stop: Stop) -> Iterator[None]:
    """One run, in the folder that a task has; a task of `run_steps`."""
    folder = EvolveFolder(work.path)
    command = folder.read_json(ENVIRONMENT)["command"]
    folder.write(ENVIRONMENT, json.dumps({**environment(config), "command": command}, indent=1) + "\n")
    try:
        run_one(config, folder, _Stopping(stop))
    except Interrupted:
        return
    yield None
