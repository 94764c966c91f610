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


def check_device(device: str) -> None:
    """Raises ConfigError for a device that this machine lacks."""
    if device.startswith("cuda"):
        import torch

        count = torch.cuda.device_count()
        index = int(device.partition(":")[2] or 0)
        if index >= count:
            raise ConfigError(f"device={device} needs a CUDA device, but torch finds {count}. Use --device cpu.")
