"""Which tasks there are, and which one some settings are for: a recipe belongs to one task.

In: names of recipes, or TrainingSettings. Out: recipes, classes of tasks, an open Task. A new task is one new file of
this folder: a subclass of `gpproxy.tasks.task.Task` under `@task("name")` with its presets.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.registry import Registry, load_plugin
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.training.recipe import Recipe

if TYPE_CHECKING:
    from gpproxy.tasks.task import Task

TASKS: Registry[type[Task]] = Registry("task", "gpproxy.tasks")


def task(name: str) -> Callable[[type[Task]], type[Task]]:
    """Registers a Task subclass under `name`."""

    def decorate(cls: type[Task]) -> type[Task]:
        cls.name = name
        return TASKS.add(name, cls)

    return decorate


def tasks() -> list[type[Task]]:
    """Every task by name: those of this folder, whose files are imported at the first call, of other packages and of
    plug-ins."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"{__package__}.{module.name}")
    return sorted(TASKS.values(), key=lambda one: one.name)


def recipes() -> dict[str, Recipe]:
    """The presets of all tasks by name."""
    return {name: preset for one in tasks() for name, preset in one.presets.items()}


def recipe(name: str, **changes: Any) -> Recipe:
    """A preset with changes. Raises ConfigError for an unknown preset or name and for an impossible value."""
    return _task_of(name).presets[name].changed(**changes)


def pictured(recipe: str) -> str:
    """What rows or columns of the pictures of a recipe's trainings show; empty where there is nothing to say, or the
    recipe is not known here."""
    return next((one.pictured for one in tasks() if recipe in one.presets), "")


def open_task(
    settings: TrainingSettings, *, every: bool = False, tell: Callable[[str], None] = lambda what: None
) -> Task:
    """The task of some settings, found by their recipe; see Task. Raises ConfigError for an unknown recipe.

    >>> task = open_task(TrainingSettings(recipe="short", width=8, steps=20))
    >>> type(task).__name__, task.recipe.steps, task.space.settings.width
    ('Unconditional', 20, 8)
    """
    for plugin in settings.plugins:
        load_plugin(plugin)
    return _task_of(settings.recipe)(settings, every=every, tell=tell)


def _task_of(name: str) -> type[Task]:
    for one in tasks():
        if name in one.presets:
            return one
    known = recipes()
    raise ConfigError(f"There is no recipe '{name}'.{did_you_mean(name, known)} Known: {', '.join(known)}.")
