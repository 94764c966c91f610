"""`python -m tests.campaign hostile --count 1000`: the whole campaign against broken files, in a temporary folder."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.campaign.hostile import Kinds, campaign, write_report


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="mutated files of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="kinds, separated by commas")
    parser.add_argument("--out", default="", help="CSV file of the counts; faults lie beside it as JSON")
    given = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in Kinds(Path(folder)):
            if given.only and kind.name not in given.only.split(","):
                continue
            found = results[kind.name] = campaign(kind, given.count, given.seed)
            print(f"{kind.name:16} {dict(found.counts)}", flush=True)
            for fault, content in found.faults.items():
                print(f"    {fault}   {content[:60]!r}")
    if given.out:
        write_report(Path(given.out), results)
    return int(any(found.faults for found in results.values()))


if __name__ == "__main__":
    raise SystemExit(main())
