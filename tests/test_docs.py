"""The examples of the docs do what they say: a search space of one's own, and each block of the page on extensions."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gpproxy.cli.completion import flags_of
from gpproxy.registry import load_plugin
from gpproxy.search import SearchSettings, run
from gpproxy.search_spaces.check import make_space
from gpproxy.train import TrainSettings
from gpproxy.train import run as train
from gpproxy.training.architecture import code_of

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXAMPLE = str(DOCS / "own_space.py")
#: What is to be scored with the blocks of docs/extend.md in one plug-in.
EXTENDED = ("sum_layers(peak_to_mean(activation)) + mean_layers(positive_share)", "mean_activation")


@pytest.fixture(params=["tiny-decoder", "small-decoder"])
def space(request):
    load_plugin(EXAMPLE)
    return make_space(request.param)


def test_the_protocol_holds(space) -> None:
    every, rng = list(space.enumerate()), random.Random(0)
    assert len(every) == len(set(every)) == space.count()
    for architecture in rng.sample(every, 8):
        assert space.decode(space.encode(architecture)) == architecture
        neighbour = space.mutate(architecture, rng)
        assert neighbour != architecture and neighbour in every and space.cross(architecture, neighbour, rng) in every
        first, second = (space.build(architecture, torch.Generator().manual_seed(3)) for _ in range(2))
        inputs = space.batch(2, torch.Generator().manual_seed(0)).visible
        assert torch.equal(first(inputs), second(inputs)) and first(inputs).shape == (2, 3, 32, 32)
        assert space.describe(architecture)["params"] == sum(p.numel() for p in first.parameters())


def test_the_commands_that_it_names_are_there() -> None:
    """Their spaces, codes and proxies, as the lines at the head of the file have them."""
    load_plugin(EXAMPLE)
    lines = [line.split() for line in Path(EXAMPLE).read_text().splitlines() if line.startswith("gpproxy ")]
    assert {line[1] for line in lines} == {"search", "train", "evolve"}
    for line in lines:
        given = dict(zip(line[2::2], line[3::2]))
        assert given["--plugins"] == "own_space.py"
        if "--arch" in given:
            code_of(make_space(given["--space"]), given["--arch"])
    assert code_of(make_space("small-decoder"), "small-decoder-mine") == "32_1_3"


def test_the_short_one_is_searched_and_trained(tmp_path: Path) -> None:
    settings = {"space": "tiny-decoder", "plugins": (EXAMPLE,)}
    proxy = ("min_layers(layer_snip)",)
    found = run(SearchSettings(proxy=proxy, budget=4, workers=2, out=str(tmp_path / "s"), **settings))
    assert len(found.best(3)) == 3
    plain = {"data": "shapes", "steps": 2, "batch": 4, "extractor": "none", "limit": 64}
    assert train(TrainSettings(arch="16_0", out=str(tmp_path / "t"), **settings, **plain)).verdict == "finished"


def test_it_is_searched_and_trained(tmp_path: Path) -> None:
    formula = "min_layers(layer_snip)"
    settings = {"space": "small-decoder", "plugins": (EXAMPLE,), "workers": 1, "space_settings": ("resolution=16",)}
    found = run(SearchSettings(proxy=(formula,), budget=6, out=str(tmp_path / "s"), **settings))
    assert len(found.best(3)) == 3
    trained = train(
        TrainSettings(
            arch="16_1_3", space="small-decoder", plugins=(EXAMPLE,), data="shapes", steps=2, batch=4, extractor="none",
            resolution=16, limit=64,
            out=str(tmp_path / "t"),
        )
    )  # fmt: skip
    assert trained.verdict == "finished"


def test_the_blocks_on_extensions_work_together(tmp_path: Path) -> None:
    """In a process of its own: what registers stays registered."""
    text = (DOCS / "extend.md").read_text(encoding="utf-8")
    plugin = tmp_path / "mine.py"
    plugin.write_text("\n\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)), encoding="utf-8")
    for proxy in EXTENDED:
        line = [sys.executable, "-m", "gpproxy", "score", "--plugins", str(plugin), "--space", "tiny", "--sample", "1"]
        made = subprocess.run(
            [*line, "--proxy", proxy, "--inputs", "4"], capture_output=True, text=True, timeout=300, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        assert float(made.stdout.split(",")[-1]) > 0


def test_links_inside_of_the_docs_lead_somewhere() -> None:
    """Those of the README and the pages, but for pages that are made when the site is built."""
    for path in (ROOT / "README.md", *DOCS.glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_flags_of_the_commands_in_the_docs_are_there() -> None:
    """Every `gpproxy VERB --flag` in a block of a shell, of the README and the pages."""
    checked = 0
    for path in (ROOT / "README.md", *DOCS.glob("*.md")):
        for block in re.findall(r"```bash\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                for verb, action, rest in re.findall(r"gpproxy (evolve|score|search|train|benchmark)( \w+)?(.*)", line):
                    known = {flag.name for flag in flags_of(verb + action if verb == "benchmark" else verb)}
                    given = re.findall(r"(?<!\S)--([a-z-]+)", rest.split("#")[0])
                    assert set(given) <= known, f"{path.name}: {line}: {set(given) - known}"
                    checked += len(given)
    assert checked > 40
