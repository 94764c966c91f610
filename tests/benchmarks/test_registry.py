"""Names, paths and places of tables."""

import pytest

from gpproxy.benchmarks import registry
from gpproxy.benchmarks.csv_table import write_table
from gpproxy.benchmarks.registry import BENCHMARKS, load
from gpproxy.errors import BenchmarkError, RegistryError


def test_an_unknown_name_gets_the_nearest_match():
    with pytest.raises(RegistryError, match="no benchmark 'transnas-mirco'. Did you mean 'transnas-micro'?") as error:
        load("transnas-mirco")
    assert "path of a CSV file" in str(error.value)


@pytest.mark.parametrize("kind", ["micro", "macro"])
def test_missing_public_data_says_how_to_get_it(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("GPPROXY_DATA", str(tmp_path))
    with pytest.raises(BenchmarkError) as error:
        load(f"transnas-{kind}")
    for part in (str(tmp_path), f"naslib/data/zc_transbench101_{kind}.json", "GPPROXY_DATA"):
        assert part in str(error.value)


def test_a_path_is_a_name(tmp_path, space, card):
    rows = [{"architecture": f"0-0-{i}", "fid": float(i)} for i in range(5)]
    path = write_table(tmp_path / "mine", card, rows)
    assert load(path).architectures == load(str(path.with_suffix(".toml"))).architectures
    with pytest.raises(BenchmarkError, match="is not there"):
        load(tmp_path / "other.csv", "drop")
    with pytest.raises(BenchmarkError, match="either 'macro' or 'micro' in its name"):
        load(tmp_path / "other.json")


def test_a_table_is_built_in_by_lying_in_the_folder(tmp_path, space, card, monkeypatch):
    write_table(tmp_path / "dropped-in", card, [{"architecture": f"0-0-{i}", "fid": float(i)} for i in range(5)])
    (tmp_path / "card-without-table.toml").write_text("")
    monkeypatch.setattr(BENCHMARKS, "_items", dict(BENCHMARKS._items))
    registry._built_in(tmp_path)
    assert load("dropped-in").name == "dropped-in"
    assert "card-without-table" not in BENCHMARKS


def test_every_built_in_table_is_sound():
    for name in BENCHMARKS:
        if not name.startswith(("transnas-", "horse2zebra", "sr-bass")):  # read from a data folder
            table = load(name)
            assert table.card.source
            assert table.dropped == ()


def test_another_measured_column_can_be_the_metric(tmp_path):
    whole, other = load("unet-cifar10"), load("unet-cifar10:FD(cifar)")
    assert (other.name, other.card.metric) == ("unet-cifar10:FD(cifar)", "FD(cifar)")
    assert other.architectures == whole.architectures and len(other.quality) == 200
    assert other.card.in_units(other.repeats)[0, 0].item() == pytest.approx(35.4, abs=0.1)
    assert "denoising loss" in other.measured and "FD(cifar)" not in other.measured
    assert other.card.by("denoising loss").metric == "denoising loss"
    assert load("unet-cifar10:denoising loss").quality.equal(whole.quality)
    with pytest.raises(BenchmarkError, match=r"one of denoising loss, FD\(cifar\), but 'KID'"):
        load("unet-cifar10:KID")
    with pytest.raises(RegistryError, match="no benchmark 'horse2zebra:x'"):
        load("horse2zebra:x")
