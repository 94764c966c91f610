"""The allocator's settings: taken where there is a glibc, and never against the user's own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from gpproxy.execution.memory import VARIABLES, keep_freed_memory

#: Makes and frees about 40 MB, more than glibc keeps by itself, eight times; prints how many pages were fetched anew.
#: Each is a little smaller than the last: older versions of glibc find no aligned place in a gap of the same size.
FAULTS = """
import resource, sys
from gpproxy.execution.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
import torch
torch.ones(10 * 2**20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for i in range(8):
    torch.ones(10 * 2**20 - 4096 * (i + 1))
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, timeout=300, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is asked to keep memory")
def test_freed_memory_is_used_again() -> None:
    """Eight times 10,240 pages of 4 KiB otherwise."""
    assert faults("kept") < 10_240


@pytest.mark.parametrize("name", VARIABLES)
def test_the_environment_has_precedence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    assert not keep_freed_memory()


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert not keep_freed_memory()
