"""`gpproxy.load_generator(folder)`: the trained generator of a training, ready to draw."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from gpproxy.errors import ConfigError, RunError
from gpproxy.registry import load_plugin
from gpproxy.run.kind import CONFIG
from gpproxy.run.reading import reading
from gpproxy.tasks.registry import open_task
from gpproxy.train.folder import TrainFolder
from gpproxy.training.checkpoint import BEST
from gpproxy.training.draw import trained


def load_generator(folder: str | Path, device: str = "cpu") -> nn.Module:
    """The generator with the weights of its best check, in evaluation mode.

    Raises RunError where the folder is none of a training, or holds no weights yet.
    """
    place = TrainFolder.open(folder)
    settings = place.config
    if not (place.path / BEST).is_file():
        raise RunError(f"{place.path} has no {BEST}: the training did not reach a check. Continue it with --resume.")
    for plugin in settings.plugins:
        load_plugin(plugin)
    with reading(place.path / CONFIG, "Take it from a copy of the training.", ConfigError):
        task = open_task(settings)
        code = task.code(settings.arch)
    return trained(task.space, code, place.path / BEST, device).eval()
