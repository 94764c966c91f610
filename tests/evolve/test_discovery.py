"""What training architectures lack: formulas go without it, and say why."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.csv_table import write_table
from gpproxy.evolve.check import check_formulas, open_tables
from gpproxy.evolve.discovery import Training, prepare, training_side
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.values import score_table
from gpproxy.search_spaces import choice_space
from gpproxy.statistics.collect import collect

WIDTHS = (2, 3, 4, 5, 6, 7, 8, 9)


@choice_space("bent", {"width": WIDTHS, "activation": ("ReLU", "SiLU"), "depth": (0, 1, 2)}, inputs=(3, 8, 8))
def bent(width: int, activation: str, depth: int) -> nn.Module:
    """Small translators, half of them with smooth activations."""
    act = getattr(nn, activation)
    inner = [part for _ in range(depth) for part in (act(), nn.Conv2d(width, width, 3, 1, 1))]
    return nn.Sequential(nn.Conv2d(3, width, 3, 1, 1), *inner, act(), nn.Conv2d(width, 3, 1))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> EvolveSettings:
    codes = [f"{width}_{act}_{depth}" for width in WIDTHS for act in ("ReLU", "SiLU") for depth in (0, 1, 2)]
    rows = [{"architecture": code, "quality": float(i % 7 + i / 9)} for i, code in enumerate(codes)]
    table = tmp_path_factory.mktemp("bent") / "bent.csv"
    write_table(table, Card("bent", "quality", "higher"), rows)
    return EvolveSettings(benchmark=str(table), train=20, validation=12, proxies="none", inits=1, workers=1)


@pytest.fixture(scope="module")
def training(settings: EvolveSettings) -> Training:
    return training_side(prepare(settings, open_tables(settings)), settings)


def test_formulas_go_without_what_some_lack(settings: EvolveSettings, training: Training) -> None:
    assert "agreement" not in training.problem.grammar.statistics
    assert {"activation", "preactivation"} <= set(training.problem.grammar.statistics)
    (note,) = training.notes
    assert "formulas go without agreement, which" in note and "of 20 lack. This generator has no linear" in note
    asked = ["logdet(sum_layers(agreement))", "sum_layers(std(activation))"]
    assert training.sayable(asked) == asked[1:]
    named = check_formulas(settings)
    assert 0 < len(training.sayable(named)) < len(named)


def test_who_lacks_it_has_no_score(settings: EvolveSettings) -> None:
    (data,) = prepare(settings, open_tables(settings))
    table = collect(data.space, data.parts.train, data.of(["agreement", "activation"]))[0]
    values = score_table(
        table, [Proxy.load(text).tree for text in ("sum_layers(mean(agreement))", "sum_layers(std(activation))")]
    )
    smooth = torch.tensor(["SiLU" in code for code in table.architectures])
    assert values[0].isnan().tolist() == smooth.tolist() and smooth.any() and values[1].isfinite().all()
    assert set(table.absent) == {code for code in table.architectures if "SiLU" in code}
    assert set(table.take(torch.tensor([0])).absent) == ({table.architectures[0]} if smooth[0] else set())
