"""Passes that a generator does not allow, and errors that say nothing of it.

This file needs torch only: an exported proxy carries a copy of it.
"""

from __future__ import annotations


class AbsentPass(ValueError):
    """A pass that a generator does not allow; what it says names the pass and the reason."""


#: Why what reads rectifiers is absent where there are none.
NO_RECTIFIER = "This generator has no rectifier (ReLU and kin), of which it reads what enters."
NO_RECTIFIER_AT_LAYER = "This generator has no rectifier (ReLU and kin) right before or after a layer."
#: Words in an error that speaks of the machine and not of the generator.
PASSING = ("memory", "cuda error", "cudnn", "cublas")


def passing(error: BaseException) -> bool:
    """Whether an error may be gone another day: for lack of memory, of a device, of a file."""
    return isinstance(error, (MemoryError, OSError)) or any(word in str(error).lower() for word in PASSING)
