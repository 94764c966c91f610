"""The card of a table for a page, whether or not its space is known here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.csv_table import write_table
from gpproxy.evolve.page_card import table_card


def run_on(text: str) -> Any:
    return SimpleNamespace(settings=SimpleNamespace(benchmarks=(text,)), result=SimpleNamespace(benchmarks=("labels",)))


def test_a_card_is_read_without_its_space(tmp_path: Path) -> None:
    card = Card("of-another-process", "FID", "lower", measured_columns=("IS",), directions={"IS": "higher"})
    path = write_table(tmp_path / "labels.csv", card, [{"architecture": "a", "FID": 1.0, "IS": 2.0}])
    for text, known in ((str(path), ("FID", "lower")), (f"{path}:IS", ("IS", "higher"))):
        found = table_card(run_on(text), "labels")
        assert found is not None and (found.metric, found.direction) == known


@pytest.mark.parametrize("missing", ["no-such-table", "none.csv", "unet-cifar10:nothing"])
def test_a_table_that_is_not_at_hand_has_none(missing: str) -> None:
    assert table_card(run_on(missing), "labels") is None


def test_tables_by_name_have_theirs() -> None:
    for text, space in (("autogan-cifar10", "autogan"), ("horse2zebra", "gancompression-cyclegan")):
        found = table_card(run_on(text), "labels")
        assert found is not None and found.space == space
