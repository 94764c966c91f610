"""What a measured time depends on, the processor, the card, the number of cores; and whether a device is there."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from gpproxy.errors import ConfigError


def processor() -> str:
    """The name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def hardware(device: str = "cpu", cores: int = 1) -> str:
    """A sentence part such as `1 of 8 cores of an EPYC 9654`, or the name of the card."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.get_device_name(torch.device(device))
    return f"{cores} of {os.cpu_count()} cores of {processor()}"


def check_device_name(device: str) -> None:
    """Raises ConfigError for a device that has no such name."""
    kind, colon, index = device.partition(":")
    if kind not in ("cpu", "cuda") or (colon and (kind == "cpu" or not (index.isascii() and index.isdigit()))):
        raise ConfigError(f"device is cpu, cuda or cuda:NUMBER, but got device={device}.")


def check_device(device: str) -> None:
    """Raises ConfigError for a device that has no such name, or that this machine lacks."""
    check_device_name(device)
    if device.startswith("cuda"):
        import torch

        index, count = device.partition(":")[2], torch.cuda.device_count()
        if int(index or 0) >= count:
            raise ConfigError(f"device={device} needs a CUDA device, but torch finds {count}. Use --device cpu.")
