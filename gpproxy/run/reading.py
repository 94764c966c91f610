"""What is read back from files: a path in, its content out, or a sentence that names the file and says what to do.

A file may have been cut by a full disk, edited by hand or made by somebody else. What its content raises where it is
taken apart, or a value of another type than is declared, becomes an error of `gpproxy.errors`; nothing is run.
"""

from __future__ import annotations

import csv
import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from gpproxy.errors import ConfigError, GPProxyError, RunError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")

#: What damaged content raises in code that takes it apart; broken UTF-8 and broken JSON are ValueErrors.
DAMAGED = (csv.Error, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


@contextmanager
def reading(path: Path, then: str, error: type[GPProxyError] = RunError) -> Iterator[None]:
    """Errors of the block name the file; those of damaged content become `error`, with what to do.

    Args:
        path: what is read.
        then: the next step, a sentence.
        error: class of what is raised for damaged content; other errors of gpproxy keep theirs.
    """
    try:
        yield
    except GPProxyError as told:
        if path.name in str(told):
            raise
        raise type(told)(f"{path}: {told}") from told
    except DAMAGED as reason:
        what = "it is nested too deeply" if isinstance(reason, RecursionError) else _sentence(reason)
        raise error(f"{path} is damaged: {what}. {then}") from reason


def _sentence(reason: Exception) -> str:
    """What was wrong, shortly: a KeyError tells no more than a name."""
    text = " ".join(str(reason).split())[:200].rstrip(".")
    return f"it lacks {text}" if isinstance(reason, KeyError) else text or type(reason).__name__


def toml_of(path: Path, error: type[GPProxyError] = ConfigError) -> dict[str, Any]:
    """The content of a TOML file. Raises FileNotFoundError where there is none, and `error` for one that is broken."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except RecursionError:
        raise error(f"{path} is not readable TOML: it is nested too deeply.") from None
    except (OSError, ValueError) as reason:
        raise error(f"{path} is not readable TOML: {reason}.") from reason


def typed(value: T) -> T:
    """The dataclass instance itself, where every field has the type that is declared, inside collections, too.

    Raises TypeError that names the first other field; inside `reading` that becomes an error that names the file.
    """
    from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

    kinds = get_type_hints(type(value))
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        try:
            check_type(
                getattr(value, field.name), kinds[field.name],
                collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS,
            )  # fmt: skip
        except TypeCheckError as told:
            raise TypeError(f"{field.name}: {told}") from None
    return value
