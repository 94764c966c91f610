"""Results as JSON, those of version 0.1 included."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gpproxy.evolve.result import RENAMED, Entry, Result, front_json


def result() -> Result:
    row = {"n": 18, "spearman": 0.5, "kendall": 0.4}
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(Result)}
    values |= {name: "x" for name in ("formula", "rank_form", "latex", "words", "finished")}
    values |= {name: row for name in ("train", "validation", "test")} | {"baselines": {}, "folder": None}
    benchmarks = {"table": {"inits": None, "confounders": [], "chance": {"expected": 0.1}}}
    front = (Entry("x", "x", 1, 1.0, False, 0.5, pick=True),)
    return Result(**{**values, "statistics": ("x",), "benchmarks": benchmarks, "front": front})


def test_what_is_written_is_read_again() -> None:
    made = result()
    assert Result.from_json(made.to_json(), tuple(Entry(**entry) for entry in front_json(made.front))) == made


def test_results_of_version_0_1_are_read() -> None:
    made = result()
    data = made.to_json()
    names = {new: old for old, new in RENAMED.items()}
    data["benchmarks"] = {"table": {names[name]: part for name, part in made.benchmarks["table"].items()}}
    assert Result.from_json(data, made.front) == made


@pytest.mark.parametrize("broken", ["x", True, [0.1, "x"], "0.5"])
def test_a_correlation_that_is_no_number_is_damage(broken: object) -> None:
    made = result()
    for place in ("test", "benchmarks"):
        data = made.to_json()
        data[place] = {**data[place], "deep": [{"kendall": broken}]}
        with pytest.raises(TypeError, match="kendall is .*not a number"):
            Result.from_json(data, made.front)
