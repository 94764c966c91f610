"""Our own table format: what is read, what is refused, and that writing loses nothing."""

import dataclasses
import math

import pytest
import torch

from gpproxy.benchmarks.benchmark import Card, open_space
from gpproxy.benchmarks.csv_table import read_card, read_rows, read_table, write_table
from gpproxy.errors import BenchmarkError, ConfigError

ROWS = [
    {"architecture": "0-1-2", "fid": 30.0, "macs": 5},
    {"architecture": "1-1-2", "fid": 20.5, "macs": 7},
    {"architecture": "2-1-2", "fid": 0.1 + 0.2, "macs": 6},
]


def write(folder, text, card="space = 'digits'\nmetric = 'fid'\ndirection = 'lower'\n"):
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    if card:
        path.with_suffix(".toml").write_text(card, encoding="utf-8")
    return path


def test_what_is_written_is_read_again(tmp_path, space, card):
    card = dataclasses.replace(
        card, space_settings={"base": 4}, seeds=1, notes='Two\nlines, "quoted"', facts={"seconds": 1.5}
    )
    path = write_table(tmp_path / "deeper" / "small", card, ROWS)
    table = read_table(path)
    assert read_card(path) == card
    assert (table.name, table.space) == ("small", "digits")
    assert table.architectures == ("0-1-2", "1-1-2", "2-1-2")
    assert table.quality.tolist() == [-30, -20.5, -(0.1 + 0.2)]
    assert table.quality.dtype == torch.float64
    assert table.columns["macs"].tolist() == [5, 7, 6]
    assert table.card.in_units(table.quality).tolist() == [30, 20.5, 0.1 + 0.2]
    assert open_space(table.card).settings.base == 4
    assert read_rows(path)[2] == {"architecture": "2-1-2", "fid": repr(0.1 + 0.2), "macs": "6"}
    assert sorted(p.name for p in path.parent.iterdir()) == ["small.csv", "small.toml"]


def test_a_failing_write_leaves_the_old_table(tmp_path, space, card, monkeypatch):
    path = write_table(tmp_path / "small", card, ROWS)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space left"):
        write_table(path, card, ROWS[:2])
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_the_path_may_name_table_card_or_both(tmp_path, space, card):
    path = write_table(tmp_path / "small.v2.csv", card, ROWS)
    assert path.name == "small.v2.csv"
    for given in (path, path.with_suffix(".toml"), str(path)):
        assert read_table(given).name == "small.v2"


def test_repeated_trainings_are_kept_and_averaged(tmp_path, space, card):
    rows = [
        {"architecture": code, "seed": seed, "fid": fid, "seconds": 10.0 + seed}
        for code, seed, fid in [("0-0-0", 0, 10.0), ("0-0-1", 0, 12.0), ("0-0-0", 1, 14.0), ("0-0-2", 0, 9.0)]
    ]
    table = read_table(write_table(tmp_path / "t", card, rows))
    assert table.architectures == ("0-0-0", "0-0-1", "0-0-2")
    assert table.quality.tolist() == [-12, -12, -9]
    assert table.repeats[0].tolist() == [-10, -14]
    assert table.repeats[1:].isnan().sum(1).tolist() == [1, 1]
    assert table.columns["seconds"].tolist() == [10.5, 10, 10]
    logarithmic = read_table(tmp_path / "t.csv", dataclasses.replace(card, scale="log"))
    assert logarithmic.card.in_units(logarithmic.quality)[0].item() == pytest.approx(math.sqrt(140))


def test_collapsed_trainings_rank_last(tmp_path, space, card):
    path = write(
        tmp_path,
        "architecture,seed,fid,collapsed\n0-0-0,0,10,0\n0-0-1,0,400,0\n0-0-2,0,,1\n0-0-3,0,350,true\n0-0-4,0,20,\n"
        "0-0-4,1,nan,1\n",
    )
    table = read_table(path)
    assert table.collapsed.tolist() == [[False, False]] * 2 + [[True, False]] * 2 + [[False, True]]
    assert table.quality[2] == table.quality[3] < table.quality[1] < table.quality[4] < table.quality[0]
    assert table.card.in_units(table.quality)[2].item() == pytest.approx(400, abs=0.01)
    everything = write(tmp_path, "architecture,fid,collapsed\n0-0-0,,1\n0-0-2,,1\n")
    with pytest.raises(BenchmarkError, match="is the same"):
        read_table(everything)


BAD = (
    "architecture,seed,fid,macs\n"  # row 1
    "0-0-0,0,10,1\n"
    "9-0-0,0,11,2\n"
    "\n"
    "0-0-1,0,nan,3\n"
    "0-0-2,0,inf,4\n"
    "0-0-3,0,,5\n"
    "0-0-4,0,abc,6\n"
    "00-0-0,0,12,7\n"
    "0-0-0,1,13,8\n"
    "0-0-5,0,14\n"
    "0-0-6,0,15,many\n"
    "0-0-7,0,16,9\n"
    ",0,16,9\n"
    '"0-1-1",0,17,10\n'
)
REASONS = {
    3: "unknown architecture: A code is three digits below 6 joined by '-', but this one is '9-0-0'.",
    5: "fid is nan, not a finite number",
    6: "fid is inf, not a finite number",
    7: "fid is nan, not a finite number",
    8: "fid is 'abc', not a number",
    9: "repeats row 2 (seed 0)",
    11: "has 3 fields, but the header has 4",
    12: "macs is 'many', not a number; name a column of text in text_columns of the card",
    13: "unknown architecture: A code is three digits below 6 joined by '-', but this one is '0-0-7'.",
    14: "unknown architecture: A code is three digits below 6 joined by '-', but this one is ''.",
}


def test_every_bad_row_is_named(tmp_path, space):
    path = write(tmp_path, BAD)
    with pytest.raises(BenchmarkError) as refused:
        read_table(path)
    message = str(refused.value)
    assert message.startswith(f"{path} has 10 bad rows:")
    for number, reason in REASONS.items():
        assert f"row {number} (" in message
        assert reason in message
    table = read_table(path, on_bad_rows="drop")
    assert {row.number: row.reason for row in table.dropped} == REASONS
    assert table.architectures == ("0-0-0", "0-1-1")
    with pytest.raises(ConfigError, match="'ignore'"):
        read_table(path, on_bad_rows="ignore")


def test_a_long_list_of_bad_rows_is_counted(tmp_path, space):
    path = write(tmp_path, "architecture,fid\n" + "x,1\n" * 25)
    with pytest.raises(BenchmarkError, match=r"25 bad rows(.|\n)*and 15 more"):
        read_table(path)
    with pytest.raises(BenchmarkError, match=r"no usable row: row 2 \(x\): unknown"):
        read_table(path, on_bad_rows="drop")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("architecture,fid\n", "has no usable row"),
        ("architecture,fdi\n0-0-0,1\n", "has no column 'fid'. Did you mean 'fdi'?"),
        ("arch,fid\n0-0-0,1\n", "has no column 'architecture'. Did you mean 'arch'?"),
        ("architecture,fid,fid\n0-0-0,1,2\n", "two columns named 'fid'"),
        ("architecture,fid\n0-0-0,3\n0-0-1,3\n", "is the same (3) for all 2"),
        ('architecture,fid\n"0-0-0,3\n', "not a readable CSV"),
        ("architecture,fid,collapsed\n0-0-0,3,perhaps\n", "collapsed is 'perhaps', not 0 or 1"),
    ],
)
def test_broken_tables(tmp_path, space, text, complaint):
    with pytest.raises(BenchmarkError) as error:
        read_table(write(tmp_path, text))
    assert complaint in str(error.value)
    assert str(tmp_path / "table.csv") in str(error.value)


def test_a_table_that_is_not_text(tmp_path, space, card):
    path = tmp_path / "table.csv"
    path.write_bytes(b"architecture,fid\n\xff\xfe,1\n")
    with pytest.raises(BenchmarkError, match="UTF-8"):
        read_table(path, card)


def test_a_log_metric_is_positive(tmp_path, space, card):
    path = write(tmp_path, "architecture,fid\n0-0-0,3\n0-0-1,0\n")
    with pytest.raises(BenchmarkError, match=r"row 3 \(0-0-1\): fid is 0.0, but a metric on the log scale"):
        read_table(path, dataclasses.replace(card, scale="log"))


@pytest.mark.parametrize(
    ("card", "complaint"),
    [
        ("", "which is not there"),
        ("space = ", "not readable TOML"),
        ("space = 'digits'\nmetric = 'fid'\n", "lacks direction"),
        ("space = 'digits'\nmetric = 'fid'\ndirection = 'down'\n", "'higher' or 'lower', but this one says 'down'"),
        ("space = 'digits'\nmetric = 'fid'\ndirection = 'lower'\nscale = 'db'\n", "'linear' or 'log'"),
        (
            "space = 'digits'\nmetric = 'fid'\ndirection = 'lower'\nseed = 2\n",
            "unknown key 'seed'. Did you mean 'seeds'?",
        ),
        ("space = 'digits'\nmetric = 'fid'\ndirection = 'lower'\nseeds = 'two'\n", "expects int for 'seeds'"),
    ],
)
def test_broken_cards(tmp_path, space, card, complaint):
    with pytest.raises(BenchmarkError) as error:
        read_table(write(tmp_path, "architecture,fid\n0-0-0,1\n0-0-1,2\n", card))
    assert complaint in str(error.value)
    assert str(tmp_path / "table.toml") in str(error.value)


def test_a_missing_table_says_what_was_expected(tmp_path, card):
    with pytest.raises(BenchmarkError, match="is not there. Expected: a CSV file with a header line"):
        read_table(tmp_path / "none.csv", card)


def test_proxies_may_look_at_smaller_networks(tmp_path, space, card):
    card = dataclasses.replace(card, space_settings={"base": 4}, look_settings={"base": 3})
    read = read_card(write_table(tmp_path / "small", card, ROWS))
    assert read == card and open_space(read).settings.base == 3 and open_space(read, base=2).settings.base == 2


def test_impossible_space_settings(tmp_path, space):
    settings = "space = 'digits'\nmetric = 'fid'\ndirection = 'lower'\nspace_settings = {width = 3}\n"
    with pytest.raises(ConfigError, match="has no setting 'width'"):
        read_table(write(tmp_path, "architecture,fid\n0-0-0,1\n0-0-1,2\n", settings))


def test_other_columns_constant_ones_and_text(tmp_path, space, card):
    path = write(
        tmp_path,
        "\ufeffconfig,fid,nwot,verdict,constant,holes\n0-0-0,1,5,fine,3,1\n0-0-1,2,6,bad,3,\n0-0-2,3,7,fine,3,2\n",
    )
    table = read_table(
        path, dataclasses.replace(card, architecture_column="config", text_columns=("verdict",), prefix="theirs/")
    )
    assert list(table.columns) == ["theirs/nwot", "theirs/holes"]
    assert table.columns["theirs/holes"].isnan().tolist() == [False, True, False]
    assert table.remarks == ("The column 'constant' is left out: its values do not differ.",)


def test_select_keeps_order_and_names_what_is_missing(tmp_path, space, card):
    table = read_table(write_table(tmp_path / "small", card, ROWS))
    part = table.select(("2-1-2", "0-1-2"))
    assert part.architectures == ("2-1-2", "0-1-2")
    assert part.values == {"2-1-2": -(0.1 + 0.2), "0-1-2": -30}
    assert part.columns["macs"].tolist() == [6, 5]
    with pytest.raises(BenchmarkError, match=r"no row for 5-5-5 \(1 of 2"):
        table.select(("0-1-2", "5-5-5"))


def test_the_cyclegan_table_is_carried_by_the_same_reader(tmp_path, data, monkeypatch):
    from gpproxy.search_spaces import SEARCH_SPACES
    from tests.digits import Digits

    class Channels(Digits):
        def decode(self, code):
            return tuple(map(int, code.split("_")))

        def encode(self, architecture):
            return "_".join(map(str, architecture))

    monkeypatch.setitem(SEARCH_SPACES._items, "channels", Channels)
    card = Card(space="channels", metric="fid", direction="lower", architecture_column="config", prefix="published/")
    table = read_table(data / "horse2zebra" / "cyclegan_fid.csv", card)
    assert len(table) == 334
    assert list(table.columns) == ["published/order", "published/macs", "published/authors_proxy"]
    assert table.quality.max() < 0


def test_what_was_measured_on_trained_networks_is_no_score_of_untrained_ones(tmp_path, space, card):
    rows = [
        {"architecture": code, "seed": seed, "fid": fid, "fid@25%": 2 * fid, "nwot": fid + 1, "constant": 3}
        for code, seed, fid in [("0-0-0", 0, 10.0), ("0-0-0", 1, 12.0), ("0-0-1", 0, 20.0)]
    ]
    rows[2]["fid@25%"] = None
    card = dataclasses.replace(card, measured_columns=("fid@25%", "constant", "absent"))
    table = read_table(write_table(tmp_path / "t", card, rows))
    assert table.card.measured_columns == ("fid@25%", "constant", "absent")
    assert list(table.columns) == ["nwot"] and table.remarks == ()
    assert table.measured["fid@25%"][0] == 22 and table.measured["fid@25%"][1].isnan()
    assert table.measured["constant"].tolist() == [3, 3]
    assert table.select(["0-0-1"]).measured["constant"].tolist() == [3]


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_the_index_of_a_data_frame_is_told_and_left_out(tmp_path, card, codes, name):
    write_table(
        tmp_path / "t.csv", card, [{"architecture": code, card.metric: 1.0 + i} for i, code in enumerate(codes)]
    )
    lines = (tmp_path / "t.csv").read_text().splitlines()
    numbered = [f"{name},{lines[0]}", *(f"{i},{line}" for i, line in enumerate(lines[1:]))]
    (tmp_path / "t.csv").write_text("\n".join(numbered) + "\n")
    found = read_table(tmp_path / "t.csv")
    assert found.columns == {} and found.remarks == (
        "column 1 is left out: it has no name, as the index of a data frame",
    )
    assert sorted(found.architectures) == sorted(codes)
