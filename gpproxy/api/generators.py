"""`gpproxy.load_generator(folder)`: the trained generator of a training, ready to draw."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from gpproxy.train.exported import generator_of


def load_generator(folder: str | Path, device: str = "cpu") -> nn.Module:
    """The generator with the weights of its best check, in evaluation mode.

    Raises RunError where the folder is none of a training, or holds no weights yet.
    """
    return generator_of(folder, device)[0]
