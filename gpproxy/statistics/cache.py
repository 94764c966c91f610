"""The disk cache: one safetensors file per architecture, named by everything that its content depends on."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from safetensors.torch import save as to_safetensors
from torch import Tensor

from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.dependencies import code_digest, dependencies
from gpproxy.statistics.exact import exact
from gpproxy.statistics.observe import collect_one
from gpproxy.statistics.record import Record

if TYPE_CHECKING:
    from gpproxy.search_spaces import SearchSpace
    from gpproxy.statistics.collection import Collection


def folder() -> Path:
    """The cache folder: $GPPROXY_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("GPPROXY_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gpproxy" / "statistics"


@lru_cache(maxsize=64)
def _code_version(modules: tuple[str, ...]) -> str:
    """Hash of the code that decides what is collected: of these modules and of what they import."""
    files = {path for module in modules for path in dependencies(module)}
    return hashlib.sha256("".join(sorted(map(code_digest, files))).encode()).hexdigest()


def _modules(space: type[SearchSpace], how: Collection) -> tuple[str, ...]:
    """The modules of all functions that a record comes from: the collector, the statistics, the proxies, the space."""
    functions = [collect_one, exact, *(s.function for s in how.chosen())]
    functions += [PROXIES[name].function for name in how.chosen_proxies()]
    bases = (base.__module__ for base in space.__mro__[:-2])  # without ABC and object
    return tuple(sorted({*(function.__module__ for function in functions), *bases}))


def _device(device: str) -> str:
    """What rounds: cards of other kinds are told apart, two of one kind are not."""
    return device if device == "cpu" or not torch.cuda.is_available() else torch.cuda.get_device_name(device)


def file_name(space: SearchSpace, settings: dict[str, Any], code: str, how: Collection) -> str:
    """File of one architecture, relative to the cache folder."""
    content = {
        "space": space.name,
        "settings": settings,
        "architecture": code,
        "seed": how.seed,
        "samples": how.samples,
        "sizes": asdict(how.sizes),
        "statistics": [s.name for s in how.chosen()],
        "proxies": list(how.chosen_proxies()),
        "describe": how.describe,
        "device": _device(how.device),
        "torch": torch.__version__,
        "code": _code_version(_modules(type(space), how)),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{space.name}/{digest[:2]}/{digest[:32]}.safetensors"


def save(record: Record, path: Path) -> None:
    """Writes a record; a reader never sees half a file."""
    put(to_bytes(record), path)


def to_bytes(record: Record) -> bytes:
    """A record as it lies in the cache."""
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
        "absent": json.dumps(record.absent),
        "note": record.note,
        "lengths": json.dumps(lengths),
    }
    return to_safetensors(tensors, metadata=meta)


def put(data: bytes, path: Path) -> None:
    """Writes what `to_bytes` has made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise


def _pack(name: str, values: list[Tensor | None]) -> dict[str, Tensor]:
    """Layers of equal shape in one tensor: many small tensors would load slowly."""
    shapes = sorted({tuple(v.shape) for v in values if v is not None})
    packed = {}
    for k, shape in enumerate(shapes):
        layers = [i for i, v in enumerate(values) if v is not None and tuple(v.shape) == shape]
        packed[f"{name}/{k}"] = torch.stack([values[i] for i in layers])  # type: ignore[misc]
        packed[f"{name}/{k}/layers"] = torch.tensor(layers, device="cpu")
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
    columns, absent = json.loads(meta["columns"]), json.loads(meta.get("absent", "{}"))
    return Record(
        meta["architecture"], values, columns, meta["dead"], float(meta["seconds"]), absent, meta.get("note", "")
    )
