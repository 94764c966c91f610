"""Every kind of folder is known, and what is said of a folder in the wrong place fits it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpproxy.errors import ConfigError, RunError
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.run.kind import EVOLVE, KINDS, SEARCH, TABLE, TRAIN, expect, kind_of, settings_of
from gpproxy.search.settings import SearchSettings
from gpproxy.train.settings import TrainSettings


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    made = {
        "evolve": EvolveSettings(),
        "search": SearchSettings(space="fake", proxy=("nwot",)),
        "train": TrainSettings("x"),
    }
    for name, config in made.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.toml").write_text(config.to_toml())
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "build.toml").write_text("")
    return {kind.command: tmp_path / kind.command for kind in KINDS}


def test_every_command_makes_its_kind(folders: dict[str, Path], tmp_path: Path) -> None:
    assert [kind_of(path) for path in folders.values()] == [EVOLVE, SEARCH, TRAIN, TABLE]
    assert kind_of(tmp_path) is None and kind_of(tmp_path / "nowhere") is None


def test_what_is_said_fits_the_kind(folders: dict[str, Path], tmp_path: Path) -> None:
    for kind in KINDS:
        for other in KINDS[:3]:
            if other is kind:
                expect(folders[kind.command], other.command)
                continue
            with pytest.raises(RunError, match=f"is the folder of {kind.noun}, made by gpproxy {kind.command}") as told:
                expect(folders[kind.command], other.command)
            assert kind.continued(folders[kind.command]) in str(told.value)
    with pytest.raises(RunError, match="is no run folder: it has no config.toml. Give a folder that gpproxy train"):
        expect(tmp_path, "train")


def test_settings_are_read_as_data(folders: dict[str, Path]) -> None:
    (folders["evolve"] / "config.toml").write_text("looks = 3\nlook_seed = 5\ngenerations = 1\n")  # of version 0.1
    assert settings_of(folders["evolve"]) == {"inits": 3, "init_seed": 5, "generations": 1}
    (folders["train"] / "config.toml").write_text("arch = \n")
    with pytest.raises(ConfigError, match="not readable TOML"):
        kind_of(folders["train"])
