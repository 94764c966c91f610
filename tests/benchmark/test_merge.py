"""Shards are built apart and put together: the table of the whole, with every training, and it goes on there."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from gpproxy.benchmark import kept
from gpproxy.benchmark.__main__ import main
from gpproxy.benchmark.builder import Build
from gpproxy.benchmark.merge import merge
from gpproxy.benchmark.settings import BuildSettings, part_of_shards
from gpproxy.benchmark.table_settings import MergeSettings
from gpproxy.benchmarks.csv_table import read_card, read_rows
from gpproxy.errors import ConfigError, RunError
from gpproxy.run.locks import alone
from tests.benchmark.fake import FakeTask

NAME = "autogan-shapes.csv"


@pytest.fixture
def config(tmp_path: Path) -> BuildSettings:
    sizes = {"size": 7, "trainings": 2, "longer": 5, "times": 3, "retests": 2, "uniform": 3}
    small = {"steps": 4, "width": 8, "resolution": 16, "samples": 20}
    return BuildSettings(data="shapes", out=str(tmp_path / "all"), **sizes, **small)


def build(config: BuildSettings, **changes: Any) -> BuildSettings:
    config = dataclasses.replace(config, **changes)
    for _ in Build(config, FakeTask(config)).run():
        pass
    return config


def rows(path: Path) -> list[dict[str, str]]:
    return read_rows(path)


def test_the_table_of_the_shards_is_that_of_the_whole(config: BuildSettings, tmp_path: Path) -> None:
    whole = build(config, out=str(tmp_path / "whole"))
    for i in (3, 1, 2):
        shard = build(config, shard=f"{i}/3")
        assert shard.folder == tmp_path / "all" / f"shard-{i}-of-3"
        assert kept.begun(config.out, "", f"{i}/3") == kept.begun(str(shard.folder), "")
    said: list[str] = []
    table = merge(MergeSettings((config.out,)), said.append)
    assert table == tmp_path / "all" / NAME and len(said) == 1
    assert "7 architectures, 16 trainings of 3 shards" in said[0]
    for name in (NAME, "autogan-shapes-x3.csv"):
        assert rows(tmp_path / "all" / name) == rows(whole.folder / name)
        one, other = (read_card(place / name) for place in (tmp_path / "all", whole.folder))
        facts = [{k: v for k, v in card.facts.items() if k not in ("hours", "seconds_per_architecture")}
                 for card in (one, other)]  # fmt: skip
        assert facts[0] == facts[1]
        assert dataclasses.replace(one, facts={}) == dataclasses.replace(other, facts={})
    made = [sorted(path.name for path in (place / "trainings").iterdir()) for place in (tmp_path / "all", whole.folder)]
    assert made[0] == made[1]
    before = table.read_bytes()
    assert merge(MergeSettings((config.out,))).read_bytes() == before
    grown = build(config, size=9)  # goes on in one piece, and repeats nothing
    assert len(rows(grown.table)) == 20 and (tmp_path / "all" / kept.FILE).read_text().count("shard") == 0


def test_what_is_missing_is_told_and_comes_later(config: BuildSettings, tmp_path: Path) -> None:
    places = [str(build(config, shard=f"{i}/3").folder) for i in (1, 3)]
    said: list[str] = []
    merge(MergeSettings(tuple(places), str(tmp_path / "new")), said.append)
    assert "Not there: shard 2/3." in said[1]
    places.append(str(build(config, shard="2/3").folder))
    assert len(rows(merge(MergeSettings(tuple(places), str(tmp_path / "new"))))) == 16


def test_an_unfinished_training_is_replaced_by_the_finished_one(config: BuildSettings, tmp_path: Path) -> None:
    shard = build(config, shard="1/2")
    place = next((shard.folder / "trainings").iterdir())
    left = tmp_path / "all" / "trainings" / place.name
    left.mkdir(parents=True)
    (left / "last.pt").write_bytes(b"unfinished")
    merge(MergeSettings((config.out,)))
    assert (left / "outcome.json").is_file() and not (left / "last.pt").exists()


@pytest.mark.parametrize("changes", [{"samples": 30}, {"steps": 8}, {"plan_seed": 1}])
def test_shards_of_other_settings_are_refused(config: BuildSettings, changes: dict[str, Any]) -> None:
    build(config, shard="1/2")
    build(config, shard="2/2", **changes)
    with pytest.raises(RunError, match=f"was built with {next(iter(changes))}="):
        merge(MergeSettings((config.out,)))


def test_shards_that_were_measured_otherwise_are_refused(config: BuildSettings) -> None:
    build(config, shard="1/2")
    other = dataclasses.replace(config, shard="2/2")
    for _ in Build(other, FakeTask(other, digest="f" * 16)).run():
        pass
    with pytest.raises(RunError, match="was measured with extractor_digest=ffff"):
        merge(MergeSettings((config.out,)))


def test_what_is_no_shard_is_told(config: BuildSettings, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no shard of a build and has none in it"):
        merge(MergeSettings((str(tmp_path),)))
    for text in ("0/3", "4/3", "3", "1/0", "a/b"):
        with pytest.raises(ConfigError, match="shard is i/n with 1 <= i <= n"):
            part_of_shards(text)
    with pytest.raises(ConfigError, match="give it with --out"):
        MergeSettings(("a", "b"))
    with pytest.raises(ConfigError, match="grows no other one"):
        dataclasses.replace(config, shard="1/2", benchmark="x.csv")
    shard = build(config, shard="1/2")
    with pytest.raises(RunError, match="was begun as shard=1/2, but now shard=. "):
        Build(dataclasses.replace(shard, out=str(shard.folder), shard=""), FakeTask(config))
    with alone(shard.folder, "build"), pytest.raises(RunError, match="A build is running in"):
        merge(MergeSettings((config.out,)))


def test_the_command_merges(config: BuildSettings, capsys: pytest.CaptureFixture[str]) -> None:
    shards = [str(build(config, shard=f"{i}/2").folder) for i in (1, 2)]
    assert main(["merge", *shards, "--out", config.out]) == 0
    assert "7 architectures" in capsys.readouterr().out
    with (Path(config.out) / NAME).open() as file:
        assert len(list(csv.DictReader(file))) == 16
