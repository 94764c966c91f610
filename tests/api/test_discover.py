"""Five lines on networks of one's own: a run folder, a proxy that scores, and refusals that say how many labels it "
"takes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import gpproxy
from gpproxy.api.discover import ENOUGH, FEW, FEWEST
from gpproxy.errors import ConfigError


def network(width: int, depth: int) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        middle = [layer for _ in range(depth) for layer in (nn.Conv2d(width, width, 3, padding=1), nn.ReLU())]
        return nn.Sequential(nn.Linear(6, 16 * width), nn.Unflatten(1, (width, 4, 4)), *middle, nn.Conv2d(width, 3, 1))

    return build


NETWORKS = {f"w{width}_d{depth}": network(width, depth) for width in (2, 3, 4, 6) for depth in (1, 2, 3)}
QUALITY = {name: [40.0 - i, 40.5 - i] for i, name in enumerate(NETWORKS)}


def test_five_lines_make_a_run_and_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = os.environ.get("GPPROXY_CACHE")
    proxy = gpproxy.discover(
        NETWORKS, quality=QUALITY, lower_is_better=True, metric="FID", inputs=torch.randn(16, 6), out="run", quiet=True,
        population=16, islands=1, generations=2, inits=1, proxies="none", random_search=False,
    )  # fmt: skip
    assert os.environ.get("GPPROXY_CACHE") == before and not Path("run/statistics").exists()
    assert math.isfinite(proxy(NETWORKS["w2_d1"]()))
    assert len(proxy.rank(NETWORKS)) == 12 and proxy.save("own.py").is_file() and proxy.report().is_file()
    found = gpproxy.load_run("run")
    assert (found.settings.population, found.settings.patience) == (16, FEW["patience"])  # what is given goes first
    assert found.scores["labels"].trainings.shape == (12, 2) and len(repr(found.result)) < 500
    text = proxy.report().read_text(encoding="utf-8")
    assert "not shown to rank at all" in text and "FID" in text and "labels in all" in text
    assert "<math" in found.result._repr_html_() == found._repr_html_()
    assert len(repr(found.result.front)) < 80 and "▸" in found.result.front._repr_html_()
    shown = (found, found.scores, found.steps[-1], found.result.front[0], found.result.rivals_of("labels"))
    assert all(len(repr(one)) < 900 for one in shown)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"networks": dict(list(NETWORKS.items())[:5])}, "no network named"),
        ({"quality": {**QUALITY, "w2_d1": float("nan")}}, "finite number"),
        ({"networks": {**NETWORKS, "w2_d1": nn.Linear(6, 3)}}, "function that returns a fresh module"),
        ({"loss": lambda outputs: outputs.mean()}, "loss\\(outputs, batch\\)"),
        ({"benchmark": "autogan-cifar10"}, "sets benchmark itself"),
        ({"networks": {"a": network(2, 1)}, "quality": {"a": 1.0}}, f"{FEWEST} can be divided.*about {ENOUGH}"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    given = {"networks": NETWORKS, "quality": QUALITY, "inputs": torch.randn(16, 6), "out": tmp_path / "r", **changes}
    with pytest.raises(ConfigError, match=words):
        gpproxy.discover(given.pop("networks"), given.pop("quality"), **given)
    assert not (tmp_path / "r").exists()
