"""Names of published architectures: `autogan-a` for the first of AutoGAN.

In: a space and a code or a name. Out: the code.
"""

from __future__ import annotations

from gpproxy.errors import SpaceError, did_you_mean
from gpproxy.search_spaces.space import SearchSpace


def published(space: SearchSpace) -> dict[str, str]:
    """Codes of the space's published architectures, as `space-name` in lower case."""
    return {f"{space.name}-{name}".lower(): space.encode(one) for name, one in space.published.items()}


def code_of(space: SearchSpace, text: str) -> str:
    """The code, in the space's own form, of a code or of a published name. Raises SpaceError for neither."""
    known = published(space)
    if text.strip().lower() in known:
        return known[text.strip().lower()]
    named = text.strip().lower().startswith(space.name.lower()) or not any(letter.isdigit() for letter in text)
    if known and named:
        hint = did_you_mean(text.lower(), known)
        raise SpaceError(
            f"There is no architecture '{text}' in {space.name}.{hint} Give a code, or one of {', '.join(known)}."
        )
    return space.encode(space.decode(text))
