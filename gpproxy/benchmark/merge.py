"""Puts the shards of a build together: their tables and trainings in, one table and one folder out.

Nothing is built, trained or measured, so it runs anywhere, again and again while shards grow. Every finished training
is kept, whatever a table holds already; the whole can be continued as if it had been built in one piece.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from gpproxy.benchmark import kept
from gpproxy.benchmark.settings import from_meaning, part_of_shards
from gpproxy.benchmark.table_settings import MergeSettings
from gpproxy.benchmark.writer import TableWriter
from gpproxy.benchmarks.benchmark import Card
from gpproxy.errors import RunError
from gpproxy.files import sweep, write_atomically
from gpproxy.run.locks import alone, taken
from gpproxy.training.outcome import OUTCOME

#: Facts that are the same in all shards.
FIXED = ("images_digest", "extractor_digest", "reference_digest")
#: Files that are never changed in place: one copy on the disk is enough.
WHOLE = (".safetensors", ".pt")


def merge(config: MergeSettings, tell: Callable[[str], None] = lambda text: None) -> Path:
    """Writes the whole and returns the path of its table.

    Args:
        tell: is told what was put together and what is missing, in sentences.

    Raises RunError for folders that are no shards of one build, and while one of them is being built.
    """
    folders = _folders(config)
    every = {folder: kept.read(folder) for folder in folders}
    first = every[folders[0]]
    for folder in folders[1:]:
        _same(every[folder], first, folder, folders[0])
    for folder in folders:
        if taken(folder):
            raise RunError(f"A build is running in {folder}. Wait for it, or stop it; it goes on afterwards.")
    out = Path(config.out) if config.out else Path(config.shards[0])
    out.mkdir(parents=True, exist_ok=True)
    size = {name: max(one["size"].get(name, 0) for one in every.values()) for name in first["size"]}
    settings = from_meaning(first["settings"], **size)
    with alone(out, "merge"):
        sweep(out)
        if before := kept.read(out):
            _same(before, first, out, folders[0])
        whole = {"size": size, "settings": first["settings"], "recipe": first["recipe"]}
        write_atomically(out / kept.FILE, tomli_w.dumps(whole))
        long = f"{settings.name}-x{settings.times}"
        short, longer = (_joined(folders, out / f"{name}.csv", size) for name in (settings.name, long))
        if short is None:
            raise RunError(f"The shards in {', '.join(map(str, folders))} have no finished training yet.")
        writer, card = short
        if longer is not None:
            from gpproxy.benchmark.longer import longer_facts

            more = longer_facts(writer, longer[0], card, settings.times)
            card = replace(card, facts={**card.facts, **more})
            longer[0].write(longer[1], _order(folders, long))
        writer.write(card, _order(folders, settings.name))
        for folder in folders:
            _take_trainings(folder / "trainings", out / "trainings")
    rows = writer.rows
    told = f"{len({code for code, _ in rows})} architectures, {len(rows)} trainings of {len(folders)} shards"
    tell(f"{writer.path}: {told}")
    if missing := _missing(one.get("shard", "") for one in every.values()):
        tell(f"Not there: shard {', '.join(missing)}. Merge again when they are, or go on without: the table is whole.")
    return writer.path


def _folders(config: MergeSettings) -> list[Path]:
    """The folders of the shards. Raises RunError where there is none."""
    found: list[Path] = []
    for text in config.shards:
        place = Path(text)
        inside = sorted(path.parent for path in place.glob(f"shard-*/{kept.FILE}"))
        if not inside and not (place / kept.FILE).is_file():
            raise RunError(
                f"{place} is no shard of a build and has none in it: there is no {kept.FILE}. Check the path."
            )
        found += inside or [place]
    return sorted(dict.fromkeys(found), key=lambda path: part_of_shards(kept.read(path).get("shard", "")))


def _same(one: Mapping[str, Any], other: Mapping[str, Any], place: Path, first: Path) -> None:
    """Raises RunError where two were built with other settings."""
    left, right = ({**kind["settings"], **kind["recipe"]} for kind in (one, other))
    for name in dict.fromkeys((*left, *right)):
        if left.get(name) != right.get(name):
            raise RunError(
                f"{place} was built with {name}={left.get(name)}, but {first} with {name}={right.get(name)}. "
                "The rows of a table are of one kind: merge them apart."
            )


def _joined(folders: Sequence[Path], path: Path, size: Mapping[str, int]) -> tuple[TableWriter, Card] | None:
    """The rows of one table in all shards, beside those that the whole has, and its card; None where nobody has any.

    Raises RunError where their images or measures differ.
    """
    parts = [TableWriter(folder / path.name) for folder in folders]
    parts = [part for part in parts if part.before is not None]
    if not parts:
        return None
    whole = TableWriter(path)
    cards = [part.before for part in (whole, *parts) if part.before is not None]
    card = cards[-len(parts)]
    for part in parts:
        for name in FIXED:
            here, there = part.facts.get(name), card.facts.get(name)
            if here != there:
                raise RunError(
                    f"{part.path} was measured with {name}={here}, but {parts[0].path} with "
                    f"{name}={there}, so their rows cannot be compared. Merge them apart."
                )
        for key, row in part.rows.items():
            whole.rows.setdefault(key, row)
    whole.hours = max(whole.hours, sum(part.hours for part in parts))
    places = dict.fromkeys(text for one in cards for text in str(one.facts.get("hardware", "")).split("; ") if text)
    facts = {name: value for name, value in card.facts.items() if name != "longer"}
    return whole, replace(card, facts={**facts, "hardware": "; ".join(places), "size": dict(size)})


def _order(folders: Sequence[Path], name: str) -> list[str]:
    """The architectures in the order of the plan, as far as the shards tell: one of each in turns."""
    columns = [list(dict.fromkeys(code for code, _ in TableWriter(folder / f"{name}.csv").rows)) for folder in folders]
    longest = max(map(len, columns))
    return [column[i] for i in range(longest) for column in columns if i < len(column)]


def _take_trainings(source: Path, target: Path) -> None:
    """Copies the folders of trainings that the whole lacks or has not finished; weights are linked where possible."""
    for training in sorted(source.glob("*")):
        own = target / training.name
        if own.exists() and ((own / OUTCOME).is_file() or not (training / OUTCOME).is_file()):
            continue
        part = target / f".{training.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(training, part, copy_function=_copy)
        shutil.rmtree(own, ignore_errors=True)
        part.rename(own)


def _copy(source: str, target: str) -> str:
    if source.endswith(WHOLE):
        try:
            os.link(source, target)
            return target
        except OSError:  # another disk
            pass
    return str(shutil.copy2(source, target))


def _missing(shards: Any) -> list[str]:
    """The shards that belong to these and are not among them."""
    parts = {part_of_shards(shard) for shard in shards if shard}
    count = max((n for _, n in parts), default=0)
    return [f"{i}/{count}" for i in range(1, count + 1) if (i, count) not in parts]
