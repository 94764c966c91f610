"""Estimators answer alike for equal questions, say what they miss, and searches of every strategy take them."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from gpproxy.benchmarks.registry import load
from gpproxy.errors import ConfigError, RegistryError, RunError
from gpproxy.estimators.estimator import Price
from gpproxy.estimators.registry import Request, names, open_estimator
from gpproxy.estimators.table import Rows
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scorer import Setup, score_chunk
from gpproxy.search import SearchSettings, resume, run
from gpproxy.search_spaces.autogan import AutoGAN
from gpproxy.search_spaces.check import make_space
from gpproxy.seeds import python_random
from gpproxy.tasks.settings import TrainingSettings

TINY = ("width=4", "resolution=16", "latent=8", "discriminator_width=4")
QUICK = ("limit=32", "batch=4", "samples=40")


def searched(out: Path, estimator: str, **changes: Any) -> Any:
    settings = {"space": "autogan", "space_settings": TINY, "estimator": estimator, "budget": 6, "workers": 1, "top": 1}
    return run(SearchSettings(**{**settings, "out": str(out), "data": "shapes", "train_settings": QUICK, **changes}))


def test_the_proxy_estimator_is_the_scorer() -> None:
    space = AutoGAN(width=4, resolution=16, latent=8)
    request = Request("proxy", space, (Proxy.load("nwot"), Proxy.load("total_params")), plain=True)
    estimator = open_estimator(request)
    codes = ["1011-10011-10103", "0000-00000-00000"]
    ours, _ = estimator.score(codes, {})
    theirs, _ = score_chunk(Setup("autogan", request.settings, request.proxies, plain=True), codes, {})
    assert [repr(one) for one in ours] == [repr(one) for one in theirs]
    assert estimator.labels == ("nwot", "total_params") and estimator.set_up == 0
    named = open_estimator(Request("proxy:nwot", space, plain=True))
    assert named.score(codes, {})[0][0].scores[0] == ours[0].scores[0] and named.labels == ("nwot",)


def test_a_table_is_looked_up_and_a_search_keeps_to_its_rows(tmp_path: Path) -> None:
    name = "autogan-cifar10-short"
    table = load(name)
    best = table.architectures[int(table.quality.argmax())]
    whole = searched(tmp_path / "a", f"table:{name}", strategy="exhaustive", budget=100)
    assert whole.finished == "space" and len(whole.seen) == len(table) and whole.best(1)[0][0].code == best
    assert {one.code: one.score for one in whole.seen} == dict(zip(table.architectures, table.quality.tolist()))
    led = searched(tmp_path / "b", f"table:{name}", strategy="evolution", budget=30, population=8, tournament=4)
    assert len(led.seen) == 30 and {one.code for one in led.seen} <= set(table.architectures)
    found = json.loads((led.folder / "result.json").read_text())
    assert found["estimator"] == f"table:{name}" and found["proxies"] == [] and led.cost.work.networks == 0


def test_rows_are_a_space_of_their_own() -> None:
    space = make_space("autogan")
    known = [space.decode(code) for code in ("1011-10011-10103", "1011-10011-10102", "0000-00000-00000")]
    rows, rng = Rows(space, known), python_random("rows", 0)
    assert list(rows.enumerate()) == known and rows.count() == 3
    assert {rows.sample(rng) for _ in range(50)} == set(known)
    assert rows.mutate(known[0], rng) == known[1] and rows.mutate(known[1], rng) == known[0]
    assert rows.from_tokens(space.decode("0000-00000-00001")) == known[2]
    assert {rows.cross(known[0], known[2], rng) for _ in range(30)} <= set(known)


def test_a_short_training_is_repeated_exactly_and_ends_a_search_in_time(tmp_path: Path) -> None:
    one = searched(tmp_path / "a", "training:3", budget=3)
    two = searched(tmp_path / "b", "training:3", budget=3, workers=2)
    assert [repr(a) for a in one.seen] == [repr(b) for b in two.seen]
    assert all(-1e9 < one.score < 0 for one in one.seen) and one.cost.work.networks == 3
    late = searched(tmp_path / "c", "training:3", budget=50, max_seconds=0.01)
    assert late.finished == "time" and len(late.seen) == 4  # one batch: no further one was waiting
    with (late.folder / "ranking.csv").open() as file:
        assert list(csv.DictReader(file))[0]["architecture"] == late.best(1)[0][0].code
    before = list(map(repr, late.seen))
    longer = resume(late.folder, max_seconds=0.0, budget=len(before) + 1)
    assert longer.finished == "budget" and list(map(repr, longer.seen))[:-1] == before
    with pytest.raises(RunError, match="train_settings"):
        resume(late.folder, train_settings=("limit=16",))


def test_what_estimators_lack_is_told(tmp_path: Path) -> None:
    space = AutoGAN(width=4, resolution=16, latent=8)
    quick = TrainingSettings(space="autogan", data="shapes", extractor="none")
    for text, words in (
        ("training:no", "number of steps"), ("training:5", "extractor that measures"), ("table", "Give the table"),
        ("proxy", "Give the proxy"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            open_estimator(Request(text, space, training=lambda: quick))
    with pytest.raises(RegistryError, match="Did you mean 'training'"):
        open_estimator(Request("trainin:5", space))
    with pytest.raises(ConfigError, match="of gancompression"):
        open_estimator(Request("table:facades-pix2pix", space)).open(print)
    with pytest.raises(ConfigError, match="proxy belongs to the estimator proxy"):
        SearchSettings(space="autogan", estimator="training:5", proxy=("nwot",))
    assert {"proxy", "table", "training"} <= set(names())


def test_prices_meet_where_both_cost_the_same() -> None:
    dear, cheap = Price(100.0, 0.5), Price(0.0, 3.0)
    number = dear.cheaper_from(cheap)
    assert dear.of(number) == pytest.approx(cheap.of(number)) and number == 40
    assert cheap.cheaper_from(dear) == 0 and Price(1.0, 5.0).cheaper_from(cheap) == math.inf
