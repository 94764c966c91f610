"""Trains one generator: `gpproxy train --arch autogan-a --data cifar10 --steps 5000 --width 32`.

In: TrainSettings. Out: an Outcome, and a run folder with the best weights, grids, the journal and all measures.

    from gpproxy.train import TrainSettings, run

    found = run(TrainSettings(arch="autogan-a", data="shapes", steps=500, extractor="none"))
    print(found.verdict, found.value)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpproxy.run.interrupt import Interrupted
from gpproxy.train.settings import TrainSettings

if TYPE_CHECKING:
    from gpproxy.run.terminal import Watch
    from gpproxy.training.dry_run import DryRun
    from gpproxy.training.outcome import Outcome

__all__ = ["Interrupted", "TrainSettings", "dry_run", "resume", "run"]


def run(settings: TrainSettings, watch: Watch | None = None) -> Outcome:
    """A training from its settings to its outcome. A folder `settings.out` with the same settings is continued.

    Without `settings.out`, the newest training in runs/ that the same settings began and did not finish is continued.

    Raises the errors of `gpproxy.errors` with what to do about them, and Interrupted on Ctrl-C.
    """
    from gpproxy.run.notebook import watching
    from gpproxy.run.terminal import Terminal, Watch
    from gpproxy.train.running import run_training

    return run_training(settings, watch or watching(Terminal, Watch))


def resume(folder: str | Path, watch: Watch | None = None, **changes: Any) -> Outcome:
    """Continues a training, on a CPU equal bit for bit to one that was never interrupted.

    Args:
        changes: settings that do not decide what is computed, such as the device.

    Raises RunError for other settings.
    """
    from gpproxy.train.running import resume_training

    return resume_training(folder, watch, **changes)


def dry_run(settings: TrainSettings, watch: Watch | None = None) -> DryRun:
    """What a training will take; a few steps are timed, and nothing is written."""
    from gpproxy.train.running import time_training

    return time_training(settings, watch)
