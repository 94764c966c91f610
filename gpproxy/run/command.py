"""What every command shares: reading the arguments, and ending with a message instead of a traceback."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gpproxy.errors import GPProxyError

C = TypeVar("C")


def read_arguments(cls: type[C], arguments: Sequence[str], command: str, default: C | None = None) -> C:
    """An instance of a config dataclass from the command line; unknown flags end with the nearest match."""
    import tyro

    settings: dict[str, Any] = {} if default is None else {"default": default}
    return tyro.cli(
        cls,
        args=list(arguments),
        prog=f"python -m gpproxy.{command}",
        description=(cls.__doc__ or "").split("\n")[0],
        config=(tyro.conf.UseAppendAction,),
        **settings,
    )


def value_of(flag: str, arguments: Sequence[str]) -> str | None:
    """The last value of `--flag VALUE` or `--flag=VALUE`, for flags that decide the defaults of all others."""
    found = None
    for i, argument in enumerate(arguments):
        if argument == flag and i + 1 < len(arguments):
            found = arguments[i + 1]
        elif argument.startswith(flag + "="):
            found = argument[len(flag) + 1 :]
    return found


def guarded(main: Callable[[Sequence[str]], Any], arguments: Sequence[str]) -> int:
    """Runs a command and returns its exit code: 0, 1 after a message, 130 after Ctrl-C."""
    # Of torch's own code, at its first derivative in forward mode: nothing that a user could change.
    warnings.filterwarnings("ignore", message="`torch.jit.script")
    try:
        return int(main(arguments) or 0)
    except GPProxyError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt as stop:
        complain(str(stop) or "Stopped.")
        return 130
    except BrokenPipeError:
        # The reader of our output has gone; nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        place = f" ({error.filename})" if error.filename else ""
        hint = getattr(error, "hint", "What was written before is intact; free space or choose another place.")
        complain(f"Writing failed: {error.strerror}{place}. {hint}")
        return 1


def complain(message: str) -> None:
    """One message on standard error."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    console.print("[bold red]gpproxy:[/] ", end="")
    console.print(message, markup=False, soft_wrap=True)
