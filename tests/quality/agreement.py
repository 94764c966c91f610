"""Does the distance of our `cifar` rank damaged images as that of the published ResNet-20 and ResNet-32 does?

Every extractor has the Frechet distance of 24 graded sets to the test images. Prints all of them and the rank
correlations. Data: cifar10 and reference_extractors in GPPROXY_DATA.

Usage: python tests/quality/agreement.py [--count 1000] [--reference 2000] [--seed 0] [--weights FILE]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from scipy.stats import spearmanr

sys.path.insert(0, str(Path(__file__).parents[2]))

from gpproxy.images.load import load
from gpproxy.quality.extractor import extractor
from gpproxy.quality.features import Extractor
from gpproxy.quality.frechet import frechet, moments
from gpproxy.run.data_folder import data_folder
from tests.quality.damage import graded
from tests.quality.published import Published


def published() -> list[Extractor]:
    """The two ResNets, or an empty list where their files are absent."""
    return [Published(path) for path in sorted((data_folder() / "reference_extractors").glob("resnet*.th"))]


class Remembering:
    """The features of an extractor; images that recur in several sets are looked at once."""

    def __init__(self, network: Extractor):
        self.network = network
        self.seen: dict[bytes, torch.Tensor] = {}

    def features(self, images: torch.Tensor) -> torch.Tensor:
        keys = [image.numpy().tobytes() for image in images]
        fresh = {key: i for i, key in enumerate(keys) if key not in self.seen}
        if fresh:
            found = self.network(images[list(fresh.values())]).features
            self.seen.update(zip(fresh, found, strict=True))
        return torch.stack([self.seen[key] for key in keys])


def distances(
    extractors: Sequence[Extractor], count: int, reference: int, seed: int = 0
) -> tuple[list[str], list[list[float]]]:
    """Names of the sets, and per set the distance of every extractor: training images damaged, against test images."""
    real = load("cifar10", "test", limit=reference).images
    networks = [Remembering(network) for network in extractors]
    references = [moments(network.features(real)) for network in networks]
    names, rows = [], []
    for name, images in graded(load("cifar10", "train", limit=5 * count), count, seed):
        names.append(name)
        rows.append([frechet(moments(net.features(images)), r) for net, r in zip(networks, references, strict=True)])
    return names, rows


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's rho."""
    return float(spearmanr(a, b).statistic)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--reference", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", type=Path, default=None)
    given = parser.parse_args()
    torch.set_num_threads(1)
    extractors = [extractor("cifar", given.weights), *published()]
    names, rows = distances(extractors, given.count, given.reference, given.seed)
    print(f"{'set':22}" + "".join(f"{network.name:>12}" for network in extractors))
    for name, row in zip(names, rows, strict=True):
        print(f"{name:22}" + "".join(f"{value:12.4f}" for value in row))
    columns = list(zip(*rows, strict=True))
    for i, first in enumerate(extractors):
        for j in range(i):
            print(f"rho({extractors[j].name}, {first.name}) = {rank_correlation(columns[j], columns[i]):.4f}")


if __name__ == "__main__":
    main()
