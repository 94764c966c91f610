"""What a formula is compared with: classical proxies, descriptors and published scores as columns, higher is better."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from gpproxy.statistics.classical import PROXIES


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
