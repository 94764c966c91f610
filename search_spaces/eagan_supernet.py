"""The network that holds every generator of EAGAN at once (Ying et al., 2022): shared weights.

In: the width, and the genes of the architecture at hand. Out: images, with the weights that all architectures share.
Every edge holds every operation, every node both interpolations and the deconvolution, each with weights of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from gpproxy.search_spaces.eagan_cells import CELLS
from gpproxy.search_spaces.eagan_networks import (
    KERNELS,
    SKIP_UPS,
    UPS,
    Edges,
    Generator,
    GeneratorCell,
    enlarge,
    operation,
)
from gpproxy.search_spaces.space import Architecture, SharedNetwork


class SharedEdges(Edges):
    """All operations of the edges into a node.

    Args:
        count: edges.
        width: channels.
    """

    def __init__(self, count: int, width: int):
        nn.Module.__init__(self)
        genes = (1, *KERNELS)
        self.every = nn.ModuleList(
            nn.ModuleDict({str(gene): operation(gene, width) for gene in genes}) for _ in range(count)
        )
        self.edges = {}  # type: ignore[assignment]  # those of the architecture at hand, which `every` owns

    def choose(self, genes: Sequence[int]) -> None:
        """The operation of each edge, 0 for none."""
        self.edges = {str(i): self.every[i][str(gene)] for i, gene in enumerate(genes) if gene}  # type: ignore


class SharedCell(GeneratorCell):
    """All branches of a cell.

    Args:
        index: position of the cell; it has a skip from every cell before it.
        width: channels.
    """

    node2: SharedEdges
    node3: SharedEdges

    def __init__(self, index: int, width: int):
        nn.Module.__init__(self)
        self.every = nn.ModuleList(nn.ModuleList(enlarge(gene, width) for gene in range(len(UPS))) for _ in range(2))
        self.ups = {}  # type: ignore[assignment]  # those of the architecture at hand, which `every` owns
        self.node2, self.node3 = SharedEdges(2, width), SharedEdges(3, width)
        self.mix = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(index))
        self.mode = SKIP_UPS[index]

    def choose(self, genes: Sequence[int], last: bool) -> None:
        """The genes of the architecture at hand, and whether no cell comes after this one."""
        self.hidden = bool(genes[6]) or not last
        self.node2.choose(genes[2:4] if self.hidden else (0, 0))
        self.node3.choose(genes[4:7])
        used = (self.hidden and genes[2] or genes[4], self.hidden and genes[3] or genes[5])
        self.ups = {str(i): self.every[i][genes[i]] for i in range(2) if used[i]}  # type: ignore


class Supernet(Generator, SharedNetwork):
    """Shared weights of all generators, of which one is chosen at a time.

    Args:
        read: the genes of each cell of an architecture.
        width: channels.
        latent: size of the noise vector, a multiple of three.
        bottom: side of the first map in pixels.
    """

    def __init__(self, read: Callable[[Architecture], Sequence[Sequence[int]]], width: int, latent: int, bottom: int):
        super().__init__((), width, latent, bottom)
        self._read = read
        self.cells = nn.ModuleList(SharedCell(index, width) for index in range(CELLS))

    def choose(self, architecture: Architecture) -> None:
        """The architecture of the next passes; that of the first cells alone ends there, at a smaller side."""
        genes = self._read(architecture)
        self.depth = len(genes)
        for number, (cell, own) in enumerate(zip(self.cells, genes), 1):
            cell.choose(own, number == self.depth)  # type: ignore[operator]
