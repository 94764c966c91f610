"""The campaigns, in a temporary folder: `python -m tests.campaign hostile --count 1000`, `... kills`, `... disks`."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.campaign import disks, hostile, kills


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("campaign", choices=("hostile", "kills", "disks"))
    parser.add_argument(
        "--count", type=int, default=100, help="mutated files of each kind; kills, or disks, of each command"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="kinds or commands, separated by commas")
    parser.add_argument(
        "--out", default="", help="CSV file of the counts of broken files; faults lie beside it as JSON"
    )
    given = parser.parse_args()
    only = given.only.split(",") if given.only else []
    with tempfile.TemporaryDirectory() as folder:
        return {"hostile": files, "kills": killed, "disks": filled}[given.campaign](Path(folder), given, only)


def files(folder: Path, given: argparse.Namespace, only: list[str]) -> int:
    """Broken files of every kind; 1 where there was a fault."""
    results = {}
    for kind in hostile.Kinds(folder):
        if only and kind.name not in only:
            continue
        found = results[kind.name] = hostile.campaign(kind, given.count, given.seed)
        print(f"{kind.name:16} {dict(found.counts)}", flush=True)
        for fault, content in found.faults.items():
            print(f"    {fault}   {content[:60]!r}")
    if given.out:
        hostile.write_report(Path(given.out), results)
    return int(any(found.faults for found in results.values()))


def killed(folder: Path, given: argparse.Namespace, only: list[str]) -> int:
    """Every command killed again and again; 1 where anything differs."""
    failed = 0
    for work in kills.works():
        if only and work.name not in only:
            continue
        (folder / work.name).mkdir()
        found = kills.campaign(work, given.count, folder / work.name, given.seed)
        told = f"{found.kills} kills, {found.starts} starts, {found.runs} runs, {len(found.differences)} different"
        print(f"{work.name:8} {told}", *found.differences[:10], sep="\n    ", flush=True)
        failed |= bool(found.differences)
    return int(failed)


def filled(folder: Path, given: argparse.Namespace, only: list[str]) -> int:
    """Every command on disks that fill up; 1 where anything differs."""
    failed = 0
    for work in kills.works():
        if only and work.name not in only:
            continue
        (folder / work.name).mkdir()
        found = disks.campaign(work, given.count, folder / work.name, given.seed)
        told = f"{found.full} times full, {found.closed} closed, {found.runs} runs, {len(found.differences)} wrong"
        print(f"{work.name:8} {told}", *found.differences[:10], sep="\n    ", flush=True)
        failed |= bool(found.differences)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
