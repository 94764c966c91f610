"""Evolves a proxy on a table of measured architectures: `gpproxy evolve --benchmark autogan-cifar10`.

In: an EvolveSettings. Out: a Result, and a run folder with the formula, its numbers and a file that scores generators.

    from gpproxy.evolve import EvolveSettings, run

    result = run(EvolveSettings(benchmark="autogan-cifar10", seed=0))
    print(result.formula, result.test["spearman"], result.folder)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpproxy.errors import ConfigError
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.run.interrupt import Interrupted, patient

if TYPE_CHECKING:
    from gpproxy.evolve.console import EvolveWatch
    from gpproxy.evolve.curve import Point
    from gpproxy.evolve.result import Result
    from gpproxy.evolve.series import Series

__all__ = ["EvolveSettings", "Interrupted", "resume", "run", "run_curve", "run_seeds"]


def run(config: EvolveSettings, watch: EvolveWatch | None = None) -> Result:
    """A new run from its settings to its result, with a run folder. Shown by a watch, and in a notebook.

    Raises the errors of `gpproxy.errors` with what to do about them, and Interrupted on Ctrl-C.
    """
    if config.seeds:
        raise ConfigError(f"seeds={config.seeds} are several runs: gpproxy.evolve.run_seeds makes them.")
    return _within_limits(config, None, watch)


def run_seeds(
    config: EvolveSettings, watch: EvolveWatch | None = None, folder: str | Path | None = None
) -> dict[str, Series]:
    """A run for each of `config.seeds`, in one folder; per benchmark what holds over all of them.

    With `config.ablation` also those without each part of the evolution, see `gpproxy.evolve.ablation`. What is
    finished in the folder is not made again. Raises the errors of `run`.

    Args:
        folder: that of a series to continue.
    """
    if config.learning_curve:
        raise ConfigError(f"learning_curve={config.learning_curve}: gpproxy.evolve.run_curve makes it.")
    from gpproxy.evolve.ablation import run_ablation
    from gpproxy.evolve.console import EvolveTerminal, EvolveWatch
    from gpproxy.evolve.several import SeriesFolder, run_series
    from gpproxy.run.notebook import watching

    place = None if folder is None else SeriesFolder.open(folder)
    with watch or watching(EvolveTerminal, EvolveWatch) as seen:
        return (run_ablation if config.ablation else run_series)(config, place, seen, _within_limits)


def run_curve(
    config: EvolveSettings, watch: EvolveWatch | None = None, folder: str | Path | None = None
) -> dict[str, tuple[Point, ...]]:
    """A series for each number of labels in `config.learning_curve`, in one folder; per benchmark what each reaches.

    What is finished in the folder is not made again; see `gpproxy.evolve.curve`. Raises the errors of `run`.

    Args:
        folder: that of a learning curve to continue.
    """
    from gpproxy.evolve import curve
    from gpproxy.evolve.console import EvolveTerminal, EvolveWatch
    from gpproxy.run.notebook import watching

    if not config.learning_curve:
        raise ConfigError("A learning curve takes numbers of labels: learning_curve='10,20,40,80'.")
    place = None if folder is None else curve.CurveFolder.open(folder)
    with watch or watching(EvolveTerminal, EvolveWatch) as seen:
        return curve.run_curve(config, place, seen, _within_limits)


def resume(folder: str | Path, watch: EvolveWatch | None = None, *, conclude: bool = False, **changes: Any) -> Result:
    """Continues a run, equal bit for bit to one that was never interrupted; `changes` may only concern its budgets.

    With `conclude` it evolves no further: one of the formulas so far is chosen, the test is read, the run is finished.
    The result of a run that is complete is read from its folder. Raises RunError for settings that may not change.
    """
    place = EvolveFolder.open(folder)
    config = place.continued(**changes)
    return read_result(place.path) if place.finished else _within_limits(config, place, watch, conclude)


def read_result(folder: str | Path) -> Result:
    """The result of a finished run. Raises RunError when it has none."""
    from gpproxy.evolve.finished import result_of

    return result_of(EvolveFolder.open(folder))


def _within_limits(
    config: EvolveSettings, folder: EvolveFolder | None, watch: EvolveWatch | None, concluding: bool = False
) -> Result:
    """Runs with one torch thread per worker, which keeps sums in one order on every machine."""
    from gpproxy.execution.server import warm_up

    if config.device == "cpu" and config.cores > 1 and not config.cluster:
        warm_up("gpproxy.statistics.collect", "gpproxy.statistics.forward_mode")
    elif not config.cluster:
        import gpproxy.statistics.forward_mode  # noqa: F401  its warnings are none of who calls from Python

    from gpproxy.evolve.console import EvolveTerminal, EvolveWatch
    from gpproxy.evolve.running import Running
    from gpproxy.execution.memory import keep_freed_memory
    from gpproxy.execution.threads import torch_threads
    from gpproxy.run.notebook import watching

    keep_freed_memory()
    shown = watch or watching(EvolveTerminal, EvolveWatch)
    with torch_threads(), shown as seen, patient() as patience:
        return Running(config, folder, seen, patience, concluding).result()
