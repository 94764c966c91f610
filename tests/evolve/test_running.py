"""A run that was stopped goes on from any folder, by the command that it prints; places that cannot be written."""

from __future__ import annotations

import errno
import os
import shlex
import signal
from pathlib import Path

import pytest

from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.csv_table import write_table
from gpproxy.benchmarks.registry import load
from gpproxy.evolve.__main__ import main
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.registry import load_plugin
from gpproxy.run.command import guarded
from gpproxy.statistics import cache
from tests.commands import FAKE

SMALL = "--train 20 --validation 12 --population 12 --islands 2 --generations 3 --inits 1 --workers 1 --proxies none"
FLAGS = [*SMALL.split(), "--no-random-search"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a table `tables/own.csv` in it."""
    load_plugin(FAKE)
    table = load("fake")
    rows = [{"architecture": code, "quality": value} for code, value in table.values.items()]
    folder = tmp_path / "home"
    (folder / "tables").mkdir(parents=True)
    write_table(folder / "tables" / "own.csv", Card("fake", "quality", "higher"), rows)
    monkeypatch.chdir(folder)
    return folder


def stop_at(generation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Presses Ctrl-C when the front of a generation is written."""
    write, count = EvolveFolder.write_json, iter(range(100))

    def pressed(self: EvolveFolder, name: str, content: object) -> None:
        if name == "front.json" and next(count) == generation:
            signal.raise_signal(signal.SIGINT)
        write(self, name, content)

    monkeypatch.setattr(EvolveFolder, "write_json", pressed)


def test_the_printed_command_continues_a_run_from_any_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = os.path.relpath(FAKE, home)
    given = [*FLAGS, "--benchmark", "tables/own.csv", "--plugins", plugin]
    assert guarded(main, [*given, "--out", "whole"]) == 0
    with monkeypatch.context() as patched:
        stop_at(1, patched)
        capsys.readouterr()
        assert guarded(main, [*given, "--out", "run 1"]) == 130
    told = capsys.readouterr().err.splitlines()
    printed = next(line for line in told if "--resume" in line and "--conclude" not in line)
    words = shlex.split(printed)
    assert words[-3:] == ["evolve", "--resume", str(home / "run 1")]  # in one piece, although it has a space

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = EvolveFolder.open(home / "run 1").config
    assert settings.benchmark == str(home / "tables" / "own.csv") and settings.out == str(home / "run 1")
    assert [Path(path).is_absolute() and Path(path).samefile(FAKE) for path in settings.plugins] == [True]
    assert guarded(main, words[words.index("evolve") + 1 :]) == 0
    assert (home / "run 1" / "front.json").read_bytes() == (home / "whole" / "front.json").read_bytes()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_finished_run_is_shown_from_any_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*FLAGS, "--benchmark", "tables/own.csv", "--plugins", FAKE, "--generations", "1"]
    assert guarded(main, [*given, "--out", "run 1"]) == 0
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert guarded(main, ["--resume", "home/run 1"]) == 0
    assert "complete" in capsys.readouterr().out


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_cache_that_cannot_be_written_is_named_with_the_reason(
    number: int, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / "cache"))
    make = cache.tempfile.mkstemp

    def refuse(*args: object, **how: object) -> tuple[int, str]:
        if str(how.get("dir", "")).startswith(str(tmp_path / "cache")):
            raise OSError(number, os.strerror(number), f"{how['dir']}/record.part")
        return make(*args, **how)

    monkeypatch.setattr(cache.tempfile, "mkstemp", refuse)
    assert guarded(main, [*FLAGS, "--benchmark", "tables/own.csv", "--plugins", FAKE, "--out", "run 1"]) == 1
    said = capsys.readouterr().err
    assert os.strerror(number) in said and str(tmp_path / "cache") in said and "GPPROXY_CACHE" in said
    assert "Free space" not in said and "left out" not in said
