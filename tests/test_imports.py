"""Imports point one way: errors and registry, primitives and spaces, statistics, expressions, evolution, commands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Every part of the project with what it may import beside itself.
GROUND = ("gpproxy.errors", "gpproxy.files", "gpproxy.lock", "gpproxy.memory", "gpproxy.registry")
STAGES = {
    "gpproxy.errors": (),
    "gpproxy.files": (),
    "gpproxy.lock": ("gpproxy.errors",),
    "gpproxy.memory": (),
    "gpproxy.twins": (),
    "gpproxy.registry": ("gpproxy.errors",),
    "gpproxy.ranks": (),
    "gpproxy.executor": GROUND,
    "primitives": GROUND,
    "search_spaces": GROUND,
}
STAGES["gpproxy.statistics"] = (*GROUND, "gpproxy.executor", "gpproxy.ranks", "primitives", "search_spaces")
STAGES["gpproxy.benchmarks"] = (*GROUND, "gpproxy.ranks", "search_spaces")
STAGES["gpproxy.expressions"] = (*STAGES["gpproxy.statistics"], "gpproxy.statistics", "gpproxy")
STAGES["gpproxy.evolution"] = (*STAGES["gpproxy.expressions"], "gpproxy.expressions", "gpproxy.twins")
STAGES["gpproxy.images"] = GROUND
STAGES["gpproxy.quality"] = (*GROUND, "gpproxy.images")
STAGES["gpproxy.training"] = (*GROUND, "gpproxy.images", "gpproxy.quality", "search_spaces")
STAGES["gpproxy.building"] = (
    *STAGES["gpproxy.training"],
    "gpproxy",  # the version
    "gpproxy.benchmarks",
    "gpproxy.executor",
    "gpproxy.hardware",
    "gpproxy.ranks",
    "gpproxy.training",
)
STAGES["gpproxy.hardware"] = ("gpproxy.errors",)
STAGES["gpproxy.searching"] = (*STAGES["gpproxy.evolution"], "gpproxy.config", "gpproxy.study")
#: What commands are made of: display shows, runs do.
ENGINES = ("statistics", "expressions", "evolution", "benchmarks", "images", "quality", "training", "building")
STAGES["gpproxy.display"] = (
    *GROUND,
    *(f"gpproxy.{engine}" for engine in (*ENGINES, "study", "searching")),
    *(f"gpproxy.{file}" for file in ("config", "hardware", "interrupt", "ranks", "run_folder", "train_config")),
)
STAGES["gpproxy.runs"] = (
    *STAGES["gpproxy.display"],
    "search_spaces",
    *(f"gpproxy.{file}" for file in ("command_line", "display", "executor", "score_config")),
)
STAGES["gpproxy.study"] = (
    *STAGES["gpproxy.evolution"],
    *(f"gpproxy.{part}" for part in ("benchmarks", "config", "evolution", "hardware", "run_folder")),
)
#: Packages that neither print nor own the terminal.
ENGINE = (
    "gpproxy.statistics",
    "gpproxy.benchmarks",
    "gpproxy.expressions",
    "gpproxy.evolution",
    "gpproxy.study",
    "gpproxy.images",
    "gpproxy.quality",
    "gpproxy.training",
    "gpproxy.building",
    "gpproxy.searching",
)


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("gpproxy", "primitives", "search_spaces"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def imports(name: str, path: Path, top_level: bool = False) -> Iterator[tuple[int, str]]:
    """Line and module of every import of our own, `from package import module` resolved to the module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: relative import"
            base = node.module or ""
            found = [f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names]
        else:
            continue
        for module in found:
            if module.split(".")[0] in ("gpproxy", "primitives", "search_spaces"):
                yield node.lineno, module


def within(module: str, part: str) -> bool:
    return module == part or (part != "gpproxy" and module.startswith(part + "."))


def stage_of(module: str) -> str | None:
    return next((stage for stage in STAGES if within(module, stage)), None)


@pytest.mark.parametrize("name", [name for name in MODULES if stage_of(name)])
def test_no_import_points_against_the_street(name: str) -> None:
    stage = stage_of(name)
    assert stage is not None
    for line, module in imports(name, MODULES[name]):
        allowed = within(module, stage) or any(within(module, part) for part in STAGES[stage])
        assert allowed, f"{MODULES[name].relative_to(ROOT)}:{line}: {stage} may not import {module}"


def test_every_module_of_the_engine_has_a_stage() -> None:
    """A module without a stage is a command or stands beside them: it may import everything."""
    free = {name.split(".")[1] for name in MODULES if name.startswith("gpproxy.") and not stage_of(name)}
    assert not free & {"statistics", "expressions", "evolution", "benchmarks"}


@pytest.mark.parametrize(
    "name",
    [f"gpproxy.{part}" for part in ("evolve", "score", "search", "train", "benchmark", "config", "command_line")],
)
def test_commands_import_nothing_heavy_at_the_top(name: str) -> None:
    names = ("errors", "files", "registry", "config", "command_line", "run_folder", "interrupt")
    light = {f"gpproxy.{part}" for part in names}
    for line, module in imports(name, MODULES[name], top_level=True):
        settings = {f"gpproxy.{part}.config" for part in ("evolution", "building", "searching")}
        settings |= {"gpproxy.score_config", "gpproxy.train_config"}
        assert module in light | settings, f"{name}:{line} imports {module}"


@pytest.mark.parametrize("name", [name for name in MODULES if any(within(name, stage) for stage in ENGINE)])
def test_the_engine_does_not_print(name: str) -> None:
    if name in ("gpproxy.expressions.algebra", "gpproxy.quality.train_classifier"):
        pytest.skip("its main function is a process of its own, which answers on standard output")
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not [c.lineno for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
