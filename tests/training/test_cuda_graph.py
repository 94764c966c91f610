"""Captured steps: equal to plain ones, with fresh noise at each replay; and taking turns. Most need a CUDA device."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gpproxy.errors import ConfigError
from gpproxy.tasks.unconditional import adversarial
from gpproxy.training.cuda_graph import Captured, in_turns
from gpproxy.training.outcome import outcome
from tests.training.toy import CODE, SPACE, images, objective, small, task

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_turns() -> None:
    def count(length: int):
        yield from range(length)

    found = list(in_turns((count(length) for length in (2, 3, 1)), 2))
    assert found == [(0, 0), (1, 0), (0, 1), (1, 1), (1, 2), (2, 0)]
    assert [number for number, _ in in_turns((count(2) for _ in range(3)), 1)] == [0, 0, 1, 1, 2, 2]
    assert list(in_turns((), 3)) == []


def test_networks_on_a_cpu_are_refused() -> None:
    with pytest.raises(ConfigError, match="CUDA"):
        Captured(objective())


@needs_cuda
@pytest.mark.parametrize("changes", [{}, {"share": False, "critic_steps": 2, "growth": (0.25, 0.5)}])
def test_replays_equal_plain_steps(changes: dict[str, object]) -> None:
    recipe = small(steps=20, **changes)
    plain = adversarial(SPACE, CODE, images(), recipe, 0, "cuda")
    captured = Captured(adversarial(SPACE, CODE, images(), recipe, 0, "cuda"))
    for index in range(20):
        ours, theirs = captured.step(index), plain.step(index)
        captured.stream.synchronize()
        for name in theirs:
            assert ours[name].item() == pytest.approx(theirs[name].item(), rel=1e-2, abs=1e-2)
    for name, weight in plain.weights().items():
        assert torch.allclose(captured.weights()[name].float(), weight.float(), atol=1e-2)


@needs_cuda
def test_several_trainings_on_streams_equal_single_ones(tmp_path: Path) -> None:
    def one(seed: int, folder: str):
        return task(small(steps=30), device="cuda").train(CODE, seed, tmp_path / folder / str(seed))

    for _ in in_turns((one(seed, "together") for seed in range(4)), 3):
        pass
    for seed in range(4):
        list(one(seed, "alone"))
        together, alone = outcome(tmp_path / "together" / str(seed)), outcome(tmp_path / "alone" / str(seed))
        assert together is not None and alone is not None and together.verdict == alone.verdict == "finished"
        assert together.value == pytest.approx(alone.value, abs=2.0)
