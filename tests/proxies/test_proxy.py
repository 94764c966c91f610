"""What a proxy is given as: a formula, a name, a run, a file; what version 0.1 wrote; folders of another kind."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path

import pytest

from gpproxy.errors import ConfigError, ExpressionError, RunError
from gpproxy.proxies.origin import read_origin
from gpproxy.proxies.proxy import Proxy
from gpproxy.search.settings import SearchSettings
from tests.commands import FAKE


def test_formulas_and_names_look_by_default() -> None:
    formula, classical, equal = (Proxy.load(text) for text in ("sum_layers(std(activation))", "ntk", "synflow"))
    assert (formula.inits, formula.inputs, formula.init_seed) == (1, 64, 0) and not formula.needs_backward
    assert classical.classical == "ntk" and classical.inputs == 16 and classical.needs_backward
    assert equal.formula and not equal.classical and equal.statistics
    assert Proxy.load("nwot").classical == "nwot"  # it has a value where its formula has none
    changed = Proxy.load("ntk", init_seed=2, inputs=8, inits=3)
    assert (changed.init_seed, changed.inputs, changed.inits) == (2, 8, 3)
    assert changed == Proxy.load("ntk").changed(2, 8, 3) == changed.changed()


def test_a_long_formula_is_no_file() -> None:
    text = " + ".join(["sum_layers(std(activation))"] * 20)
    assert Proxy.load(text).statistics


def test_a_run_says_how_it_looks_and_where_it_comes_from(small_run: Path) -> None:
    proxy = Proxy.load(str(small_run))
    assert (proxy.label, proxy.benchmarks, proxy.inits, proxy.inputs) == ("fake (run)", ("fake",), 2, 64)
    assert proxy.spaces == (("fake", (("resolution", 8),)),) and proxy.run == str(small_run)
    beside = Proxy.load(str(small_run / "proxy.py"))
    same = ("formula", "init_seed", "inputs", "inits", "sizes", "run", "benchmarks", "spaces")
    assert [getattr(beside, name) for name in same] == [getattr(proxy, name) for name in same]


def test_a_run_of_the_first_version_is_read(small_run: Path, tmp_path: Path) -> None:
    old = shutil.copytree(small_run, tmp_path / "old")
    text = (old / "config.toml").read_text()
    for now, then in (("inits", "looks"), ("init_seed", "look_seed"), ("inputs", "samples")):
        text = re.sub(rf"(?m)^{now} = ", f"{then} = ", text)
    (old / "config.toml").write_text(text)
    assert "looks = 2" in text and "samples = 64" in text
    one, other = Proxy.load(str(old)), Proxy.load(str(small_run))
    assert (one.formula, one.inits, one.inputs, one.spaces) == (other.formula, 2, 64, other.spaces)
    (old / "config.toml").write_text(re.sub("(?m)^looks = .*$", "", text))
    with pytest.raises(RunError, match="lacks the setting 'inits'"):
        Proxy.load(str(old))


def test_an_unfinished_run_is_to_be_finished(small_run: Path, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    begun.mkdir()
    shutil.copy(small_run / "config.toml", begun)
    with pytest.raises(RunError, match=r"no formula.txt.*gpproxy evolve --resume .*begun"):
        Proxy.load(str(begun))
    assert read_origin(begun).parts is None


def test_folders_of_another_kind_are_called_by_their_name(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run folder"):
        Proxy.load(str(tmp_path))
    searched = tmp_path / "search"
    searched.mkdir()
    (searched / "config.toml").write_text(SearchSettings(space="fake", proxy=("nwot",), plugins=(FAKE,)).to_toml())
    with pytest.raises(RunError, match="is the folder of a search, which holds no proxy.*Its own: --proxy 'nwot'"):
        Proxy.load(str(searched))
    file = searched / "proxy.py"
    file.write_text("def score(generator, inputs):\n    return 1.0\n")
    assert Proxy.load(str(file)).run == ""  # beside a search, not of a run


def test_what_is_none_of_these_is_named(tmp_path: Path) -> None:
    for text, kind, words in (
        ("nowhere/proxy.py", ConfigError, "is not there"), ("runs/x", ConfigError, "neither a folder nor a formula"),
        ("nwott", ExpressionError, "Did you mean 'nwot'"),
    ):  # fmt: skip
        with pytest.raises(kind, match=words):
            Proxy.load(text)
    assert math.isfinite(Proxy.load("2.5").inits)
