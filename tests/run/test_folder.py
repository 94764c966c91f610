"""Run folders: atomic files, a journal that survives a kill, names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpproxy.errors import RunError
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.run.folder import RunFolder, default_path, write_atomically


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return EvolveFolder.create(EvolveSettings(out=str(tmp_path / "a" / "run"), seed=3))


def test_settings_and_environment_are_written(folder: RunFolder) -> None:
    assert folder.config == EvolveSettings(out=str(folder.path), seed=3)
    environment = json.loads((folder.path / "environment.json").read_text())
    assert environment["packages"]["torch"] and environment["cores"] >= 1 and environment["device"] == "cpu"


def test_journal_survives_a_half_written_line(folder: RunFolder) -> None:
    folder.log("one", value=1.5)
    with (folder.path / "journal.jsonl").open("ab") as file:
        file.write(b'{"event": "tw')
    assert [e["event"] for e in folder.journal()] == ["one"]
    folder.log("three", text="ρ")
    assert [e["event"] for e in folder.journal()] == ["one", "three"]
    assert folder.journal()[1]["text"] == "ρ" and folder.journal()[0]["value"] == 1.5


def test_no_journal_is_an_empty_one(folder: RunFolder) -> None:
    assert folder.journal() == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.txt"
    write_atomically(path, "old")

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError):
        write_atomically(path, "new")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_equal_content_gives_equal_bytes(folder: RunFolder) -> None:
    content = {"b": 0.1 + 0.2, "a": ["ρ", None]}
    first = folder.write_json("x.json", content).read_bytes()
    assert folder.write_json("x.json", content).read_bytes() == first
    assert folder.read_json("x.json") == content
    with pytest.raises(ValueError):
        folder.write_json("x.json", {"a": float("nan")})


def test_missing_and_broken_files_are_named(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no result.json"):
        folder.read_json("result.json")
    folder.write("result.json", "{")
    with pytest.raises(RunError, match="damaged: Expecting"):
        folder.read_json("result.json")
    with pytest.raises(RunError, match="no run folder"):
        EvolveFolder.open(tmp_path / "nowhere")


def test_an_existing_run_is_kept(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="--resume"):
        EvolveFolder.create(EvolveSettings(out=str(folder.path)))
    folder.write("result.json", "{}")
    with pytest.raises(RunError, match="a finished run"):
        EvolveFolder.create(EvolveSettings(out=str(folder.path)))
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="a file of that name"):
        EvolveFolder.create(EvolveSettings(out=str(tmp_path / "file")))


def test_default_name_and_no_clash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = EvolveSettings(benchmark="transnas-micro, data/my.csv", seed=7)
    assert default_path(config).parent == Path("runs") and default_path(config).name.endswith("-transnas-micro+my-s7")
    assert EvolveFolder.create(config).path != EvolveFolder.create(config).path
