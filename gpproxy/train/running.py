"""Runs a training, whatever its kind: what `gpproxy.train` does, and a search with its winners.

In: a TrainConfig. Out: an Outcome, or what it will take.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from gpproxy.quality.measure import Quality
from gpproxy.run.files import sweep
from gpproxy.run.interrupt import Interrupted, Patience, patient
from gpproxy.run.kind import CONFIG
from gpproxy.run.terminal import Watch
from gpproxy.tasks.trainer import Trainer
from gpproxy.tasks.trainer_translation import TranslationTrainer
from gpproxy.tasks.translation_recipe import TranslationRecipe
from gpproxy.train.folder import TrainFolder
from gpproxy.train.settings import TrainConfig
from gpproxy.train.table import train_lines
from gpproxy.training.dry_run import DryRun
from gpproxy.training.outcome import Outcome, outcome
from gpproxy.training.recipe import recipe


def trainer(config: TrainConfig, watch: Watch | None = None) -> Trainer:
    """The Trainer of some settings, by their recipe."""
    translates = isinstance(recipe(config.recipe, **config.recipe_changes), TranslationRecipe)
    return (TranslationTrainer if translates else Trainer)(config, watch or Watch())


def run_training(config: TrainConfig, watch: Watch | None = None) -> Outcome:
    """As `gpproxy.train.run`."""
    if config.out and (Path(config.out).expanduser() / CONFIG).is_file():
        changes = {name: value for name, value in vars(config).items() if name != "out"}
        return resume_training(config.out, watch, **changes)
    place = None if config.out else TrainFolder.unfinished(config)
    if place is not None and watch is not None:
        watch.note(f"continues the unfinished training in {place.path}; --out FOLDER begins another one")
    return _run(config, place, watch)


def resume_training(folder: str | Path, watch: Watch | None = None, **changes: Any) -> Outcome:
    """As `gpproxy.train.resume`."""
    place = TrainFolder.open(folder)
    config = place.continued(**changes)
    return _run(config, place, watch)


def time_training(config: TrainConfig, watch: Watch | None = None) -> DryRun:
    """As `gpproxy.train.dry_run`."""
    with _threads(config.threads), watch or Watch() as seen:
        return trainer(config, seen).dry_run()


def _run(config: TrainConfig, place: TrainFolder | None, watch: Watch | None) -> Outcome:
    with _threads(config.threads), watch or Watch() as seen, patient() as patience:
        training = trainer(config, seen)
        if place is None:  # what is missing is found before there is a folder
            training.open()
        folder = place or TrainFolder.create(config)
        seen.note(f"run folder {folder.path}")
        with nullcontext() if folder.finished else folder.alone():
            found, quality = _finish(training, folder, patience)
    for line in train_lines(found, quality, folder.path):
        seen.note(line)
    return found


def _finish(training: Trainer, folder: TrainFolder, patience: Patience) -> tuple[Outcome, Quality | None]:
    """What is left of a training. Raises Interrupted after Ctrl-C, with what is kept and how to go on."""
    try:
        if not folder.finished:
            sweep(folder.path)
        return outcome(folder.path) or training.run(folder, patience), training.quality(folder)
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(folder.path, "train", folder.kept) from None


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Another number of threads adds numbers up in another order, so it is a setting."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
