"""Estimators side by side: the table, what it continues, and where the prices of proxies come from."""

from __future__ import annotations

import csv
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpproxy.benchmark import EstimateSettings, estimate
from gpproxy.benchmark.estimate import JOURNAL, _labels
from gpproxy.benchmark.estimate_table import estimate_lines
from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.csv_table import read_table, write_table
from gpproxy.benchmarks.registry import load
from gpproxy.errors import ConfigError
from gpproxy.proxies.proxy import Proxy
from gpproxy.ranking.correlation import spearman


def test_proxies_and_short_trainings_rank_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv_file = tmp_path / "small.csv"
    codes = load("autogan-cifar10").architectures[:6]
    csv_file.write_text("architecture,FD\n" + "".join(f"{code},{10 + 3 * i}\n" for i, code in enumerate(codes)))
    csv_file.with_suffix(".toml").write_text(
        'space = "autogan"\nmetric = "FD"\ndirection = "lower"\n'
        "[space_settings]\nwidth = 4\nresolution = 16\n"
        '[facts.settings]\nspace = "autogan"\nwidth = 4\nresolution = 16\ndata = "shapes"\nlimit = 32\nbatch = 4\n'
        "samples = 40\n"
    )
    asked: list[str] = []
    names = ("params", "training:2", "sum_layers(std(activation))")
    config = EstimateSettings(str(csv_file), estimator=names, rows=5, out=str(tmp_path / "e"))
    found = estimate(config)
    assert [one.name for one in found] == list(names)
    table = read_table(csv_file).select(codes[:5])
    assert found[0].metrics["n"] == 5 and -1 <= found[0].metrics["spearman"] <= 1
    lines = [json.loads(line) for line in (tmp_path / "e" / JOURNAL).read_text().splitlines()]
    assert len(lines) == 15
    trained = torch.tensor([line["score"] for line in lines if line["estimator"] == "training:2"])
    assert found[1].metrics["spearman"] == pytest.approx(float(spearman(trained.double(), table.quality)))
    assert found[1].price.each > 0 and math.isnan(found[0].cheaper_from) and found[1].cheaper_from == 0.0
    with (tmp_path / "e" / "estimates.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["estimator"] for row in rows] == list(names)
    assert (tmp_path / "e" / "estimates.png").read_bytes()[:4] == b"\x89PNG"
    monkeypatch.setattr("gpproxy.proxies.scorer.Scorer.score", lambda *a: asked.append("again"))
    again = estimate(config)  # all from the journal
    assert not asked and [one.metrics for one in again] == [one.metrics for one in found]
    text = [str(line) for line in estimate_lines(found, "small", 80)]
    assert len(text[1]) == 80 and text[2].startswith("params") and "always" in text[3]


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Give estimators"):
        EstimateSettings("autogan-cifar10")
    with pytest.raises(ConfigError, match="Give one table"):
        EstimateSettings("", estimator=("params",))
    some = load("autogan-cifar10").architectures[:12]
    rows = [{"architecture": code, "FD": float(i)} for i, code in enumerate(some)]
    path = write_table(tmp_path / "bare.csv", Card("autogan", "FD", "lower"), rows)
    with pytest.raises(ConfigError, match="does not say how it was trained"):
        estimate(EstimateSettings(str(path), estimator=("training:5",), out=str(tmp_path / "out")))


def test_what_a_proxy_has_learnt_from_is_left_out_for_all(small_run: Path, tmp_path: Path) -> None:
    found = estimate(EstimateSettings("fake", estimator=(str(small_run), "params"), out=str(tmp_path / "e")))
    parts = json.loads((small_run / "split.json").read_text())["fake"]
    seen = {json.loads(line)["code"] for line in (tmp_path / "e" / JOURNAL).read_text().splitlines()}
    assert seen == set(load("fake").architectures) - {*parts["train"], *parts["validation"]}
    assert seen >= set(parts["test"]) and [one.metrics["n"] for one in found] == [len(seen)] * 2


def test_labels_cost_what_the_rows_took_that_were_learnt_from(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = load("fake")
    facts = {"seconds_per_training": 10.0, "trainings": float(2 * len(table))}
    told = replace(table, card=replace(table.card, facts=facts))
    monkeypatch.setattr(sys.modules[_labels.__module__], "load", lambda name: told)
    parts = json.loads((small_run / "split.json").read_text())["fake"]
    wanted = 20.0 * (len(parts["train"]) + len(parts["validation"]))
    assert _labels(Proxy.load(str(small_run))) == pytest.approx(wanted)
