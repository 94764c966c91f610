"""Lets the C library keep freed memory for the next tensors instead of giving it back to the system.

Evaluating formulas makes and frees large tensors all the time. By default glibc fetches each from the system anew,
which fills it with zeros page by page: a third of a run's time on some machines. Values are not affected.
"""

from __future__ import annotations

import ctypes
import os

#: Parameters of mallopt(3), with the environment variables that take precedence over what is set here.
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES")
#: Bytes up to which a tensor comes from memory that is kept, and bytes that are kept at the end of the heap.
KEPT = 2**30


def keep_freed_memory() -> bool:
    """Sets this up for the whole process; False where the C library is not glibc or the environment has its own say.

    All threads share one arena, so that what one has freed serves the others, too.
    """
    if any(os.environ.get(name) for name in VARIABLES):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all([mallopt(MMAP_THRESHOLD, KEPT), mallopt(TRIM_THRESHOLD, KEPT), mallopt(ARENA_MAX, 1)])
