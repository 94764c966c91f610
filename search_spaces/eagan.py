"""EAGAN (Ying et al., 2022): generators and discriminators of three cells, each a small graph of seven genes."""

from __future__ import annotations

import itertools
import random
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.discriminator import hinge_discriminator, xavier_
from gpproxy.search_spaces.drawing import DrawingSpace
from gpproxy.search_spaces.eagan_networks import Discriminator, Generator
from gpproxy.search_spaces.images import pink_noise
from gpproxy.search_spaces.initialise import materialise
from gpproxy.search_spaces.space import Architecture, SearchSpace, Takes, search_space

CELLS, GENES = 3, 7
#: Stands in a code for a map that is not made smaller.
SAME = "x"


class CellSpace(SearchSpace):
    """Cells of seven genes with groups of which one at least must be there, and the repair of what breaks that rule."""

    #: values of each token of a cell: one or two genes
    VALUES: tuple[tuple[tuple[int, ...], ...], ...] = ()
    #: genes of which one at least is not 0
    GROUPS: tuple[tuple[int, ...], ...] = ()
    NAMES: tuple[str, ...] = ()

    def cells(self, architecture: Architecture) -> list[Architecture]:
        """The genes of each cell."""
        return [architecture[i * GENES : (i + 1) * GENES] for i in range(CELLS)]

    def whole(self, cell: Architecture) -> bool:
        """Whether a cell keeps the rules."""
        return all(any(cell[gene] for gene in group) for group in self.GROUPS)

    def repaired(self, cell: Architecture, rng: random.Random) -> Architecture:
        """The cell with an edge drawn into every group that has none."""
        genes = list(cell)
        for group in self.GROUPS:
            if not any(genes[gene] for gene in group):
                genes[rng.choice(group)] = rng.randrange(1, 7)
        return tuple(genes)

    def sample(self, rng: random.Random) -> Architecture:
        return tuple(itertools.chain.from_iterable(self._cell(rng) for _ in range(CELLS)))

    def _cell(self, rng: random.Random) -> Architecture:
        while True:
            cell = tuple(itertools.chain.from_iterable(rng.choice(values) for values in self.VALUES))
            if self.whole(cell):
                return cell

    def count(self) -> int:
        return self.count_of_cell() ** CELLS

    @abstractmethod
    def count_of_cell(self) -> int:
        """Number of different cells."""

    def enumerate(self) -> Iterator[Architecture]:
        for cells in itertools.product(self._every(), repeat=CELLS) if self.count() < 10**6 else self._lazily():
            yield tuple(itertools.chain.from_iterable(cells))

    def _every(self) -> Iterator[Architecture]:
        for parts in itertools.product(*self.VALUES):
            cell = tuple(itertools.chain.from_iterable(parts))
            if self.whole(cell):
                yield cell

    def _lazily(self) -> Iterator[tuple[Architecture, ...]]:
        """As itertools.product, which would keep all cells."""
        for first in self._every():
            for second in self._every():
                for third in self._every():
                    yield first, second, third

    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        while True:
            cells = self.cells(architecture)
            place, token = rng.randrange(CELLS), rng.randrange(len(self.VALUES))
            parts = self._parts(cells[place])
            parts[token] = rng.choice([value for value in self.VALUES[token] if value != parts[token]])
            cells[place] = self.repaired(tuple(itertools.chain.from_iterable(parts)), rng)
            found = tuple(itertools.chain.from_iterable(cells))
            if found != architecture:
                return found

    def cross(self, first: Architecture, second: Architecture, rng: random.Random) -> Architecture:
        """Each token of one of the two, then repaired."""
        cells = []
        for one, other in zip(self.cells(first), self.cells(second)):
            parts = [rng.choice(pair) for pair in zip(self._parts(one), self._parts(other))]
            cells.append(self.repaired(tuple(itertools.chain.from_iterable(parts)), rng))
        return tuple(itertools.chain.from_iterable(cells))

    def _parts(self, cell: Architecture) -> list[tuple[int, ...]]:
        genes = iter(cell)
        return [tuple(itertools.islice(genes, len(values[0]))) for values in self.VALUES]

    def encode(self, architecture: Architecture) -> str:
        texts = ("".join(SAME if gene < 0 else str(gene) for gene in cell) for cell in self.cells(architecture))
        return "-".join(texts)

    def decode(self, code: str) -> Architecture:
        cells = ["".join(cell.split()) for cell in code.replace("/", "-").split("-")]
        if [len(cell) for cell in cells] != [GENES] * CELLS:
            example = self.encode(next(iter(self.published.values())))
            raise SpaceError(
                f"An {self.name} code has {CELLS} cells of {GENES} genes, such as {example}, not '{code}'."
            )
        genes: list[int] = []
        for number, cell in enumerate(cells, 1):
            if any(gene not in f"0123456{SAME}" for gene in cell):
                raise SpaceError(f"'{code}' is no {self.name} architecture: genes are 0 to 6 or {SAME}.")
            own = tuple(-1 if gene == SAME else int(gene) for gene in cell)
            for part, values, name in zip(self._parts(own), self.VALUES, self.NAMES):
                if part not in values:
                    raise SpaceError(f"'{code}' is no {self.name} architecture: no {name} of cell {number} is {part}.")
            if not self.whole(own):
                rule = " and ".join("one of " + ", ".join(self.NAMES[gene] for gene in group) for group in self.GROUPS)
                raise SpaceError(f"'{code}' is no {self.name} architecture: cell {number} needs {rule}.")
            genes += own
        return tuple(genes)

    @property
    def tokens(self) -> tuple[tuple[int, ...], ...]:
        return (tuple(map(len, self.VALUES)),) * CELLS

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(f"{name}, cell {number}" for name in self.NAMES) for number in range(1, CELLS + 1))

    def to_tokens(self, architecture: Architecture) -> tuple[int, ...]:
        parts = itertools.chain.from_iterable(map(self._parts, self.cells(architecture)))
        return tuple(values.index(part) for part, values in zip(parts, itertools.cycle(self.VALUES)))

    def from_tokens(self, tokens: Sequence[int]) -> Architecture:
        parts = [values[token] for token, values in zip(self.checked_tokens(tokens), itertools.cycle(self.VALUES))]
        found = tuple(itertools.chain.from_iterable(parts))
        if not all(map(self.whole, self.cells(found))):
            raise SpaceError(f"The tokens {tuple(tokens)} make no architecture of {self.name}: a node has no edge.")
        return found


def _single(*sizes: range) -> tuple[tuple[tuple[int, ...], ...], ...]:
    return tuple(tuple((value,) for value in values) for values in sizes)


@search_space("eagan-generator")
class EAGANGenerator(DrawingSpace, CellSpace):
    """Three cells that double the resolution; codes such as `1110231-1101305-0103003`.

    A cell reads how nodes 0 and 1 enlarge the input (0 nearest, 1 bilinear, 2 deconvolution), then the edges 0-2, 1-2,
    0-3, 1-3, 2-3 (0 none, 1 skip connection, 2 to 6 ReLU and a convolution of 1, 3, 5, dilated 3, dilated 5). Nodes 2
    and 3 have an edge each at least: 147,744 cells.
    """

    @dataclass(frozen=True)
    class Settings(DrawingSpace.Settings):
        """Attributes:
        latent: size of the noise vector, a multiple of 3.
        """

        latent: int = 120

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.latent % 3:
                raise ConfigError(f"latent must be a multiple of 3, but is {self.latent}.")

    settings: Settings
    source = "Ying et al., 2022"
    published: Mapping[str, Architecture] = MappingProxyType(
        {"best": (1, 1, 1, 0, 2, 3, 1, 1, 1, 0, 1, 3, 0, 5, 0, 1, 0, 3, 0, 0, 3)}
    )
    VALUES = _single(*[range(3)] * 2, *[range(7)] * 5)
    GROUPS = ((2, 3), (4, 5, 6))
    NAMES = ("up of node 0", "up of node 1", "edge 0-2", "edge 1-2", "edge 0-3", "edge 1-3", "edge 2-3")

    def count_of_cell(self) -> int:
        return 3**2 * (7**2 - 1) * (7**3 - 1)

    def canonical(self, architecture: Architecture) -> Architecture:
        """The architecture with 0 for what has no effect: ways to enlarge that no edge begins at, and in the last cell
        the edges into a node 2 that node 3 does not take."""
        cells = [list(cell) for cell in self.cells(architecture)]
        if not cells[-1][6]:
            cells[-1][2:4] = [0, 0]
        for cell in cells:
            for node in range(2):
                if not cell[2 + node] and not cell[4 + node]:
                    cell[node] = 0
        return tuple(itertools.chain.from_iterable(cells))

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        settings = self.settings
        with torch.device("meta"):
            cells = self.cells(self.canonical(architecture))
            network = Generator(cells, settings.width, settings.latent, settings.resolution // 8)
        return materialise(network, generator, lambda name: xavier_)

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        return Batch(torch.randn(count, self.settings.latent, generator=generator))


@search_space("eagan-discriminator")
class EAGANDiscriminator(CellSpace):
    """Discriminators of three cells after a first block; codes such as `3030200-10301xx-30301xx`.

    A cell reads the edges 0-1 (1 to 6), 0-2, 1-2, 1-3 and 0-3 (0 none, 1 skip connection, 2 to 6 ReLU, which 0-3 lacks,
    and a convolution), then how nodes 2 and 3 are made half as large (0 mean, 1 maximum, 2 to 5 a convolution of stride
    2; xx not at all). Nodes 2 and 3 have an edge each at least: 511,488 cells. They are looked at with images, one half
    like natural scenes and one half noise, and their loss is to tell the two apart.
    """

    @dataclass(frozen=True)
    class Settings(SearchSpace.Settings):
        """Attributes:
        width: channels of all cells (published: 128).
        resolution: side of the images in pixels, a multiple of 16.
        """

        width: int = 32
        resolution: int = 32

        def __post_init__(self) -> None:
            if self.resolution < 16 or self.resolution % 16:
                raise ConfigError(f"resolution must be a multiple of 16 pixels, but is {self.resolution}.")
            if self.width < 1:
                raise ConfigError(f"width must be at least 1, but is {self.width}.")

    settings: Settings
    source = "Ying et al., 2022"
    takes: Takes = "images"
    published: Mapping[str, Architecture] = MappingProxyType(
        {
            "cifar10": (3, 0, 3, 0, 2, 0, 0, 1, 0, 3, 0, 1, -1, -1, 3, 0, 3, 0, 1, -1, -1),
            "stl10": (3, 0, 3, 0, 2, 0, 0, 4, 0, 4, 0, 1, -1, -1, 3, 0, 3, 0, 1, -1, -1),
            "autogan": (3, 0, 3, 0, 2, 0, 0, 3, 0, 3, 0, 1, -1, -1, 3, 0, 3, 0, 1, -1, -1),
        }
    )
    VALUES = (
        *_single(range(1, 7), *[range(7)] * 4),
        ((-1, -1), *itertools.product(range(6), repeat=2)),
    )
    GROUPS = ((1, 2), (3, 4))
    NAMES = ("edge 0-1", "edge 0-2", "edge 1-2", "edge 1-3", "edge 0-3", "halving")

    def count_of_cell(self) -> int:
        return 6 * (7**2 - 1) ** 2 * (6**2 + 1)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (3, self.settings.resolution, self.settings.resolution)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """One number per image."""
        return (1,)

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        with torch.device("meta"):
            network = Discriminator(self.cells(architecture), self.settings.width)
        materialise(network, generator, lambda name: xavier_)
        if generator is None:
            return network
        seed = int(torch.randint(2**62, (), generator=generator))
        with torch.random.fork_rng(devices=[]):  # the first vectors of the power iteration come from the global state
            torch.default_generator.manual_seed(seed)
            for module in list(network.modules()):
                if isinstance(module, (nn.Conv2d, nn.Linear)):
                    spectral_norm(module)
        return network

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        side, real = self.settings.resolution, (count + 1) // 2
        noise = torch.randn(count - real, 3, side, side, generator=generator).mul(0.5).clamp(-1, 1)
        return Batch(torch.cat([pink_noise(real, side, generator), noise]))

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Hinge loss of telling the first half of the batch from the second."""
        real = (len(outputs) + 1) // 2
        if real == len(outputs):
            return -outputs.mean()
        return hinge_discriminator(outputs[:real], outputs[real:])
