"""A trained generator as a file: the values are those of the module, for any number of samples."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gpproxy.errors import ConfigError, RunError
from gpproxy.seeds import numbered
from gpproxy.tasks.registry import open_task
from gpproxy.train.exported import export, generator_of
from gpproxy.train.settings import TrainSettings
from gpproxy.training.checkpoint import BEST, save_weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A training with weights that nobody has trained: what a file holds is not a matter of that."""
    settings = TrainSettings(arch="autogan-a", width=4, recipe="short")
    (tmp_path / "config.toml").write_text(settings.to_toml(), encoding="utf-8")
    task = open_task(settings)
    save_weights(
        tmp_path / BEST, task.space.build(task.space.decode(task.code("autogan-a")), numbered(7)).state_dict(), {}
    )
    return tmp_path


def test_torch_export_says_what_the_generator_says(folder: Path) -> None:
    path = export(folder, "torch")
    network, task = generator_of(folder)
    batch = task.space.batch(5, numbered(3))
    found = torch.export.load(path).module()(batch.inputs)
    torch.testing.assert_close(found, batch.call(network), rtol=1e-4, atol=1e-5)


def test_onnx_says_what_the_generator_says(folder: Path) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    path = export(folder, "onnx")
    network, task = generator_of(folder)
    batch = task.space.batch(5, numbered(3))
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: batch.inputs.numpy()})[0]
    torch.testing.assert_close(torch.from_numpy(found), batch.call(network), rtol=1e-3, atol=1e-4)


def test_other_kinds_and_folders_without_weights_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="none of torch, onnx"):
        export(folder, "tflite")
    (folder / BEST).unlink()
    with pytest.raises(RunError, match="did not reach a check"):
        export(folder, "torch")
