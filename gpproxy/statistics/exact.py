"""Makes torch compute the same wherever it runs: one thread on a CPU, full precision and fixed kernels on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def exact() -> Iterator[None]:
    """One thread, so that sums do not depend on the number of cores; full float32 and fixed kernels on a GPU, where
    shortened products would change ranks that a CPU agrees on. What was set before is given back.
    """
    places: tuple[tuple[Any, str, bool], ...] = (
        (torch.backends.cuda.matmul, "allow_tf32", False),
        (torch.backends.cudnn, "allow_tf32", False),
        (torch.backends.cudnn, "benchmark", False),
        (torch.backends.cudnn, "deterministic", True),
    )
    before = [getattr(place, name) for place, name, _ in places]
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        for place, name, value in places:
            setattr(place, name, value)
        yield
    finally:
        torch.set_num_threads(threads)
        for (place, name, _), value in zip(places, before):
            setattr(place, name, value)
