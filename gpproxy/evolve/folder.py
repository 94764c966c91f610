"""The folder of a run: its settings, its generations and its result."""

from __future__ import annotations

from typing import Any, ClassVar

from gpproxy.evolve.settings import EvolveSettings
from gpproxy.run.folder import RESULT, RunFolder


class EvolveFolder(RunFolder):
    """The folder of a run. It is finished when it has its result."""

    process: ClassVar[str] = "evolution"
    ending: ClassVar[str] = RESULT
    command: ClassVar[str] = "evolve"
    settings: ClassVar[type[Any]] = EvolveSettings
