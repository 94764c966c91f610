"""The campaigns, in a temporary folder: `python -m tests.campaign hostile --count 1000`, `... kills`, `... disks`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.campaign import disks, hostile, kills

#: Of a work, a number, a folder and a seed.
Campaign = Callable[[kills.Work, int, Path, int], kills.Kills | disks.Stops]
#: What is done to every command.
CAMPAIGNS: dict[str, Campaign] = {"kills": kills.campaign, "disks": disks.campaign}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("campaign", choices=("hostile", *CAMPAIGNS))
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
        if given.campaign == "hostile":
            return files(Path(folder), given, only)
        return works(CAMPAIGNS[given.campaign], Path(folder), given, only)


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


def works(campaign: Campaign, folder: Path, given: argparse.Namespace, only: list[str]) -> int:
    """A campaign on every command; 1 where anything is wrong."""
    failed = 0
    for work in kills.works():
        if only and work.name not in only:
            continue
        (folder / work.name).mkdir()
        found = campaign(work, given.count, folder / work.name, given.seed)
        print(f"{work.name:8} {found.told}", *found.differences[:10], sep="\n    ", flush=True)
        failed |= bool(found.differences)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
