"""The disk cache: one safetensors file per architecture, named by everything that its content depends on."""

from __future__ import annotations

import errno
import hashlib
import inspect
import json
import os
import tempfile
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gpproxy.primitives import decodability, numerics
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.dependencies import dependencies
from gpproxy.statistics.record import Record

if TYPE_CHECKING:
    from gpproxy.search_spaces import SearchSpace
    from gpproxy.statistics.collect import Collection


def folder() -> Path:
    """The cache folder: $GPPROXY_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("GPPROXY_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gpproxy" / "statistics"


@lru_cache(maxsize=64)
def _code_version(space: type[SearchSpace], proxies: bool, plugged: tuple[str, ...]) -> str:
    """Hash of the sources that decide what is collected: the passes, the statistics, the space and what it uses.

    Args:
        plugged: modules outside this package that statistics and proxies come from.
    """
    here = Path(__file__).parent
    names = ("collect.py", "passes.py", "cut.py", "exact.py", "classical/layers.py")
    files = {*(here / name for name in names), *here.glob("terminals/*.py")}
    files |= {Path(inspect.getfile(decodability)), Path(inspect.getfile(numerics))}
    if proxies:
        files |= set(here.glob("classical/*.py"))
    for module in (*(base.__module__ for base in space.__mro__[:-2]), *plugged):  # without ABC and object
        files.update(dependencies(module))
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda p: (p.name, str(p))):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _device(device: str) -> str:
    """What rounds: cards of other kinds are told apart, two of one kind are not."""
    return device if device == "cpu" or not torch.cuda.is_available() else torch.cuda.get_device_name(device)


def file_name(space: SearchSpace, settings: dict[str, Any], code: str, how: Collection) -> str:
    """File of one architecture, relative to the cache folder."""
    functions = [s.function for s in how.chosen()] + [PROXIES[name].function for name in how.chosen_proxies()]
    plugged = {f.__module__ for f in functions if not f.__module__.startswith(f"{__package__}.")}
    content = {
        "space": space.name,
        "settings": settings,
        "architecture": code,
        "seed": how.seed,
        "samples": how.samples,
        "sizes": asdict(how.sizes),
        "statistics": [s.name for s in how.chosen()],
        "proxies": list(how.chosen_proxies()),
        "device": _device(how.device),
        "torch": torch.__version__,
        "code": _code_version(type(space), bool(how.chosen_proxies()), tuple(sorted(plugged))),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{space.name}/{digest[:2]}/{digest[:32]}.safetensors"


def save(record: Record, path: Path) -> None:
    """Writes a record; a reader never sees half a file."""
    tensors: dict[str, Tensor] = {}
    lengths: dict[str, int] = {}
    for name, value in record.values.items():
        if isinstance(value, Tensor):
            tensors[name] = value.contiguous()
        else:
            lengths[name] = len(value)
            tensors.update(_pack(name, value))
    meta = {
        "architecture": record.architecture,
        "columns": json.dumps(record.columns),
        "dead": record.dead,
        "seconds": repr(record.seconds),
        "lengths": json.dumps(lengths),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    try:
        save_file(tensors, temporary, metadata=meta)
        os.replace(temporary, path)
    except SafetensorError as error:
        Path(temporary).unlink(missing_ok=True)
        if "os error 28" not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _pack(name: str, values: list[Tensor | None]) -> dict[str, Tensor]:
    """Layers of equal shape in one tensor: many small tensors would load slowly."""
    shapes = sorted({tuple(v.shape) for v in values if v is not None})
    packed = {}
    for k, shape in enumerate(shapes):
        layers = [i for i, v in enumerate(values) if v is not None and tuple(v.shape) == shape]
        packed[f"{name}/{k}"] = torch.stack([values[i] for i in layers])  # type: ignore[misc]
        packed[f"{name}/{k}/layers"] = torch.tensor(layers)
    return packed


def load(path: Path, names: tuple[str, ...]) -> Record:
    """Reads the named statistics of a record."""
    values: dict[str, Any] = {}
    with safe_open(str(path), framework="pt") as file:
        meta = file.metadata()
        lengths = json.loads(meta["lengths"])
        keys = set(file.keys())
        for name in names:
            if name not in lengths:
                values[name] = file.get_tensor(name)
                continue
            values[name] = [None] * lengths[name]
            k = 0
            while f"{name}/{k}" in keys:
                layers = file.get_tensor(f"{name}/{k}/layers").tolist()
                for layer, value in zip(layers, file.get_tensor(f"{name}/{k}").unbind()):
                    values[name][layer] = value
                k += 1
    return Record(meta["architecture"], values, json.loads(meta["columns"]), meta["dead"], float(meta["seconds"]))
