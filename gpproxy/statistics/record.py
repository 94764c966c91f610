"""What one look at one architecture leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Record:
    """Statistics of one architecture.

    Attributes:
        architecture: its code.
        values: statistic -> list over layers (None where absent) for layer types, one tensor for network types.
        columns: classical proxies and descriptors; NaN where undefined.
        dead: why it has no meaningful statistics, or empty.
        seconds: time that the look took.
        absent: why statistics and classical proxies are missing whose pass the generator does not allow, by name; as
            values they are None in every layer, or NaN.
        note: how much of the network was seen; empty where all was.
    """

    architecture: str
    values: dict[str, list[Tensor | None] | Tensor]
    columns: dict[str, float]
    dead: str
    seconds: float
    absent: dict[str, str] = field(default_factory=dict)
    note: str = ""
