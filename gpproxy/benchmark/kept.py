"""The settings with which a table was begun: kept beside its trainings and in its card, and never changed.

In: a folder or a table. Out: settings to continue with, or an error that names what differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from gpproxy.benchmark.settings import BuildSettings, from_meaning, shard_folder
from gpproxy.errors import RunError
from gpproxy.registry import load_plugin
from gpproxy.run.reading import toml_of
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.settings import setting_names
from gpproxy.tasks.task import Task

FILE = "build.toml"
#: What the size of a table was called by version 0.1, whose builds and tables are still continued.
RENAMED = {"archs": "size", "seeds": "trainings"}
#: Width that 0.1 has kept of every build, also of spaces that have none.
WIDTH = 32


def to_toml(settings: BuildSettings, task: Task) -> str:
    """What is kept of a build: its settings, its size, and every value of its recipe."""
    shard = {"shard": settings.shard} if settings.shard else {}
    content = {**shard, "size": settings.rows, "settings": meaning(settings, task), "recipe": task.recipe.to_json()}
    return tomli_w.dumps(content)


def meaning(settings: BuildSettings, task: Task) -> dict[str, Any]:
    """The settings that decide what a row means, with the width and the resolution that the space was opened with."""
    sizes = {name: task.space_settings.get(name, 0) for name in ("width", "resolution")}
    return {**settings.meaning(), **sizes}


def read(folder: str | Path) -> dict[str, Any]:
    """What `to_toml` has kept in a folder, empty where there is no build. Raises RunError for a broken file."""
    path = Path(folder).expanduser() / FILE
    if not path.is_file():
        return {}
    return _present(toml_of(path, RunError))


def _present(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a build, with the present names of its size."""
    return {**kept, "size": {RENAMED.get(name, name): value for name, value in kept.get("size", {}).items()}}


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
    # A table of an earlier version says only what it holds.
    return _present({"size": {"size": facts.get("architectures", 1), "trainings": max(card.seeds, 1)}, **facts})


def begun(out: str, benchmark: str, shard: str = "") -> BuildSettings | None:
    """The settings to continue the build in a folder, or the table, that a command line names; None for a new one."""
    if not benchmark:
        kept = read(shard_folder(Path(out), shard)) if out else {}
        return from_meaning(kept["settings"], **kept["size"], shard=kept.get("shard", "")) if kept else None
    kept = read_card(benchmark)
    if not kept:
        raise RunError(f"--benchmark grows a table, but {benchmark} is not there. {_shipped(benchmark)}")
    settings = from_meaning(kept["settings"], **kept["size"], benchmark=benchmark, out=out)
    # The folder of the trainings knows what else was asked for; the table may have grown elsewhere.
    size = {name: max(value, getattr(settings, name)) for name, value in read(settings.folder).get("size", {}).items()}
    return replace(settings, **size)


def as_kept(settings: BuildSettings) -> BuildSettings:
    """The settings without the width that 0.1 kept of a space that has none; plug-ins are loaded."""
    kept = read(settings.folder) or read_card(settings.table)
    for plugin in settings.plugins:
        load_plugin(plugin)
    if not kept or settings.width != WIDTH or kept["settings"].get("width") != WIDTH:
        return settings
    return settings if "width" in setting_names(SEARCH_SPACES[settings.space]) else replace(settings, width=0)


def _shipped(benchmark: str) -> str:
    """What to do about a table that is not there."""
    from gpproxy.benchmarks import csv_table

    here = Path(csv_table.__file__).parent / csv_table.table_path(benchmark).name
    if here.is_file():
        return f"To grow the one that comes with gpproxy, copy {here} and {here.with_suffix('.toml').name} first."
    return "Leave it out to begin one."


def check(kept: Mapping[str, Any], settings: BuildSettings, task: Task, place: Path) -> None:
    """Raises RunError when a build goes on with other settings than `kept`; nothing is kept at the start."""
    if not kept:
        return
    if kept.get("shard", "") != settings.shard and place == settings.folder:
        was = kept.get("shard", "")
        raise RunError(f"{place} was begun as shard={was}, but now shard={settings.shard}. Choose another --out.")
    before = {**from_meaning(kept["settings"]).meaning(), **kept["recipe"]}
    now = {**meaning(settings, task), **task.recipe.to_json()}
    if not now["width"]:
        before["width"] = 0
    for name in dict.fromkeys((*now, *before)):
        if now.get(name) != before.get(name):
            raise RunError(
                f"{place} was begun with {name}={before.get(name)}, but now {name}={now.get(name)}. A table keeps its "
                "settings: leave the flag out, or choose another --out."
            )
