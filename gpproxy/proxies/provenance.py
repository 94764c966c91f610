"""What a proxy has learnt from, so that it can be judged on the rest: a Source in, the codes to leave out.

A run writes the parts of its tables down (`split.json`), because a table may grow afterwards and would be divided
otherwise. EquivalenceClasses of what was learnt from are left out too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gpproxy.errors import SpaceError
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.proxies.proxy import Source
from gpproxy.run.folder import SPLIT
from gpproxy.search_spaces import SearchSpace


@dataclass(frozen=True)
class Learnt:
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
        """The codes that neither were learnt from nor compute the same function as one that was, in their order."""
        classes: set[Any] = set()
        for code in self.codes.get(space.name, ()):
            try:
                classes.add(space.canonical(space.decode(code)))
            except SpaceError:
                continue  # the space has other settings here and lacks it
        return [code for code in codes if not classes or space.canonical(space.decode(code)) not in classes]


def learnt(source: Source) -> Learnt:
    """What the formula of a run has learnt from; nothing for a formula that was typed in and for classical proxies."""
    if source.run:
        place = EvolveFolder.open(source.run)
        if not (place.path / SPLIT).is_file():
            return Learnt(unknown=f"{place.path} has no {SPLIT}, which tells what the formula has learnt from")
        found: dict[str, list[str]] = {}
        for part in place.read_json(SPLIT).values():
            found.setdefault(part["space"], []).extend([*part["train"], *part["validation"]])
        return Learnt(found)
    if source.discovered_on:
        reason = f"{source.label} was discovered on {source.discovered_on}, and its run folder, which tells from which "
        spaces = [name for name, _ in source.spaces] if "," not in source.discovered_on else []
        return Learnt(unknown=f"{reason}architectures, is not beside it", spaces=tuple(spaces))
    return Learnt()
