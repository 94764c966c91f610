"""How this program is called, for the commands that it prints: what is printed can be pasted and runs."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path


def command_line(verb: str, *words: object) -> str:
    """A command as one line for a shell, each word quoted where that is needed.

    Args:
        verb: such as `evolve` or `benchmark build`.
        words: flags and values, also lists of such, as text or anything that has one.
    """
    return shlex.join([*_program(), *verb.split(), *map(str, words)])


def _program() -> list[str]:
    """What begins a command: `gpproxy` where it is installed, else this Python with the package."""
    started = Path(sys.argv[0]) if sys.argv and sys.argv[0] else Path()
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is None or not spec.name.startswith("gpproxy"):
        found = shutil.which("gpproxy")
        if started.name == "gpproxy" and (found is None or Path(found).resolve() != started.resolve()):
            return [str(started.absolute())]  # installed in a place that the shell does not search
        if found is not None:
            return ["gpproxy"]
    found = shutil.which("python")
    return ["python" if found and Path(found).absolute() == Path(sys.executable) else sys.executable, "-m", "gpproxy"]
