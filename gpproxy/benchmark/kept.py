"""The settings with which a table was begun: kept beside its trainings and in its card, and never changed.

In: a folder or a table. Out: settings to continue with, or an error that names what differs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from gpproxy.benchmark.settings import BuildConfig, from_meaning
from gpproxy.errors import RunError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "build.toml"


def to_toml(config: BuildConfig, recipe: Mapping[str, Any]) -> str:
    """What is kept of a build: its settings, its size, and every value of its recipe."""
    size = {name: getattr(config, name) for name in ("archs", "seeds", "longer", "times")}
    return tomli_w.dumps({"size": size, "settings": config.meaning(), "recipe": dict(recipe)})


def read(folder: str | Path) -> dict[str, Any]:
    """What `to_toml` has kept in a folder, empty where there is no build. Raises RunError for a broken file."""
    path = Path(folder).expanduser() / FILE
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RunError(f"{path} is not readable TOML: {error}. Choose another --out.") from error


def read_card(path: str | Path) -> dict[str, Any]:
    """The same from the card of a table, empty where there is none. Raises RunError for a table of another origin."""
    from gpproxy.benchmarks.csv_table import read_card, table_path

    path = table_path(path)
    if not path.is_file():
        return {}
    card = read_card(path)
    facts = dict(card.facts)
    if not {"settings", "recipe"} <= facts.keys():
        raise RunError(
            f"{path} was not built with gpproxy.benchmark, so it cannot be grown with it: its card lacks the settings."
        )
    return {**facts, "size": {"archs": facts.get("architectures", 1), "seeds": max(card.seeds, 1)}}


def begun(out: str, append: str) -> BuildConfig | None:
    """The settings to continue the build in a folder, or the table, that a command line names; None for a new one."""
    if not append:
        kept = read(out) if out else {}
        return from_meaning(kept["settings"], **kept["size"]) if kept else None
    kept = read_card(append)
    if not kept:
        raise RunError(f"--append grows a table, but {append} is not there. {_shipped(append)}")
    config = from_meaning(kept["settings"], **kept["size"], append=append, out=out)
    # The folder of the trainings knows what else was asked for; the table may have grown elsewhere.
    size = {name: max(value, getattr(config, name)) for name, value in read(config.folder).get("size", {}).items()}
    return replace(config, **size)


def _shipped(append: str) -> str:
    """What to do about a table that is not there."""
    from gpproxy.benchmarks import csv_table

    here = Path(csv_table.__file__).parent / csv_table.table_path(append).name
    if here.is_file():
        return f"To grow the one that comes with gpproxy, copy {here} and {here.with_suffix('.toml').name} first."
    return "Leave it out to begin one."


def check(kept: Mapping[str, Any], config: BuildConfig, recipe: Mapping[str, Any], place: Path) -> None:
    """Raises RunError when a build goes on with other settings than `kept`; nothing is kept at the start."""
    if not kept:
        return
    now, before = {**config.meaning(), **recipe}, {**kept["settings"], **kept["recipe"]}
    for name in dict.fromkeys((*now, *before)):
        if now.get(name) != before.get(name):
            raise RunError(
                f"{place} was begun with {name}={before.get(name)}, but now {name}={now.get(name)}. A table keeps its "
                "settings: leave the flag out, or choose another --out."
            )
