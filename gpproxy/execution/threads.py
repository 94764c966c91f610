"""How many threads torch adds numbers up with: another number adds them in another order, and changes last bits.

In: a number. Out: a context, or a decorator, in which it holds; what was set before is given back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def torch_threads(count: int = 1) -> Iterator[None]:
    """So many threads on a CPU; one gives the same sums on every machine."""
    import torch  # commands answer --help without it

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
