"""Generators that return several tensors are trained, measured and written as files by the one that a look takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from gpproxy.registry import load_plugin
from gpproxy.search_spaces.choice import ChoiceSpace
from gpproxy.search_spaces.output import Pick
from gpproxy.seeds import numbered
from gpproxy.train import TrainSettings, run
from gpproxy.train.exported import export, generator_of
from gpproxy.training.architecture import untrained
from gpproxy.training.checkpoint import BEST, load_weights, save_weights
from gpproxy.training.draw import trained

#: Spaces from noise and from images whose generators return a tensor, or a dict with the same tensor in the middle.
PLUGIN = """
import torch
from torch import nn
from gpproxy.search_spaces import Batch, ChoiceSpace

class Generator(nn.Module):
    def __init__(self, channels, several, noise):
        super().__init__()
        self.several = several
        begin = [nn.Linear(8, channels * 64), nn.Unflatten(1, (channels, 8, 8)), nn.Upsample(scale_factor=2)]
        first = begin if noise else [nn.Conv2d(3, channels, 3, 1, 1)]
        self.body = nn.Sequential(*first, nn.BatchNorm2d(channels), nn.ReLU())
        self.last = nn.Conv2d(channels, 3, 3, 1, 1)

    def forward(self, x):
        h = self.body(x)
        image = self.last(h).tanh()
        return {"rough": h[:, :3], "image": image, "mean": h.mean((2, 3))} if self.several else image

def space(name, several, noise):
    ChoiceSpace(
        {"channels": (4, 8)}, lambda channels: Generator(channels, several, noise), name=name,
        inputs=8 if noise else (3, 16, 16), output="image" if several else None,
    )

class Named(Generator):  # called by name alone, with a flag; the image stands in a tuple
    def forward(self, *, photo, detailed):
        assert detailed
        made = super().forward(photo)
        return made["rough"], made["image"]

def photos(count, generator):
    return Batch({"detailed": True, "photo": torch.randn(count, 3, 16, 16, generator=generator)}, output=1)

ChoiceSpace(
    {"channels": (4, 8)}, lambda channels: Named(channels, True, False), name="translates-named", inputs=photos,
)

for noise in (True, False):
    for several in (True, False):
        space(("draws" if noise else "translates") + ("-several" if several else "-one"), several, noise)
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plugin") / "several.py"
    path.write_text(PLUGIN)
    load_plugin(str(path))
    return str(path)


def settings(out: Path, plugin: str, kind: str, how: str, **changes: Any) -> TrainSettings:
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
        "arch": "4", "space": f"{kind}-{how}", "plugins": (plugin,), "data": data, "steps": 4, "batch": 4,
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
    kind: str, recipe: str, changes: tuple[str, ...], plugin: str, tmp_path: Path
) -> None:
    weights = []
    for how in ("one", "several", *(["named"] if kind == "translates" else [])):
        run(settings(tmp_path / how, plugin, kind, how, recipe=recipe, recipe_settings=changes))
        weights.append(load_weights(tmp_path / how / BEST))
        network, task = generator_of(tmp_path / how)
        assert task.outputs(network, 0).shape[1:] == (3, 16, 16)
    one, *others = weights
    for other in others:
        assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_file_for_other_programs_returns_the_image_alone(plugin: str, tmp_path: Path) -> None:
    run(settings(tmp_path / "out", plugin, "draws", "several", recipe="short"))
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
