"""The reader of measured super-resolution networks."""

import pytest

from gpproxy.benchmarks.bass import CARD, read_bass
from gpproxy.benchmarks.registry import card_of, load
from gpproxy.errors import BenchmarkError

ONE, OTHER = ",".join(["1"] * 28), ",".join(["2"] * 28)
#: As ONE: channels, kernels and repeats count modulo four.
TWIN = ",".join("1" if place % 3 == 1 else "5" for place in range(28))


def test_trainings_of_one_architecture_are_repeats(tmp_path):
    path = tmp_path / "psnr.csv"
    path.write_text(f'architecture,training,psnr\n"{ONE}",0,30\n"{OTHER}",0,31\n"{ONE}",1,32\n"{TWIN}",0,34\n')
    table = read_bass(path)
    assert len(table) == 2 and table.quality.tolist() == [32, 31] and table.repeats[0].tolist() == [30, 32, 34]


def test_the_authors_own_file_has_no_header(tmp_path):
    path = tmp_path / "psnr.csv"
    path.write_text(f'"[{ONE}]",inf,30\n"[{OTHER}]",0.3,31\n')
    assert read_bass(path).quality.tolist() == [30, 31]


def test_bad_rows_are_named(tmp_path):
    path = tmp_path / "psnr.csv"
    path.write_text(f'"{ONE}",0,30\n"{OTHER}",0\n"9,9",0,31\n"{OTHER}",0,high\n"{OTHER}",0,nan\n"{OTHER}",0,31\n')
    with pytest.raises(BenchmarkError, match="has 4 bad rows"):
        read_bass(path)
    table = read_bass(path, "drop")
    assert len(table) == 2 and [row.number for row in table.dropped] == [2, 3, 4, 5]
    with pytest.raises(BenchmarkError, match="MoNAS-SR-Predictors-Dataset"):
        read_bass(tmp_path / "absent.csv")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BenchmarkError, match="not a readable CSV"):
        read_bass(path)


def test_the_real_table(data):
    table = load("sr-bass")
    assert len(table) == 636 and int(table.repeats.isfinite().sum()) == 805 and not table.dropped
    assert card_of("sr-bass") is CARD
    assert 5 < table.quality.min().item() < 25 < table.quality.median().item() < table.quality.max().item() < 36
