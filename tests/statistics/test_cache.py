"""The disk cache: exact round trips, whole files only, one file per setting."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import asdict, replace

import pytest
import torch

from gpproxy.errors import StatisticsError
from gpproxy.registry import PLUGINS, load_plugin
from gpproxy.statistics import cache
from gpproxy.statistics.cache import file_name, folder, load, save
from gpproxy.statistics.collect import collect
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.dependencies import dependencies
from gpproxy.statistics.observe import collect_one
from gpproxy.statistics.record import Record
from gpproxy.statistics.statistic import STATISTICS
from tests.statistics.tiny_tables import differences, same_bits, tiny

HOW = Collection(samples=4, proxies=("nwot",), proxy_samples=3)


def name_of(space=None, code="plain-3", how=HOW) -> str:
    space = space or tiny.Tiny()
    return file_name(space, asdict(space.settings), code, how)


def equal(one, other) -> bool:
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return one is other if one is None or other is None else same_bits(one, other)


@pytest.mark.parametrize("code", ["plain-3", "norms-4", "linear-6", "constant-3"])
def test_a_record_comes_back_as_it_was(tmp_path, code):
    record = collect_one(tiny.Tiny(), code, HOW)
    save(record, tmp_path / "a" / "b.safetensors")
    found = load(tmp_path / "a" / "b.safetensors", tuple(record.values))
    assert found.architecture == code and found.dead == record.dead and found.seconds == record.seconds
    assert list(found.columns.items()) == list(record.columns.items())
    assert list(found.values) == list(record.values)
    assert [name for name in record.values if not equal(found.values[name], record.values[name])] == []


def test_absent_layers_nan_and_odd_numbers_come_back(tmp_path):
    values = {"preactivation": [None, torch.randn(2, 3), None, torch.randn(2, 3), torch.randn(4)], "agreement": [None]}
    record = Record("x", values, {"zen": float("nan"), "synflow": 1e308, "meco": 0.1}, 'why: "so"', 0.25)
    save(record, tmp_path / "x")
    found = load(tmp_path / "x", tuple(values))
    assert all(equal(found.values[name], values[name]) for name in values) and found.dead == record.dead
    assert repr(found.columns) == repr(record.columns)


def test_only_the_named_statistics_are_read(tmp_path):
    record = collect_one(tiny.Tiny(), "plain-3", HOW)
    save(record, tmp_path / "x")
    assert list(load(tmp_path / "x", ("agreement", "activation")).values) == ["agreement", "activation"]
    assert load(tmp_path / "x", ()).columns == record.columns


def test_half_written_files_are_ignored(tmp_path):
    """A killed process leaves a part file, which nobody reads and which is in nobody's way."""
    space = tiny.Tiny()
    whole = collect(space, ["plain-3"], HOW, cache_folder=tmp_path / "a")[0]
    for path in list((tmp_path / "a").rglob("*.safetensors")):
        half = tmp_path / "b" / path.relative_to(tmp_path / "a")
        half.parent.mkdir(parents=True, exist_ok=True)
        half.with_name("tmp123.part").write_bytes(path.read_bytes()[:100])
    assert differences(collect(space, ["plain-3"], HOW, cache_folder=tmp_path / "b")[0], whole) == []


DAMAGE = {
    "cut short": lambda content: content[:-20],
    "header cut short": lambda content: content[:50],
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "something else": lambda content: b"architecture,score\nplain-3,1.0\n",
    "no description": lambda content: content.replace(b'"lengths"', b'"lengthz"'),
    "broken description": lambda content: content.replace(b'"columns":"{', b'"columns":"}'),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_written_anew(tmp_path, damage):
    """As if they were not there: the same table, whole files, and nothing else is computed."""
    space = tiny.Tiny()
    whole = collect(space, ["plain-3", "deep-3"], HOW, cache_folder=tmp_path)[0]
    paths = sorted(tmp_path.rglob("*.safetensors"))
    before = {path: path.read_bytes() for path in paths}
    for path in paths[:3]:
        damaged = DAMAGE[damage](before[path])
        assert damaged != before[path]
        path.write_bytes(damaged)
    counts: list[tuple[int, int]] = []
    again = collect(
        space, ["plain-3", "deep-3"], HOW, cache_folder=tmp_path, on_progress=lambda *count: counts.append(count)
    )
    assert differences(again[0], whole) == [] and not again[1]
    # Three files are of one to three of the four looks: two networks, descriptors apart.
    first = counts[0][0]
    assert 1 <= first <= 3 and counts == [(done, 4) for done in range(first, 5)]
    assert sorted(tmp_path.rglob("*.safetensors")) == paths
    assert {load(path, ()).architecture for path in paths} == {"plain-3", "deep-3"}


def test_a_statistic_that_is_missing_from_a_file_is_an_error_with_its_path(tmp_path):
    space, how = tiny.Tiny(), replace(HOW, proxies=())
    collect(space, ["plain-3"], how, cache_folder=tmp_path)
    (path,) = (path for path in tmp_path.rglob("*.safetensors") if b'"initial_loss"' in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b'"initial_loss"', b'"initial_lost"'))
    with pytest.raises(StatisticsError, match=rf"{path.name} are damaged .*initial_loss.* Delete the file"):
        collect(space, ["plain-3"], how, cache_folder=tmp_path)


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    """A full disk: neither a file nor half of one, and the file of an earlier run stays."""
    record = collect_one(tiny.Tiny(), "plain-3", HOW)
    save(record, tmp_path / "x")
    before = (tmp_path / "x").read_bytes()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    for name in ("x", "y"):
        with pytest.raises(OSError, match="No space"):
            save(record, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["x"] and (tmp_path / "x").read_bytes() == before


CHANGES = {
    "seed": replace(HOW, seed=1),
    "samples": replace(HOW, samples=5),
    "sizes": replace(HOW, sizes=Sizes(channels=3)),
    "statistics": replace(HOW, statistics=("activation",)),
    "order of statistics": replace(HOW, statistics=("gradient", "activation")),
    "other order of statistics": replace(HOW, statistics=("activation", "gradient")),
    "proxies": replace(HOW, proxies=()),
    "device": replace(HOW, device="cuda"),
}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_what_the_system_refuses_keeps_its_reason(number, tmp_path, monkeypatch):
    def refuse(handle, mode):
        os.close(handle)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fdopen", refuse)
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        save(Record("1", {"fan_in": torch.ones(2)}, {}, "", 0.0), tmp_path / "x")
    assert caught.value.errno == number and caught.value.filename == str(tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_other_settings_are_other_files():
    names = [name_of(), *(name_of(how=how) for how in CHANGES.values())]
    names += [name_of(tiny.Tiny(resolution=16)), name_of(tiny.Tiny(offset=0.5)), name_of(code="plain-4")]
    assert len(set(names)) == len(names)


def test_looks_without_descriptors_have_files_of_their_own(tmp_path):
    space, bare = tiny.Tiny(), replace(HOW, describe=False)
    found, _ = collect(space, ["plain-3"], bare, cache_folder=tmp_path)
    assert list(found.columns) == ["nwot"]
    assert len(list(tmp_path.rglob("*.safetensors"))) == len(HOW.pieces()) - 1
    again, _ = collect(space, ["plain-3"], HOW, cache_folder=tmp_path)
    assert {"params", "macs", "nwot"} <= set(again.columns)
    assert len(list(tmp_path.rglob("*.safetensors"))) == len(HOW.pieces())
    assert list(collect(space, ["plain-3"], bare, cache_folder=tmp_path)[0].columns) == ["nwot"]


def test_equal_settings_are_one_file():
    assert name_of() == name_of(tiny.Tiny(), how=replace(HOW))
    assert name_of().startswith("tiny/") and name_of().endswith(".safetensors")


def test_another_version_of_the_code_is_another_file(monkeypatch):
    before = name_of()
    monkeypatch.setattr(cache, "_code_version", lambda modules: "other")
    assert name_of() != before


def files_of(how: Collection) -> set[str]:
    return {path.name for module in cache._modules(tiny.Tiny, how) for path in dependencies(module)}


def test_the_code_version_covers_what_is_asked_for_and_no_more():
    wanted = {"passes.py", "observe.py", "exact.py", "cut.py", "seeds.py", "tiny_space.py", "space.py"}
    all_statistics = files_of(replace(HOW, proxies=()))
    assert wanted | {"feature_maps.py", "network.py", "decodability.py", "numerics.py"} <= all_statistics
    one = files_of(replace(HOW, proxies=(), statistics=("activation",)))
    assert wanted | {"feature_maps.py"} <= one and not {"network.py", "decodability.py", "information.py"} & one
    proxy = files_of(replace(HOW, statistics=(), proxies=("zico",)))
    assert wanted | {"gradients.py"} <= proxy or wanted | {"samples.py"} <= proxy
    for found in (all_statistics, one, proxy):
        assert not {"cache.py", "collect.py", "scheduler.py", "errors.py", "registry.py", "transnas.py"} & found


def test_another_torch_is_another_file(monkeypatch):
    before = name_of()
    monkeypatch.setattr(torch, "__version__", "1.0")
    assert name_of() != before


def test_a_changed_plugin_statistic_is_another_file(tmp_path, monkeypatch):
    text = (
        "import torch\nfrom gpproxy.statistics.statistic import statistic\n"
        "from gpproxy.primitives.types import Scalar\n"
        "@statistic(Scalar, source='test')\ndef plugged(passes, sizes):\n    return torch.tensor(1.0)\n"
    )
    names = []
    for number in (1.0, 2.0):
        file = tmp_path / "plugged_statistic.py"
        file.write_text(text.replace("1.0", str(number)))
        cache._code_version.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(STATISTICS, "_items", dict(STATISTICS._items))
            load_plugin(file)
            names.append(name_of(how=replace(HOW, statistics=("plugged",))))
        del sys.modules["gpproxy_plugin_plugged_statistic"]
        PLUGINS.remove(file)
    assert names[0] != names[1]


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / "mine"))
    assert folder() == tmp_path / "mine"
    monkeypatch.delenv("GPPROXY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == tmp_path / "gpproxy" / "statistics"


def test_the_default_folder_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path))
    collect(tiny.Tiny(), ["plain-3"], HOW)
    pieces = len(HOW.pieces())
    assert len(list((tmp_path / "tiny").rglob("*.safetensors"))) == pieces > 1
