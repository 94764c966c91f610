"""Tables: assembled in the order of the records, every value in its row; a selection equals its own assembly."""

from __future__ import annotations

import pytest
import torch

from gpproxy.primitives.types import LAYER_TYPES, NetworkKernel
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one
from gpproxy.statistics.record import Record
from gpproxy.statistics.values import LayerBlocks, LayerScalars
from tests.statistics.tiny_tables import differences, layers_of, same_bits, tiny

CODES = ["plain-3", "deep-4", "norms-4", "constant-3", "linear-6", "deep-6"]


@pytest.fixture(scope="module")
def records() -> dict[str, Record]:
    how = Collection(samples=4, proxies=("nwot", "snip"))
    return {code: collect_one(tiny.Tiny(), code, how) for code in CODES}


@pytest.fixture(scope="module")
def table(records):
    return assemble(list(records.values()))


def test_every_value_is_in_its_row(table, records):
    for name, kind in table.types.items():
        for i, (code, record) in enumerate(records.items()):
            value = record.values[name]
            if kind in LAYER_TYPES:
                found = layers_of(table, name, code)
                wanted = {j: v for j, v in enumerate(value) if v is not None}
                assert list(found) == list(wanted), (name, code)
                assert all(same_bits(found[j], wanted[j].to(found[j].dtype)) for j in wanted), (name, code)
            else:
                assert same_bits(table.values[name][i], value.double()), (name, code)


def test_shape_and_dtype_of_values(table):
    for name, kind in table.types.items():
        value = table.values[name]
        if isinstance(value, LayerBlocks):
            shapes = [tuple(v.shape[1:]) for v in value.values]
            assert shapes == sorted(set(shapes)) and kind in LAYER_TYPES
        elif isinstance(value, LayerScalars):
            assert value.values.shape == value.present.shape == (len(CODES), table.layers)
            assert value.values.dtype == torch.float64 and not value.values[~value.present].any()
        else:
            assert value.dtype == torch.float64 and value.ndim == (3 if kind is NetworkKernel else 1)


def test_depth_runs_from_zero_to_one(table):
    for code, row in zip(CODES, table.depth):
        count = int((~row.isnan()).sum())
        torch.testing.assert_close(row[:count], torch.linspace(0, 1, count, dtype=torch.float64))
        assert row[count:].isnan().all()
        assert count == {"plain": 3, "norms": 4, "linear": 3, "deep": 6, "constant": 3}[code.split("-")[0]]
    assert table.layers == 6 and len(table) == 6 and table.bytes > 0


def test_dead_and_columns_are_aligned(table, records):
    assert table.dead == {"constant-3": records["constant-3"].dead}
    assert table.alive.tolist() == [code != "constant-3" for code in CODES]
    for name, column in table.columns.items():
        assert column.tolist() == [record.columns[name] for record in records.values()]


def test_a_column_that_some_records_lack_is_nan_there(records):
    one, two = records["plain-3"], records["deep-4"]
    short = Record(two.architecture, two.values, {"nwot": 2.0}, two.dead, two.seconds)
    columns = assemble([one, short]).columns
    assert columns["nwot"].tolist() == [one.columns["nwot"], 2.0] and columns["snip"][1].isnan()


@pytest.mark.parametrize(
    "codes",
    [CODES, CODES[::-1], ["deep-6"], ["linear-6", "deep-4"], ["norms-4", "constant-3", "deep-6", "plain-3"]],
    ids=["all", "backwards", "one", "two", "four"],
)
def test_a_selection_equals_its_own_assembly(table, records, codes):
    """With an architecture of the largest depth the rows are numbered alike, so every bit is."""
    assert differences(table.select(codes), assemble([records[code] for code in codes])) == []


@pytest.mark.parametrize("codes", [["plain-3"], ["linear-6", "plain-3", "norms-4"]])
def test_a_selection_of_shallow_networks_keeps_the_number_of_layers(table, records, codes):
    chosen, own = table.select(codes), assemble([records[code] for code in codes])
    assert chosen.layers == table.layers > own.layers
    assert torch.equal(chosen.depth[:, : own.layers].nan_to_num(-1), own.depth.nan_to_num(-1))
    for name, kind in table.types.items():
        if kind in LAYER_TYPES:
            for code in codes:
                one, other = layers_of(chosen, name, code), layers_of(own, name, code)
                assert list(one) == list(other) and all(same_bits(one[j], other[j]) for j in one)


def test_a_selection_of_a_selection(table):
    once = table.select(["deep-6", "norms-4", "deep-4"])
    assert differences(once.select(["deep-4", "deep-6"]), table.select(["deep-4", "deep-6"])) == []


def test_an_architecture_may_be_selected_twice(table, records):
    codes = ["plain-3", "deep-4", "plain-3", "plain-3"]
    assert differences(table.select(codes), assemble([records[code] for code in codes])) == []


def test_an_unknown_architecture_is_a_key_error(table):
    with pytest.raises(KeyError, match="plain-6"):
        table.select(["plain-6"])


def test_selecting_nothing(table):
    empty = table.select([])
    assert len(empty) == 0 and empty.depth.shape == (0, table.layers)
    assert all(not v.values for v in empty.values.values() if isinstance(v, LayerBlocks))


def test_a_table_moved_to_the_same_device_is_the_same(table):
    assert differences(table.to("cpu"), table) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_selection_on_a_gpu(table):
    codes = ["deep-6", "norms-4"]
    assert differences(table.to("cuda").select(codes).to("cpu"), table.select(codes)) == []
