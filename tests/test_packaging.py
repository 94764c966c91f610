"""What is installed: all that is imported is declared, and nothing lies under a general name."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Names of packages that are imported under another name.
DISTRIBUTIONS = {"PIL": "pillow"}


@pytest.fixture(scope="module")
def config() -> configparser.ConfigParser:
    found = configparser.ConfigParser()
    found.read(ROOT / "setup.cfg", encoding="utf-8")
    return found


def imported() -> Iterator[tuple[str, str]]:
    """Top-level package and place of every import that happens when the code runs, also inside functions."""
    for folder in ("gpproxy", "primitives", "search_spaces"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
            while waiting:
                node = waiting.pop()
                if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                    continue
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                yield from ((name.split(".")[0], f"{path.relative_to(ROOT)}:{node.lineno}") for name in names)
                waiting += ast.iter_child_nodes(node)


def declared(config: configparser.ConfigParser) -> set[str]:
    lines = [config["options"]["install_requires"], config["options.extras_require"]["ray"]]
    return {re.split(r"[ <>=;\[]", line.strip())[0] for text in lines for line in text.splitlines() if line.strip()}


def test_what_is_imported_is_declared(config: configparser.ConfigParser) -> None:
    known = {*sys.stdlib_module_names, "gpproxy", "tomllib"}
    for name, place in imported():
        if name not in known:
            assert DISTRIBUTIONS.get(name, name).replace("_", "-") in declared(config), f"{place}: {name}"


def test_torch_is_not_capped(config: configparser.ConfigParser) -> None:
    lines = config["options"]["install_requires"].split("\n")
    assert not [line for line in lines if line.startswith("torch") and re.search("<|==|~=", line)]


def test_every_package_is_installed_inside_gpproxy(monkeypatch: pytest.MonkeyPatch) -> None:
    setuptools = pytest.importorskip("setuptools")
    found: dict[str, dict[str, str]] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **settings: found.update(settings))
    monkeypatch.chdir(ROOT)
    exec(compile((ROOT / "setup.py").read_text(encoding="utf-8"), "setup.py", "exec"), {})
    assert {name.split(".")[0] for name in found["packages"]} == {"gpproxy"}
    places = {"gpproxy": "gpproxy", "primitives": "gpproxy/primitives", "search_spaces": "gpproxy/search_spaces"}
    for folder, name in places.items():
        inits = {path.parent.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*.py")}
        expected = {".".join((Path(name) / inner).parts) for inner in inits}
        assert expected <= set(found["packages"]), f"a folder of {folder} without __init__.py"
