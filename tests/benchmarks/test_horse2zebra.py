"""The horse2zebra table: what is read, and what the published columns say."""

import pytest
import torch

from gpproxy.benchmarks.benchmark import open_space
from gpproxy.benchmarks.registry import load
from gpproxy.benchmarks.split import split
from gpproxy.errors import BenchmarkError
from gpproxy.ranking.correlation import spearman


@pytest.fixture
def table(data):
    return load("horse2zebra")


def test_a_missing_table_says_where_it_belongs(tmp_path, monkeypatch):
    monkeypatch.setenv("GPPROXY_DATA", str(tmp_path))
    with pytest.raises(BenchmarkError, match="HaosenSUN/Auto_GAS") as error:
        load("horse2zebra")
    assert str(tmp_path / "horse2zebra" / "cyclegan_fid.csv") in str(error.value)


def test_all_rows_are_read_with_their_published_columns(table):
    assert (len(table), table.space, table.dropped, table.remarks) == (334, "gancompression-cyclegan", (), ())
    assert set(table.columns) == {"order", "macs", "authors_proxy"}
    assert table.card.in_units(table.quality)[0].item() == pytest.approx(194.39, abs=0.01)
    assert {number for code in table.architectures for number in code.split("_")} == {"16", "24", "32"}


def test_logged_macs_follow_from_the_codes(table):
    """All 334: the published rule without the norms."""
    space = open_space(table.card)
    counted = [space.macs(space.decode(code), norms=False) for code in table.architectures]
    assert table.columns["macs"].long().tolist() == counted


def test_the_logged_proxy_follows_the_order_and_not_the_quality(table):
    logged = table.columns["authors_proxy"]
    assert abs(spearman(logged, table.quality).item()) < 0.15
    assert spearman(logged, table.columns["order"]).item() > 0.5


def test_descriptors_alone_rank_as_known(table):
    space = open_space(table.card)
    macs = torch.tensor([space.macs(space.decode(code)) for code in table.architectures], dtype=torch.float64)
    assert spearman(macs, table.quality).item() == pytest.approx(0.50, abs=0.01)
    some = table.select(table.architectures[::4])
    params = [sum(p.numel() for p in space.build(space.decode(c), None).parameters()) for c in some.architectures]
    assert spearman(torch.tensor(params, dtype=torch.float64), some.quality).item() == pytest.approx(0.64, abs=0.1)


def test_splits_are_of_full_size(table):
    parts = split(table, open_space(table.card), train=100)
    assert len(parts.train) == 100 and len(parts.train + parts.validation + parts.test) == 334
