"""What a training says at its end, and what a dry run says instead of one, as lines of text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gpproxy.benchmarks.published import published
from gpproxy.report.render import REPORT
from gpproxy.run.duration import duration
from gpproxy.train.settings import TrainSettings
from gpproxy.training.checkpoint import BEST
from gpproxy.training.grid import grid_name
from gpproxy.training.outcome import Outcome, Progress

if TYPE_CHECKING:
    from gpproxy.quality.measure import Quality
    from gpproxy.training.dry_run import DryRun


#: Images that published figures are of, and splits of the Inception Score.
PUBLISHED_SAMPLES, SPLITS = 50_000, 10

#: What measures are, by the name before a bracket; which way is better.
MEASURES = {
    "FD": "Fréchet distance of features ↓",
    "FID": "Fréchet distance of Inception's features ↓",
    "KID": "kernel distance of features ↓",
    "CS": "classifier score, made as the Inception Score ↑",
    "IS": "Inception Score ↑",
    "precision": "share of the generated images that lie among real ones ↑",
    "recall": "share of the real images that lie among generated ones ↑",
    "density": "how many real neighbourhoods a generated image lies in ↑",
    "coverage": "share of the real images with a generated one nearby ↑",
    "SWD": "sliced Wasserstein distance of patches ↓",
    "L1": "mean absolute error ↓",
    "PSNR": "peak signal-to-noise ratio in dB ↑",
    "SSIM": "structural similarity ↑",
    "DSSIM": "(1 - SSIM) / 2 ↓",
    "denoising loss": "weighted error of held-out images with noise, behind @ at one noise level ↓",
    "-ELBO": "bound of what held-out images cost, in bits per dimension ↓",
    "KL": "share of that for the codes",
    "MSE": "mean squared error ↓",
}


def explained(quality: Quality, others: Sequence[str] = ()) -> str:
    """What the measures of a training, other ones beside them, and the columns of their table are, in sentences."""
    known = {re.split("[(@]", name)[0]: None for name in (*others, *quality.values)}
    told = "; ".join(f"{name}: {MEASURES[name]}" for name in known if name in MEASURES)
    network = f", by the features of {quality.extractor}" if quality.extractor else ""
    return (
        f"{quality.samples:,} images against {quality.split}{network}. {told}. ↓ lower is better, ↑ higher. ± error: "
        "standard error over other images of the same generator. Real against real: what as many real images reach."
    )


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
        yield explained(quality)
        yield from published_lines(quality, found)
    elif best is not None and best.measures:
        measures = (f"{name} {value:.4g}" for name, value in best.measures.items() if not name.endswith(" error"))
        yield f"best at step {best.step}: {', '.join(measures)}"
    if best is not None:
        yield f"grid {folder / grid_name(best.step)}"
        yield f"weights {folder / BEST}"
    yield f"page {folder / REPORT}"


def published_lines(quality: Quality, found: Outcome) -> Iterator[str]:
    """Published results on the same data by the same measure beside ours, where there are any.

    IS is that of Inception with its published weights, as mean and deviation over splits; FID takes 50,000 images
    against the training split, too. What another network measures is set beside nothing.
    """
    data = Path(str(found.about.get("images", ""))).name
    whole = quality.samples >= PUBLISHED_SAMPLES and quality.split.startswith(f"{data}/train")
    for name in ("IS", *(["FID"] if whole else [])):
        others = published(data, name)
        if name not in quality.values or not others:
            continue
        ours = f"{quality.values[name]:.2f}"
        if name == "IS":  # our error is that of the mean over the splits
            ours += f" ± {quality.errors[name] * math.sqrt(SPLITS):.2f}"
        listed = ", ".join(f"{one.method} {one.figure}" for one in others if one.study in ("AutoGAN", "EAGAN"))
        few = "" if quality.samples >= PUBLISHED_SAMPLES else f" on {quality.samples:,} images, published on 50,000"
        yield f"{name} {ours}{few}; published: {listed}"


def check_line(progress: Progress) -> str:
    """A check in one line: step, measures, losses, pace."""
    measured = ", ".join(f"{name} {value:.4g}" for name, value in (progress.measures or {}).items())
    losses = ", ".join(f"{name} {value:.3f}" for name, value in progress.losses.items())
    rate = f"{progress.rate:.3g} steps/s"
    return "   ".join(part for part in (f"step {progress.step}", measured, f"losses {losses}", rate) if part)


def dry_run_lines(settings: TrainSettings, found: DryRun) -> Iterator[str]:
    """Sizes, steps, and how long it will take."""
    yield f"generator       {found.parameters:,} parameters, {found.macs / 1e6:,.1f} million MACs per image"
    yield f"discriminator   {found.discriminator:,} parameters"
    yield f"steps           {found.steps:,} of {found.step:.4g} s, measured on {settings.device}"
    if found.check:
        yield f"checks          {found.checks} of about {duration(found.check)}, {found.samples} samples each"
    if found.final:
        yield f"measures        about {duration(found.final)} for all of them, of the best weights, at the end"
        real = f"about {duration(found.reference)}" if found.reference else "kept by an earlier run"
        yield f"real images     their features: {real}"
    yield f"time            about {duration(found.seconds)}; nothing was written"
