"""The networks of EAGAN (Ying et al., 2022): in go genes of cells, out come a generator and a discriminator.

A cell is a graph of four nodes. Only the operations that the genes take are built. Skips from earlier cells join node
2, and are part of what that cell hands on; the released code adds them in place, so that node 0 or 1 changes too where
node 2 is nothing but a skip connection of it; here it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.search_spaces.discriminator import FirstBlock

#: Kernel and dilation of the operations 2 to 6; 0 is none and 1 a skip connection.
KERNELS = {2: (1, 1), 3: (3, 1), 4: (5, 1), 5: (3, 2), 6: (5, 2)}
#: How a generator enlarges a map, by gene, and how skips into each cell do.
UPS, SKIP_UPS = ("nearest", "bilinear", "deconvolution"), ("nearest", "bilinear", "nearest")


def operation(gene: int, width: int, activation: bool = True) -> nn.Module:
    """What an edge does: ReLU and a convolution, or nothing but passing on."""
    if gene == 1:
        return nn.Identity()
    kernel, dilation = KERNELS[gene]
    convolution = nn.Conv2d(width, width, kernel, 1, dilation * (kernel // 2), dilation)
    return nn.Sequential(nn.ReLU(), convolution) if activation else convolution


class Edges(nn.Module):
    """The sum of the edges into a node.

    Args:
        genes: operation of the edge from each source, 0 for none.
        width: channels.
        activations: whether each edge begins with a ReLU; all do by default.
    """

    def __init__(self, genes: Sequence[int], width: int, activations: Sequence[bool] = ()):
        super().__init__()
        begins = activations or [True] * len(genes)
        edges = {str(i): operation(gene, width, begins[i]) for i, gene in enumerate(genes) if gene}
        self.edges = nn.ModuleDict(edges)

    def forward(self, sources: Sequence[Tensor | None]) -> Tensor | None:
        """The sum over the sources; None where no edge has one."""
        total: Tensor | None = None
        for name, edge in self.edges.items():
            source = sources[int(name)]
            if source is not None:
                value = edge(source)
                total = value if total is None else total + value
        return total


def enlarge(gene: int, width: int) -> nn.Module:
    """Doubles the side: interpolation, ReLU and a 1 x 1 convolution, or ReLU, a depthwise transposed convolution and a
    1 x 1 convolution, both without biases."""
    if UPS[gene] == "deconvolution":
        deep = nn.ConvTranspose2d(width, width, 3, 2, 1, output_padding=1, groups=width, bias=False)
        return nn.Sequential(nn.ReLU(), deep, nn.Conv2d(width, width, 1, bias=False))
    mode = UPS[gene]
    up = nn.Upsample(scale_factor=2, mode=mode, align_corners=False if mode == "bilinear" else None)
    return nn.Sequential(up, nn.ReLU(), nn.Conv2d(width, width, 1))


class GeneratorCell(nn.Module):
    """Two ways to double the side, and two nodes after them.

    Args:
        genes: seven, see `eagan.EAGANGenerator`.
        index: position of the cell; it has a skip from every cell before it.
        width: channels.
        last: whether no cell comes after it.
    """

    def __init__(self, genes: Sequence[int], index: int, width: int, last: bool):
        super().__init__()
        used = (genes[2] or genes[4], genes[3] or genes[5])
        self.ups = nn.ModuleDict({str(i): enlarge(genes[i], width) for i in range(2) if used[i]})
        self.hidden = bool(genes[6]) or not last  # what later cells take up is needed in any case
        if self.hidden:
            self.node2 = Edges(genes[2:4], width)
            self.mix = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(index))
        self.node3 = Edges(genes[4:7], width)
        self.mode = SKIP_UPS[index]

    def forward(self, x: Tensor, features: Sequence[Tensor]) -> tuple[Tensor | None, Tensor]:
        """Node 2, for later cells, and node 3, the output."""
        first, second = (self.ups[name](x) if name in self.ups else None for name in ("0", "1"))
        hidden = None
        if self.hidden:
            hidden = self.node2([first, second])
            assert hidden is not None
            for mix, feature in zip(self.mix, features):
                hidden = hidden + mix(F.interpolate(feature, hidden.shape[2:], mode=self.mode))
        output = self.node3([first, second, hidden])
        assert output is not None
        return hidden, output


class Generator(nn.Module):
    """Noise in three parts: a first map, and a map that is added to the output of each of the first two cells.

    Args:
        genes: seven per cell.
        width: channels.
        latent: size of the noise vector, a multiple of three.
        bottom: side of the first map in pixels.
    """

    def __init__(self, genes: Sequence[Sequence[int]], width: int, latent: int, bottom: int):
        super().__init__()
        self.part, self.width, self.bottom = latent // 3, width, bottom
        sides = [bottom * 2**level for level in range(3)]
        self.maps = nn.ModuleList(nn.Linear(self.part, width * side * side) for side in sides)
        #: cells that a pass goes through
        self.depth, last = len(genes), len(genes) - 1
        self.cells = nn.ModuleList(GeneratorCell(own, i, width, i == last) for i, own in enumerate(genes))
        self.to_rgb = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 3, 3, 1, 1), nn.Tanh())

    def forward(self, noise: Tensor) -> Tensor:
        """Images in [-1, 1], `sample x 3 x height x width`, from `sample x latent`."""
        x: Tensor | None = None
        features: list[Tensor] = []
        for level, cell in enumerate(islice(self.cells, self.depth)):
            side = self.bottom * 2**level
            part = noise[:, level * self.part : (level + 1) * self.part]
            injected = self.maps[level](part).view(-1, self.width, side, side)
            hidden, x = cell(injected if x is None else x + injected, features)
            features.append(hidden if hidden is not None else x)
        return self.to_rgb(x)


def shrink(gene: int, width: int) -> nn.Module:
    """Halves the side: by a mean, a maximum, or ReLU and a convolution of stride 2."""
    if gene < 2:
        return nn.AvgPool2d(2) if gene == 0 else nn.MaxPool2d(2)
    kernel, dilation = {2: (3, 1), 3: (5, 1), 4: (3, 2), 5: (5, 2)}[gene]
    return nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, kernel, 2, dilation * (kernel // 2), dilation))


class DiscriminatorCell(nn.Module):
    """Node 0 is the input, node 4 the sum of the nodes 2 and 3, each made half as large where the genes say so.

    Args:
        genes: seven, see `eagan.EAGANDiscriminator`.
        width: channels.
    """

    def __init__(self, genes: Sequence[int], width: int):
        super().__init__()
        self.node1 = operation(genes[0], width)
        self.node2 = Edges(genes[1:3], width)
        self.node3 = Edges((genes[4], genes[3]), width, (False, True))
        self.downs = nn.ModuleList(nn.Identity() if gene < 0 else shrink(gene, width) for gene in genes[5:7])

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x, self.node1(x)]
        outputs = [down(node(nodes)) for down, node in zip(self.downs, (self.node2, self.node3))]
        return outputs[0] + outputs[1]


#: The parts of a discriminator's cell and the gene that decides each of them.
PARTS = {
    "node1": 0, "node2.edges.0": 1, "node2.edges.1": 2, "node3.edges.1": 3, "node3.edges.0": 4,
    "downs.0": 5, "downs.1": 6,
}  # fmt: skip


def in_common(ours: Sequence[Sequence[int]], theirs: Sequence[Sequence[int]], names: Iterable[str]) -> list[str]:
    """The tensors of a Discriminator that another one has, too: those of equal operations at equal places, and those
    that stand in no cell.

    Args:
        ours, theirs: genes of each cell.
        names: of tensors, such as `cells.0.node2.edges.1.1.weight`.
    """
    found = []
    for name in names:
        inside, _, place = name.partition("cells.")[2].partition(".")
        gene = next((gene for part, gene in PARTS.items() if place.startswith(f"{part}.")), None)
        if gene is None or ours[int(inside)][gene] == theirs[int(inside)][gene]:
            found.append(name)
    return found


class Discriminator(nn.Module):
    """A first residual block, the cells, ReLU, sum over positions, and a linear layer.

    Args:
        genes: seven per cell.
        width: channels.
    """

    def __init__(self, genes: Sequence[Sequence[int]], width: int):
        super().__init__()
        self.first = FirstBlock(width)
        self.cells = nn.ModuleList(DiscriminatorCell(own, width) for own in genes)
        self.head = nn.Linear(width, 1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """One number per image, `sample x 1`, higher is more real, from `sample x 3 x height x width`."""
        x = self.first(images)
        for cell in self.cells:
            x = cell(x)
        return self.head(torch.relu(x).sum((2, 3)))
