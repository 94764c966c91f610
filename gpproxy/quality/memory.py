"""Freed memory stays with the process: large activations on a CPU are otherwise zeroed by the kernel at every step.

In: nothing. Out: whether the C library could be asked. Training small networks at batches of some hundred images
spends up to 40 % of its time on such pages.
"""

from __future__ import annotations

import ctypes

#: Options of mallopt(3) in glibc.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_LARGEST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Serves large blocks from a heap that does not shrink; False where the C library is not glibc.

    The process then holds its peak memory until it ends. Results do not change.
    """
    try:
        library = ctypes.CDLL("libc.so.6")
        options = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _LARGEST), (_TOP_PAD, 2**28))
        return all(library.mallopt(option, value) == 1 for option, value in options)
    except (OSError, AttributeError):
        return False
