"""Settings of a search space: in go values by name, as Python, JSON or a command line gives them, out comes a frozen
dataclass. Every error is a ConfigError with the space, the setting and what it takes."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from gpproxy.errors import ConfigError, SpaceError, did_you_mean

#: Types that are checked, and what they are called.
KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
#: How a command line writes booleans.
_BOOLEANS = {"true": True, "false": False}


def setting_names(cls: type) -> tuple[str, ...]:
    """The names of the settings that a space has, from its class."""
    return tuple(field.name for field in dataclasses.fields(cls.Settings))  # type: ignore[attr-defined]


def settings_from(kind: type[Any], space: str, given: Any, fields: Mapping[str, Any]) -> Any:
    """An instance of the dataclass `kind`, with the values of `given`, an instance, and then of `fields`.

    A whole number stands for a number, a number for a text, a list for a tuple.
    """
    known = {field.name: field for field in dataclasses.fields(kind)}
    if given is not None and not isinstance(given, kind):
        raise ConfigError(f"The search space {space} takes settings by name, or its Settings, but got {given!r}.")
    values = {} if given is None else {name: getattr(given, name) for name in known}
    hints = get_type_hints(kind) if known else {}
    for name, value in fields.items():
        if name not in known:
            hint = did_you_mean(name, known)
            listed = f"Known: {', '.join(known)}." if known else "It has none."
            raise ConfigError(f"The search space {space} has no setting '{name}'.{hint} {listed}")
        values[name] = value
    return kind(**{name: _checked(space, name, value, hints[name]) for name, value in values.items()})


def _checked(space: str, name: str, value: Any, kind: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if kind not in KINDS:
        return value
    boolean = isinstance(value, bool)
    if kind is float and isinstance(value, int) and not boolean:
        return float(value)
    if kind is str and isinstance(value, int | float) and not boolean:
        return str(value)
    if kind is bool and isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    if not isinstance(value, kind) or (boolean and kind is not bool):
        raise ConfigError(f"The setting {name} of the search space {space} is {KINDS[kind]}, but got {value!r}.")
    return value


def refuse_unfrozen(space: str, kind: object) -> None:
    """Raises SpaceError for a class that is no frozen dataclass with defaults."""
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        raise SpaceError(f"The search space {space}: Settings must be a frozen dataclass, @dataclass(frozen=True).")
    for field in dataclasses.fields(kind):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise SpaceError(f"The search space {space}: its setting {field.name} must have a default.")


def refuse_old_constructor(space: str, cls: type) -> None:
    """Raises SpaceError for a class whose constructor has arguments of its own, as settings were declared in 0.1."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    own = [one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    if own := [name for name in own if name != "settings"]:
        raise SpaceError(
            f"The search space {space} takes {', '.join(own)} in its constructor. Since 0.2 settings are declared: "
            "fields of a frozen dataclass Settings inside the class, read as self.settings.NAME."
        )
