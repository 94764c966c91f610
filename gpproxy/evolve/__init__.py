"""Evolves a proxy on a table of measured architectures: `python -m gpproxy.evolve --benchmark autogan-cifar10`.

In: an EvolveConfig. Out: a Result, and a run folder with the formula, its numbers and a file that scores generators.

    from gpproxy.evolve import EvolveConfig, run

    result = run(EvolveConfig(benchmark="autogan-cifar10", seed=0))
    print(result.formula, result.test["spearman"], result.folder)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpproxy.evolve.settings import EvolveConfig
from gpproxy.run.command import read_arguments, value_of
from gpproxy.run.folder import FRONT, RESULT, RunFolder
from gpproxy.run.interrupt import Interrupted, patient

if TYPE_CHECKING:
    from gpproxy.evolve.console import EvolveWatch
    from gpproxy.evolve.result import Result

__all__ = ["EvolveConfig", "Interrupted", "resume", "run"]


def run(config: EvolveConfig, watch: EvolveWatch | None = None) -> Result:
    """A new run from its settings to its result, with a run folder.

    Raises the errors of `gpproxy.errors` with what to do about them, and Interrupted on Ctrl-C.
    """
    return _within_limits(config, None, watch)


def resume(folder: str | Path, watch: EvolveWatch | None = None, **changes: Any) -> Result:
    """Continues a run, equal bit for bit to one that was never interrupted; `changes` may only concern its budgets.

    The result of a run that is complete is read from its folder. Raises RunError for settings that may not change.
    """
    place = RunFolder.open(folder)
    config = place.continued(**changes)
    return read_result(place.path) if place.finished else _within_limits(config, place, watch)


def read_result(folder: str | Path) -> Result:
    """The result of a finished run. Raises RunError when it has none."""
    from gpproxy.evolve.result import Result

    place = RunFolder.open(folder)
    return Result.from_json(place.read_json(RESULT), place.read_json(FRONT), place.path)


def _within_limits(config: EvolveConfig, folder: RunFolder | None, watch: EvolveWatch | None) -> Result:
    """Runs with one torch thread per worker, which keeps sums in one order on every machine."""
    from gpproxy.execution.server import warm_up

    if config.device == "cpu" and config.cores > 1 and not config.cluster:
        warm_up("gpproxy.statistics.collect", "gpproxy.statistics.forward_mode")

    import torch

    from gpproxy.evolve.console import EvolveWatch
    from gpproxy.evolve.running import Running
    from gpproxy.execution.memory import keep_freed_memory

    keep_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with watch or EvolveWatch() as seen, patient() as patience:
            return Running(config, folder, seen, patience).result()
    finally:
        torch.set_num_threads(threads)


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    started, settings = value_of("--resume", arguments), value_of("--config", arguments)
    default = None
    if started is not None:
        default = RunFolder.open(started).config
    elif settings is not None:
        default = EvolveConfig.from_toml(settings)
    command = read_arguments(_command(), arguments, "evolve", None if default is None else _command()(**vars(default)))
    config = EvolveConfig(**{name: getattr(command, name) for name in EvolveConfig.__dataclass_fields__})
    from gpproxy.evolve.console import EvolveTerminal

    watch = EvolveTerminal()
    if started is None:
        run(config, watch)
        return 0
    if RunFolder.open(started).finished:
        watch.note(f"The run in {started} is complete: its test has been read, so it is not continued. Its result:")
        watch.result(read_result(started))
        return 0
    changes = {name: getattr(config, name) for name in EvolveConfig.__dataclass_fields__ if name != "out"}
    resume(started, watch, **changes)
    return 0


def _command() -> type:
    """EvolveConfig with the two flags that only a command line needs."""

    @dataclass(frozen=True)
    class Command(EvolveConfig):
        __doc__ = EvolveConfig.__doc__

        config: str = ""
        """TOML file with settings, or a run folder; other flags change single ones."""
        resume: str = ""
        """run folder to continue."""

    return Command
