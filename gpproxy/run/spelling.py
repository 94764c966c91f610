"""Where the output cannot show a character, it is spelt: streams in, the same streams with a way out.

A terminal or a file may have an encoding without Greek letters and arrows, such as ASCII or Latin-1; writing them would
be an error in the middle of a table.
"""

from __future__ import annotations

import codecs
import sys
import unicodedata

#: Characters that we print, and how they are spelt; others lose their accents, or become a question mark.
SPELT = {
    "τ": "tau", "ρ": "rho", "σ": "sigma", "λ": "lambda", "α": "alpha", "β": "beta", "μ": "mu", "ℓ": "l", "Σ": "sum",
    "±": "+-", "×": "x", "·": "*", "−": "-", "–": "-", "—": "-", "²": "^2", "√": "sqrt", "≤": "<=", "≥": ">=",
    "≠": "!=",
    "∈": "in", "∞": "inf", "→": "->", "←": "<-", "↑": "(up)", "↓": "(down)", "…": "...", "“": '"', "”": '"',
    "‘": "'", "’": "'", "•": "*", "█": "#", "━": "-", "╸": "-", "╺": "-",
}  # fmt: skip


def _spelt(error: UnicodeError) -> tuple[str, int]:
    """A handler of codecs: what stands for the characters that cannot be written, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = []
    for sign in error.object[error.start : error.end]:
        plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
        found.append(SPELT.get(sign) or plain or "?")
    return "".join(found), error.end


codecs.register_error("gpproxy.spelt", _spelt)


def spell_out() -> None:
    """Makes standard output and error take every character."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="gpproxy.spelt")
