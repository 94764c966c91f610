"""An extractor without weights, and pictures for it."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from gpproxy.quality.classifier import Classifier
from gpproxy.quality.features import Features


class Toy:
    """Mean colours of the four quarters as 12 features; the brightest channel as class."""

    name, digest, dimensions, published = "toy", "0123456789abcdef", 12, False

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, images: Tensor) -> Features:
        self.calls += 1
        quarters = F.adaptive_avg_pool2d(images.float() / 255, 2)
        return Features(quarters.flatten(1), (quarters.mean(dim=(2, 3)) * 8).softmax(dim=1))


def write_weights(path: Path, seed: int = 0) -> Path:
    """A file of untrained weights of the classifier."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = Classifier().state_dict()
    floats = {name: value.half().contiguous() for name, value in state.items() if value.is_floating_point()}
    save_file(floats, path, {"accuracy": "0.1"})
    return path
