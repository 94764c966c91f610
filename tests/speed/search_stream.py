"""Does a search of very many candidates keep its rate and its memory, and how soon does it go on after a kill?

    python tests/speed/search_stream.py store                      # seconds of the store per candidate against a look
    python tests/speed/search_stream.py run OUT --budget 1000000   # a search whose estimates cost nothing
    python tests/speed/search_stream.py resume OUT --budget 1000000    # kills it in the middle, and goes on

`run` prints a line per tenth of the way: time per candidate since the last line, and resident memory. The estimate is
a number made from the code; `--strategy` chooses what proposes. `--proxies 3` gives three numbers per candidate. Once a
search has ended, the same command measures what asking for a part of it takes.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch

from gpproxy.estimators.estimator import Estimator
from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.estimators.registry import ESTIMATORS, Request
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Setup, Work
from gpproxy.proxies.size import Size, Sizer
from gpproxy.search import SearchSettings, resume, run
from gpproxy.search.console import SearchWatch
from gpproxy.search.finished import read_run
from gpproxy.search.limits import Limits
from gpproxy.search.loop import Progress, search
from gpproxy.search.store import NAME, Store
from gpproxy.search.strategies import Random
from gpproxy.search_spaces.check import make_space


@dataclass(frozen=True)
class Hashed(Estimator):
    """Numbers made from the code, at once; as many per candidate as the name says."""

    name: str = "hashed:1"

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(f"number {i}" for i in range(int(self.name.partition(":")[2] or 1)))

    def score(self, codes: Sequence[str], sizes: Mapping[str, Size]) -> tuple[list[Scored], Work]:
        found = []
        for code in codes:
            digest = blake2b(code.encode()).digest()
            scores = tuple(digest[i] / 256 + digest[i + 8] for i in range(len(self.labels)))
            found.append(Scored(code, scores, 1e4 + digest[20], 1e6 * (1 + digest[21])))
        return found, Work(networks=len(codes))


@ESTIMATORS.register("hashed")
def hashed(request: Request) -> Estimator:
    """`hashed:NUMBER` of scores."""
    return Hashed(request.text)


def resident() -> float:
    """MiB of this process that are in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


class Measured(SearchWatch):
    """Prints a line per tenth of the way, and when the first fresh batch of this process has come."""

    def __init__(self, lines: int = 10):
        self.lines, self.begun, self.fresh = lines, time.perf_counter(), False
        self.last = (self.begun, 0)

    def note(self, text: str) -> None:
        print(f"    {text}", flush=True)

    def search(self, progress: Progress, top: int) -> None:
        now = time.perf_counter()
        if not self.fresh and progress.fresh:
            self.fresh = True
            print(f"{progress.told:9,} candidates   first batch after {now - self.begun:.1f} s", flush=True)
            self.last = (now, progress.told)
        done = progress.told - self.last[1]
        if progress.told % max(progress.budget // self.lines, 1) < 4 and done > 4:
            each = 1e6 * (now - self.last[0]) / done
            print(f"{progress.told:9,} candidates   {each:6.0f} us each   {resident():6.0f} MiB", flush=True)
            self.last = (now, progress.told)


def settings(given: argparse.Namespace) -> SearchSettings:
    return SearchSettings(
        space="gancompression-pix2pix", estimator=f"hashed:{given.proxies}", budget=given.budget,
        strategy=given.strategy, workers=1, out=str(given.out), seed=given.seed,
    )  # fmt: skip


def whole(given: argparse.Namespace) -> None:
    """Searches to the end, or goes on, and asks for parts."""
    watch, start = Measured(), time.perf_counter()
    done = (given.out / "result.json").is_file()
    if not done:
        print(f"{given.strategy}, {given.budget:,} candidates, {given.proxies} scores each; {resident():.0f} MiB")
        found = (
            resume(given.out, watch, budget=given.budget)
            if (given.out / NAME).is_file()
            else run(settings(given), watch)
        )
        print(
            f"{len(found.seen):,} candidates in {time.perf_counter() - start:.0f} s   {resident():.0f} MiB", flush=True
        )
    before, start = resident(), time.perf_counter()
    read = read_run(given.out)
    best, middle = read.candidates[:10], read.candidates[len(read.candidates) // 2]
    seconds = time.perf_counter() - start
    print(
        f"best {best[0].architecture}, rank {middle.rank:,} {middle.architecture}: opened and asked in "
        f"{seconds:.2f} s, {resident() - before:.0f} MiB more"
    )
    sizes = {path.name: path.stat().st_size / 2**20 for path in given.out.iterdir() if path.stat().st_size > 2**20}
    print("files above 1 MiB: " + ", ".join(f"{name} {size:.0f} MiB" for name, size in sizes.items()))


def killed(given: argparse.Namespace) -> None:
    """kill -9 in the middle, then `run` in another process; prints the lines of both."""
    command = [sys.executable, __file__, "run", str(given.out), "--budget", str(given.budget), "--proxies",
               str(given.proxies), "--strategy", given.strategy, "--seed", str(given.seed)]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        if line.lstrip().split(" ")[0].replace(",", "").isdigit():
            if int(line.split()[0].replace(",", "")) >= given.after * given.budget:
                process.send_signal(signal.SIGKILL)
                break
    print(f"killed: {process.wait()}", flush=True)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "first batch" in line:
            print(f"it goes on {time.perf_counter() - start:.1f} s after its start, imports included", flush=True)
        print(line, end="", flush=True)
    process.wait()


def share(given: argparse.Namespace) -> None:
    """Processor seconds of a search per candidate with the store on disk, in memory and of the looks alone."""
    space = make_space("autogan", {"width": given.width, "resolution": given.resolution})
    sizer, rng = Sizer(space), random.Random(0)
    setup = Setup("autogan", tuple(asdict(space.settings).items()), (Proxy.load(given.proxy),), plain=sizer.plain)
    estimator = ProxyEstimator(replace(setup))
    codes = [space.encode(space.sample(rng)) for _ in range(given.networks + 4)]
    estimator.score(codes[:4], {})
    start = time.process_time()
    for place in range(4, len(codes), 4):
        estimator.score(codes[place : place + 4], {})
    looks = (time.process_time() - start) / given.networks
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / NAME, 1) as store:
        start, count = time.process_time(), 20_000
        for _ in search(Random(space, 0), Hashed(), sizer, Limits(), count, store=store):
            pass
        loop = (time.process_time() - start) / count
    print(
        f"autogan, width {given.width}, {given.resolution} pixels, {given.proxy}: a look {1e3 * looks:.1f} ms; "
        f"proposals, store and loop {1e3 * loop:.3f} ms a candidate, {loop / looks:.2%} of the look"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=("store", "run", "resume"))
    parser.add_argument("out", type=Path, nargs="?", default=Path("search-stream"))
    parser.add_argument("--budget", type=int, default=10_000)
    parser.add_argument("--proxies", type=int, default=1)
    parser.add_argument("--strategy", default="random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--after", type=float, default=0.5, help="share of the way after which it is killed")
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--resolution", type=int, default=32)
    parser.add_argument("--proxy", default="nwot")
    given = parser.parse_args()
    torch.set_num_threads(1)
    {"store": share, "run": whole, "resume": killed}[given.what](given)


if __name__ == "__main__":
    main()
