"""The discriminator that judges all unconditional generators alike, and the hinge losses.

A residual network with spectral norm (Miyato et al., 2018) that grows with the generator as in AutoGAN (Gong et al.,
2019). `discriminator` makes one to train; `fixed_discriminator` an untrained one that never changes, for the loss of a
look at initialisation.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gpproxy.search_spaces.initialise import default_, materialise

#: Seed of every fixed discriminator.
SEED = 0
_WEIGHTED = (nn.Conv2d, nn.Linear)


def xavier_(module: nn.Module, generator: torch.Generator) -> None:
    """Xavier-uniform weights for a convolution (Glorot & Bengio, 2010); biases, transposed convolutions and linear
    layers keep PyTorch's own initialisation, as published for AutoGAN."""
    default_(module, generator)
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight, generator=generator)


class FirstBlock(nn.Module):
    """Residual block from the image: it halves the resolution and has no ReLU in front."""

    def __init__(self, width: int, channels: int = 3):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, width, 3, 1, 1), nn.ReLU(), nn.Conv2d(width, width, 3, 1, 1), nn.AvgPool2d(2)
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(channels, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x) + self.shortcut(x)


class Block(nn.Module):
    """Residual block with a ReLU before each convolution; `down` halves the resolution."""

    def __init__(self, width: int, down: bool):
        super().__init__()
        pool: list[nn.Module] = [nn.AvgPool2d(2)] if down else []
        convolutions = [nn.ReLU(), nn.Conv2d(width, width, 3, 1, 1), nn.ReLU(), nn.Conv2d(width, width, 3, 1, 1)]
        self.main = nn.Sequential(*convolutions, *pool)
        self.shortcut = nn.Sequential(nn.Conv2d(width, width, 1), *pool) if down else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x) + self.shortcut(x)


class Discriminator(nn.Module):
    """Residual blocks, ReLU, sum over positions, linear layer; without spectral norm (see `discriminator`).

    All blocks exist from the start. Stage 0 uses the first and the last, stage 1 the second too, stage 2 all.
    """

    STAGES = 3
    #: Whether real and generated images are judged in passes of their own.
    apart = False
    #: Least side in pixels of the images that all stages take: they halve it twice.
    SMALLEST = 4

    def __init__(self, width: int = 128, channels: int = 3):
        super().__init__()
        self.first = FirstBlock(width, channels)
        self.grown = nn.ModuleList([Block(width, down=True), Block(width, down=False)])
        self.last = Block(width, down=False)
        self.head = nn.Linear(width, 1, bias=False)

    def forward(self, images: Tensor, stage: int = STAGES - 1) -> Tensor:
        """One number per image, higher is more real.

        Args:
            images: `sample x channel x height x width`; sides that are no multiples of 4 lose their last rows and
                columns where they are halved.
            stage: growth, 0 to 2.
        """
        return self.head(self.features(images, stage)).squeeze(1)

    def features(self, images: Tensor, stage: int) -> Tensor:
        """What the head sees: `sample x width`."""
        x = self.first(images)
        for block in self.grown[:stage]:
            x = block(x)
        return F.relu(self.last(x)).sum((2, 3))


class Ungrown(nn.Module):
    """A discriminator that is there as a whole from the start, and takes no notice of stages.

    Args:
        network: from images to one number each, `sample x 1`.
        apart: whether real and generated images are judged in passes of their own, as batch norm asks for.
    """

    STAGES = 1

    def __init__(self, network: nn.Module, apart: bool = False):
        super().__init__()
        self.network, self.apart = network, apart

    def forward(self, images: Tensor, stage: int = 0) -> Tensor:
        """One number per image, higher is more real, from `sample x channel x height x width`."""
        return self.network(images).squeeze(1)


class ProjectionDiscriminator(Discriminator):
    """A discriminator that is told the class: its number grows with the product of the features and the class's own
    vector (Miyato & Koyama, 2018)."""

    def __init__(self, width: int = 128, channels: int = 3, classes: int = 10):
        super().__init__(width, channels)
        self.vectors = nn.Linear(classes, width, bias=False)

    def forward(  # type: ignore[override]
        self, images: Tensor, stage: int = Discriminator.STAGES - 1, classes: Tensor | None = None
    ) -> Tensor:
        """One number per image; `classes` is int64 `sample`, None for images of no class."""
        features = self.features(images, stage)
        number = self.head(features).squeeze(1)
        if classes is None:
            return number
        one_hot = F.one_hot(classes, self.vectors.in_features).to(features)
        return number + (self.vectors(one_hot) * features).sum(1)


def discriminator(
    width: int, generator: torch.Generator, channels: int = 3, classes: int = 0, normalised: bool = True
) -> Discriminator:
    """An untrained discriminator to train, in training mode.

    Args:
        generator: of all randomness.
        classes: how many it is told; 0 for none.
        normalised: spectral norm on every convolution and linear layer; each forward pass in training mode does one
            power iteration.
    """
    network = _plain(width, generator, channels, classes)
    if normalised:
        spectrally_normed(network, generator)
    return network


def spectrally_normed(network: nn.Module, generator: torch.Generator) -> nn.Module:
    """The network with spectral norm (Miyato et al., 2018) on every convolution and linear layer, in place."""
    seed = int(torch.randint(2**62, (), generator=generator))
    with torch.random.fork_rng(devices=[]):  # the first vectors of the power iteration come from the global state
        torch.default_generator.manual_seed(seed)
        for module in list(network.modules()):
            if isinstance(module, _WEIGHTED):
                spectral_norm(module)
    return network


@lru_cache(maxsize=16)
def fixed_discriminator(
    width: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> Discriminator:
    """The untrained discriminator of a width, always the same: a pure function of the images.

    Its weights are divided by their exact spectral norms once, which is what the power iteration converges to, and ask
    for no gradients.
    """
    network = _plain(width, torch.Generator().manual_seed(SEED)).eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, _WEIGHTED):
            module.weight /= torch.linalg.matrix_norm(module.weight.flatten(1).double(), ord=2).float()
    return network.to(device=device, dtype=dtype)


def _plain(width: int, generator: torch.Generator, channels: int = 3, classes: int = 0) -> Discriminator:
    with torch.device("meta"):
        network = ProjectionDiscriminator(width, channels, classes) if classes else Discriminator(width, channels)
    materialise(network, generator, lambda name: xavier_)
    return network


def hinge_generator(fake: Tensor) -> Tensor:
    """Hinge loss of a generator from the discriminator's numbers for its images; lower fools better.

    Source: Lim & Ye, 2017; Miyato et al., 2018.
    """
    return -fake.mean()


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss of a discriminator, 2 where it cannot tell, 0 where it separates by a margin of 1.

    Source: Lim & Ye, 2017; Miyato et al., 2018.
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
