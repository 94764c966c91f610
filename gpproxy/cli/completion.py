"""Completion for shells: a script on standard output, made of the verbs and their flags; nothing is installed.

In: the name of a shell. Out: what it sources, `source <(gpproxy --completion bash)`. Only `gpproxy` is completed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args, get_origin, get_type_hints

from gpproxy import VERBS
from gpproxy.cli.commands import beginnings, commands
from gpproxy.cli.listing import NOUNS
from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.run.settings import helps

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class Flag:
    """A flag: its name without the dashes, what it can be (empty where that is open), and what it does in short."""

    name: str
    choices: tuple[str, ...]
    text: str


def flags_of(command: str) -> list[Flag]:
    """The flags of a command, in the order of its --help."""
    found = []
    first = beginnings().get(command)
    for group in [*([first] if first else []), *commands()[command]]:
        hints, texts = get_type_hints(group), helps(group)  # type: ignore[arg-type]
        for field in fields(group):  # type: ignore[arg-type]
            if field.metadata.get("positional"):
                continue
            kind, name = hints[field.name], field.name.replace("_", "-")
            choices = tuple(filter(None, get_args(kind))) if get_origin(kind) is Literal else ()
            text = texts.get(field.name, "").split(";")[0].split(". ")[0].rstrip(".")
            found.append(Flag(name, choices, text))
            if kind is bool:
                found.append(Flag(f"no-{name}", (), f"not: {text}"))
    return [*found, Flag("help", (), "every option")]


def script(shell: str) -> str:
    """What the shell sources. Raises ConfigError for an unknown shell."""
    if shell not in SHELLS:
        hint = did_you_mean(shell, SHELLS)
        raise ConfigError(f"--completion takes {', '.join(SHELLS)}, but got '{shell}'.{hint}")
    return _fish() if shell == "fish" else _bash(shell)


def _bash(shell: str) -> str:
    every = commands()
    actions = [name.split()[1] for name in every if " " in name]
    flags = [f'    "{name}") flags="{" ".join(f"--{flag.name}" for flag in flags_of(name))}" ;;' for name in every]
    choices = [
        f'    "{name} --{flag.name}") COMPREPLY=($(compgen -W "{" ".join(flag.choices)}" -- "$current")); return ;;'
        for name in every
        for flag in flags_of(name)
        if flag.choices
    ]
    lines = [
        *(["autoload -U +X compinit && compinit", "autoload -U +X bashcompinit && bashcompinit"] * (shell == "zsh")),
        "_gpproxy() {",
        '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" flags=""',
        '  local verb="${COMP_WORDS[1]}" words=""',
        '  if [ "$COMP_CWORD" -eq 1 ]; then',
        f'    words="{" ".join((*VERBS, "compare", "report", "list", "--help", "--version", "--completion"))}"',
        '  elif [ "$COMP_CWORD" -eq 2 ] && [ "$verb" = list ]; then',
        f'    words="{" ".join(NOUNS)}"',
        '  elif [ "$COMP_CWORD" -eq 2 ] && [ "$verb" = --completion ]; then',
        f'    words="{" ".join(SHELLS)}"',
        '  elif [ "$COMP_CWORD" -eq 2 ] && [ "$verb" = benchmark ]; then',
        f'    words="{" ".join(actions)}"',
        "  fi",
        '  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$current")); return; fi',
        '  if [ "$verb" = benchmark ]; then verb="benchmark ${COMP_WORDS[2]}"; fi',
        '  case "$verb $previous" in',
        *choices,
        "  esac",
        '  case "$verb" in',
        *flags,
        "  esac",
        '  case "$current" in',
        '    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;',
        '    *) COMPREPLY=($(compgen -f -- "$current")) ;;',
        "  esac",
        "}",
        "complete -o filenames -F _gpproxy gpproxy",
    ]
    return "\n".join(lines) + "\n"


def _fish() -> str:
    lines = ["complete -c gpproxy -e"]
    for verb in (*VERBS, "compare", "report", "list"):
        lines.append(f"complete -c gpproxy -f -n __fish_use_subcommand -a {verb}")
    lines.append(f"complete -c gpproxy -f -n '__fish_seen_subcommand_from list' -a '{' '.join(NOUNS)}'")
    lines.append(f"complete -c gpproxy -f -n __fish_use_subcommand -l completion -xa '{' '.join(SHELLS)}'")
    for name in commands():
        verb, _, action = name.partition(" ")
        seen = f"__fish_seen_subcommand_from {verb}"
        if action:
            lines.append(f"complete -c gpproxy -f -n '{seen}' -a {action}")
            seen += f"; and __fish_seen_subcommand_from {action}"
        for flag in flags_of(name):
            text = flag.text.replace("\\", "").replace("'", "")
            choices = f" -xa '{' '.join(flag.choices)}'" if flag.choices else ""
            lines.append(f"complete -c gpproxy -n '{seen}' -l {flag.name}{choices} -d '{text}'")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """`gpproxy --completion SHELL`; returns the exit code."""
    print(script(arguments[0] if arguments else ""), end="")
    return 0
