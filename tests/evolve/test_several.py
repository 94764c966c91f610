"""Several seeds in one folder: the same runs as one by one, a table over them, and going on after a stop."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
import torch

from gpproxy.cli.report import main as report
from gpproxy.errors import ConfigError
from gpproxy.evolve import EvolveSettings, Interrupted, run, run_seeds
from gpproxy.evolve.console import EvolveWatch
from gpproxy.evolve.finished import read_run
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.page import document
from gpproxy.evolve.scores import read_scores
from gpproxy.evolve.series import Series, out_of_bag
from gpproxy.evolve.series_table import series_table
from gpproxy.evolve.settings import seeds_of
from gpproxy.evolve.several import read_series
from gpproxy.export.read import load_proxy
from gpproxy.proxies.provenance import training_provenance
from gpproxy.proxies.proxy import Proxy
from gpproxy.ranking.committee import votes as place
from gpproxy.report.render import render
from gpproxy.run.command import guarded
from tests.commands import small
from tests.report.test_render import check_page

FAST = {"generations": 1, "population": 12, "inits": 1, "proxies": "none", "random_draws": 1}


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("series") / "all"
    run_seeds(small(path, **FAST, seeds="0-1"))
    return path


def test_seeds_are_read_from_text() -> None:
    assert seeds_of("0-3") == (0, 1, 2, 3) and seeds_of("5, 1-2,5") == (5, 1, 2) and seeds_of("") == ()
    for wrong in ("3-1", "a", "1-", "-3"):
        with pytest.raises(ConfigError, match="0-9 or 0,2,5"):
            EvolveSettings(seeds=wrong)
    with pytest.raises(ConfigError, match="run_seeds"):
        run(EvolveSettings(seeds="0-1"))


def test_a_series_has_a_page_of_all_its_runs(series: Path, tmp_path: Path) -> None:
    text = (series / "report.html").read_text(encoding="utf-8")
    check_page(text)
    assert "Are they worth using?" in text and "Over these seeds" in text and "s1 (seed 1)" in text
    assert report([str(series), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == text
    runs = [read_run(series / "s0")] * 6
    many = render(document(runs))
    check_page(many)
    assert many.count("Score against measured quality") == 6 and "To repeat it" not in many


def test_a_series_holds_the_runs_and_a_row_for_everything(series: Path) -> None:
    found = read_series(series)["fake"]
    assert found.seeds == (0, 1) and found.folders == ("s0", "s1") and Series.from_json(found.to_json()) == found
    assert {"formula", "committee", "descriptor", "statistic", "composite", "random"} <= {
        row.kind for row in found.rows
    }
    for at, folder in enumerate(found.folders):
        result = EvolveFolder.open(series / folder).read_json("result.json")
        assert found.row("formula").kendall.values[at] == pytest.approx(result["test"]["kendall"])
    row = found.row("descriptor")
    assert (
        row.difference is not None
        and row.of == 2
        and row.difference.kendall == pytest.approx((found.row("formula").kendall.mean or 0) - (row.kendall.mean or 0))
    )


def test_the_committee_votes_out_of_bag(series: Path) -> None:
    tables = [read_scores(series / f"s{seed}")["fake"] for seed in range(2)]
    votes, members = out_of_bag(tables)
    assert 1 <= members <= 2
    test = tables[0].places("test")
    for at, vote in zip(test.tolist(), votes[0].tolist()):
        code, expected = tables[0].architectures[at], []
        for table in tables:
            there = table.architectures.index(code)
            if table.parts[there] == "test" and not table.dead[there]:
                learnt = torch.tensor([part != "test" for part in table.parts]) & ~table.dead
                reference = table.mean("pick")[learnt]
                expected.append(float(place(table.columns["pick"][:, there], reference).mean()))
        if expected:
            assert vote == pytest.approx(sum(expected) / len(expected))


def test_the_folder_of_a_series_is_a_proxy(series: Path) -> None:
    proxy = Proxy.load(str(series))
    names = read_series(series)["fake"].row("formula").names
    assert [text for text, _ in proxy.members] == list(names) and proxy.run == str(series)
    assert load_proxy(series / "proxy.py").members == proxy.members
    past, learnt = training_provenance(proxy), set()
    for seed in range(2):
        scores = read_scores(series / f"s{seed}")["fake"]
        learnt |= {code for code, part in zip(scores.architectures, scores.parts) if part != "test"}
    assert set(past.codes["fake"]) == learnt


def test_the_table_fits_a_narrow_and_a_wide_terminal(series: Path) -> None:
    found = read_series(series)["fake"]
    for width in (80, 140):
        lines = [line.plain for line in series_table(found, width)]
        assert any("evolved formula" in line for line in lines) and any("committee" in line for line in lines)
        assert "verdict: over these seeds" in " ".join(lines)
        assert max(map(len, lines)) <= max(width, 100)


class StopAt(EvolveWatch):
    """Presses Ctrl-C while the generations of a seed go by."""

    def __init__(self, seed: int):
        self.seed, self.notes = seed, []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, what: str, done: int, total: int) -> None:
        if what == f"seed {self.seed}: generations" and done == 0:
            signal.raise_signal(signal.SIGINT)


def test_a_stopped_series_goes_on_by_its_folder(series: Path, tmp_path: Path) -> None:
    from gpproxy.evolve.__main__ import main

    folder = tmp_path / "all"
    folder.mkdir()
    shutil.copy(series / "config.toml", folder)
    shutil.copytree(series / "s0", folder / "s0")
    before = (folder / "s0" / "result.json").stat().st_mtime_ns
    with pytest.raises(Interrupted, match=f"--resume {folder}\\b"):
        run_seeds(small(folder, **FAST, seeds="0-1"), StopAt(1))
    assert guarded(main, ["--resume", str(folder)]) == 0
    assert (folder / "s0" / "result.json").stat().st_mtime_ns == before
    assert read_series(folder) == read_series(series)
    assert guarded(main, ["--resume", str(folder / "s0"), "--seeds", "0-1"]) == 1
