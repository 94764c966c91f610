"""The files behind a module: every import statement of its own package counts, wherever it stands."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from gpproxy.statistics import cache
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.dependencies import code_digest, dependencies

FILES = {
    "__init__.py": "import spacepack_a.unused_by_spaces\n",
    "unused_by_spaces.py": "",
    "space.py": "from spacepack_a.constants import WIDTH\nfrom spacepack_a.deep import net as n\nimport math, torch\n"
    "class Space:\n    def build(self):\n        from .late import build\n        return build(WIDTH)\n",
    "constants.py": "WIDTH = 3\n",
    "late.py": "from . import twice\nimport spacepack_a.plain as p\n",
    "twice.py": "import spacepack_a.late\n",
    "plain.py": "",
    "deep/__init__.py": "",
    "deep/net.py": "from ..helper import f\ntry:\n    from ..nothing import g\nexcept ImportError:\n    pass\n",
    "helper.py": "def f(): pass\n",
    "other.py": "raise RuntimeError('nobody imports this')\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def make(name: str, files: dict[str, str] = FILES) -> str:
        for path, text in files.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace("spacepack_a", name))
        importlib.invalidate_caches()
        importlib.import_module(f"{name}.space")
        return f"{name}.space"

    monkeypatch.syspath_prepend(tmp_path)
    yield make
    for module in [m for m in sys.modules if m.startswith("spacepack_")]:
        del sys.modules[module]


def test_constants_late_relative_and_circular_imports_count(package):
    names = [path.name for path in dependencies(package("spacepack_a"))]
    assert names == ["constants.py", "net.py", "helper.py", "late.py", "plain.py", "space.py", "twice.py"]


def test_what_a_package_itself_defines_brings_its_file_along(package):
    files = {"__init__.py": "from spacepack_a.parts import X\nY = 1\n", "parts.py": "X = 2\n", "space.py": ""}
    found = dependencies(package("spacepack_b", {**files, "space.py": "from spacepack_a import Y\n"}))
    assert [path.name for path in found] == ["__init__.py", "parts.py", "space.py"]
    assert [p.name for p in dependencies(package("spacepack_c", files))] == ["space.py"]


def test_a_constant_that_changes_changes_the_version_of_the_code(package, tmp_path):
    package("spacepack_d")
    space = sys.modules["spacepack_d.space"].Space
    kind = type("Mine", (space, object), {"__module__": "spacepack_d.space"})
    mine = type("T", (kind,), {"__module__": kind.__module__})
    modules = cache._modules(mine, Collection(proxies=()))
    assert "spacepack_d.space" in modules
    versions = []
    for width in (3, 4, 3):
        (tmp_path / "spacepack_d" / "constants.py").write_text(f"WIDTH = {width}\n")
        versions.append(cache._code_version.__wrapped__(modules))
    assert versions[0] == versions[2] != versions[1]


SAME = (
    "import math\nfrom gpproxy.errors import SpaceError\n\ndef f(x):\n    return math.log(x, 2)  # bits\n",
    '"""Logarithms."""\nimport math\n\n\ndef f(x):\n    """Bits."""\n\n    return math.log(x,\n        2)\n',
    "import math\nfrom gpproxy.moved.errors import SpaceError\ndef f(x): return math.log(x, 2)\n",
)


def test_prose_layout_and_the_places_of_modules_are_no_code(tmp_path):
    digests = []
    for number, text in enumerate(
        (*SAME, SAME[0].replace("2", "3"), SAME[0].replace("import math", "import cmath as math"))
    ):
        (tmp_path / f"{number}.py").write_text(text)
        digests.append(code_digest(tmp_path / f"{number}.py"))
    assert len(set(digests[:3])) == 1 and len(set(digests)) == 3


def test_a_name_that_a_package_passes_on_leads_to_its_home(package):
    files = {
        "__init__.py": "from spacepack_a.parts import X as Z\nfrom spacepack_a.heavy import H\n",
        "heavy.py": "H = 1\n",
    }
    files |= {"parts.py": "X = 2\n", "space.py": "from spacepack_a import Z\n"}
    assert [path.name for path in dependencies(package("spacepack_f", files))] == ["parts.py", "space.py"]


def test_what_a_space_uses_of_gpproxy_counts_where_it_decides_numbers(package):
    text = "from gpproxy.errors import SpaceError\nfrom gpproxy.search_spaces import SearchSpace\n"
    files = {"__init__.py": "", "space.py": text + "from gpproxy.search_spaces.initialise import materialise\n"}
    names = {path.name for path in dependencies(package("spacepack_g", files))}
    assert {"space.py", "initialise.py", "describe.py"} <= names and not {"errors.py", "autogan.py"} & names


def test_nothing_of_other_packages_is_imported_on_the_way(package):
    late = "def draw():\n    import this\n    from wsgiref.simple_server import demo_app\n"
    assert len(dependencies(package("spacepack_e", {"__init__.py": "", "space.py": late}))) == 1
    assert not {"this", "wsgiref.simple_server"} & set(sys.modules)


def test_modules_without_source_and_of_other_packages_are_left_out():
    assert dependencies("math") == [] and dependencies("no_such_module_anywhere") == []
    names = [path.name for path in dependencies("gpproxy.search_spaces.transnas")]
    assert len(names) == len(set(names)) and {"losses.py", "transnas_network.py", "describe.py"} <= set(names)
    assert not {"autogan.py", "errors.py", "__init__.py"} & set(names)
