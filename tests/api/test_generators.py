"""A trained generator is loaded with the weights of its best check; finished folders of other kinds are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import gpproxy
from gpproxy.errors import RunError
from gpproxy.seeds import numbered
from gpproxy.tasks.registry import open_task
from gpproxy.train.settings import TrainSettings
from gpproxy.training.checkpoint import BEST, save_weights


def test_the_best_weights_are_loaded(tmp_path: Path) -> None:
    settings = TrainSettings(arch="autogan-a", width=4, recipe="short")
    (tmp_path / "config.toml").write_text(settings.to_toml(), encoding="utf-8")
    with pytest.raises(RunError, match="did not reach a check"):
        gpproxy.load_generator(tmp_path)
    task = open_task(settings)
    network = task.space.build(task.space.decode(task.code(settings.arch)), numbered(7))
    save_weights(tmp_path / BEST, network.state_dict(), {})
    loaded = gpproxy.load_generator(tmp_path)
    inputs = task.space.batch(2, numbered(0))
    assert not loaded.training
    assert torch.allclose(inputs.call(loaded), inputs.call(network.eval()), atol=1e-6)
    with pytest.raises(RunError, match="a training"):
        gpproxy.load_run(tmp_path)
