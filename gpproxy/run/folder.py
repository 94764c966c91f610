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
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from gpproxy.errors import ExpressionError, RunError
from gpproxy.execution.devices import processor
from gpproxy.files import append_event, explained, read_events, write_atomically
from gpproxy.run.interrupt import Interrupted, resume_command
from gpproxy.run.kind import CONFIG, expect
from gpproxy.run.reading import reading

if TYPE_CHECKING:
    from typing_extensions import Self

ENVIRONMENT, JOURNAL, STATE = "environment.json", "journal.jsonl", "state.json"
FRONT, RESULT, SPLIT = "front.json", "result.json", "split.json"
#: The formulas of a series, which vote together.
COMMITTEE = "committee.json"

#: Packages whose versions can change a result or a file.
PACKAGES = ("gpproxy", "torch", "deap", "numpy", "scipy", "sympy", "networkx", "safetensors", "rich", "tyro")


#: What to do about a file of a run that is damaged.
AGAIN = "Take it from a copy, or run again in another folder."


class RunSettings(Protocol):
    """What a run folder asks of the settings of a command."""

    @property
    def out(self) -> str: ...

    @property
    def seed(self) -> int: ...

    @property
    def device(self) -> str: ...

    @property
    def cores(self) -> int: ...

    @property
    def run_name(self) -> str: ...

    def to_toml(self) -> str: ...


class RunFolder:
    """A run folder that exists. Use `create` or `open` of a subclass to get one; every command has its own.

    Attributes:
        process: what works in such folders, in one word.
        ending: file that marks a run as finished.
        command: what makes and continues such folders, after `gpproxy.`.
        settings: class of the settings.
    """

    process: ClassVar[str]
    ending: ClassVar[str]
    command: ClassVar[str]
    settings: ClassVar[type[Any]]

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def create(cls, config: RunSettings) -> Self:
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
    def open(cls, path: str | Path) -> Self:
        """The folder of a run that was begun. Raises RunError when there is none, or one of another command."""
        path = Path(path).expanduser()
        expect(path, cls.command)
        return cls(path)

    @property
    def finished(self) -> bool:
        """Whether the run has its result."""
        return (self.path / self.ending).is_file()

    def alone(self) -> AbstractContextManager[None]:
        """Keeps other processes out. Raises RunError while another one is at work here."""
        from gpproxy.run.locks import alone  # not before it is needed: commands answer --help without it

        return alone(self.path, self.process)

    @property
    def config(self) -> Any:
        """The settings of the run."""
        return self.settings.from_toml(self.path / CONFIG)

    def continued(self, **changes: Any) -> Any:
        """The settings to go on with: those of the run with changes. Raises RunError for what may not change."""
        saved = self.config
        config = replace(saved, **changes)
        if changed := config.changed(saved):
            values = ", ".join(f"{name}={getattr(saved, name)!r}" for name in changed)
            raise RunError(f"The run in {self.path} has {values}; continued, it keeps that. Choose another --out.")
        return config

    def write(self, name: str, content: str | bytes) -> Path:
        """Replaces a file of the run; a reader sees the old one or the new one."""
        path = self.path / name
        write_atomically(path, content)
        return path

    def write_or_tell(self, name: str, make: Callable[[], str], tell: Callable[[str], None], what: str = "") -> bool:
        """Writes a file that says nothing new: whatever goes wrong is told, and what was found stays.

        Args:
            make: makes its content.
            tell: takes a sentence on what went wrong.
            what: what the file is called there; its name by default.

        Returns whether it is there.
        """
        try:
            self.write(name, make())
        except Exception as error:  # also what a plug-in raises, such as the loss of a space
            reason = error if isinstance(error, ExpressionError) else f"{type(error).__name__}: {error}"
            tell(f"{what or name} is not written: {reason}")
            return False
        return True

    def write_json(self, name: str, content: Any) -> Path:
        """Replaces a JSON file: fixed layout, numbers with every digit, equal content gives equal bytes."""
        return self.write(name, json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")

    def read(self, name: str) -> str:
        """The text of a file of the run. Raises RunError when it is missing."""
        path = self.path / name
        try:
            with reading(path, AGAIN):
                return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise RunError(f"The run folder {self.path} has no {name}; the run did not get that far.") from None

    def read_json(self, name: str) -> Any:
        """The content of a JSON file of the run. Raises RunError when it is missing or broken."""
        with reading(self.path / name, AGAIN):
            return json.loads(self.read(name))

    def log(self, event: str, **entries: Any) -> None:
        """Appends one event to the journal and waits until it is on disk."""
        append_event(self.path / JOURNAL, {"event": event, "time": round(time.time(), 3), **entries})

    def journal(self) -> list[dict[str, Any]]:
        """The events so far, in order; half-written lines are left out."""
        return list(read_events(self.path / JOURNAL))


@contextmanager
def interruptible(folder: Callable[[], RunFolder | None], safe: Callable[[], str] = str) -> Iterator[None]:
    """Whatever ends the block early says how to go on: Ctrl-C, and a file that cannot be written.

    Args:
        folder: where the run is kept; None while it has no folder yet.
        safe: what of it is safe already, as a sentence.
    """
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt:
        if (place := folder()) is None:
            raise
        place.log("interrupted")
        raise Interrupted(place.path, place.command) from None
    except OSError as error:
        if (place := folder()) is None:
            raise explained(error, "", "Nothing was written yet.") from None
        raise explained(error, resume_command(place.path, place.command), safe()) from None


def default_path(config: RunSettings) -> Path:
    """runs/<time>-<name>-s<seed>, in the current folder."""
    return Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-{config.run_name}-s{config.seed}"


def environment(config: RunSettings) -> dict[str, Any]:
    """What a result may depend on beside its settings: versions, hardware, threads."""
    import torch

    device = torch.device(config.device)
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "processor": processor(),
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
