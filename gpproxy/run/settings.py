"""Settings of all commands: what is shared by the dataclasses that are the Python API, the command line and the TOML.

Importing this file imports neither torch nor DEAP, so that `--help` answers at once.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpproxy.errors import ConfigError, did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


#: What settings were called by version 0.1, whose files are still read.
RENAMED = {"looks": "inits", "look_seed": "init_seed"}


def read_toml(cls: type, path: str | Path) -> dict[str, Any]:
    """The settings in a TOML file, checked against the fields of a config dataclass."""
    path = Path(path).expanduser()
    if path.is_dir():
        path = path / "config.toml"
    if not path.is_file():
        raise ConfigError(f"A settings file is expected at {path}, but there is none.")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not readable TOML: {error}.") from error
    fields = {f.name: f for f in dataclasses.fields(cls)}
    content = {RENAMED.get(key, key): value for key, value in content.items()}
    for key, value in content.items():
        if key not in fields:
            raise ConfigError(f"{path} has the unknown setting '{key}'.{did_you_mean(key, fields)}")
        content[key] = _checked(value, fields[key].default, f"{path}: {key}")
    return content


def _checked(value: Any, default: Any, place: str) -> Any:
    """A TOML value as the type of the default; ConfigError when it is of another kind."""
    if isinstance(default, tuple):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ConfigError(f"{place} is a list of strings, but got {value!r}.")
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise ConfigError(f"{place} is {type(default).__name__}, but got {value!r}.")
    return value


def parse_settings(pairs: Sequence[str]) -> dict[str, int | float | str]:
    """`NAME=VALUE` texts as a mapping, numbers as numbers. Raises ConfigError for a text of another form."""
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip().isidentifier():
            raise ConfigError(f"space_settings are NAME=VALUE, such as resolution=128, but got '{pair}'.")
        found[name.strip()] = _plain(value.strip())
    return found


def _plain(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
