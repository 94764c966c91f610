"""Examples in docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from gpproxy.primitives import PRIMITIVES
from tests.test_imports import MODULES


def examples(path: Path) -> bool:
    return ">>> " in path.read_text(encoding="utf-8")


NAMES = [name for name, path in MODULES.items() if examples(path)]
#: Nouns of which every reader wants an example.
SHOWN = {
    "primitives.primitive", "primitives.notation", "primitives.laws", "expressions.text", "expressions.generate",
    "expressions.rewriting.rewrite", "expressions.notation.formula", "seeds", "registry", "benchmarks.registry",
    "ranking.pareto", "execution.scheduler", "proxies.proxy", "tasks.registry", "search_spaces.batch",
    "search_spaces.choice",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_examples_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PRIMITIVES, "_items", dict(PRIMITIVES.registered()))  # an example may register one
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted and not result.failed


def test_the_nouns_have_examples() -> None:
    assert {f"gpproxy.{name}" for name in SHOWN} <= set(NAMES)
