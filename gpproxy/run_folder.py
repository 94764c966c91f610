"""One folder per run: settings, environment, journal, state to continue from, results. Nothing else writes in it.

Files are replaced atomically; the journal grows by one JSON line per event, flushed to disk at once, and its reader
drops a half-written last line. A killed process or a full disk loses at most the running generation.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from gpproxy.config import EvolveConfig
from gpproxy.errors import RunError

CONFIG, ENVIRONMENT, JOURNAL, STATE = "config.toml", "environment.json", "journal.jsonl", "state.json"
FRONT, RESULT = "front.json", "result.json"

#: Packages whose versions can change a result or a file.
PACKAGES = ("gpproxy", "torch", "deap", "numpy", "scipy", "sympy", "networkx", "safetensors", "rich", "tyro")


class RunFolder:
    """A run folder that exists. Use `create` or `open` to get one."""

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def create(cls, config: EvolveConfig) -> RunFolder:
        """The folder of a new run with its settings and environment in it.

        Raises RunError when `config.out` already holds a run.
        """
        path = Path(config.out).expanduser() if config.out else _fresh(default_path(config))
        folder = cls(path)
        if (path / CONFIG).is_file():
            state = "a finished" if folder.finished else "an unfinished"
            step = "" if folder.finished else f" Continue it with --resume {path}, or"
            raise RunError(f"{path} holds {state} run.{step or ' Please'} choose another --out.")
        if path.exists() and not path.is_dir():
            raise RunError(f"The run folder {path} cannot be made: a file of that name is there. Choose another --out.")
        path.mkdir(parents=True, exist_ok=True)
        folder.write(CONFIG, config.to_toml())
        folder.write(ENVIRONMENT, json.dumps(environment(config), indent=1) + "\n")
        return folder

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """The folder of a run that was begun. Raises RunError when there is none."""
        path = Path(path).expanduser()
        if not (path / CONFIG).is_file():
            raise RunError(f"{path} is no run folder: it has no {CONFIG}. Give a folder that gpproxy.evolve made.")
        return cls(path)

    @property
    def finished(self) -> bool:
        """Whether the run has its result."""
        return (self.path / RESULT).is_file()

    @property
    def config(self) -> EvolveConfig:
        """The settings of the run."""
        return EvolveConfig.from_toml(self.path / CONFIG)

    def write(self, name: str, content: str | bytes) -> Path:
        """Replaces a file of the run; a reader sees the old one or the new one."""
        path = self.path / name
        write_atomically(path, content)
        return path

    def write_json(self, name: str, content: Any) -> Path:
        """Replaces a JSON file: fixed layout, numbers with every digit, equal content gives equal bytes."""
        return self.write(name, json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")

    def read(self, name: str) -> str:
        """The text of a file of the run. Raises RunError when it is missing."""
        path = self.path / name
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise RunError(f"The run folder {self.path} has no {name}; the run did not get that far.") from None

    def read_json(self, name: str) -> Any:
        """The content of a JSON file of the run. Raises RunError when it is missing or broken."""
        try:
            return json.loads(self.read(name))
        except json.JSONDecodeError as error:
            raise RunError(f"{self.path / name} is not readable JSON: {error}.") from error

    def log(self, event: str, **entries: Any) -> None:
        """Appends one event to the journal and waits until it is on disk."""
        line = json.dumps({"event": event, "time": round(time.time(), 3), **entries}, ensure_ascii=False)
        path = self.path / JOURNAL
        with path.open("ab+") as file:
            # A half line of a killed process must not swallow this one.
            if file.tell() and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
                file.write(b"\n")
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def journal(self) -> list[dict[str, Any]]:
        """The events so far, in order; half-written lines are left out."""
        path = self.path / JOURNAL
        return list(_events(path)) if path.is_file() else []


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file so that neither a killed process nor a full disk leaves half of it."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def default_path(config: EvolveConfig) -> Path:
    """runs/<time>-<benchmark>-s<seed>, in the current folder."""
    names = "+".join(Path(n).stem if n.endswith((".csv", ".toml", ".json")) else n for n in config.benchmarks)
    return Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-{names}-s{config.seed}"


def environment(config: EvolveConfig) -> dict[str, Any]:
    """What a result may depend on beside its settings: versions, hardware, threads."""
    import torch

    device = torch.device(config.device)
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "workers": config.cores,
        "torch_threads_per_worker": 1,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "command": sys.argv,
    }


def _fresh(path: Path) -> Path:
    """The path, or with a number where two runs begin in the same second."""
    candidates = (path if i == 1 else path.with_name(f"{path.name}-{i}") for i in range(1, 1000))
    return next(candidate for candidate in candidates if not candidate.exists())


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _events(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().split(b"\n"):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
