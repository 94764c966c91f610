"""Images from a trained generator: the same for the same weights, seed and count, on every device up to rounding.

In: a network, or a space, a code and a file of weights. Out: bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from gpproxy.errors import RunError
from gpproxy.images.image_set import seen
from gpproxy.search_spaces.space import SearchSpace
from gpproxy.seeds import numbered, reseed
from gpproxy.training.architecture import called_plainly
from gpproxy.training.checkpoint import load_weights

#: Images that are generated at once.
CHUNK = 250


def noise_batches(shape: tuple[int, ...], count: int, *parts: object, batch: int = CHUNK) -> Iterator[Tensor]:
    """Normal noise for `count` images in batches, on the CPU: a function of the shape, the count and the parts."""
    noise = torch.randn(count, *shape, generator=reseed(torch.Generator(), *parts))
    yield from noise.split(batch)


@torch.no_grad()
def draw(network: nn.Module, shape: tuple[int, ...], count: int, *parts: object) -> Tensor:
    """Images of a generator in its present mode, as measures see them: uint8 `sample x 3 x height x width`, on the CPU.

    Args:
        network: from noise to images in [-1, 1]; grey ones of one channel get three, RGBA is laid over white.
        shape: of the noise of one image.
        count: number of images.
        parts: what the noise is a function of, such as `0, "samples"` for what the checks of seed 0 measure.
    """
    device = next(network.parameters()).device
    noises = noise_batches(shape, count, *parts)
    return torch.cat([seen(network(noise.to(device))).cpu() for noise in noises])


def trained(space: SearchSpace, code: str, path: Path, device: str = "cpu") -> nn.Module:
    """The generator of an architecture with the weights of a file, in eval mode; it returns the image alone.

    Raises RunError when the file is missing, or has the weights of another architecture or width.
    """
    network = called_plainly(space, space.build(space.decode(code), numbered(0)))
    weights = load_weights(path)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(f"{path} does not fit {space.name} {code} with these settings: {error}.") from error
    return network.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)  # type: ignore[call-overload]
