"""What the generators and discriminators of EAGAN (Ying et al., 2022) have in common: three cells of seven genes.

In: the values of each gene and the groups of genes of which one at least must be there. Out: a base class with codes,
draws, neighbours, the repair of what breaks a rule, and tokens.
"""

from __future__ import annotations

import itertools
import random
from abc import abstractmethod
from collections.abc import Iterator, Sequence

from gpproxy.errors import SpaceError
from gpproxy.search_spaces.space import Architecture, SearchSpace

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
        """The genes of each cell, of the cells that there are."""
        return [architecture[i : i + GENES] for i in range(0, len(architecture), GENES)]

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
