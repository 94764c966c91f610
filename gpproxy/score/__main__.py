"""The command `gpproxy score`: reads its arguments, prints or writes the scores, tells how well they rank a table."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from gpproxy.files import write_atomically
from gpproxy.run.command import complain, read_settings, run_command
from gpproxy.score import proxy_of, scores_of, table_of
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
    from gpproxy.proxies.scored import cell, told_of_notes
    from gpproxy.run.console import usual_console
    from gpproxy.run.terminal import Terminal

    kept: dict[str, float] = {}
    notes: list[str] = []
    rows = scored = failed = 0
    watch = Terminal(usual_console(stderr=True))
    file = Path(settings.out) if settings.out else None
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    stream = sys.stdout if file is None else io.StringIO()
    # Where the scores are printed, they tell how far it is.
    told = (lambda done, total: watch.progress("scoring", done, total)) if file else (lambda done, total: None)
    proxy = proxy_of(settings)
    found = scores_of(settings, proxy, told, watch.note)
    with watch:
        writer = csv.writer(stream, lineterminator="\n")
        averaged = proxy.inits > 1
        try:
            for row in found:
                if not rows:
                    writer.writerow(["architecture", "score", "spread"] if averaged else ["architecture", "score"])
                rows, scored, failed = rows + 1, scored + (not math.isnan(row.score)), failed + row.failed
                if row.problem:
                    complain(f"{row.code} is {row.problem}" if row.dead else f"{row.code} has no score: {row.problem}")
                if row.note:
                    notes.append(row.note)
                if not row.failed:
                    kept[row.code] = row.score
                writer.writerow([row.code, *map(cell, [row.score, row.spread] if averaged else [row.score])])
                stream.flush()
        except BaseException:
            if file is not None and rows:
                part = file.with_name(f"{file.name}.part")
                write_atomically(part, stream.getvalue())  # type: ignore[union-attr]
                watch.note(f"the {scored} scores so far are written to {part}")
            raise
    if file is not None:
        write_atomically(file, stream.getvalue())  # type: ignore[union-attr]
        watch.note(f"{scored} scores are written to {file}")
    if notes:
        complain(told_of_notes(notes, rows))
    if settings.benchmark:
        from gpproxy.score.judgement import judge

        table = table_of(settings)
        assert table is not None
        judge(table, kept, proxy, settings)
    return 1 if failed else 0


if __name__ == "__main__":
    run_command(main)
