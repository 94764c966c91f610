"""The ablation: every row on the same tests, compared with the row before; what is finished is not made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpproxy.errors import ConfigError
from gpproxy.evolve import EvolveSettings, ablation, read_result, run_seeds
from gpproxy.evolve.ablation import ABLATION, PICTURE, read_ablation
from gpproxy.evolve.console import EvolveWatch
from gpproxy.evolve.scores import PICK, read_scores
from gpproxy.evolve.series_table import ablation_table
from gpproxy.proxies.proxy import Proxy
from gpproxy.ranking.correlation import kendall
from tests.commands import small

FAST = {"generations": 1, "population": 12, "inits": 1, "proxies": "snip,nwot", "random_draws": 1, "seeds": "0-1"}


class Notes(EvolveWatch):
    def __init__(self) -> None:
        self.generations: list[int] = []

    def generation(self, generation, front, last) -> None:
        self.generations.append(generation.index)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ablation") / "all"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablation, "PARTS", ("islands",))  # the others are tested by their settings, and cost the same
        run_seeds(small(path, **FAST, ablation=True))
    return path


def test_rows_climb_from_descriptors_to_the_black_box(folder: Path) -> None:
    found = read_ablation(folder)["fake"]
    kinds = [row.kind for row in found.rows]
    expected = [
        "descriptor",
        "classical",
        "statistic",
        "composite",
        "random",
        "without islands",
        "formula",
        "black box",
    ]
    assert [kind for kind in kinds if kind != "ceiling"] == expected
    assert found.rows[0].difference is None
    for before, row in zip(found.rows, found.rows[1:]):
        if row.kind != "ceiling":
            assert row.difference is not None and row.of == 2
            assert row.difference.kendall == pytest.approx((row.kendall.mean or 0) - (before.kendall.mean or 0))


def test_each_row_is_what_its_runs_say(folder: Path) -> None:
    found = read_ablation(folder)["fake"]
    for at, name in enumerate(found.folders):
        for kind, run in (("formula", folder / name), ("without islands", folder / "without-islands" / name)):
            table = read_scores(run)["fake"]
            test = table.places("test")
            tau = float(kendall(table.ranked(PICK, test)[None], table.quality[test])[0])
            assert found.row(kind).kendall.values[at] == pytest.approx(tau)
            assert found.row(kind).names[at] == read_result(run).formula
        assert "islands" in EvolveSettings.from_toml(folder / "without-islands" / name / "config.toml").without


def test_it_is_a_series_a_proxy_a_table_and_a_picture(folder: Path) -> None:
    assert len(Proxy.load(str(folder)).members) == 2
    assert (folder / PICTURE).read_text().lstrip().startswith("<")
    text = "\n".join(line.plain for line in ablation_table(read_ablation(folder)["fake"], 80))
    assert "row − above" in text and "without islands" in text and "by mean τ: " in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_what_is_finished_is_not_made_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablation, "PARTS", ("islands",))
    before = (folder / ABLATION).read_bytes()
    (folder / ABLATION).unlink()
    watch = Notes()
    run_seeds(small(folder, **FAST, ablation=True), watch, folder)
    assert not watch.generations and (folder / ABLATION).read_bytes() == before


@pytest.mark.parametrize("wrong", [{"ablation": True}, {"ablation": True, "seeds": "0-1", "without": ("islands",)}])
def test_it_takes_seeds_and_the_whole_method(wrong: dict) -> None:
    with pytest.raises(ConfigError, match="Give --seeds, such as 0-9, and no --without"):
        EvolveSettings(**wrong)
