"""The reader of NAS-Bench-Suite-Zero files."""

import json

import pytest

from gpproxy.benchmarks.registry import card_of, load
from gpproxy.benchmarks.suite_zero import code_of, read_suite_zero
from gpproxy.errors import BenchmarkError
from gpproxy.ranking.correlation import kendall, spearman


def write(folder, table, task="autoencoder", kind="micro"):
    path = folder / f"zc_transbench101_{kind}.json"
    path.write_text(json.dumps({task: table}), encoding="utf-8")
    return path


def entry(quality, score=1.0):
    return {"val_accuracy": quality, "nwot": {"score": score, "time": 1.0}, "idx": "3"}


def test_keys_become_codes():
    assert code_of("(4, 1, 3, 0, 0, 0)", "macro") == "64-413-basic"
    assert code_of("(1, 2, 3, 4, 1, 2)", "macro") == "64-123412-basic"
    assert code_of("(1, 0, 0, 2, 1, 0)", "micro") == "64-41414-1_00_210"
    with pytest.raises(ValueError, match="six digits"):
        code_of("(1, 0, 0)", "micro")


def test_sentinels_become_missing(tmp_path):
    keys = ["(1, 1, 0, 2, 1, 1)", "(1, 1, 0, 2, 1, 2)", "(1, 1, 0, 2, 1, 3)"]
    scores = [5.0, -1e8, 7.0]
    table = read_suite_zero(
        write(tmp_path, {k: entry(i / 10, s) for i, (k, s) in enumerate(zip(keys, scores, strict=True))}), "micro"
    )
    assert table.columns["suite_zero/nwot"].isnan().tolist() == [False, True, False]
    assert table.architectures[0] == "64-41414-1_10_211"


def test_bad_rows(tmp_path):
    rows = {
        "(1, 1, 0, 2, 1, 1)": entry(0.5),
        "(1, 1, 0, 2, 1, 2)": entry(0.4),
        "(1, 1, 0)": entry(0.3),
        "(9, 1, 0, 2, 1, 1)": entry(0.3),
        "(1, 1, 0, 2, 1, 3)": {"nwot": {"score": 1.0}},
        "(1, 1, 0, 2, 2, 1)": entry(float("nan")),
        "(1, 1, 0, 2, 2, 2)": entry("high"),
        "(1, 1, 0, 2, 2, 3)": "text",
    }
    text = json.dumps({"autoencoder": rows})
    text = text[:-2] + ', "(1, 1, 0, 2, 1, 1)": ' + json.dumps(entry(0.9)) + "}}"
    path = tmp_path / "micro.json"
    path.write_text(text)
    with pytest.raises(BenchmarkError, match="has 7 bad rows"):
        load(path)
    table = load(path, on_bad_rows="drop")
    assert len(table) == 2
    assert [row.number for row in table.dropped] == [3, 4, 5, 6, 7, 8, 9]
    reasons = [row.reason for row in table.dropped]
    assert "six digits" in reasons[0]
    assert "unknown architecture" in reasons[1]
    assert reasons[2] == "has no 'val_accuracy'"
    assert reasons[3] == "val_accuracy is nan, not a finite number"
    assert reasons[4] == "val_accuracy is 'high', not a number"
    assert reasons[6] == "repeats row 1"


def test_files_that_are_something_else(tmp_path):
    with pytest.raises(BenchmarkError, match="no task 'autoencoder'. Did you mean 'autoencode'?"):
        read_suite_zero(write(tmp_path, {}, "autoencode"), "micro")
    path = tmp_path / "micro.json"
    for text, complaint in (
        ("{", "not readable JSON"),
        ("[1]", "should map a task"),
        ('{"autoencoder": 3}', "should map"),
    ):
        path.write_text(text)
        with pytest.raises(BenchmarkError, match=complaint):
            read_suite_zero(path, "micro")
    with pytest.raises(BenchmarkError, match="github.com/automl/NASLib"):
        read_suite_zero(tmp_path / "absent_micro.json", "micro")
    with pytest.raises(BenchmarkError, match="'macro' or 'micro', not 'mini'"):
        read_suite_zero(path, "mini")


# Spearman and Kendall over all published rows (711 and 725), of which the files here hold a subset.
PUBLISHED = {
    "transnas-macro": {
        "flops": (0.84, 0.63), "params": (-0.14, -0.09), "nwot": (0.74, 0.54), "jacov": (0.51, 0.35),
        "snip": (0.33, 0.23), "grad_norm": (0.45, 0.31), "fisher": (-0.16, -0.10), "grasp": (0.0, 0.0),
        "l2_norm": (-0.14, -0.10), "plain": (-0.10, -0.07),
    },
    "transnas-micro": {
        "flops": (-0.10, -0.07), "params": (-0.09, -0.07), "nwot": (-0.04, -0.03), "snip": (-0.32, -0.25),
        "grad_norm": (-0.38, -0.28), "grasp": (-0.14, -0.10), "l2_norm": (-0.03, -0.02), "plain": (0.11, 0.07),
    },
}  # fmt: skip
#: Likewise, Spearman alone.
PUBLISHED_NORMAL = {
    "transnas-micro-normal": {"jacov": 0.75, "flops": 0.68, "params": 0.66, "nwot": 0.60, "snip": 0.51, "fisher": 0.22},
    "transnas-macro-normal": {"nwot": 0.79, "flops": 0.76, "jacov": 0.55},
}


@pytest.mark.parametrize(("name", "rows"), [("transnas-macro-normal", 425), ("transnas-micro-normal", 411)])
def test_surface_normals_have_the_same_networks_and_another_ranking(data, name, rows):
    table, other = load(name), load(name.removesuffix("-normal"))
    assert table.name == name and table.card.task == "surface normals" and len(table) == rows
    assert set(table.architectures) == set(other.architectures)
    assert card_of(name) == table.card
    same = other.select(table.architectures).quality
    # .26 over the 4,096 micro architectures, .56 over the 725 macro ones
    assert spearman(table.quality, same).item() == pytest.approx(0.26 if "micro" in name else 0.56, abs=0.1)
    for column, rho in PUBLISHED_NORMAL[name].items():
        scores = table.columns[f"suite_zero/{column}"]
        known = scores.isfinite()
        assert spearman(scores[known], table.quality[known]).item() == pytest.approx(rho, abs=0.08)


@pytest.mark.parametrize(("name", "rows", "dead"), [("transnas-macro", 425, 0), ("transnas-micro", 411, 8)])
def test_the_real_tables(data, name, rows, dead):
    table = load(name)
    assert len(table) == rows
    assert table.dropped == ()
    assert len(table.columns) == 10
    assert table.remarks == ("The column 'epe_nas' is left out: its values do not differ.",)
    for column, (rho, tau) in PUBLISHED[name].items():
        scores = table.columns[f"suite_zero/{column}"]
        # About 0.6 of the published rows are here: two standard errors of the rest are 0.08.
        assert spearman(scores, table.quality).item() == pytest.approx(rho, abs=0.08)
        assert kendall(scores, table.quality).item() == pytest.approx(tau, abs=0.08)
    if dead:
        assert table.columns["suite_zero/jacov"].isnan().sum() == dead
