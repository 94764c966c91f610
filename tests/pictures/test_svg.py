"""Pictures of a page: their letters, and axes of large and of close numbers."""

from __future__ import annotations

import re

import pytest

from gpproxy.pictures.svg import plot, svg_text


def letters(values: list[float]) -> list[str]:
    figure, axes = plot(2.0)
    axes.plot(values, [0.0, 1.0])
    axes.set_xlabel("score")
    return re.findall(r">([^<>]+)</text>", svg_text(figure, "x"))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([0.0, 1.0], "score"),
        ([0.0, 2e6], "score, in 1e6"),
        ([1e-5, 3e-5], "score, in 1e−5"),
        ([100001.0, 100003.0], "score, less 1e5"),
        ([-100003.0, -100001.0], "score, plus 1e5"),
        ([1.0, 1.0 + 1e-7], "score, in 1e−7, less 1.0000001"),
    ],
)
def test_factors_stand_with_the_name_of_an_axis(values: list[float], name: str) -> None:
    found = letters(values)
    assert name in found
    assert not [one for one in found if re.fullmatch(r"[+−]?1e\S+", one)]
