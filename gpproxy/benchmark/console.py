"""What a build shows: which training is running, what the finished ones measured, and the time left.

In a terminal one line of progress is redrawn in place; where the output is a file or a pipe, a line per finished
training and one every few minutes.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from gpproxy.benchmark.settings import BuildSettings
from gpproxy.errors import RunError
from gpproxy.run.interrupt import Interrupted, patient
from gpproxy.run.invocation import command_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from gpproxy.benchmark.builder import Build, Work
    from gpproxy.benchmark.jobs import Job
    from gpproxy.benchmark.trainings import Report

#: Seconds between two lines of progress where nothing can be redrawn.
PAUSE = 120.0


class BuildInterrupted(Interrupted):
    """Ctrl-C, after everything was saved."""

    def __init__(self, settings: BuildSettings):
        KeyboardInterrupt.__init__(
            self, f"Stopped; everything so far is saved. Continue with\n  {continue_command(settings)}"
        )
        self.folder = settings.folder


def continue_command(settings: BuildSettings) -> str:
    """What goes on with a build: its folder tells what is trained, these flags where and by whom."""
    words = ["--out", str(settings.folder), *(["--benchmark", settings.benchmark] if settings.benchmark else [])]
    for name in (
        "data_folder",
        "extractor_weights",
        "device",
        "workers",
        "together",
        "cluster",
        "cluster_address",
        "plugins",
    ):
        value = getattr(settings, name)
        if value != getattr(BuildSettings, name, ()):
            values = value if isinstance(value, tuple) else (value,)
            words += [word for one in values for word in (f"--{name.replace('_', '-')}", str(one))]
    return command_line("benchmark build", *words)


class BuildWatch:
    """Watches a build in silence; what `build` uses from Python. A subclass shows what it likes."""

    def begin(self, build: Build, work: Work, dry_run: bool) -> None:
        """Work has been divided; nothing is trained yet."""

    def report(self, report: Report) -> None:
        """A step, an end or a failure of one training."""

    def end(self) -> None:
        """The build has ended, well or not."""


def build_watched(settings: BuildSettings, watch: BuildWatch, dry_run: bool = False) -> Path:
    """Runs a build from its settings to its table, or only describes it; returns the table's path."""
    from gpproxy.benchmark.builder import Build
    from gpproxy.execution.cluster import check_cluster
    from gpproxy.execution.devices import check_device
    from gpproxy.execution.threads import torch_threads

    check_device(settings.device)
    check_cluster(settings.place)
    failed: list[str] = []
    try:
        with torch_threads(), patient() as patience:
            build = Build(settings)
            watch.begin(build, build.work(), dry_run)
            if dry_run:
                return settings.table
            patience.waiting = True
            for report in build.run(lambda: patience.asked):
                watch.report(report)
                if report.problem:
                    failed.append(f"{report.job.name}: {report.problem}")
            if patience.asked and build.work().left:
                raise BuildInterrupted(settings)
    finally:
        watch.end()
    if failed:
        raise RunError(
            f"{len(failed)} trainings have no result; the {len(build.work().done)} finished ones are in the table. The "
            "same command tries again.\n" + "\n".join(failed)
        )
    return settings.table


class BuildTerminal(BuildWatch):
    """Shows a build in a terminal, or as plain lines where there is none."""

    def __init__(self, console: Console | None = None):
        from gpproxy.run.console import usual_console

        self.console = console or usual_console()
        self._status: Status | None = None
        #: steps done of the trainings of this run, and at their first report
        self._steps: dict[Job, int] = {}
        self._first: dict[Job, int] = {}

    def begin(self, build: Build, work: Work, dry_run: bool) -> None:
        from gpproxy.images.image_set import pixels  # not before it is needed: --help does without torch

        self._build, self._jobs, self._done = build, work.jobs, set(work.done)
        self._total = sum(self._planned(job) for job in work.left)
        self._start = self._said = time.monotonic()
        settings, task, longer = build.settings, build.task, sum(job.times > 1 for job in work.jobs)
        each = "training" if settings.trainings == 1 else "trainings"
        self._say(
            f"{settings.table}: {len(build.own)} architectures of {settings.space}"
            + (f", every {settings.shard.partition('/')[2]}th of {len(build.codes)}" if settings.shard else "")
            + f", {settings.trainings} {each} each"
            + (f", {settings.retests} of them trained once more" if settings.retests else "")
            + (f", {longer} of them once more for {settings.times} times as long" if longer else "")
        )
        recipe, width = task.recipe, task.space_settings.get("width")
        _, height, wide = task.space.image_shape
        finished = f"{len(work.done)} of {len(work.jobs)} trainings are finished"
        self._say(
            f"{recipe.steps} steps of batch {recipe.batch}, {f'width {width}, ' if width else ''}"
            f"{pixels((height, wide))} px, {settings.samples} images measured; {finished}"
        )
        if dry_run and work.left:
            self._estimate(build, work)

    def report(self, report: Report) -> None:
        job = report.job
        if report.problem:
            self._say(f"{job.name} failed: {report.problem}")
        elif report.ended:
            self._steps[job] = self._planned(job)
            self._done.add(job)
            self._say(f"{len(self._done)}/{len(self._jobs)}  {self._measured(job)}  time left {self._left()}")
        else:
            if job not in self._first:
                # What an earlier run has done of a training is no work of this one.
                self._first[job] = report.step
                self._total -= report.step
            self._steps[job] = report.step
        self._show()

    def end(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _planned(self, job: Job) -> int:
        return self._build.task.recipe_of(job.times).steps

    def _measured(self, job: Job) -> str:
        """The row of a finished training in a few words."""
        build = self._build
        row = build.writers[job.times].rows[job.code, str(job.seed)]
        main = build.task.main
        value = f"{main} {row[main]:.4g}" if row.get(main) is not None else f"no {main}"
        return f"{job.name}  {value}  {row['verdict']}  {span(float(row['seconds']))}"

    def _left(self) -> str:
        """Time left at the speed of this run so far."""
        done = sum(step - self._first.get(job, 0) for job, step in self._steps.items())
        if not done:
            return "unknown"
        return span((time.monotonic() - self._start) * (self._total - done) / done)

    def _show(self) -> None:
        """The running trainings, redrawn in a terminal, now and then elsewhere."""
        running = [job for job in self._steps if job not in self._done]
        text = ", ".join(f"{job.name} {self._steps[job]}/{self._planned(job)}" for job in running[:4])
        text += f" and {len(running) - 4} more" if len(running) > 4 else ""
        line = f"{len(self._done)}/{len(self._jobs)} finished; {text}; time left {self._left()}"
        if self.console.is_terminal:
            if self._status is None:
                self._status = self.console.status(line)
                self._status.start()
            self._status.update(line)
        elif time.monotonic() - self._said > PAUSE:
            self._say(line)

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        self.console.print(text, markup=False, soft_wrap=True)

    def _estimate(self, build: Build, work: Work) -> None:
        """Times a few steps, and tells what the rest would take."""
        from gpproxy.benchmark.price import estimate

        found = estimate(build.task, work.left)
        at_once = build.settings.workers if build.settings.device == "cpu" else 1
        steps = ", ".join(f"{seconds:.3g}" for seconds in found.step)
        self._say(
            f"a step takes {steps} s (cheapest, middle, dearest), a check {span(found.check)}, a training "
            f"{span(found.training)}; the {len(work.left)} that are left {span(found.total / at_once)}"
        )


def span(seconds: float) -> str:
    """`45 s`, `12 min`, `3.4 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
