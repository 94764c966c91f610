"""Where third-party data is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpproxy.run.data_folder import data_folder, data_path, how_to_put


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GPPROXY_DATA", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_folder_of_the_user_unless_one_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_folder() == home / ".local" / "share" / "gpproxy" / "data"
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "own"))
    assert data_folder() == home / "own" / "gpproxy" / "data"
    monkeypatch.setenv("GPPROXY_DATA", "~/named")
    assert data_folder() == home / "named"


def test_what_was_downloaded_into_the_cache_is_found(home: Path) -> None:
    assert data_path("cifar10") == data_folder() / "cifar10"
    old = home / ".cache" / "gpproxy" / "data" / "cifar10"
    old.mkdir(parents=True)
    assert data_path("cifar10") == old
    (data_folder() / "cifar10").mkdir(parents=True)
    assert data_path("cifar10") == data_folder() / "cifar10"


def test_nothing_beside_the_checkout_or_the_current_folder_is_looked_at(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "here").mkdir()
    (home / "shared" / "data" / "cifar10").mkdir(parents=True)
    monkeypatch.chdir(home / "here")
    assert data_path("cifar10") == data_folder() / "cifar10"


def test_the_remedy_names_what_is_missing() -> None:
    assert how_to_put("a/b.csv") == "Put it there, or set GPPROXY_DATA to a folder that has a/b.csv."
