"""What a proxy was trained and chosen on, so that it can be judged on the rest: a Proxy in, codes to leave out.

A run writes the parts of its tables down (`split.json`), because a table may grow afterwards and would be divided
otherwise. Architectures that compute the same function as one that was trained on are left out too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gpproxy.errors import SpaceError
from gpproxy.proxies.origin import read_origin
from gpproxy.proxies.proxy import Proxy
from gpproxy.run.folder import SPLIT
from gpproxy.search_spaces import SearchSpace


@dataclass(frozen=True)
class TrainingProvenance:
    """What drove or chose a formula.

    Attributes:
        codes: name of the search space -> training and validation architectures.
        unknown: why they are not known although there are some, empty otherwise.
        spaces: names of the spaces of which they are not known; empty means any.
    """

    codes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unknown: str = ""
    spaces: tuple[str, ...] = ()

    def unknown_of(self, space: SearchSpace) -> str:
        """Why nothing of a space can be taken as held out; empty where it can."""
        return self.unknown if not self.spaces or space.name in self.spaces else ""

    def held_out(self, codes: Sequence[str], space: SearchSpace) -> list[str]:
        """The codes that neither were trained on nor compute the same function as one that was, in their order."""
        classes: set[Any] = set()
        for code in self.codes.get(space.name, ()):
            try:
                classes.add(space.canonical(space.decode(code)))
            except SpaceError:
                continue  # the space has other settings here and lacks it
        return [code for code in codes if not classes or space.canonical(space.decode(code)) not in classes]


def training_provenance(proxy: Proxy) -> TrainingProvenance:
    """What a proxy was trained on: nothing for a formula that was typed in and for classical proxies.

    Raises RunError when its run folder is no longer there.
    """
    if proxy.run:
        origin = read_origin(proxy.run)
        if origin.parts is None:
            return TrainingProvenance(
                unknown=f"{origin.folder} has no {SPLIT}, which tells what the formula has learnt from"
            )
        found: dict[str, list[str]] = {}
        for part in origin.parts.values():
            found.setdefault(part["space"], []).extend([*part["train"], *part["validation"]])
        return TrainingProvenance(found)
    if proxy.benchmarks:
        tables = ",".join(proxy.benchmarks)
        reason = f"{proxy.label} was discovered on {tables}, and its run folder, which tells from which architectures"
        spaces = [name for name, _ in proxy.spaces] if len(proxy.benchmarks) == 1 else []
        return TrainingProvenance(unknown=f"{reason}, is not beside it", spaces=tuple(spaces))
    return TrainingProvenance()
