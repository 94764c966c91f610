"""How long a network takes for one image: a network and a batch in, the median time out. Lower is better."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from gpproxy.search_spaces.batch import Batch

#: Calls before the clock starts: the first ones choose kernels and touch fresh memory.
WARM_UP = 3
#: Least and most timed calls, and the seconds after which no further one begins.
LEAST, MOST, SECONDS = 7, 50, 0.3


@dataclass(frozen=True)
class Latency:
    """Milliseconds per call.

    Attributes:
        median: of all calls.
        spread: difference of the third and first quartile.
        calls: how many were timed.
        device: where.
    """

    median: float
    spread: float
    calls: int
    device: str


def latency(network: nn.Module, batch: Batch, calls: int = MOST, seconds: float = SECONDS) -> Latency:
    """The time of a forward pass without gradients in evaluation mode, on the device of the network.

    The network is left in the mode in which it came.

    Args:
        batch: what one call gets, usually one sample.
        calls: most calls to time; at least `LEAST` are.
        seconds: no further call begins after these.
    """
    device = batch.visible.device
    wait: Callable[[], None] = lambda: None  # noqa: E731
    if device.type == "cuda":
        wait = lambda: torch.cuda.synchronize(device)  # noqa: E731
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            for _ in range(WARM_UP):
                batch.call(network)
            wait()
            times: list[float] = []
            begin = time.perf_counter()
            while len(times) < LEAST or (len(times) < calls and time.perf_counter() - begin < seconds):
                start = time.perf_counter()
                batch.call(network)
                wait()
                times.append(1e3 * (time.perf_counter() - start))
    finally:
        network.train(training)
    first, median, third = statistics.quantiles(times, n=4)
    return Latency(median, third - first, len(times), str(device))
