"""A short form of the campaign against broken files; `python -m tests.campaign` runs the long one."""

from __future__ import annotations

import random

import pytest

from tests.campaign.hostile import Kinds, campaign
from tests.campaign.mutate import MUTATIONS, mutated

KINDS = ("table", "config", "formula", "evolve", "state", "search", "training", "proxy_file", "image", "pairs")


def test_all_kinds_are_tried() -> None:
    assert set(KINDS) == {name for name, value in vars(Kinds).items() if hasattr(value, "attrname")}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    return Kinds(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("name", KINDS)
def test_broken_files_end_in_a_sentence_or_are_read(name: str, kinds: Kinds) -> None:
    made = getattr(kinds, name)
    for kind in made if isinstance(made, tuple) else (made,):
        found = campaign(kind, 25)
        assert not found.faults, found.faults
        assert found.counts.total() == 25


def test_mutations_are_seeded_and_change_something() -> None:
    content = b'{"a": [1, 2.5, "x"],\n "b": null}\n' * 3
    for one in MUTATIONS:
        made = [one(content, random.Random(seed), "") for seed in range(20)]
        assert made == [one(content, random.Random(seed), "") for seed in range(20)]
        assert any(other != content for other in made)
    assert mutated(b"", random.Random(0)) is not None
