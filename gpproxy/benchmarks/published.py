"""Published results, as data with their source: what others report for the generators and searches of these families.

In: a data set, a measure. Out: figures. They are quoted, not measured here: IS and FID are those of TensorFlow's
Inception (IS as mean and deviation over 10 splits of 50,000 images, FID against the training split). Figures that a
paper lists of other methods are left out: they belong to the papers that they are from.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).with_name("published.csv")


@dataclass(frozen=True)
class Published:
    """One figure.

    Attributes:
        study: which paper or table lists it.
        data: the data set, as `gpproxy.images` names it where it knows it.
        method: whose figure it is.
        measure: `IS`, `FID`, `mIoU`, `GMACs`, ...
        value, deviation: as published, as texts; the deviation may be empty.
        source: where it stands.
    """

    study: str
    data: str
    method: str
    measure: str
    value: str
    deviation: str
    source: str

    @property
    def figure(self) -> str:
        """`8.55 ± .10`."""
        return f"{self.value} ± {self.deviation}" if self.deviation else self.value


@lru_cache(maxsize=1)
def _every() -> tuple[Published, ...]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(Published(**row) for row in csv.DictReader(file))


def published(data: str = "", measure: str = "") -> Sequence[Published]:
    """The figures of a data set and a measure, all where these are empty, in the order of their tables.

    >>> [one.figure for one in published("cifar10", "IS") if one.method == "AutoGAN A"]
    ['8.55 ± .10']
    """
    return [one for one in _every() if data in ("", one.data) and measure in ("", one.measure)]
