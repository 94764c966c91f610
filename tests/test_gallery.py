"""The gallery in a short form: everything of every network is seen, and what is missing has a reason."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from gpproxy.registry import load_plugin
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.check import check_space
from gpproxy.seeds import numbered
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one
from gpproxy.train import TrainSettings
from gpproxy.train import run as train
from tests.export.test_any_generator import ALL, FORWARD, engine, load  # noqa: F401  load is a fixture
from tests.statistics.tiny import LEVELLED

FOLDER = Path(__file__).parents[1] / "docs" / "gallery"
FILES = ("gans", "translators", "decoders")
NAMES = ("dcgan", "sngan", "biggan", "stylegan2", "transgan", "pix2pix", "cyclegan", "edsr", "vae", "ddpm", "hifigan")
NAMES += ("vgan", "vae-diffusers", "ddpm-diffusers")
#: Statistics and classical proxies that a network has no value of, for a reason that is told.
ABSENT: dict[str, set[str]] = {
    name: {"agreement"} for name in ("transgan", "vae", "ddpm", "vae-diffusers", "ddpm-diffusers")
}


@pytest.fixture(scope="module")
def measure() -> ModuleType:
    for name in FILES:
        load_plugin(str(FOLDER / f"{name}.py"))
    description = importlib.util.spec_from_file_location("measure", FOLDER / "measure.py")
    assert description is not None and description.loader is not None
    module = importlib.util.module_from_spec(description)
    sys.modules["measure"] = module  # dataclasses look there
    description.loader.exec_module(module)
    return module


def space_of(name: str):  # type: ignore[no-untyped-def]
    if name not in SEARCH_SPACES:
        pytest.skip("diffusers is not installed (pip install diffusers)")
    return SEARCH_SPACES[name]()


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_seen_and_what_is_missing_has_a_reason(measure: ModuleType, name: str) -> None:
    space = space_of(name)
    check_space(space)
    found = measure.seen(space, samples=4)
    assert found.parameter_share == 1 and found.mac_share == pytest.approx(1, abs=1e-9)
    assert set(found.absent) <= ABSENT.get(name, set()) | set(LEVELLED), found.absent
    assert all(found.absent.values())


@pytest.mark.parametrize("name", ["stylegan2", "pix2pix", "vae", "ddpm"])  # noise, dropout and draws inside
def test_a_second_look_sees_the_same_bits(measure: ModuleType, name: str) -> None:
    space = space_of(name)
    code = space.encode(next(iter(space.enumerate())))
    how = Collection(samples=4, proxies=())
    torch.manual_seed(1)
    first = collect_one(space, code, how)
    torch.manual_seed(2)
    second = collect_one(space, code, how)
    for statistic, value in first.values.items():
        other = second.values[statistic]
        for a, b in zip(value, other) if isinstance(value, list) else [(value, other)]:
            assert (a is None) == (b is None) and (a is None or torch.equal(a.nan_to_num(), b.nan_to_num())), statistic


def test_the_command_tells_what_was_seen(
    measure: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    main = runpy.run_path(str(FOLDER / "__main__.py"), run_name="gallery")["main"]
    assert main(["dcgan"]) == 0
    said = capsys.readouterr().out.splitlines()
    row = next(line for line in said if line.startswith("dcgan")).split()
    assert row[1] == "107,488" and row[4:6] == ["100.0%", "100.0%"]
    assert all(len(line) <= 120 for line in said)
    assert main(["edrs"]) == 2 and "Did you mean 'edsr'" in capsys.readouterr().err


def test_a_network_of_the_gallery_is_trained(measure: ModuleType, tmp_path: Path) -> None:
    settings = {
        "data": "shapes",
        "steps": 1,
        "batch": 2,
        "extractor": "none",
        "limit": 20,
        "samples": 20,
        "out": str(tmp_path),
    }
    settings |= {"recipe_settings": ("discriminator_width=4", "recalibrate=0"), "plugins": (str(FOLDER / "gans.py"),)}
    settings |= {"out": str(tmp_path)}
    assert train(TrainSettings(arch="16_2", space="stylegan2", **settings)).verdict == "finished"


@pytest.mark.parametrize("name", NAMES)
def test_a_proxy_file_agrees_with_the_engine(
    measure: ModuleType,
    load: Callable[[str], ModuleType],  # noqa: F811
    name: str,
) -> None:
    space = space_of(name)
    network = space.build(next(iter(space.enumerate())), numbered(1))
    inputs = space.batch(4, numbered(2)).arguments
    text = ALL if name not in ABSENT else FORWARD
    expected, reason = engine(text, network, inputs)
    assert not reason and load(text).score(network, inputs) == pytest.approx(expected, rel=1e-6)
