"""Looks at every generator of the gallery and tells what was seen: `python docs/gallery [NAME ...]`.

In: names of search spaces, all of them by default. Out: a table on the terminal; the exit code is 1 where something was
not seen, or is missing without a reason.
"""

from __future__ import annotations

import importlib.util
import sys
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
FILES = ("gans.py", "translators.py", "decoders.py")
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1])]  # the gallery runs from a checkout that is not installed

import torch  # noqa: E402
from measure import Seen, Times, seen, times  # noqa: E402

import gpproxy.primitives  # noqa: E402
import gpproxy.statistics  # noqa: E402, F401  registers the statistics
from gpproxy.errors import GPProxyError  # noqa: E402
from gpproxy.registry import load_plugin  # noqa: E402
from gpproxy.search_spaces import SEARCH_SPACES  # noqa: E402

LEGEND = (
    "seen: share of parameters and of MACs that were recorded; there: statistics and classical proxies; then, for the "
    "first and for the last, widest network of the space: bare: CPU ms of one forward and backward pass of 16 samples; "
    "look: a look over all statistics, with 32 samples, in units of it; same: in units of its passes, bare; whole: in "
    "units of passes with all 32 samples in each, where a look takes 16 in all but one"
)
#: Shares differ from 1 by rounding at most.
TOLERANCE = 1e-9


def spaces() -> list[str]:
    """The names of the gallery's spaces; loads them."""
    before = set(SEARCH_SPACES)
    for name in FILES:
        load_plugin(str(FOLDER / name))
    return [name for name in SEARCH_SPACES if name not in before]


def complete(found: Seen) -> bool:
    """Whether everything was seen, and a reason told for all that is missing."""
    shares = (found.parameter_share, found.mac_share)
    return all(abs(share - 1) < TOLERANCE for share in shares) and all(found.absent.values())


def timed(found: Times) -> str:
    """Its columns of the table."""
    ratios = [found.look / bare for bare in (found.bare, found.passes, found.whole)]
    return f"{1000 * found.bare:7.1f} {ratios[0]:5.1f} {ratios[1]:5.2f} {ratios[2]:5.2f}"


def lines(found: Seen, narrow: Times, wide: Times) -> Iterator[str]:
    """A row of the table, and below it why something is missing."""
    shares = f"{found.parameter_share:7.1%} {found.mac_share:7.1%}"
    counts = " ".join(f"{have:>3}/{there}" for have, there in (found.statistics, found.proxies))
    sizes = f"{found.parameters:>8,} {found.macs / 1e6:6.2f}M {found.layers:>6}"
    yield f"{found.space:14s} {sizes} {shares} {counts} {timed(narrow)} {timed(wide)}"
    reasons: dict[str, list[str]] = {}
    for name, reason in found.absent.items():
        reasons.setdefault(reason or "NO REASON WAS TOLD", []).append(name)
    for reason, names in reasons.items():
        text = f"{', '.join(names)}: {reason}"
        yield from textwrap.wrap(text, 120, initial_indent=" " * 4, subsequent_indent=" " * 6)


def main(names: Sequence[str]) -> int:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    known = spaces()
    try:
        chosen = [SEARCH_SPACES[name] for name in names or known]
    except GPProxyError as error:
        print(f"gallery: {error}", file=sys.stderr)
        return 2
    print(*textwrap.wrap(LEGEND, 120), sep="\n")
    heads = [("params", 8), ("MACs", 7), ("layers", 6), ("seen", 15), ("there", 13)]
    heads += 2 * [("bare", 7), ("look", 5), ("same", 5), ("whole", 5)]
    print(f"{'':14s}", *(f"{head:>{width}}" for head, width in heads))
    whole = True
    for space in chosen:
        try:
            own = space()
            first, *_, last = map(own.encode, own.enumerate())
            found, narrow, wide = seen(own), times(own, first), times(own, last)
        except GPProxyError as error:
            whole = False
            print(f"{space.name:14s} {error}", flush=True)
            continue
        whole &= complete(found)
        for line in lines(found, narrow, wide):
            print(line, flush=True)
    if not importlib.util.find_spec("diffusers"):
        print("vae-diffusers, ddpm-diffusers: left out, because diffusers is not installed (pip install diffusers)")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
