"""The folder of a training: one process at a time, and how an unfinished one is found again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

from gpproxy.errors import GPProxyError
from gpproxy.run.folder import RunFolder
from gpproxy.run.kind import CONFIG
from gpproxy.run.locks import taken
from gpproxy.train.settings import TrainSettings
from gpproxy.training.checkpoint import BEST, STATE
from gpproxy.training.outcome import OUTCOME, QUALITY


class TrainFolder(RunFolder):
    """The folder of a training."""

    process: ClassVar[str] = "training"
    ending: ClassVar[str] = OUTCOME
    command: ClassVar[str] = "train"
    settings: ClassVar[type[Any]] = TrainSettings

    @property
    def finished(self) -> bool:
        """Whether the training is over and, where an extractor measures, its best weights are measured."""
        if not super().finished:
            return False
        wanted = self.config.extractor != "none" and (self.path / BEST).is_file()
        return not wanted or (self.path / QUALITY).is_file()

    @property
    def kept(self) -> str:
        """What the folder holds after a stop at once, as a part of a sentence."""
        if super().finished:
            return "the training is over and kept, its best weights are not measured yet"
        state = self.path / STATE
        if not state.is_file():
            return "no state was saved yet, so it begins again"
        return f"the state saved {max(time.time() - state.stat().st_mtime, 0):.0f} s ago is kept"

    @classmethod
    def unfinished(cls, settings: TrainSettings) -> TrainFolder | None:
        """The newest training in the default place that the same settings began, without `out`, and did not finish.

        None where there is none. Folders that cannot be read and those in which a process is training do not count.
        """
        for path in sorted((file.parent for file in Path("runs").glob(f"*/{CONFIG}")), reverse=True):
            folder = cls(path)
            try:
                saved = folder.config
                # Other weights at the same file name are noticed later; another file name is another command.
                weights = saved.extractor_weights == settings.extractor_weights
                same = not saved.out and weights and not settings.changed(saved)
                if same and not folder.finished and not taken(path):
                    return folder
            except (GPProxyError, OSError):
                continue
        return None
