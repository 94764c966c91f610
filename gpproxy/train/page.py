"""Finished trainings as a page: what `report.html` shows of one: how it ended, curves beside images, every measure.

In: FinishedTrainings. Out: a Document for `gpproxy.report.render`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gpproxy.pictures.lines import lines
from gpproxy.pictures.raster import scaled
from gpproxy.report.document import Beside, Block, Document, Figure, Raster, Section, Table, Text
from gpproxy.report.repeat import repeat
from gpproxy.run.duration import duration
from gpproxy.run.tables import capital
from gpproxy.tasks.registry import pictured
from gpproxy.train.finished import FinishedTraining
from gpproxy.train.table import explained, published_lines
from gpproxy.training.outcome import Outcome

#: Pixels across of a grid of images.
GRID = 768
#: Trainings whose curves are drawn in one picture: as many as there are colours. Points of a curve of losses.
CURVES, POINTS = 6, 150


def document(runs: Sequence[FinishedTraining]) -> Document:
    """One training, or several under each other after the curves of all."""
    if len(runs) == 1:
        run = runs[0]
        about = run.outcome.about
        title = f"A training of {about.get('architecture', run.settings.arch)}"
        told = f"{run.folder.name}; seed {run.settings.seed}; {about.get('space', '')} on {about.get('images', '')}"
        return Document(title, told, {run.folder.name: list(sections(run, "t0"))})
    named = {f"{run.folder.name}, {place}": run for place, run in enumerate(runs, start=1)}
    parts = {"All trainings": [Section("Side by side", [curves({n: run.outcome for n, run in named.items()}, "all")])]}
    parts |= {name: list(sections(run, f"t{place}")) for place, (name, run) in enumerate(named.items())}
    return Document(f"{len(runs)} trainings", "side by side, then one after the other", parts)


def sections(run: FinishedTraining, name: str) -> Iterator[Section]:
    """The sections of one training; `name` keeps the ids of its pictures apart."""
    yield Section("How it ended", [_ending(run.outcome)])
    pictures: list[Block] = [curves({run.folder.name: run.outcome}, f"{name}-curve"), *_losses(run, name)]
    if run.grid is not None:
        step = int(run.grid.stem.split("_")[1])
        told = f"Images after {step:,} steps, none of them selected; {run.grid.name} has them in full."
        told += f" {pictured(run.settings.recipe)}".rstrip()
        pictures = [Beside([Beside(pictures), Raster(scaled(run.grid, GRID, "JPEG"), told, told)])]
    yield Section("Curves and images", pictures)
    yield Section("Every measure of the best weights", list(_measures(run)))
    yield Section("What was trained", [_about(run.outcome.about)])
    yield Section("To repeat it", list(repeat("train", run.folder, run.environment)))


def _ending(found: Outcome) -> Text:
    title = f"{capital(found.verdict)} after {found.step:,} of {found.steps:,} steps"
    told = [found.reason] if found.reason else []
    best = found.best
    if best is not None and math.isfinite(found.value):
        told.append(f"The best weights are those of step {best.step:,}, with {found.main} {found.value:.4g}; lower is "
                    "better.")  # fmt: skip
        if len(found.curve) > 1 and best.step == found.curve[-1].step and not found.reason:
            told.append("They are the last: more steps may bring more.")
    elif best is not None:
        told.append(f"Nothing was measured; the weights kept are those of step {best.step:,}.")
    told.append(f"It took {duration(found.seconds)}, checks included.")
    return Text(" ".join(told), "" if found.verdict == "finished" else "bad", title)


def curves(trainings: Mapping[str, Outcome], name: str) -> Block:
    """The measure that chooses the best weights over the steps of every training."""
    found = {label: one for label, one in trainings.items() if sum(map(math.isfinite, _measured(one).values())) > 1}
    if not found:
        return Text("No training has measured more than once, so there are no curves of a measure.")
    shown = dict(list(found.items())[:CURVES])
    steps = sorted({step for one in shown.values() for step in _measured(one)})
    series: dict[str, list[float | None]] = {}
    for label, one in shown.items():
        known = _measured(one)
        series[label] = [known[at] if math.isfinite(known.get(at, math.nan)) else None for at in steps]
    main = next(iter(shown.values())).main
    alt = f"Lines of {main} over the steps of {len(shown)} training{'s' * (len(shown) > 1)}: " + "; ".join(
        f"{label} is {one.value:.4g} at best" for label, one in shown.items()
    )
    told = f"{capital(main)} at every check, lower is better; the weights of the lowest are kept."
    told += f" The first {CURVES} of {len(found)} trainings." if len(found) > CURVES else ""
    return Figure(lines(series, steps, "steps", main, name), alt, told)


def _measured(found: Outcome) -> dict[int, float]:
    return {check.step: check.measures.get(found.main, math.nan) for check in found.curve}


def _losses(run: FinishedTraining, name: str) -> Iterator[Block]:
    """Losses over the steps, means of so many that a curve has at most `POINTS` points."""
    names = list(dict.fromkeys(name for _, losses in run.losses for name in losses))
    if len(run.losses) < 3 or not names:
        return
    size = -(-len(run.losses) // POINTS)
    groups = [run.losses[at : at + size] for at in range(0, len(run.losses), size)]
    steps = [group[-1][0] for group in groups]
    series: dict[str, list[float | None]] = {}
    for one in names:
        values = [[losses[one] for _, losses in group if one in losses] for group in groups]
        series[one] = [sum(some) / len(some) if some else None for some in values]
    last = "; ".join(f"{one} ends at {values[-1]:.3g}" for one, values in series.items() if values[-1] is not None)
    told = "Losses during the training" + (f", means of {size} steps that were written." if size > 1 else ".")
    yield Figure(lines(series, steps, "steps", "loss", f"{name}-losses"), f"Lines of the losses: {last}.", told)


def _measures(run: FinishedTraining) -> Iterator[Block]:
    quality = run.quality
    if quality is None:
        return
    rows = [
        [name, *(f"{v:.4g}" if math.isfinite(v) else "-" for v in (value, quality.errors.get(name, math.nan),
                                                                   quality.floors.get(name, math.nan)))]
        for name, value in quality.values.items()
    ]  # fmt: skip
    found = {} if run.outcome.best is None else run.outcome.best.measures
    beside = [name for name in found if name not in quality.values and not name.endswith(" error")]
    rows = [*([name, f"{found[name]:.4g}", "-", "-"] for name in beside), *rows]
    yield Table(["measure", "value", "± error", "real against real"], rows, explained(quality, beside))
    for line in published_lines(quality, run.outcome):
        yield Text(line)


def _about(about: Mapping[str, Any]) -> Table:
    rows = [[key.replace("_", " "), _told(value)] for key, value in about.items() if value not in ("", None, {})]
    return Table(["", ""], rows)


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_told(one)}" for key, one in value.items() if one not in ("", None, [], ()))
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_told, value)) + "]"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).lower() if isinstance(value, bool) else str(value)
