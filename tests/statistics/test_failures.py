"""Notes about generators that could not be looked at."""

from __future__ import annotations

import json

import pytest
import torch

from gpproxy.errors import StatisticsError
from gpproxy.statistics import failures


def raised(cause):
    """A StatisticsError as the collection raises it."""
    try:
        raise StatisticsError(f"x: {cause}") from cause
    except StatisticsError as error:
        return error


def test_a_note_comes_back_until_it_is_dropped(tmp_path):
    place = tmp_path / "deep" / "a.safetensors"
    assert failures.recall(place) == ""
    failures.remember(place, "plain-3", 'plain-3: "odd" ρ')
    assert failures.recall(place) == 'plain-3: "odd" ρ'
    assert [path.name for path in place.parent.iterdir()] == ["a.failed.json"]
    failures.forget(place), failures.forget(place)
    assert failures.recall(place) == ""


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"reason": 3}', b"\xff\xfe"])
def test_a_broken_note_is_none(tmp_path, content):
    failures.note_of(tmp_path / "a").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert failures.recall(tmp_path / "a") == ""


def test_another_version_of_torch_looks_again(tmp_path):
    failures.remember(tmp_path / "a", "x", "no kernel")
    note = json.loads(failures.note_of(tmp_path / "a").read_text())
    assert note["torch"] == torch.__version__
    failures.note_of(tmp_path / "a").write_text(json.dumps({**note, "torch": "1.0"}))
    assert failures.recall(tmp_path / "a") == ""


def test_only_what_lies_in_the_generator_lasts():
    assert failures.lasting(StatisticsError("x: the generator has no parameters."))
    assert failures.lasting(raised(ValueError("shapes do not fit")))
    for cause in (MemoryError(), OSError(28, "full"), RuntimeError("CUDA out of memory."), RuntimeError("CUDA error 7"),
                  RuntimeError("DefaultCPUAllocator: can't allocate memory")):  # fmt: skip
        assert not failures.lasting(raised(cause))
