"""`gpproxy report RUN...`: `report.html` of finished runs, those of several seeds side by side.

In: folders. Out: one offline file; of a single run in its own folder, of several in the current one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gpproxy.errors import ConfigError, RunError, did_you_mean

if TYPE_CHECKING:
    from gpproxy.report.document import Document
    from gpproxy.run.kind import Kind

USAGE = """usage: gpproxy report RUN [RUN...] [--out FILE]

Writes what finished runs have found as one page that needs nothing else: the
formula, whether it is worth using, what it was compared with and what each of
its terms is worth; of a search the best architectures; of a training its curves
and images. Several runs stand side by side. The page of a single run or series
is RUN/report.html, that of several ./report.html, unless --out names a file."""


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code. Raises ConfigError, and RunError for a folder without a finished run."""
    folders, out = _read(arguments)
    if not folders:
        print(USAGE)
        return 0 if any(word in arguments for word in ("-h", "--help")) else 1
    from gpproxy.run.console import usual_console

    path = write_report(folders, out)
    usual_console().print(f"written to {path}", markup=False, soft_wrap=True)
    return 0


def write_report(folders: Sequence[str | Path], out: str | Path = "") -> Path:
    """Writes the page of runs and returns where it is.

    Args:
        folders: of finished runs; the folder of a series stands for its runs.
        out: the file; empty for the usual place.

    Raises RunError for a folder without a finished run, and for runs of different commands.
    """
    from gpproxy.files import write_atomically
    from gpproxy.registry import load_plugin
    from gpproxy.report.render import REPORT, render
    from gpproxy.run.kind import EVOLVE, TABLE, kind_of, settings_of

    paths = [path for folder in folders for path in runs_of(Path(folder).expanduser())]
    kinds = []
    for path in paths:
        kind = kind_of(path)
        if kind is None:
            raise RunError(f"{path} is no run folder. Give one that gpproxy {EVOLVE.command} made.")
        kinds.append(kind)
    if len({kind.command for kind in kinds}) > 1:
        told = ", ".join(f"{path} ({kind.command})" for path, kind in zip(paths, kinds))
        raise RunError(f"Runs of different commands have no page in common: {told}. Give them one by one.")
    if kinds[0] == TABLE:
        raise RunError(f"{paths[0]} is the folder of {kinds[0].noun}, which has no page; all other commands have.")
    for path in paths:
        for plugin in settings_of(path).get("plugins", ()):
            load_plugin(plugin)
    single = Path(folders[0]).expanduser() / REPORT if len(folders) == 1 else Path(REPORT)
    place = Path(out).expanduser() if out else single
    write_atomically(place, render(_document(kinds[0], paths)))
    return place


def _document(kind: Kind, paths: Sequence[Path]) -> Document:
    if kind.command == "search":
        from gpproxy.search import finished as searches
        from gpproxy.search import page as search_page

        return search_page.document([searches.read_run(path) for path in paths])
    if kind.command == "train":
        from gpproxy.train import finished as trainings
        from gpproxy.train import page as train_page

        return train_page.document([trainings.read_run(path) for path in paths])
    from gpproxy.evolve import finished, page
    from gpproxy.evolve.ablation import ablation_of
    from gpproxy.evolve.curve import CURVE, curve_page
    from gpproxy.evolve.several import SERIES, read_series

    if len(paths) == 1 and (paths[0] / CURVE).is_file():
        return curve_page(paths[0])
    first = paths[0].parent
    of_series = {path.parent for path in paths} == {first} and (first / SERIES).is_file() and len(set(paths)) > 1
    found = (read_series(first), ablation_of(first)) if of_series else (None, None)
    return page.document([finished.read_run(path) for path in paths], *found)


def runs_of(folder: Path) -> list[Path]:
    """The folder itself, or the finished runs of a series of seeds in it, by seed."""
    if (folder / "result.json").is_file():
        return [folder]
    seeds = [path for path in folder.glob("s*") if path.name[1:].isdigit() and (path / "result.json").is_file()]
    return sorted(seeds, key=lambda path: int(path.name[1:])) or [folder]


def _read(arguments: Sequence[str]) -> tuple[list[str], str]:
    """Folders and the file to write."""
    folders, out, rest = [], "", list(arguments)
    while rest:
        word = rest.pop(0)
        if word in ("-h", "--help"):
            return [], ""
        if word == "--out" and rest:
            out = rest.pop(0)
        elif word.startswith("--out="):
            out = word[len("--out=") :]
        elif word.startswith("-"):
            raise ConfigError(f"gpproxy report has no '{word}'.{did_you_mean(word, ['--out', '--help'])}")
        else:
            folders.append(word)
    return folders, out
