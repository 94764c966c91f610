"""Generators that return several tensors are trained, measured and written as files by the one that a look takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from gpproxy.search_spaces.choice import ChoiceSpace
from gpproxy.search_spaces.output import Pick
from gpproxy.seeds import numbered
from gpproxy.train import TrainSettings, run
from gpproxy.train.exported import export, generator_of
from gpproxy.training.architecture import untrained
from gpproxy.training.checkpoint import BEST, load_weights, save_weights
from gpproxy.training.draw import trained
from tests.commands import SEVERAL


def settings(out: Path, kind: str, how: str, **changes: Any) -> TrainSettings:
    data = "shapes"
    if kind == "translates":
        data = str(out.parent / "photos")
        for split in ("train", "test"):
            for place in (split, f"{split}A", f"{split}B"):  # of pairs, and of two kinds without
                (out.parent / "photos" / place).mkdir(parents=True, exist_ok=True)
            for number in range(6):
                left = Image.new("RGB", (16, 16), (30 * number, 99, 0))
                right = Image.new("RGB", (16, 16), (255 - 30 * number, 156, 255))
                pair = Image.new("RGB", (32, 16))
                pair.paste(left, (0, 0)), pair.paste(right, (16, 0))
                for place, image in ((split, pair), (f"{split}A", left), (f"{split}B", right)):
                    image.save(out.parent / "photos" / place / f"{number}.png")
    return TrainSettings(**{
        "arch": "4", "space": f"{kind}-{how}", "plugins": (SEVERAL,), "data": data, "steps": 4, "batch": 4,
        "extractor": "none", "samples": 20, "limit": 40 if data == "shapes" else 0, "out": str(out), **changes,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "recipe", "changes"),
    [
        ("draws", "short", ("recalibrate=2",)),
        ("draws", "vae-short", ()),
        ("translates", "pix2pix-short", ("discriminator_width=4", "discriminator_layers=2")),
        ("translates", "cyclegan-short", ("discriminator_width=4", "discriminator_layers=2")),
    ],
)
def test_a_training_is_that_of_the_image_alone(
    kind: str, recipe: str, changes: tuple[str, ...], tmp_path: Path
) -> None:
    weights = []
    for how in ("one", "several", *(["named"] if kind == "translates" else [])):
        run(settings(tmp_path / how, kind, how, recipe=recipe, recipe_settings=changes))
        weights.append(load_weights(tmp_path / how / BEST))
        network, task = generator_of(tmp_path / how)
        assert task.outputs(network, 0).shape[1:] == (3, 16, 16)
    one, *others = weights
    for other in others:
        assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_file_for_other_programs_returns_the_image_alone(tmp_path: Path) -> None:
    run(settings(tmp_path / "out", "draws", "several", recipe="short"))
    path = export(tmp_path / "out", "torch")
    network, task = generator_of(tmp_path / "out")
    noise = task.space.batch(5, numbered(3)).inputs
    found = torch.export.load(path).module()(noise)
    assert isinstance(found, Tensor) and found.shape == (5, 3, 16, 16)
    torch.testing.assert_close(found, network(noise), rtol=1e-4, atol=1e-5)
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(export(tmp_path / "out", "onnx")), providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {session.get_inputs()[0].name: noise.numpy()})
    torch.testing.assert_close(torch.from_numpy(made), network(noise), rtol=1e-3, atol=1e-4)


def test_a_file_of_a_generator_that_is_called_by_name_is_called_by_name(tmp_path: Path) -> None:
    made = settings(tmp_path / "out", "translates", "named", recipe="pix2pix-short", recipe_settings=(
        "discriminator_width=4", "discriminator_layers=2",
    ))  # fmt: skip
    run(made)
    path = export(tmp_path / "out", "torch")
    network, task = generator_of(tmp_path / "out")
    photo = task.space.batch(5, numbered(3)).visible
    wanted = network(photo=photo, detailed=True)
    found = torch.export.load(path).module()(photo=photo)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(export(tmp_path / "out", "onnx")), providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["photo"]
    (image,) = session.run(None, {"photo": photo.numpy()})
    torch.testing.assert_close(torch.from_numpy(image), wanted, rtol=1e-3, atol=1e-4)


class Pair(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.layer = nn.Linear(8, channels * 3 * 16)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.layer(x).unflatten(1, (3, -1, 4))
        return h, -h


@pytest.mark.parametrize(("pick", "sign"), [(0, 1), (1, -1), ("1", -1), (lambda made: made[1], -1)])
def test_untrained_and_trained_networks_return_what_a_look_takes(pick: Pick, sign: int, tmp_path: Path) -> None:
    space = ChoiceSpace({"channels": (4, 8)}, lambda channels: Pair(channels), inputs=8, output=pick)
    network, plain = untrained(space, "4", 3), space.build((0,), None)
    assert list(network.state_dict()) == list(plain.state_dict())
    x = torch.randn(2, 8, generator=numbered(0))
    whole = network.forward(x)
    assert torch.equal(network(x), whole[0] * sign)
    save_weights(tmp_path / BEST, network.state_dict(), {})
    assert torch.equal(trained(space, "4", tmp_path / BEST)(x), whole[0] * sign)
