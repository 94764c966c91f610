"""Imports point one way: nothing knows what stands on its right, and rooms and files make no circles."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: The packages as they are imported, with the folders that they lie in.
PACKAGES = {"gpproxy": "gpproxy", "gpproxy.primitives": "primitives", "gpproxy.search_spaces": "search_spaces"}
VERBS = ("evolve", "score", "search", "train", "benchmark")

#: Every room with the rooms that it may import beside itself, in the order of the street.
GROUND = ("errors", "files", "foreign", "registry", "seeds")
SHARED = (*GROUND, "run", "execution")
ROOMS: dict[str, tuple[str, ...]] = {"errors": (), "files": (), "foreign": (), "registry": ("errors",), "seeds": ()}
ROOMS["execution"] = (*GROUND, "")  # "" is the version
ROOMS["run"] = (*GROUND, "execution", "")
ROOMS["primitives"] = GROUND
ROOMS["recording"] = ()
ROOMS["search_spaces"] = (*GROUND, "recording")
ROOMS["ranking"] = GROUND
ROOMS["benchmarks"] = (*GROUND, "run", "ranking", "search_spaces")
ROOMS["statistics"] = (*SHARED, "ranking", "primitives", "recording", "search_spaces")
ROOMS["expressions"] = (*ROOMS["statistics"], "statistics")
ROOMS["export"] = (*ROOMS["expressions"], "expressions", "")
ROOMS["evolution"] = (*ROOMS["expressions"], "expressions")
ROOMS["images"] = (*GROUND, "run")
ROOMS["quality"] = (*SHARED, "images")
ROOMS["training"] = (*ROOMS["quality"], "quality", "search_spaces")
ROOMS["tasks"] = (*ROOMS["training"], "training", "")
ROOMS["proxies"] = (*ROOMS["export"], "export", "benchmarks")
ROOMS["estimators"] = (*dict.fromkeys((*ROOMS["proxies"], "proxies", *ROOMS["tasks"], "tasks")),)
ROOMS["pictures"] = (*ROOMS["proxies"], "proxies")
ROOMS["report"] = ("",)
ENGINE = tuple(room for room in ROOMS if room not in ("run", "errors"))
for verb in VERBS:
    ROOMS[verb] = (*dict.fromkeys((*ROOMS, *(room for rooms in ROOMS.values() for room in rooms))),)
#: What `gpproxy` answers without a verb knows all of them.
ROOMS["cli"] = (*ROOMS["evolve"], *VERBS, "")
#: What is offered to Python knows the verbs, too.
ROOMS["api"] = ROOMS["cli"]
#: A search trains its winners; nothing else of a verb is used by another.
AMONG_VERBS = {("search", "train")}


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in PACKAGES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = (package, *path.relative_to(ROOT / folder).with_suffix("").parts)
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes, without what is imported for annotations alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from statements(node)


def imports(name: str, top_level: bool = False) -> Iterator[tuple[int, str]]:
    """Line and module of every import of our own, `from package import module` resolved to the module."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for node in tree.body if top_level else statements(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{MODULES[name]}:{node.lineno}: relative import"
            base = node.module or ""
            found = [f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names]
        else:
            continue
        yield from ((node.lineno, module) for module in found if module.split(".")[0] == "gpproxy")


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("name", [name for name in MODULES if room_of(name) in ROOMS])
def test_no_import_points_against_the_street(name: str) -> None:
    room = room_of(name)
    for line, module in imports(name):
        other = room_of(module)
        if room in VERBS and other in VERBS and room != other:
            allowed = (room, other) in AMONG_VERBS
        else:
            allowed = other == room or other in ROOMS[room]
        assert allowed, f"{MODULES[name].relative_to(ROOT)}:{line}: {room} may not import {module}"


#: The rooms inside expressions, each with the right to use those before it; the first is the core.
EXPRESSIONS = ("", "evaluation", "rewriting", "notation")


def test_the_rooms_of_expressions_keep_their_order() -> None:
    inside = [name for name in MODULES if name.startswith("gpproxy.expressions.")]
    room = {name: next((r for r in EXPRESSIONS[1:] if name.split(".")[2] == r), "") for name in inside}
    assert set(room.values()) == set(EXPRESSIONS)
    for name in inside:
        for line, module in imports(name):
            if module in room:
                behind = EXPRESSIONS.index(room[module]) > EXPRESSIONS.index(room[name])
                assert not behind, f"{name}:{line}: {room[name] or 'the core'} may not import {module}"


def test_every_module_stands_in_a_room() -> None:
    free = {name for name in MODULES if room_of(name) not in ROOMS}
    assert free <= {"gpproxy", "gpproxy.__main__"}


def test_files_make_no_circles() -> None:
    """At import time, that is: what a function imports when it is called may point back."""
    needs = {name: {module for _, module in imports(name, top_level=True) if module != name} for name in MODULES}
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"circle: {' -> '.join((*path[path.index(name) :], name))}"
        if name in done:
            return
        for other in sorted(needs.get(name, ())):
            walk(other, (*path, name))
        done.add(name)

    for name in MODULES:
        walk(name, ())


LIGHT = {
    "errors",
    "foreign",
    "registry",
    "run.command",
    "run.reading",
    "run.settings",
    "run.groups",
    "run.folder",
    "run.kind",
    "run.spelling",
    "run.interrupt",
    "run.invocation",
    "files",
    "execution.devices",
    "evolve.folder",
}
LIGHT |= {
    "evolution.settings",
    "tasks.settings",
    "evolve.folder",
    "benchmark.table_settings",
    "estimators.settings",
    "benchmark.estimate_settings",
}
LIGHT |= {f"{verb}.settings" for verb in VERBS}


@pytest.mark.parametrize("name", [n for n in MODULES if n.removeprefix("gpproxy.") in LIGHT | set(VERBS)])
def test_commands_import_nothing_heavy_at_the_top(name: str) -> None:
    for line, module in imports(name, top_level=True):
        assert module.removeprefix("gpproxy.") in LIGHT, f"{name}:{line} imports {module}"


@pytest.mark.parametrize("name", [name for name in MODULES if room_of(name) in ENGINE])
def test_the_engine_does_not_print(name: str) -> None:
    if name in ("gpproxy.expressions.rewriting.algebra", "gpproxy.quality.train_classifier"):
        pytest.skip("its main function is a process of its own, which answers on standard output")
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not [c.lineno for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
