"""What a run folder says about the proxy that was found there: a folder in, plain facts out.

The settings are read as data, so that a run of any version can be read that told them, by whatever names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpproxy.errors import RunError
from gpproxy.run.folder import SPLIT, RunFolder
from gpproxy.run.kind import CONFIG, EVOLVE, SEARCH, expect, kind_of, settings_of

#: Spaces by name, each with its settings as pairs.
Spaces = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]


@dataclass(frozen=True)
class Origin:
    """The facts of one run.

    Attributes:
        folder: where they stand.
        benchmarks: names or paths of the tables.
        space_settings: settings of the spaces that were asked for beside those of the tables, as `NAME=VALUE`.
        plugins: files that the run was made with.
        init_seed, inits, inputs: how it looked at generators, see `Proxy`.
        parts: table -> its space, the settings of that, and the architectures of `train`, `validation` and `test`; None
            where the run has not got that far.
    """

    folder: Path
    benchmarks: tuple[str, ...]
    space_settings: tuple[str, ...]
    plugins: tuple[str, ...]
    init_seed: int
    inits: int
    inputs: int
    parts: Mapping[str, Mapping[str, Any]] | None

    @property
    def spaces(self) -> Spaces:
        """The spaces of the tables, each once."""
        found = {part["space"]: tuple(part["settings"].items()) for part in (self.parts or {}).values()}
        return tuple(found.items())


def has_origin(folder: Path) -> bool:
    """Whether a folder is that of a run."""
    return kind_of(folder) == EVOLVE


def read_origin(folder: str | Path) -> Origin:
    """The facts of a run. Raises RunError for a folder that is none of a run, with what it is instead."""
    path = Path(folder).expanduser()
    kind = kind_of(path)
    if kind is not None and kind != EVOLVE:
        used = settings_of(path).get("proxy", ()) if kind == SEARCH else ()
        instead = f" Its own: {' '.join(f'--proxy {text!r}' for text in used)}" if used else ""
        raise RunError(
            f"{path} is the folder of {kind.noun}, which holds no proxy. Give one that gpproxy evolve made.{instead}"
        )
    expect(path, EVOLVE.command)
    told = settings_of(path)

    def fact(*names: str) -> Any:
        for name in names:
            if name in told:
                return told[name]
        raise RunError(f"{path / CONFIG} lacks the setting '{names[0]}', so how its proxy is applied is not known.")

    return Origin(
        folder=path,
        benchmarks=tuple(name.strip() for name in str(fact("benchmark")).split(",") if name.strip()),
        space_settings=tuple(fact("space_settings")),
        plugins=tuple(fact("plugins")),
        init_seed=int(fact("init_seed")),
        inits=int(fact("inits")),
        inputs=int(fact("inputs", "samples")),  # the latter in version 0.1
        parts=RunFolder(path).read_json(SPLIT) if (path / SPLIT).is_file() else None,
    )
