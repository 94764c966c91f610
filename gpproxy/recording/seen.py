"""How much of a network a look sees: what was recorded in, a share and a sentence out.

This file needs torch only: an exported proxy carries a copy of it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from torch import Tensor

#: Below this share of the network a score is given with a warning.
WARNED = 0.9
#: Below this share there is none.
REFUSED = 0.5


@dataclass(frozen=True)
class Seen:
    """Shares of a network that lie inside the recorded operations.

    Attributes:
        parameters, macs: of its parameters that have an effect, of its multiply-accumulates; from 0 to 1.
        unseen: names of the parameters that were not seen.
    """

    parameters: float = 1.0
    macs: float = 1.0
    unseen: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The smaller of the two."""
        return min(self.parameters, self.macs)

    @property
    def told(self) -> str:
        """What a user should know, a sentence; empty where all is seen."""
        if self.share >= 1:
            return ""
        places = Counter(name.rpartition(".")[0] or name for name in self.unseen)
        named = [f"{place} ({count})" if count > 1 else place for place, count in places.items()]
        more = f" and {len(named) - 4} more" if len(named) > 4 else ""
        where = f"; not seen are the parameters of {', '.join(named[:4])}{more}" if named else ""
        return (
            f"{'Only ' if self.share < WARNED else ''}{_percent(self.parameters)} of the parameters and "
            f"{_percent(self.macs)} of the multiply-accumulates are seen{where}"
        )

    @property
    def refused(self) -> str:
        """Why no score is given, a sentence; empty where enough is seen."""
        if self.share >= REFUSED:
            return ""
        return (
            f"{self.told}: less than half, so that a score would say little. Convolutions, linear layers, matrix "
            "products, embeddings and norms of torch are seen, as modules and as functions; recurrent layers, scripted "
            "modules and operators of one's own are not."
        )


def _percent(share: float) -> str:
    """Rounded down, so that 100 % means all."""
    return f"{math.floor(1000 * share) / 10:g} %"


def leaves(outputs: list[Tensor]) -> set[int]:
    """Identities of the tensors that autograd would reach from some others."""
    found: set[int] = set()
    waiting = [tensor.grad_fn for tensor in outputs if tensor.grad_fn is not None]
    known = set(waiting)
    while waiting:
        step = waiting.pop()
        if (leaf := getattr(step, "variable", None)) is not None:
            found.add(id(leaf))
        further = {one for one, _ in step.next_functions if one is not None} - known
        known |= further
        waiting += further
    return found
