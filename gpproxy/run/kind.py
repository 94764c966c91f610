"""What kind of folder a folder is: a path in, the command that made it out, and what to do with it.

The settings of every command have one that no other has; it tells whose `config.toml` a folder holds. Every sentence
on a folder that was given in the wrong place is made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpproxy.errors import ConfigError, RunError
from gpproxy.run.invocation import command_line
from gpproxy.run.reading import toml_of
from gpproxy.run.settings import RENAMED

#: The settings of a run, a search or a training, and those of a build.
CONFIG, BUILD = "config.toml", "build.toml"


@dataclass(frozen=True)
class Kind:
    """A kind of folder.

    Attributes:
        command: what makes such folders, after `gpproxy`.
        noun: what happened in it, with its article.
        mark: a setting that no other command has; empty where the name of its file tells enough.
        resume: the verb and the flag that continue what happens in a folder.
    """

    command: str
    noun: str
    mark: str
    resume: tuple[str, str] = ("", "--resume")

    def continued(self, folder: Path) -> str:
        """The command that continues what happens in a folder."""
        verb, flag = self.resume
        return command_line(verb or self.command, flag, folder)


EVOLVE = Kind("evolve", "a run", "generations")
SEARCH = Kind("search", "a search", "strategy")
TRAIN = Kind("train", "a training", "arch")
TABLE = Kind("benchmark", "the build of a table", "", ("benchmark build", "--out"))
KINDS = (EVOLVE, SEARCH, TRAIN, TABLE)


def kind_of(folder: str | Path) -> Kind | None:
    """The kind of a folder; None where it holds no settings, or settings that belong to no command.

    Raises ConfigError for settings that are not readable TOML.
    """
    folder = Path(folder).expanduser()
    if (folder / CONFIG).is_file():
        settings = settings_of(folder)
        return next((kind for kind in KINDS if kind.mark and kind.mark in settings), None)
    return TABLE if (folder / BUILD).is_file() else None


def settings_of(folder: str | Path) -> dict[str, Any]:
    """The settings in a folder as plain data, by the names that they have now; nothing is checked or filled in.

    Raises ConfigError where there are none, or they are not readable TOML.
    """
    path = Path(folder).expanduser() / CONFIG
    try:
        content = toml_of(path)
    except FileNotFoundError:
        raise ConfigError(f"A settings file is expected at {path}, but there is none.") from None
    return {RENAMED.get(name, name): value for name, value in content.items()}


def expect(folder: str | Path, command: str) -> None:
    """Raises RunError for a folder that the command did not make, with what made it and what to do with it."""
    folder = Path(folder).expanduser()
    kind = kind_of(folder)
    if kind is not None and kind.command != command:
        raise RunError(
            f"{folder} is the folder of {kind.noun}, made by gpproxy {kind.command}. Give one that gpproxy {command} "
            f"made, or continue this one with\n  {kind.continued(folder)}"
        )
    if kind is None and (folder / CONFIG).is_file():
        raise RunError(
            f"{folder / CONFIG} lacks the settings that tell which command made it. Take it from a copy of the folder."
        )
    if not (folder / CONFIG).is_file():
        raise RunError(f"{folder} is no run folder: it has no {CONFIG}. Give a folder that gpproxy {command} made.")
