"""What every command shares: reading the arguments, and ending with a message instead of a traceback."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Annotated, Any, NoReturn, TypeVar, get_type_hints

from gpproxy.errors import GPProxyError
from gpproxy.files import REMEDIES, remedy
from gpproxy.run import interrupt
from gpproxy.run.kind import expect
from gpproxy.run.settings import Settings, groups_of, helps
from gpproxy.run.spelling import spell_out

S = TypeVar("S", bound=Settings)


def read_settings(
    cls: type[S], arguments: Sequence[str], command: str, default: S | None = None, extra: type[Any] | None = None
) -> tuple[S, Any]:
    """Settings from the command line, and what belongs to the command line alone.

    Every group of the settings is a titled part of `--help`; unknown flags end with the nearest match.

    Args:
        command: its name, as in `gpproxy search`.
        default: the settings that hold where no flag says otherwise, such as those of a run that is continued.
        extra: a group of flags that are no settings, such as `--resume`; its instance is the second result.

    Raises ConfigError for values that break a rule; a flag that does not exist ends the process with a message.
    """
    import tyro

    groups = [*([extra] if extra else []), *groups_of(cls)]
    parts: list[Any] = []
    for group in groups:
        known = {} if default is None or group is extra else {f.name: getattr(default, f.name) for f in fields(group)}
        form = _form(group)
        kind = Annotated[form, tyro.conf.OmitArgPrefixes]  # type: ignore[valid-type]
        parts.append((_key(group), kind, dataclasses.field(default=form(**known))))
    found: Any = tyro.cli(
        dataclasses.make_dataclass("Command", parts, frozen=True),
        args=list(arguments),
        prog=f"gpproxy {command}",
        description=(cls.__doc__ or "").split("\n")[0],
        config=(tyro.conf.UseAppendAction, tyro.conf.HelptextFromCommentsOff),
    )
    made = {group: vars(getattr(found, _key(group))) for group in groups}
    own = extra(**made.pop(extra)) if extra else None
    return cls(**{name: value for values in made.values() for name, value in values.items()}), own


def _form(group: type[Any]) -> type[Any]:
    """A group as the parser takes it: its help texts beside its fields, so that it need not read source code."""
    import tyro

    hints, texts = get_type_hints(group), helps(group)
    parts: list[Any] = []
    for field in fields(group):
        marks = [tyro.conf.Positional] if field.metadata.get("positional") else []
        kind = Annotated[(hints[field.name], tyro.conf.arg(help=texts.get(field.name, "")), *marks)]  # type: ignore[misc, valid-type, name-defined]
        parts.append((field.name, kind, dataclasses.field(default=field.default)))
    title = (group.__doc__ or "").strip().split("\n")[0]
    return dataclasses.make_dataclass(group.__name__, parts, frozen=True, namespace={"__doc__": title})


def _key(group: type[Any]) -> str:
    """The title of a group: its name in small letters, words apart."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", group.__name__).lower()


@dataclasses.dataclass(frozen=True)
class Start:
    """Where settings come from.

    Attributes:
        config: TOML file with settings, or a run folder; other flags change single ones.
        resume: run folder to continue.
    """

    config: str = ""
    resume: str = ""


def read_run(cls: type[S], arguments: Sequence[str], command: str, extra: type[Start] = Start) -> tuple[S, Any]:
    """Settings of a command that makes run folders; `--resume` and `--config` say what holds where no flag does.

    Raises RunError for a folder to continue that another command made.
    """
    folder, file = value_of("--resume", arguments), value_of("--config", arguments)
    if folder is not None:
        expect(folder, command)
    source = file if folder is None else folder
    return read_settings(cls, arguments, command, None if source is None else cls.from_toml(source), extra)


def value_of(flag: str, arguments: Sequence[str]) -> str | None:
    """The last value of `--flag VALUE` or `--flag=VALUE`, for flags that decide the defaults of all others."""
    found = None
    for i, argument in enumerate(arguments):
        if argument == flag and i + 1 < len(arguments):
            found = arguments[i + 1]
        elif argument.startswith(flag + "="):
            found = argument[len(flag) + 1 :]
    return found


def run_command(main: Callable[[Sequence[str]], Any]) -> NoReturn:
    """Runs a command with the arguments of this process and ends it: signals are taken over from here to the end."""
    interrupt.install()
    spell_out()
    code = guarded(main, sys.argv[1:])
    interrupt.end()
    if code > 128:
        # Python forgets that KeyboardInterrupt was caught where it came through `exec` of a text, such as a dataclass
        # in the making, and would end itself by SIGINT instead of with the code.
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def guarded(main: Callable[[Sequence[str]], Any], arguments: Sequence[str]) -> int:
    """Runs a command and returns its exit code: 0, 1 after a message, 130 after Ctrl-C, 143 after SIGTERM."""
    # Of torch's own code, at its first derivative in forward mode: nothing that a user could change.
    warnings.filterwarnings("ignore", message="`torch.jit.script")
    try:
        interrupt.begin()
        return int(main(arguments) or 0)
    except GPProxyError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt as stop:
        complain(str(stop) or "Stopped.")
        return interrupt.exit_code()
    except BrokenPipeError:
        # The reader of our output has gone; nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        place = f" ({error.filename})" if error.filename else ""
        complain(f"Writing failed: {error.strerror}{place}. {remedy(error)}")
        return 1


def complain(message: str) -> None:
    """One message on standard error."""
    from gpproxy.run.console import usual_console

    console = usual_console(stderr=True)
    console.print("[bold red]gpproxy:[/] ", end="")
    console.print(message, markup=False, soft_wrap=True)
