"""Rules of fields, and settings files of version 0.1."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpproxy.errors import ConfigError
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.run.settings import Settings, groups_of, is_folder, setting
from gpproxy.score.settings import ScoreSettings
from gpproxy.search.settings import SearchSettings
from gpproxy.train.settings import TrainSettings


@dataclass(frozen=True)
class Values:
    """Values.

    Attributes:
        count: how many.
        share: a part.
        size: more than nothing.
        kind: of two.
        changes: what differs.
        files: where.
        data: a name or a folder.
    """

    count: int = setting(2, least=1)
    share: float = setting(0.5, least=0, most=1)
    size: float = setting(1.0, above=0)
    kind: str = setting("one", known=("one", "other"))
    changes: tuple[str, ...] = setting((), pairs=True)
    files: tuple[str, ...] = setting((), path=True, free=True)
    data: str = setting("cifar10", path=is_folder)


@dataclass(frozen=True)
class Own(Values, Settings):
    """Settings of a command."""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"count": 0}, "count >= 1 must hold, but got count=0"),
        ({"share": 1.5}, "0 <= share <= 1 must hold, but got share=1.5"),
        ({"share": float("nan")}, "share"),
        ({"size": 0.0}, "size > 0 must hold"),
        ({"kind": "othr"}, "kind is one or other, but got kind=othr. Did you mean 'other'"),
        ({"changes": ("a",)}, "changes are NAME=VALUE"),
    ],
)
def test_a_broken_rule_is_a_sentence(change: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Own(**change)


def test_values_take_their_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = Own(changes={"depth": 3}, files="a.py", data="photos/cats")  # type: ignore[arg-type]
    assert made.changes == ("depth=3",) and made.files == (str(tmp_path / "a.py"),)
    assert made.data == str(tmp_path / "photos" / "cats") and Own().data == "cifar10"
    assert made.changed(Own()) == ["changes", "data"]  # files are free
    (tmp_path / "own.toml").write_text(made.to_toml())
    assert Own.from_toml("own.toml") == made and groups_of(Own) == [Values]


@pytest.mark.parametrize("cls", [SearchSettings, TrainSettings])
def test_a_folder_of_images_is_found_from_any_folder(
    cls: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = {"proxy": ("params",)} if cls is SearchSettings else {"arch": "autogan-a"}
    assert cls(data="photos/cats", **known).data == str(tmp_path / "photos" / "cats")


OLD = {
    EvolveSettings: (
        'looks = 2\nlook_seed = 5\nsamples = 32\nguess = ["snip"]\nsweep = 3\nhalves = 8\nwithin = 0.5\nwidth = 7\n',
        {
            "inits": 2, "init_seed": 5, "inputs": 32, "initial_formulas": ("snip",), "initial_factor": 3,
            "resampled_halves": 8, "group_weight": 0.5, "archive_width": 7,
        },
    ),
    SearchSettings: (
        'proxy = ["params"]\nlooks = 2\nsamples = 32\naccount = true\nseeds = 4\n',
        {"inits": 2, "inputs": 32, "cost": True, "trainings": 4},
    ),
    TrainSettings: ('arch = "autogan-a"\nsamples = 500\nwidth = 8\n', {"samples": 500, "width": 8}),
}  # fmt: skip


@pytest.mark.parametrize("cls", OLD)
def test_settings_of_version_0_1_are_read(cls: type[Settings], tmp_path: Path) -> None:
    text, values = OLD[cls]
    (tmp_path / "config.toml").write_text(text)
    found = cls.from_toml(tmp_path)
    assert {name: getattr(found, name) for name in values} == values


@pytest.mark.parametrize("cls", [EvolveSettings, ScoreSettings, SearchSettings, TrainSettings])
def test_a_name_of_version_0_1_hides_no_setting_of_today(cls: type[Settings]) -> None:
    names = {field.name for field in dataclasses.fields(cls)}
    assert not names & set(cls.RENAMED)
    assert set(cls.RENAMED.values()) - set(Settings.RENAMED.values()) <= names
