"""The command `gpproxy score`: reads its arguments, prints or writes the scores, tells how well they rank a table."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from gpproxy.run.command import complain, read_settings, run_command
from gpproxy.run.files import write_atomically
from gpproxy.score import scores_of, source_of, table_of
from gpproxy.score.settings import ScoreSettings


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    settings, _ = read_settings(ScoreSettings, arguments, "score")
    if settings.transfer:
        from gpproxy.score.judgement import show_transfer

        show_transfer(settings)
        return 0
    return _score(settings)


def _score(settings: ScoreSettings) -> int:
    """Scores architectures; a file is written at the end, since it may be the one that they are read from."""
    from rich.console import Console

    from gpproxy.run.terminal import Terminal

    kept: dict[str, float] = {}
    failed = 0
    watch = Terminal(Console(stderr=True, highlight=False))
    file = Path(settings.out) if settings.out else None
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    stream = sys.stdout if file is None else io.StringIO()
    # Where the scores are printed, they tell how far it is.
    told = (lambda done, total: watch.progress("scoring", done, total)) if file else (lambda done, total: None)
    source = source_of(settings)
    found = scores_of(settings, source, told, watch.note)
    with watch:
        writer = csv.writer(stream, lineterminator="\n")
        averaged = source.inits > 1
        try:
            for number, row in enumerate(found):
                if not number:
                    writer.writerow(["architecture", "score", "spread"] if averaged else ["architecture", "score"])
                if row.failed:
                    failed += 1
                    complain(f"{row.architecture} is left out: {row.problem}")
                    continue
                kept[row.architecture] = row.score
                if row.problem:
                    complain(f"{row.architecture} has the score {row.score}: {row.problem}")
                cells = [row.architecture, repr(row.score)]
                writer.writerow([*cells, "" if row.spread is None else repr(row.spread)] if averaged else cells)
                stream.flush()
        except BaseException:
            if file is not None and kept:
                part = file.with_name(f"{file.name}.part")
                write_atomically(part, stream.getvalue())  # type: ignore[union-attr]
                watch.note(f"the {len(kept)} scores so far are written to {part}")
            raise
    if file is not None:
        write_atomically(file, stream.getvalue())  # type: ignore[union-attr]
        watch.note(f"{len(kept)} scores are written to {file}")
    if settings.benchmark:
        from gpproxy.score.judgement import judge

        table = table_of(settings)
        assert table is not None
        judge(table, kept, source, settings)
    return 1 if failed else 0


if __name__ == "__main__":
    run_command(main)
