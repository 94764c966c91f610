"""`gpproxy` without a verb: help, lists, completion; and that a name means one thing in all commands."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from gpproxy import VERBS, __version__
from gpproxy.__main__ import main
from gpproxy.cli.commands import commands
from gpproxy.cli.completion import SHELLS, script
from gpproxy.run.command import guarded
from gpproxy.run.settings import helps

#: Names whose rule differs between commands, with the reason.
DIFFERENT_TYPES: dict[str, str] = {"estimator": "a search has one, a comparison several"}


def test_a_name_means_one_thing_in_all_commands() -> None:
    """The same type, and the same help up to the first `;`, wherever a name occurs."""
    found: dict[str, tuple[str, object, str]] = {}
    for command, groups in commands().items():
        for group in groups:
            hints, texts = get_type_hints(group), helps(group)
            for field in fields(group):
                assert texts.get(field.name), f"{group.__name__}.{field.name} has no help"
                meaning = texts[field.name].split(";")[0].rstrip(".")
                where, kind, text = found.setdefault(field.name, (command, hints[field.name], meaning))
                assert text == meaning, f"{field.name}: '{text}' in {where}, '{meaning}' in {command}"
                assert kind == hints[field.name] or field.name in DIFFERENT_TYPES, f"{field.name} in {command}"


def test_help_fits_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(len(line) <= 80 for line in said.splitlines()) and all(f"  {verb} " in said for verb in VERBS)
    assert main([]) == 1 and main(["--version"]) == 0
    assert f"gpproxy {__version__}" in capsys.readouterr().out


def test_unknown_words_have_a_nearest_match(capsys: pytest.CaptureFixture[str]) -> None:
    for words, hint in ((["evolv"], "'evolve'"), (["list", "space"], "'spaces'"), (["--completion", "zhs"], "'zsh'")):
        assert guarded(main, words) == 1
        assert f"Did you mean {hint}?" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("noun", "name", "source"),
    [
        ("spaces", "autogan", "Gong et al., 2019"),
        ("benchmarks", "transnas-micro", "Duan et al., 2021"),
        ("statistics", "gradient", "Turner et al., 2020"),
        ("proxies", "synflow", "Tanaka et al., 2020"),
        ("recipes", "short", "task unconditional"),
        ("primitives", "logdet", ""),
    ],
)
def test_lists_have_a_source_and_a_line(noun: str, name: str, source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", noun]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{name} "))
    assert source in line and len(line) > len(name) + len(source) + 8


def test_lists_wrap_in_a_terminal_and_lose_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "spaces"]) == 0
    piped = capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")  # what makes rich take any output for a terminal
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["list", "spaces"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80 < max(map(len, piped.splitlines()))
    assert shown.split() == piped.split()


def test_runs_are_listed_with_kind_state_and_formula(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["list", "runs"]) == 0 and "no runs here" in capsys.readouterr().out
    shutil.copytree(small_run, tmp_path / "runs" / "one")
    assert main(["list", "runs"]) == 0
    formula = (small_run / "formula.txt").read_text().strip()
    test = json.loads((small_run / "result.json").read_text())["test"]
    said = capsys.readouterr().out.strip()
    assert said.startswith("runs/one  [evolve, finished]  τ ") and said.endswith(f" on {test['n']} tested: {formula}")


def test_completion_knows_verbs_flags_and_choices(tmp_path: Path) -> None:
    for shell in SHELLS:
        assert "archive-width" in script(shell)
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    (tmp_path / "completion.bash").write_text(script("bash"))
    for words, wanted in (
        (["s"], "score search"), (["evolve", "--combine", "w"], "worst"), (["evolve", "--max-n"], "--max-nodes"),
        (["benchmark", "b"], "build"), (["list", "prim"], "primitives"),
    ):  # fmt: skip
        typed = f"COMP_WORDS=(gpproxy {' '.join(words)}); COMP_CWORD={len(words)}; _gpproxy"
        line = f'source {tmp_path}/completion.bash; {typed}; echo "${{COMPREPLY[@]}}"'
        assert subprocess.run([bash, "-c", line], capture_output=True, text=True).stdout.strip() == wanted


@pytest.mark.parametrize("command", commands())
def test_help_comes_without_what_is_heavy(command: str) -> None:
    verb, *action = command.split()
    code = f"""
import sys
from gpproxy.{verb}.__main__ import main
try:
    main({[*action, "--help"]!r})
except SystemExit as end:
    assert not end.code
heavy = [name for name in ("torch", "numpy", "scipy", "deap", "sympy", "matplotlib") if name in sys.modules]
sys.exit(", ".join(heavy) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
