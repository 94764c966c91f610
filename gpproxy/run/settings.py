"""Settings of all commands: one frozen dataclass is the Python API, the command line, the TOML file and its dump.

In: groups of fields, each a small dataclass with a title. Out: a Settings class whose rules are checked whenever one is
made. Importing this file imports neither torch nor DEAP, so that `--help` answers at once.

    @dataclass(frozen=True)
    class Machine:                                          # a group: its docstring is the title in --help
        workers: int = setting(0, least=0, free=True)

    @dataclass(frozen=True)
    class TrainSettings(Recipe, Machine, Settings):         # a command: its groups in the reverse order of their bases
        ...
"""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.run.reading import reading, toml_of

if TYPE_CHECKING:
    from typing_extensions import Self


G = TypeVar("G")

#: What settings of all commands were called by version 0.1, whose files are still read: name then -> name now.
RENAMED = {"looks": "inits", "look_seed": "init_seed"}


def setting(
    default: Any,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    known: Sequence[str] = (),
    free: bool = False,
    path: bool | Callable[[str], bool] = False,
    pairs: bool = False,
    positional: bool = False,
    rule: Callable[[str], None] | None = None,
) -> Any:
    """A field of a group with the rules that its values keep.

    Args:
        least, most: smallest and largest number.
        above: what a number is larger than.
        known: the texts that it takes.
        free: whether a continued run may change it: it decides when the run ends or what computes it, not what.
        path: whether it names files, which are kept as absolute paths, so that a run is continued from any folder. A
            function tells which of several texts, of a tuple or between commas, are paths and no names.
        pairs: whether it holds `NAME=VALUE` texts; a mapping is taken, too.
        positional: whether the command line gives it without a flag.
        rule: raises ConfigError for a value that breaks another rule.
    """
    rules = {"least": least, "most": most, "above": above, "known": tuple(known), "free": free, "path": path}
    return dataclasses.field(
        default=default, metadata={**rules, "pairs": pairs, "positional": positional, "rule": rule}
    )


@dataclass(frozen=True)
class Settings:
    """What the settings of every command can do. A subclass inherits its groups and this, in that order.

    Raises ConfigError for a value that breaks a rule of its field, or of `check`.
    """

    #: What single settings were called by version 0.1: name then -> name now.
    RENAMED: ClassVar[Mapping[str, str]] = RENAMED

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = _shaped(getattr(self, field.name), field)
            object.__setattr__(self, field.name, value)
            _keep_rules(field, value)
        self.check()

    def check(self) -> None:
        """Raises ConfigError where values do not go together."""

    def to_toml(self) -> str:
        """The settings as TOML that `from_toml` reads back."""
        import tomli_w

        values = {name: getattr(self, name) for name in _names(type(self))}
        return tomli_w.dumps({k: list(v) if isinstance(v, tuple) else v for k, v in values.items()})

    @classmethod
    def from_toml(cls, path: str | Path, **changes: Any) -> Self:
        """The settings of a file, with changes. Raises ConfigError: missing or broken file, unknown or wrong key."""
        with reading(Path(path), "Mend it, or give the settings as flags.", ConfigError):
            return cls(**{**read_toml(cls, path), **changes})

    def changes(self) -> dict[str, Any]:
        """What a continued run is given: every setting but where it lies."""
        return {name: getattr(self, name) for name in _names(type(self)) if name != "out"}

    def changed(self, saved: Self) -> list[str]:
        """Names of the settings that differ from `saved` and that a continued run may not change."""
        kept = [f.name for f in dataclasses.fields(self) if not f.metadata.get("free")]
        return [name for name in kept if getattr(self, name) != getattr(saved, name)]


def groups_of(cls: type[Any]) -> list[type[Any]]:
    """The groups that the fields of a settings class come from, in order; together they have every field once."""
    names = set(_names(cls))
    return [base for base in reversed(cls.__mro__) if names & set(vars(base).get("__annotations__", ()))]


def part_of(group: type[G], settings: Any) -> G:
    """One group of the settings of a command alone."""
    return group(**{field.name: getattr(settings, field.name) for field in dataclasses.fields(group)})  # type: ignore[arg-type]


def _names(cls: type[Any]) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


def _shaped(value: Any, field: dataclasses.Field[Any]) -> Any:
    """A value as its field keeps it: tuples of texts, absolute paths."""
    rules = field.metadata
    if rules.get("pairs") and isinstance(value, Mapping):
        value = tuple(f"{name}={one}" for name, one in value.items())
    if isinstance(field.default, tuple):
        value = (value,) if isinstance(value, str) else tuple(map(str, value))
    elif isinstance(field.default, str):
        value = str(value)
    is_path = rules.get("path")
    if not is_path or not value:
        return value
    if isinstance(value, tuple):
        return tuple(absolute(one) if is_path is True or is_path(one) else one for one in value)
    if is_path is True:
        return absolute(value)
    return ",".join(absolute(one) if is_path(one) else one for one in map(str.strip, value.split(",")))


def absolute(path: str | Path) -> str:
    """A path that means the same in every folder."""
    return str(Path(path).expanduser().resolve())


def is_table(text: str) -> bool:
    """Whether a text is the path of a table and no name of one; a column may follow behind a colon."""
    return text.lower().partition(":")[0].endswith((".csv", ".toml", ".json"))


def is_folder(text: str) -> bool:
    """Whether a text is the path of a folder or zip file of images and no name of a data set."""
    return os.sep in text or text.lower().endswith(".zip")


def is_run_path(text: str) -> bool:
    """Whether a text is the path of a run folder."""
    return os.path.isdir(os.path.expanduser(text))


def is_proxy_path(text: str) -> bool:
    """Whether a text is the path of a proxy.py or of a run folder, and neither a name nor a formula."""
    return text.endswith(".py") or is_run_path(text)


def _keep_rules(field: dataclasses.Field[Any], value: Any) -> None:
    name, rules = field.name, field.metadata
    least, most, above, known = (rules.get(rule) for rule in ("least", "most", "above", "known"))
    if above is not None and not value > above:
        raise ConfigError(f"{name} > {above} must hold, but got {name}={value}.")
    below = least is not None and not value >= least
    if below or (most is not None and not value <= most):
        bounds = f"{name} >= {least}" if most is None else f"{least} <= {name} <= {most}"
        raise ConfigError(f"{bounds} must hold, but got {name}={value}.")
    if known and value not in known:
        listed = " or ".join(filter(None, (", ".join(one or "empty" for one in known[:-1]), known[-1])))
        raise ConfigError(f"{name} is {listed}, but got {name}={value}.{did_you_mean(str(value), known)}")
    if rules.get("pairs"):
        parse_settings(value, name)
    if rules.get("rule"):
        rules["rule"](value)


def helps(group: type[Any]) -> dict[str, str]:
    """What the docstrings of a group and its bases say of its settings: name -> text, in one line."""
    texts = (inspect.cleandoc(base.__doc__ or "").partition("Attributes:")[2] for base in reversed(group.__mro__))
    found: dict[str, str] = {}
    name = ""
    for line in (line for text in texts for line in text.splitlines()):
        if begin := re.match(r" {4}(\w+): +(.*)", line):
            name = begin[1]
            found[name] = begin[2].strip()
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found


def read_toml(cls: type, path: str | Path) -> dict[str, Any]:
    """The settings in a TOML file, checked against the fields of a config dataclass."""
    path = Path(path).expanduser()
    if path.is_dir():
        path = path / "config.toml"
    if not path.is_file():
        raise ConfigError(f"A settings file is expected at {path}, but there is none.")
    content = toml_of(path)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    renamed = getattr(cls, "RENAMED", RENAMED)
    content = {renamed.get(key, key): value for key, value in content.items()}
    for key, value in list(content.items()):
        if key not in fields:
            raise ConfigError(f"{path} has the unknown setting '{key}'.{did_you_mean(key, fields)}")
        content[key] = _checked(value, fields[key].default, f"{path}: {key}")
    return content


def _checked(value: Any, default: Any, place: str) -> Any:
    """A TOML value as the type of the default; ConfigError when it is of another kind."""
    if isinstance(default, tuple):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ConfigError(f"{place} is a list of strings, but got {value!r}.")
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise ConfigError(f"{place} is {type(default).__name__}, but got {value!r}.")
    return value


def parse_settings(pairs: Sequence[str], what: str = "space_settings") -> dict[str, int | float | str]:
    """`NAME=VALUE` texts as a mapping, numbers as numbers. Raises ConfigError for a text of another form."""
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip().isidentifier():
            raise ConfigError(f"{what} are NAME=VALUE, such as resolution=128, but got '{pair}'.")
        found[name.strip()] = _plain(value.strip())
    return found


def _plain(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
