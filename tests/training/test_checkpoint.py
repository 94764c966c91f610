"""Files with tensors: everything comes back, damage is named, and a state can run no code."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from gpproxy.errors import RunError
from gpproxy.training.checkpoint import BEST, STATE, load_state, load_weights, save_state, save_weights
from tests.training.toy import equal, objective


def test_state_comes_back(tmp_path: Path) -> None:
    played = objective()
    played.step(0)
    state = {"objective": played.state_dict(), "step": 1, "curve": [[1, {"FD": 2.5}]], "sums": {}}
    assert load_state(tmp_path) is None
    save_state(tmp_path, state)
    found = load_state(tmp_path)
    assert found is not None and equal(found, state)


def test_strides_come_back(tmp_path: Path) -> None:
    weight = torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    save_state(tmp_path, {"weight": weight})
    found = load_state(tmp_path)
    assert found is not None and found["weight"].stride() == weight.stride()


def test_damage_is_named(tmp_path: Path) -> None:
    save_state(tmp_path, {"step": 1, "objective": torch.ones(1000)})
    whole = (tmp_path / STATE).read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"no state"):
        (tmp_path / STATE).write_bytes(content)
        with pytest.raises(RunError, match="damaged"):
            load_state(tmp_path)


def test_a_state_runs_no_code(tmp_path: Path) -> None:
    class Bad:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / STATE).write_bytes(pickle.dumps(Bad(), protocol=2))
    with pytest.raises(RunError, match="damaged"):
        load_state(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_weights(tmp_path: Path) -> None:
    weights = objective().weights()
    save_weights(tmp_path / BEST, weights, {"step": "3"})
    found = load_weights(tmp_path / BEST)
    assert equal(dict(sorted(found.items())), dict(sorted(weights.items())))
    with pytest.raises(RunError, match="no weights at"):
        load_weights(tmp_path / "nowhere")
    (tmp_path / BEST).write_bytes(b"1234567890")
    with pytest.raises(RunError, match="safetensors"):
        load_weights(tmp_path / BEST)


def test_a_state_of_version_0_1_is_read(tmp_path: Path) -> None:
    """Its parts had other names: a training that 0.1 has begun goes on."""
    inside = {"generator": {"weight": torch.ones(2)}, "draws": {"state": {}}, "judges": {"state": {}}}
    save_state(tmp_path, {"step": 3, "game": inside})
    state = load_state(tmp_path)
    assert state is not None and set(state) == {"step", "objective"}
    assert set(state["objective"]) == {"generator", "generator_optimiser", "discriminator_optimiser"}
