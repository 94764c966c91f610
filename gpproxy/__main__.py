"""The command `gpproxy VERB ...`, `gpproxy compare ...`, `list`, `--completion SHELL`; also `python -m gpproxy`.

In: the arguments of the process. Out: its exit code. A verb is loaded only when it is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from gpproxy import VERBS, __version__
from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.run.command import run_command

USAGE = """usage: gpproxy VERB [OPTIONS]

Finds and applies zero-cost proxies for generators: short formulas that look at
an untrained generator and tell how good it will be once trained.

  evolve       evolve a proxy on a table of measured architectures
  score        score architectures with a proxy
  search       rank many untrained candidates, and train the best
  train        train one generator and measure it
  benchmark    show, check and build tables of measured architectures
  compare      runs beside each other, with paired differences
  report       what finished runs have found, as one page to look at
  list         what there is: spaces, benchmarks, statistics, primitives,
               proxies, recipes, runs

  gpproxy VERB --help         every option of a verb
  gpproxy --completion SHELL  completion for bash, zsh or fish, to be sourced
  gpproxy --version"""


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code. Raises ConfigError for a verb that does not exist."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", ())
    if verb in ("", "-h", "--help", "help"):
        print(USAGE)
        return 0 if verb else 1
    if verb in ("--version", "-V"):
        print(f"gpproxy {__version__}")
        return 0
    if verb == "list":
        from gpproxy.cli.listing import main as show

        return show(rest)
    if verb == "compare":
        from gpproxy.cli.compare import main as compare

        return compare(rest)
    if verb == "report":
        from gpproxy.cli.report import main as report

        return report(rest)
    if verb == "--completion":
        from gpproxy.cli.completion import main as complete

        return complete(rest)
    if verb not in VERBS:
        known = (*VERBS, "compare", "report", "list")
        raise ConfigError(f"gpproxy can {', '.join(known)}, but not '{verb}'.{did_you_mean(verb, known)}")
    return int(importlib.import_module(f"gpproxy.{verb}.__main__").main(rest))


def console() -> None:
    """What the installed `gpproxy` calls."""
    run_command(main)


if __name__ == "__main__":
    console()
