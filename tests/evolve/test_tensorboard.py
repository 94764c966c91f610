"""The watch for TensorBoard: what it writes, on a writer that keeps it."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gpproxy.evolve.result import Entry


class Kept:
    """Stands for a SummaryWriter, so that the test needs no TensorBoard."""

    def __init__(self, folder: str):
        self.folder, self.written, self.closed = folder, {}, False

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.written[name, step] = value

    def add_text(self, name: str, text: str, step: int) -> None:
        self.written[name, step] = text

    def close(self) -> None:
        self.closed = True


def test_generations_and_the_test_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from gpproxy.evolve import console
    from gpproxy.evolve.tensorboard import TensorBoardWatch

    module: Any = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Kept
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    for name in ("generation", "result"):
        monkeypatch.setattr(console.EvolveTerminal, name, lambda self, *given: None)
    watch = TensorBoardWatch("logs")
    front = [
        Entry("depth", "depth", 1, 0.0, False, 0.4, validation={"kendall": None}),
        Entry("a + b", "a + b", 3, 0.0, False, 0.6, validation={"kendall": 0.5}),
    ]
    best = SimpleNamespace(score=SimpleNamespace(kendall=(0.7, 0.6), spearman=(0.8,)))
    made: Any = SimpleNamespace(index=2, best=best, evaluated=50)
    watch.generation(made, front, 9)
    result: Any = SimpleNamespace(test={"kendall": 0.3, "spearman": None}, generations=9)
    watch.result(result)
    written = watch.writer.written
    assert written["train/kendall", 2] == 0.6 and written["validation/kendall", 2] == 0.5
    assert written["formulas/nodes of the best", 2] == 3 and written["best formula", 2] == "a + b"
    assert written["test/kendall", 9] == 0.3 and ("test/spearman", 9) not in written and watch.writer.closed
