"""Runs a training from its settings to its end: what `gpproxy.train` does, and a search with its winners.

In: TrainSettings. Out: an Outcome and a run folder, or what it will take. What is trained, and how, is the Task's.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from gpproxy.execution.task import Stop, never
from gpproxy.execution.threads import torch_threads
from gpproxy.files import explained, sweep
from gpproxy.quality.measure import Quality
from gpproxy.report.render import REPORT, render
from gpproxy.run.interrupt import Interrupted, Patience, patient, resume_command
from gpproxy.run.kind import CONFIG
from gpproxy.run.terminal import Watch
from gpproxy.tasks.registry import open_task
from gpproxy.tasks.task import Task
from gpproxy.train.exported import export as write_generator
from gpproxy.train.finished import read_run
from gpproxy.train.folder import TrainFolder
from gpproxy.train.page import document
from gpproxy.train.settings import TrainSettings
from gpproxy.train.table import check_line, train_lines
from gpproxy.training.dry_run import DryRun
from gpproxy.training.outcome import Outcome, outcome


def run_training(settings: TrainSettings, watch: Watch | None = None, stop: Stop = never) -> Outcome:
    """As `gpproxy.train.run`.

    Args:
        stop: asked between two steps; True ends the training as Ctrl-C does, with `Interrupted`.
    """
    if settings.out and (Path(settings.out) / CONFIG).is_file():
        begun = TrainFolder.open(settings.out)
        return _run(begun.continued(**settings.changes()), begun, watch, stop)
    place = None if settings.out else TrainFolder.unfinished(settings)
    if place is not None and watch is not None:
        watch.note(f"continues the unfinished training in {place.path}; --out FOLDER begins another one")
    return _run(settings, place, watch, stop)


def resume_training(folder: str | Path, watch: Watch | None = None, **changes: Any) -> Outcome:
    """As `gpproxy.train.resume`."""
    place = TrainFolder.open(folder)
    return _run(place.continued(**changes), place, watch)


def time_training(settings: TrainSettings, watch: Watch | None = None) -> DryRun:
    """As `gpproxy.train.dry_run`."""
    with torch_threads(settings.threads), watch or Watch() as seen:
        task = open_task(settings, tell=seen.step)
        return task.dry_run(task.code(settings.arch), settings.seed)


def _run(settings: TrainSettings, place: TrainFolder | None, watch: Watch | None, stop: Stop = never) -> Outcome:
    with torch_threads(settings.threads), watch or Watch() as seen, patient() as patience:
        task = open_task(settings, tell=seen.step)
        code = task.code(settings.arch)
        if place is None:  # what is missing is found before there is a folder
            task.open()
        folder = place or TrainFolder.create(settings)
        seen.note(f"run folder {folder.path}")
        with nullcontext() if folder.finished else folder.alone():
            found, quality = _finish(task, code, settings.seed, folder, seen, patience, stop)
            folder.write_or_tell(REPORT, lambda: render(document([read_run(folder.path)])), seen.note)
    for line in (*train_lines(found, quality, folder.path), *task.remarks(found)):
        seen.note(line)
    if settings.export:
        seen.note(f"{settings.export} {write_generator(folder.path, settings.export)}")
    return found


def _finish(
    task: Task, code: str, seed: int, folder: TrainFolder, watch: Watch, patience: Patience, stop: Stop
) -> tuple[Outcome, Quality | None]:
    """What is left of a training. Raises Interrupted after Ctrl-C, with what is kept and how to go on."""
    try:
        if not folder.finished:
            sweep(folder.path)
        found = outcome(folder.path) or _train(task, code, seed, folder, watch, patience, stop)
        return found, task.quality(folder.path, code, seed)
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(folder.path, "train", folder.kept) from None


def _train(
    task: Task, code: str, seed: int, folder: TrainFolder, watch: Watch, patience: Patience, stop: Stop
) -> Outcome:
    """Trains to the end. Raises Interrupted after Ctrl-C, when the running step is done."""
    task.open()
    patience.waiting = True
    try:
        for progress in task.train(code, seed, folder.path, lambda: patience.asked or stop()):
            watch.progress("steps", progress.step, progress.steps)
            if progress.measures is not None:
                watch.note(check_line(progress))
    except OSError as error:
        raise explained(error, resume_command(folder.path, "train")) from None
    patience.waiting = False
    found = outcome(folder.path)
    if found is None:
        raise Interrupted(folder.path, "train")
    return found
