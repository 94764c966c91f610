"""Does a search of very many candidates keep its rate and its memory, and how soon does it go on after a kill?

    python tests/speed/search_stream.py store                        # the store per candidate against a look
    python tests/speed/search_stream.py run OUT --budget 1000000     # a search whose estimates cost nothing
    python tests/speed/search_stream.py resume OUT --budget 1000000 --after 60    # kills it then, and goes on
    python tests/speed/search_stream.py run OUT --budget 1000000 --max-seconds 3600 --workers 2 \\
        --space eagan-generator --space-settings width=4 resolution=16 --proxy "mean_layers(std(activation))" --inputs 4

`run` prints now and then (`--every` seconds): time per candidate since the last line, and resident memory of this
process and of its workers. Without `--proxy` the estimate is a number made from the code, `--numbers 3` gives three. A
search that lies in OUT is gone on with; once it has ended, the time is measured that asking for a part of it takes.
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
from dataclasses import asdict, dataclass
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
from gpproxy.search.course import Progress
from gpproxy.search.finished import read_run
from gpproxy.search.limits import Limits
from gpproxy.search.loop import search
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


def resident() -> str:
    """MiB that are in memory now, of this process and of others in its group."""
    mine, others = 0.0, 0.0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            group = int((place / "stat").read_text().rpartition(")")[2].split()[2])
            size = int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        except (OSError, ValueError):
            continue  # it has just ended
        if int(place.name) == os.getpid():
            mine = size
        elif group == os.getpgrp():
            others += size
    return f"{mine:.0f} + {others:.0f} MiB"


class Measured(SearchWatch):
    """Prints a line every few seconds, and when the first fresh batch of this process has come."""

    def __init__(self, every: float):
        self.every, self.begun, self.used = every, time.perf_counter(), time.process_time()
        self.last, self.told = 0.0, 0

    def note(self, text: str) -> None:
        print(f"    {text}", flush=True)

    def search(self, progress: Progress, top: int) -> None:
        now = time.perf_counter()
        if not self.last and progress.fresh:
            wait = f"{now - self.begun:.1f} s ({time.process_time() - self.used:.1f} s of the processor)"
            print(f"{progress.told:9,} candidates   first batch after {wait}   {resident()}", flush=True)
            self.last, self.told = now, progress.told
        done = progress.told - self.told
        if self.last and done and (progress.finished or now - self.last >= self.every):
            each = 1e3 * (now - self.last) / done
            print(f"{progress.told:9,} candidates   {each:8.3f} ms each   {resident()}", flush=True)
            self.last, self.told = now, progress.told


def settings(given: argparse.Namespace) -> SearchSettings:
    by = {"proxy": (given.proxy,), "inputs": given.inputs} if given.proxy else {"estimator": f"hashed:{given.numbers}"}
    return SearchSettings(
        space=given.space, space_settings=tuple(given.space_settings), budget=given.budget, strategy=given.strategy,
        workers=given.workers, max_seconds=given.max_seconds, out=str(given.out), seed=given.seed, **by,
    )  # fmt: skip


def whole(given: argparse.Namespace) -> None:
    """Searches to the end, or goes on, and asks for parts."""
    watch, start = Measured(given.every), time.perf_counter()
    if not (given.out / "result.json").is_file():
        print(f"{given.strategy}, {given.budget:,} candidates; {resident()}")
        begun = (given.out / NAME).is_file()
        changes = {"budget": given.budget, "max_seconds": given.max_seconds, "workers": given.workers}
        found = resume(given.out, watch, **changes) if begun else run(settings(given), watch)
        print(f"{len(found.seen):,} candidates in {time.perf_counter() - start:.0f} s   {resident()}", flush=True)
    start = time.perf_counter()
    read = read_run(given.out)
    best, middle = read.candidates[:10], read.candidates[len(read.candidates) // 2]
    print(
        f"best {best[0].architecture}, rank {middle.rank:,} {middle.architecture}: opened and asked in "
        f"{time.perf_counter() - start:.2f} s; {resident()}"
    )
    sizes = {path.name: path.stat().st_size / 2**20 for path in given.out.iterdir() if path.stat().st_size > 2**20}
    print("files above 1 MiB: " + ", ".join(f"{name} {size:.0f} MiB" for name, size in sizes.items()))


def killed(given: argparse.Namespace) -> None:
    """kill -9 some seconds after its first batch, then the same command in another process; shows what both print."""
    words = [word if word != "resume" else "run" for word in sys.argv[1:]]
    process = subprocess.Popen([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True, process_group=0)
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        if "first batch" in line:
            time.sleep(given.after)
            os.killpg(process.pid, signal.SIGKILL)
    print(f"killed: {process.wait()}", flush=True)
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True)
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
    proxy = Proxy.load(given.proxy or "nwot")
    setup = Setup("autogan", tuple(asdict(space.settings).items()), (proxy,), plain=sizer.plain)
    estimator = ProxyEstimator(setup)
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
        f"autogan, width {given.width}, {given.resolution} pixels, {proxy.label}: a look {1e3 * looks:.1f} ms; "
        f"proposals, store and loop {1e3 * loop:.3f} ms a candidate, {loop / looks:.2%} of the look"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=("store", "run", "resume"))
    parser.add_argument("out", type=Path, nargs="?", default=Path("search-stream"))
    parser.add_argument("--budget", type=int, default=10_000)
    parser.add_argument("--numbers", type=int, default=1, help="scores per candidate where there is no proxy")
    parser.add_argument("--proxy", default="", help="a formula or a name")
    parser.add_argument("--inputs", type=int, default=0)
    parser.add_argument("--space", default="gancompression-pix2pix")
    parser.add_argument("--space-settings", nargs="*", default=[])
    parser.add_argument("--strategy", default="random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--max-seconds", type=float, default=0.0)
    parser.add_argument("--every", type=float, default=60.0)
    parser.add_argument("--after", type=float, default=60.0, help="seconds after which it is killed")
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--resolution", type=int, default=32)
    given = parser.parse_args()
    torch.set_num_threads(1)
    {"store": share, "run": whole, "resume": killed}[given.what](given)


if __name__ == "__main__":
    main()
