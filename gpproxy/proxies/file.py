"""Proxies that are files of Python: a path and a generator in, what the file's function `score` returns out."""

from __future__ import annotations

import importlib.util
import inspect
import math
import os
import sys
import warnings
from collections.abc import Callable
from functools import lru_cache

from torch import Tensor, nn

from gpproxy.errors import ConfigError
from gpproxy.proxies.scored import Value, dead, failed, value
from gpproxy.registry import FILES
from gpproxy.search_spaces import Batch, SearchSpace

#: How a file begins to warn of a network that it does not see whole.
PARTLY = "Of this generator "


def value_of_file(path: str, network: nn.Module, batch: Batch, space: SearchSpace, seed: int) -> Value:
    """The value that a file has for a generator; minus infinity is how a file says that a network is dead.

    The function is given the loss and the seed where it takes them. It may do to the network and the batch what it
    likes, so both must be its own. An error of the function is a failure of this architecture.

    Raises ConfigError when the file has no such function or fails to import.
    """
    function = exported(path)

    def loss(outputs: Tensor, inputs: object) -> Tensor:
        """The space's loss in the form of a file; the outputs are those of the first samples."""
        return space.loss(outputs, batch.first(len(outputs)))

    known = {"loss": loss, "seed": seed, **({} if batch.output is None else {"output": batch.output})}
    accepted = inspect.signature(function).parameters
    try:
        given = {name: one for name, one in known.items() if name in accepted}
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            number = float(function(network, batch.arguments, **given))
    except Exception as error:
        return failed(f"{type(error).__name__}: {error}")
    told = [str(one.message).removeprefix(PARTLY).rstrip(".") for one in said if str(one.message).startswith(PARTLY)]
    found = dead("by the file") if number == -math.inf else value(number)
    return found._replace(note=told[0][:1].upper() + told[0][1:] if told else "")


def exported(path: str) -> Callable[..., float]:
    """The `score` function of a proxy.py, read again when the file has changed.

    Raises ConfigError when the file has none or fails to import.
    """
    path = FILES.setdefault(path, path)
    return _exported(path, os.stat(path).st_mtime_ns)


@lru_cache(maxsize=8)
def _exported(path: str, changed: int) -> Callable[..., float]:
    spec = importlib.util.spec_from_file_location("gpproxy_exported", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"The proxy {path} failed to import: {type(error).__name__}: {error}") from error
    if not callable(getattr(module, "score", None)):
        raise ConfigError(f"The proxy {path} has no function score(generator, inputs).")
    return module.score
