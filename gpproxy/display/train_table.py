"""What a training says at its end, and what a dry run says instead of one, as lines of text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gpproxy.train_config import TrainConfig
from gpproxy.training.checkpoint import BEST
from gpproxy.training.outcome import Outcome

if TYPE_CHECKING:
    from gpproxy.quality.measure import Quality
    from gpproxy.training.dry_run import DryRun


def train_lines(found: Outcome, quality: Quality | None, folder: Path) -> Iterator[str]:
    """Verdict, best distance with its step and floor, all measures of the best weights, and where things are."""
    spent = f"{found.step} of {found.steps} steps and {duration(found.seconds)}"
    yield f"{found.verdict} after {spent}. {found.reason}".strip()
    best = found.best
    if best is not None and quality is not None and found.main in best.measures:
        kind = f"{quality.samples} samples against {quality.split}, extractor {quality.extractor}@"
        yield f"best {found.main} {found.value:.4g} at step {best.step}: {kind}{quality.extractor_digest}"
        width = max(map(len, quality.values))
        yield f"  {'':{width}}  {'value':>9}  {'± error':>9}  {'floor':>9}   (real against real)"
        for name, value in quality.values.items():
            row = (value, quality.errors.get(name, math.nan), quality.floors.get(name, math.nan))
            yield f"  {name:{width}}  " + "  ".join(f"{number:9.4g}" for number in row)
    elif best is not None and best.measures:
        measures = (f"{name} {value:.4g}" for name, value in best.measures.items() if not name.endswith(" error"))
        yield f"best at step {best.step}: {', '.join(measures)}"
    if best is not None:
        yield f"grid {folder / f'samples_{best.step:06d}.png'}"
        yield f"weights {folder / BEST}"


def dry_run_lines(config: TrainConfig, found: DryRun) -> Iterator[str]:
    """Sizes, steps, and how long it will take."""
    yield f"generator       {found.parameters:,} parameters, {found.macs / 1e6:,.1f} million MACs per image"
    yield f"discriminator   {found.judge:,} parameters"
    yield f"steps           {found.steps:,} of {found.step:.4g} s, measured on {config.device}"
    if found.check:
        yield f"checks          {found.checks} of about {duration(found.check)}, {found.samples} samples each"
    yield f"time            about {duration(found.seconds)}; nothing was written"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{minutes:.0f} min" if minutes < 100 else f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"
