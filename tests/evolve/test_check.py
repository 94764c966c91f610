"""What is refused before anything is looked at."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gpproxy.errors import BenchmarkError, ConfigError
from gpproxy.evolve.check import open_tables
from gpproxy.registry import load_plugin
from tests.commands import FAKE, small


def test_a_group_that_is_no_descriptor_is_refused_early(tmp_path: Path) -> None:
    config = small(tmp_path)
    for groups in ("auto", "none", "depth"):
        assert open_tables(replace(config, groups=groups))
    with pytest.raises(ConfigError, match="groups=deph is no descriptor .* Did you mean 'depth'"):
        open_tables(replace(config, groups="deph"))


def test_a_cluster_without_its_package_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match="pip install 'gpproxy"):
        open_tables(replace(small(tmp_path), cluster="ray"))


def test_only_architectures_within_the_limits_count() -> None:
    load_plugin(FAKE)
    ((table, space),) = open_tables(small())
    params = sorted(space.describe(space.decode(code))["params"] for code in table.architectures)
    limit = params[len(params) // 2 + 10]
    ((some, _),) = open_tables(small(max_params=limit, train=12, validation=8))
    assert 0 < len(some) < len(table)
    assert max(space.describe(space.decode(code))["params"] for code in some.architectures) <= limit
    with pytest.raises(BenchmarkError, match="the smallest has params .* --max-params"):
        open_tables(small(max_params=1))
