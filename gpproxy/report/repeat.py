"""How to repeat a run: its folder, its command and its environment in, the last section of its page out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gpproxy.report.document import Block, Code, Table


def repeat(verb: str, folder: Path, environment: Mapping[str, Any]) -> Iterator[Block]:
    """The command that makes the run anew, versions and hardware."""
    yield Code(f"gpproxy {verb} --config {shlex.quote(str(folder / 'config.toml'))} --out NEW_FOLDER")
    rows = [["python", environment["python"]]]
    rows += [[name, version or "not installed as a package"] for name, version in environment["packages"].items()]
    rows += [[name, str(environment[name])] for name in ("device", "processor", "platform", "workers")]
    rows += [["started as", shlex.join(environment["command"])]]
    yield Table(["", ""], rows)
