"""Candidates per second of the search against the bare passes of the same networks, side by side.

    python tests/speed/search_throughput.py                 # AutoGAN of width 32 at 32 pixels, 24 networks
    python tests/speed/search_throughput.py --grow 1000 20000   # does the cost per candidate or the memory grow?

Everything runs in this process with one thread; times are seconds of the processor, so that neighbours hardly matter.
Scoring a network and passing through it alternate; the ratio is the median of those of the single networks.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from torch import nn

from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.execution.memory import keep_freed_memory
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scorer import Scorer, Setup
from gpproxy.proxies.size import Sizer
from gpproxy.search.limits import Limits
from gpproxy.search.loop import search
from gpproxy.search.store import NAME, Store
from gpproxy.search.strategies import Random
from gpproxy.search_spaces import Batch, SearchSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.seeds import seeded

#: Formulas that need a forward pass only: of maps, and of kernels between samples; and one that needs gradients.
FORMULAS = {
    "forward only": "sum_layers(std(activation))",
    "forward, kernels": "logdet(sum_layers(agreement))",
    "with gradients": "sum_layers(layer_snip) + sum_layers(std(activation))",
}
#: The most that a candidate may cost, in bare passes.
TARGET = 1.3


class Clocked(Scorer):
    """A scorer that tells how long it has built networks."""

    building = 0.0

    def _network(self, code: str, seed: int) -> nn.Module:
        start = time.process_time()
        network = super()._network(code, seed)
        self.building += time.process_time() - start
        return network


def setup(space: SearchSpace, formula: str) -> Setup:
    return Setup(space.name, tuple(asdict(space.settings).items()), (Proxy.load(formula),), plain=Sizer(space).plain)


def bare(space: SearchSpace, network: nn.Module, batch: Batch, gradients: bool) -> float:
    """Seconds of one forward pass, and of a backward pass to the weights."""
    start = time.process_time()
    with torch.set_grad_enabled(gradients):
        output = batch.call(network)
        if gradients:
            torch.autograd.grad(space.loss(output, batch), list(network.parameters()), allow_unused=True)
    return time.process_time() - start


def compare(space: SearchSpace, name: str, formula: str, count: int) -> float:
    """Prints one line; returns scoring in units of the bare passes."""
    scorer = Clocked(setup(space, formula))
    gradients = scorer._views[0].backward
    batch = scorer._template(scorer._views[0], 0).batch
    rng = random.Random(0)
    codes = [space.encode(space.sample(rng)) for _ in range(count + 2)]
    scoring, building, passing = [], [], []
    for number, code in enumerate(codes):
        network = space.build(space.decode(code), seeded(space.name, code, 0, "weights"))
        for turn in range(2) if number % 2 else reversed(range(2)):
            if turn:
                passing.append(bare(space, network, batch, gradients))
                continue
            before, start = scorer.building, time.process_time()
            scorer.score(code)
            building.append(scorer.building - before)
            scoring.append(time.process_time() - start - building[-1])
    middle = [1e3 * statistics.median(times[2:]) for times in (passing, scoring, building)]
    ratio = statistics.median(scored / passed for scored, passed in zip(scoring[2:], passing[2:]))
    verdict = "" if ratio <= TARGET else f"   more than {TARGET}"
    print(
        f"{name:17} bare {middle[0]:7.1f} ms   scored {middle[1]:7.1f} ms   {ratio:.2f} x bare   and building "
        f"{middle[2]:5.1f} ms   {1e3 / (middle[1] + middle[2]):5.1f} candidates/s{verdict}",
        flush=True,
    )
    return ratio


def grow(counts: list[int]) -> None:
    """Prints seconds per candidate and peak memory at each number of candidates of one search."""
    space = make_space("autogan", {"width": 2, "resolution": 16, "latent": 4, "discriminator_width": 2})
    made = setup(space, FORMULAS["forward only"])
    made = replace(made, proxies=(replace(made.proxies[0], inputs=4),))
    start, last, before = time.process_time(), 0.0, 0
    left = sorted(counts)
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / NAME, 1) as store:
        for progress in search(Random(space, 0), ProxyEstimator(made), Sizer(space), Limits(), left[-1], store=store):
            if not left or progress.told < left[0]:
                continue
            now, done = time.process_time() - start, progress.told
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            each = 1e3 * (now - last) / max(done - before, 1)
            print(
                f"{done:6} candidates   {each:6.2f} ms each since the last line   peak memory {memory:6.0f} MiB",
                flush=True,
            )
            last, before = now, done
            left.pop(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--resolution", type=int, default=32)
    parser.add_argument("--grow", type=int, nargs="*", default=[])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # for both sides
    if chosen.grow:
        grow(chosen.grow)
        return
    space = make_space("autogan", {"width": chosen.width, "resolution": chosen.resolution})
    print(f"autogan, width {chosen.width}, {chosen.resolution} pixels, {chosen.networks} networks, one thread, medians")
    for name, formula in FORMULAS.items():
        compare(space, name, formula, chosen.networks)


if __name__ == "__main__":
    main()
