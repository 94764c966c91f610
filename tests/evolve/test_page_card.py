"""The card of a table for a page, whether or not its space is known here."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.csv_table import write_table
from gpproxy.errors import GPProxyError
from gpproxy.evolve.page_card import card_of


def test_a_card_is_read_without_its_space(tmp_path: Path) -> None:
    card = Card(space="of-another-process", metric="FID", direction="lower")
    path = write_table(tmp_path / "labels.csv", card, [{"architecture": "a", "FID": 1.0}])
    found, count = card_of(str(path))
    assert (found.metric, found.direction, count) == ("FID", "lower", None)
    for missing in ("no-such-table", str(tmp_path / "none.csv")):
        with pytest.raises(GPProxyError):
            card_of(missing)


def test_a_table_that_is_known_has_its_size() -> None:
    card, count = card_of("autogan-cifar10")
    assert card.space == "autogan" and count is not None and count > 50
