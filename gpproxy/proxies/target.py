"""Where proxies are applied: a search space and its settings, those of their runs unless others are asked for.

A formula was tested on networks of some width and size. On others its ranking may be another one, so a command that is
told nothing looks at the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gpproxy.errors import ConfigError
from gpproxy.proxies.proxy import Proxy
from gpproxy.search_spaces import SEARCH_SPACES


def target_space(proxies: Sequence[Proxy], space: str, settings: Mapping[str, Any]) -> tuple[str, dict[str, Any], str]:
    """Name and settings of the space, and a sentence on what was taken over from the runs, or empty.

    Args:
        space: the one asked for, or empty.
        settings: those asked for; they go before those of a run.

    Raises ConfigError where runs do not tell one space, or disagree on its settings.
    """
    names = list(dict.fromkeys(name for proxy in proxies for name, _ in proxy.spaces))
    if not space:
        if len(names) != 1:
            why = f"The proxy was discovered on {' and '.join(names)}" if names else "A formula belongs to no space"
            raise ConfigError(f"{why}: choose with --space. Known: {', '.join(SEARCH_SPACES)}.")
        space = names[0]
    taken: dict[str, Any] = {}
    for proxy in proxies:
        for key, value in dict(proxy.spaces).get(space, ()):
            if key in settings:
                continue
            if taken.setdefault(key, value) != value:
                raise ConfigError(
                    f"The proxies were discovered with {key}={taken[key]} and (that of {proxy.label}) {key}={value}. "
                    f"Choose with --space-settings {key}=..."
                )
    remark = ", ".join(f"{key}={value}" for key, value in taken.items())
    return space, {**taken, **settings}, f"looks at {space} with {remark}, as the proxy's run did" if remark else ""
