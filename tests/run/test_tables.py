"""Lines of text in tables."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gpproxy.run.tables import UNTOLD, in_parts, number, told_width, with_interval, wrapped


@pytest.mark.parametrize(
    "value, text", [(0.881, ".88"), (-0.124, "-.12"), (0.996, "1.00"), (-1.0, "-1.00"), (0.0, ".00"), (None, "-")]
)
def test_numbers_of_two_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_number_with_its_interval() -> None:
    assert with_interval({"spearman": 0.88, "spearman_interval": [0.71, 0.95]}, "spearman") == ".88 [.71, .95]"
    assert with_interval({"spearman": None, "spearman_interval": [None, None]}, "spearman") == "-"


def test_the_width_is_that_of_the_terminal_or_of_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert told_width(Console(file=io.StringIO(), force_terminal=True, width=77)) == 77
    assert told_width(Console(file=io.StringIO())) == UNTOLD
    monkeypatch.setenv("COLUMNS", "91")
    assert told_width(Console(file=io.StringIO())) == 91


def test_a_line_of_parts_is_broken_between_them() -> None:
    assert in_parts("step 1   losses 2, 3   4 steps/s", 80) == "step 1   losses 2, 3   4 steps/s"
    assert in_parts("step 1   losses 2, 3   4 steps/s", 20) == "step 1   losses 2, 3\n    4 steps/s"
    assert in_parts("discriminator    1 of 2", 5) == "discriminator    1 of 2"


def test_wrapped_keeps_every_character() -> None:
    text = "a bb ccc " + "d" * 25 + " e"
    assert all(len(line) <= 10 for line in wrapped(text, 10))
    assert "".join(wrapped(text, 10)).replace(" ", "") == text.replace(" ", "")
    assert wrapped("", 10) == [""]
