"""The command `gpproxy benchmark show|check|build|merge|estimate|published`: its arguments in, what it finds out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpproxy.benchmark import build, check, estimate, show
from gpproxy.benchmark.estimate_settings import EstimateSettings
from gpproxy.benchmark.settings import BuildSettings
from gpproxy.benchmark.table_settings import CheckSettings, MergeSettings, PublishedSettings, ShowSettings
from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.run.command import read_settings, run_command, value_of

USAGE = """usage: gpproxy benchmark {show,check,build,merge,estimate,published} ...

  show NAME|FILE  a table's card, its range, noise and ceiling, and how simple
                  baselines rank it
  check FILE      every row of your own table that cannot be used, and why
  build           trains architectures spread over a space into a table; the
                  same command continues
  merge FOLDER... puts the shards of a build together into one table
  estimate NAME|FILE  how well proxies, short trainings and shared weights rank a
                  table, and what each costs
  published       results that papers report, with their source

Each has --help."""


def _show(arguments: Sequence[str]) -> int:
    settings, _ = read_settings(ShowSettings, arguments, "benchmark show")
    from gpproxy.benchmark.survey_table import survey_table
    from gpproxy.run.tables import told_width
    from gpproxy.run.terminal import Terminal

    watch = Terminal()
    for line in survey_table(show(settings, watch), told_width(watch.console)):
        watch.console.print(line, soft_wrap=True, no_wrap=True, crop=False)
    return 0


def _check(arguments: Sequence[str]) -> int:
    settings, _ = read_settings(CheckSettings, arguments, "benchmark check")
    from gpproxy.benchmark.survey_table import check_lines
    from gpproxy.run.console import usual_console

    table, bad = check(settings)
    console = usual_console()
    for line in check_lines(settings.benchmark, table, bad):
        console.print(line, markup=False, soft_wrap=True)
    return 1 if bad or table is None else 0


@dataclass(frozen=True)
class DryRun:
    """What only a command line needs.

    Attributes:
        dry_run: only say what would be trained and how long it would take.
    """

    dry_run: bool = False


def _build(arguments: Sequence[str]) -> int:
    from gpproxy.benchmark.console import BuildTerminal

    out, table = value_of("--out", arguments) or "", value_of("--benchmark", arguments) or ""
    default = None
    if out or table:
        from gpproxy.benchmark.kept import begun

        default = begun(out, table, value_of("--shard", arguments) or "")
    settings, given = read_settings(BuildSettings, arguments, "benchmark build", default, DryRun)
    build(settings, BuildTerminal(), given.dry_run)
    return 0


def _estimate(arguments: Sequence[str]) -> int:
    settings, _ = read_settings(EstimateSettings, arguments, "benchmark estimate")
    from gpproxy.benchmark.estimate_table import estimate_lines
    from gpproxy.run.tables import told_width
    from gpproxy.run.terminal import Terminal

    watch = Terminal()
    found = estimate(settings, watch)
    for line in estimate_lines(found, settings.benchmark, told_width(watch.console)):
        watch.console.print(line, soft_wrap=True, no_wrap=True, crop=False)
    watch.note(f"written to {settings.folder}")
    return 0


def _merge(arguments: Sequence[str]) -> int:
    settings, _ = read_settings(MergeSettings, arguments, "benchmark merge")
    from gpproxy.benchmark.merge import merge
    from gpproxy.run.console import usual_console

    console = usual_console()
    merge(settings, lambda text: console.print(text, markup=False, soft_wrap=True))
    return 0


def _published(arguments: Sequence[str]) -> int:
    settings, _ = read_settings(PublishedSettings, arguments, "benchmark published")
    from gpproxy.benchmark.published_table import published_lines
    from gpproxy.run.console import usual_console

    console, lines = usual_console(), list(published_lines(settings.data))
    if not lines:
        from gpproxy.benchmarks.published import published

        known = list(dict.fromkeys(one.data for one in published()))
        hint = did_you_mean(settings.data, known)
        raise ConfigError(f"Nothing is known for data={settings.data}.{hint} Known: {', '.join(known)}.")
    for line in lines:
        console.print(line, soft_wrap=True, no_wrap=True, crop=False)
    return 0


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    commands = {"show": _show, "check": _check, "build": _build, "estimate": _estimate}
    commands["merge"], commands["published"] = _merge, _published
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if arguments else 1
    if arguments[0] not in commands:
        hint = did_you_mean(arguments[0], commands)
        raise ConfigError(f"gpproxy benchmark can {', '.join(commands)}, but not '{arguments[0]}'.{hint}")
    return commands[arguments[0]](arguments[1:])


if __name__ == "__main__":
    run_command(main)
