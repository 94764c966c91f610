"""A run of evolve in TensorBoard, beside what the terminal shows: `run(settings, TensorBoardWatch("logs"))`.

In: generations and a result. Out: event files for `tensorboard --logdir logs` (pip install tensorboard). It is also the
pattern for every other logger: a subclass of `EvolveWatch` (silent) or `EvolveTerminal` (shows the run) overrides
`generation`, called after each one with the front so far, and `result`, called once with what the run has found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gpproxy.evolution.generation import Generation
from gpproxy.evolve.console import EvolveTerminal
from gpproxy.evolve.result import Entry, Result


class TensorBoardWatch(EvolveTerminal):
    """Writes every generation as scalars, the best formula as text, and the test at the end."""

    def __init__(self, folder: str | Path):
        from torch.utils.tensorboard import SummaryWriter

        super().__init__()
        self.writer = SummaryWriter(str(folder))

    def generation(self, generation: Generation, front: Sequence[Entry], last: int) -> None:
        super().generation(generation, front, last)
        if generation.best is None:
            return
        best, step = max(front, key=lambda entry: entry.quality), generation.index
        for name, value in {
            "train/kendall": min(generation.best.score.kendall),
            "train/spearman": min(generation.best.score.spearman),
            "validation/kendall": best.validation.get("kendall"),
            "formulas/distinct": generation.evaluated,
            "formulas/nodes of the best": best.complexity,
        }.items():
            if value is not None:
                self.writer.add_scalar(name, value, step)
        self.writer.add_text("best formula", best.formula, step)

    def result(self, result: Result) -> None:
        super().result(result)
        for measure in ("kendall", "spearman"):
            if result.test[measure] is not None:
                self.writer.add_scalar(f"test/{measure}", result.test[measure], result.generations)
        self.writer.close()
