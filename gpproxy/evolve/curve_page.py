"""The page of a learning curve: its folder, its points and its environment in, a Document out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpproxy.evolve.curve_table import cell, sentences, shown
from gpproxy.evolve.series import TITLES
from gpproxy.evolve.series_table import spread
from gpproxy.pictures.spreads import spreads
from gpproxy.ranking.difference import MEASURES
from gpproxy.report.document import Block, Document, Figure, Section, Table, Text
from gpproxy.report.repeat import repeat
from gpproxy.run.tables import capital, number, with_interval

if TYPE_CHECKING:
    from gpproxy.evolve.curve import Point


def curve_document(folder: Path, curves: Mapping[str, Sequence[Point]], environment: Mapping[str, Any]) -> Document:
    """What labels are worth, on each benchmark."""
    several = len(curves) > 1
    sections = [
        Section(
            f"What labels are worth{f' on {name}' if several else ''}", list(_curve(name, points, f"curve-{place}"))
        )
        for place, (name, points) in enumerate(curves.items())
    ]
    points = next(iter(curves.values()))
    told = [
        Text(f"The series with {one.labels} labels has a page of its own: labels-{one.labels}/report.html.")
        for one in points
    ]
    sections += [Section("The runs", told), Section("To repeat it", list(repeat("evolve", folder, environment)))]
    counts = ", ".join(str(one.labels) for one in points)
    subtitle = f"{folder.name}; {counts} labels, {len(points[0].series.seeds)} seeds each, on the same test networks"
    return Document(f"A learning curve on {', '.join(curves)}", subtitle, {folder.name: sections})


def _curve(name: str, points: Sequence[Point], picture: str) -> Iterator[Block]:
    """Sentences, and a picture and a table for each measure."""
    yield Text(" ".join(capital(sentence) for sentence in sentences(points)))
    kinds, x = shown(points), [float(point.labels) for point in points]
    for measure, mark in MEASURES.items():
        found = {kind: [cell(point.series, kind, measure) for point in points] for kind in kinds}
        series = {
            TITLES[kind]: [(None, None) if one is None else (one.mean, one.deviation) for one in values]
            for kind, values in found.items()
        }
        ends = "; ".join(f"{title} from {number(of[0][0])} to {number(of[-1][0])}" for title, of in series.items())
        svg = spreads(series, x, "labels", f"{mark} on the test", f"{picture}-{measure}")
        caption = f"Mean {mark} over the seeds; bars: a standard deviation up and down."
        yield Figure(svg, f"Lines of the mean {mark} on the test over the number of labels: {ends}.", caption)
        head = ["labels", *(f"{mark}, {TITLES[kind]}" for kind in kinds), f"gain, {mark}"]
        rows = []
        for point in points:
            cells = [cell(point.series, kind, measure) for kind in kinds]
            gain = "" if point.gain is None else with_interval(point.gain.to_json(), measure)
            rows.append([str(point.labels), *("-" if one is None else spread(one) for one in cells), gain])
        yield Table(
            head,
            rows,
            f"{name}: mean ± standard deviation over {len(points[0].series.seeds)} seeds. Labels: networks that were "
            "learnt from, two thirds for training and a third for the choice; of a seed, the networks of fewer labels "
            "are part of those of more, and the test networks are the same. Gain: the formula less the one with fewer "
            "labels, paired, with 95 % intervals. Ceiling: what the noise of retraining leaves.",
        )
