"""What is installed: all that is imported is declared, and nothing lies under a general name."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpproxy import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
#: Names of packages that are imported under another name.
DISTRIBUTIONS = {"PIL": "pillow"}
#: Extras that parts of the package import.
RUNNING = ("ray", "onnx")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


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


def declared(project: dict[str, Any]) -> set[str]:
    """Names of all that an import may need: the extras of tests and docs are not for the package."""
    extras = [line for name, lines in project["optional-dependencies"].items() if name in RUNNING for line in lines]
    return {re.split(r"[ <>=;\[]", line)[0] for line in [*project["dependencies"], *extras]}


def test_what_is_imported_is_declared(project: dict[str, Any]) -> None:
    known = {*sys.stdlib_module_names, "gpproxy", "tomllib"}
    for name, place in imported():
        if name not in known:
            assert DISTRIBUTIONS.get(name, name).replace("_", "-") in declared(project), f"{place}: {name}"


def test_torch_is_not_capped(project: dict[str, Any]) -> None:
    assert not [line for line in project["dependencies"] if line.startswith("torch") and re.search("<|==|~=", line)]


def test_the_licence_is_there_and_the_citation_is_of_this_version(project: dict[str, Any]) -> None:
    for name in (*project["license-files"], project["readme"]):
        assert (ROOT / name).is_file()
    assert project["license"] == "MIT" and "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert (ROOT / "gpproxy" / "py.typed").is_file()


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
