"""The folder of a run: its settings, its generations and its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from gpproxy.evolve.settings import EvolveSettings
from gpproxy.run.folder import RESULT, STATE, RunFolder
from gpproxy.run.reading import reading

if TYPE_CHECKING:
    from gpproxy.evolution.problem import Problem
    from gpproxy.evolution.settings import EvolutionSettings
    from gpproxy.evolution.state import EvolutionState


class EvolveFolder(RunFolder):
    """The folder of a run. It is finished when it has its result."""

    process: ClassVar[str] = "evolution"
    ending: ClassVar[str] = RESULT
    command: ClassVar[str] = "evolve"
    settings: ClassVar[type[Any]] = EvolveSettings

    def state(self, problem: Problem, settings: EvolutionSettings) -> EvolutionState:
        """The saved state of the evolution. Raises RunError for a damaged one, and one of another problem."""
        from gpproxy.evolution.state import EvolutionState

        with reading(self.path / STATE, "Start a new run."):
            return EvolutionState.from_json(self.read(STATE), problem, settings)
