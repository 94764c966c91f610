"""What a formula is compared with: classical proxies, their composites, descriptors and published scores as columns.

Higher is better for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gpproxy.ranking.correlation import average_ranks
from gpproxy.statistics.classical import PROXIES

#: Composites of classical proxies as they were published: name -> the proxies whose ranks are added, each in its
#: published direction. TE-NAS (Chen et al., 2021) counts linear regions, here by NWOT's patterns; AZ-NAS (Lee & Ham,
#: 2024) adds logarithms of ranks, here without its trainability.
COMPOSITES = {
    "te-nas": ("ntk", "nwot"),
    "az-nas": ("az_expressivity", "az_progressivity", "macs"),
}
#: Those whose ranks enter as logarithms.
LOGARITHMIC = ("az-nas",)
#: The composite of all of them.
EVERY = "mean rank of all classical proxies"


def composites(scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The composites of classical proxies that the scores allow: name -> `architecture`, higher is better.

    Args:
        scores: name -> `architecture`, each in its published direction; a missing value ranks last.
    """
    ranks = {name: average_ranks(score.nan_to_num(nan=-torch.inf, posinf=torch.inf)) for name, score in scores.items()}
    found = {}
    for name, parts in COMPOSITES.items():
        if all(part in ranks for part in parts):
            used = [ranks[part].log() if name in LOGARITHMIC else ranks[part] for part in parts]
            found[name] = torch.stack(used).sum(0)
    classical = [rank for name, rank in ranks.items() if name in PROXIES]
    if len(classical) > 1:
        found[EVERY] = torch.stack(classical).mean(0)
    return found


def named_scores(columns: Mapping[str, Tensor], published: Mapping[str, Tensor]) -> dict[str, tuple[str, Tensor]]:
    """Name -> (kind, score, `architecture`), higher is better: one that is published as lower-is-better is negated.

    A score that is the same everywhere or undefined is left out. Kinds: `descriptor`, `auto-gas`, `classical`,
    `published`.

    Args:
        columns: computed ones, classical proxies and structural descriptors.
        published: those that came with a table.
    """
    found: dict[str, tuple[str, Tensor]] = {}
    for name, column in columns.items():
        known = PROXIES[name] if name in PROXIES else None
        kind = "descriptor" if known is None else "auto-gas" if name.startswith("autogas") else "classical"
        found[name] = kind, column * (1 if known is None else known.direction)
    for name, column in published.items():
        found[name if name not in found else f"published/{name}"] = "published", column
    return {name: (kind, column) for name, (kind, column) in found.items() if varies(column)}


def varies(column: Tensor) -> bool:
    """Whether a score has at least two values, NaN left out."""
    kept = column[~column.isnan()]
    return bool((kept != kept[:1]).any())
