"""Evolves a proxy on a table of measured architectures: `python -m gpproxy.evolve --benchmark transnas-micro`.

In: an EvolveConfig. Out: a Result, and a run folder with the formula, its numbers and a file that scores generators.

    from gpproxy.evolve import EvolveConfig, run

    result = run(EvolveConfig(benchmark="transnas-micro", train=100, seed=0))
    print(result.formula, result.test["spearman"], result.folder)
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from gpproxy.command_line import guarded, read_arguments, value_of
from gpproxy.config import EvolveConfig
from gpproxy.errors import ExpressionError, RunError
from gpproxy.run_folder import FRONT, RESULT, STATE, RunFolder

if TYPE_CHECKING:
    from gpproxy.console import Watch
    from gpproxy.evolution.individual import Individual
    from gpproxy.evolution.state import EvolutionState
    from gpproxy.study.prepare import Study, Training
    from gpproxy.study.result import Result

__all__ = ["EvolveConfig", "Interrupted", "resume", "run"]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, after everything was saved; `folder` is what to resume."""

    def __init__(self, folder: Path):
        self.folder = folder
        super().__init__(f"Stopped; everything so far is saved. Continue with\n  {resume_command(folder)}")


def resume_command(folder: Path) -> str:
    """What continues a run."""
    return f"python -m gpproxy.evolve --resume {folder}"


def run(config: EvolveConfig, watch: Watch | None = None) -> Result:
    """A new run from its settings to its result, with a run folder.

    Raises the errors of `gpproxy.errors` with what to do about them, and Interrupted on Ctrl-C.
    """
    return _within_limits(config, None, watch)


def resume(folder: str | Path, watch: Watch | None = None, **changes: Any) -> Result:
    """Continues a run, equal bit for bit to one that was never interrupted; `changes` may only concern its budgets.

    The result of a run that is complete is read from its folder. Raises RunError for settings that may not change.
    """
    place = RunFolder.open(folder)
    saved = place.config
    config = replace(saved, **changes)
    if changed := config.changed(saved):
        values = ", ".join(f"{name}={getattr(saved, name)}" for name in changed)
        raise RunError(f"The run in {place.path} has {values}; a continued run keeps that. Start a new one.")
    return read_result(place.path) if place.finished else _within_limits(config, place, watch)


def read_result(folder: str | Path) -> Result:
    """The result of a finished run. Raises RunError when it has none."""
    from gpproxy.study.result import Result

    place = RunFolder.open(folder)
    return Result.from_json(place.read_json(RESULT), place.read_json(FRONT), place.path)


def _within_limits(config: EvolveConfig, folder: RunFolder | None, watch: Watch | None) -> Result:
    """Runs with one torch thread per worker, which keeps sums in one order on every machine."""
    import torch

    from gpproxy.console import Watch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with watch or Watch() as seen, _patience() as patience:
            return _Run(config, folder, seen, patience).result()
    finally:
        torch.set_num_threads(threads)


@dataclass
class _Patience:
    """What Ctrl-C does: `waiting` finishes the generation first, otherwise the run stops at once."""

    waiting: bool = False
    asked: bool = False


@contextmanager
def _patience() -> Iterator[_Patience]:
    """Lets the first Ctrl-C wait for the end of a generation; the second one quits."""
    patience = _Patience()

    def handle(number: int, frame: FrameType | None) -> None:
        if patience.asked or not patience.waiting:
            raise KeyboardInterrupt
        patience.asked = True

    try:
        before = signal.signal(signal.SIGINT, handle)
    except ValueError:  # not the main thread: the program around us owns Ctrl-C
        yield patience
        return
    try:
        yield patience
    finally:
        signal.signal(signal.SIGINT, before)


class _Run:
    """One run: data, evolution, comparison, conclusion, files."""

    def __init__(self, config: EvolveConfig, folder: RunFolder | None, watch: Watch, patience: _Patience):
        self.config = config
        self.folder = folder
        self.watch = watch
        self.patience = patience
        self.safe = "Nothing was written yet."

    def result(self) -> Result:
        try:
            return self._result()
        except Interrupted:
            raise
        except KeyboardInterrupt:
            if self.folder is None:
                raise
            self.folder.log("interrupted")
            raise Interrupted(self.folder.path) from None
        except OSError as error:
            error.hint = self.safe  # type: ignore[attr-defined]
            raise

    def _result(self) -> Result:
        from gpproxy.study.conclude import conclude
        from gpproxy.study.prepare import check_formulas, open_tables, prepare, training

        config, watch = self.config, self.watch
        tables = open_tables(config)
        guesses = check_formulas(config)
        folder = self._open()
        studies = prepare(config, tables, lambda name, done, total: watch.progress(f"looking at {name}", done, total))
        self._report(studies)
        data = training(studies, config)
        state, finished = self._evolve(data, guesses)
        random = self._random(data, state) if config.random_search else ()
        conclusion = conclude(config, studies, data, state, finished, random, watch.step)
        result = replace(conclusion.result, folder=folder.path)
        watch.step("writing the files")
        self._write(result, conclusion.formula, studies)
        watch.result(result)
        return result

    def _open(self) -> RunFolder:
        """The run folder, made where there is none."""
        resumed = self.folder is not None
        if self.folder is None:
            self.folder = RunFolder.create(self.config)
        else:
            self.folder.write("config.toml", self.config.to_toml())
        self.folder.log("resumed" if resumed else "started", benchmark=self.config.benchmark, seed=self.config.seed)
        self.watch.note(f"run folder {self.folder.path}")
        self.safe = f"Free space, then continue with\n  {resume_command(self.folder.path)}"
        return self.folder

    def _report(self, studies: Sequence[Study]) -> None:
        """Sizes of the parts, and what had to be left out."""
        assert self.folder is not None
        for study in studies:
            sizes = {part: len(getattr(study.parts, part)) for part in ("train", "validation", "test")}
            self.watch.note(f"{study.name}: " + ", ".join(f"{part} {size}" for part, size in sizes.items()))
            for remark in (*study.benchmark.remarks, *(f"left out {row}" for row in study.benchmark.dropped)):
                self.watch.note(f"{study.name}: {remark}")
            for reason in study.left_out.values():
                self.watch.note(f"{study.name}: left out {reason}")
            self.folder.log("split", benchmark=study.name, **sizes, left_out=dict(study.left_out))

    def _evolve(self, data: Training, guesses: Sequence[str]) -> tuple[EvolutionState, str]:
        """Evolves from the saved state or from the start; the last state and why it is the last."""
        from gpproxy.evolution.loop import evolve
        from gpproxy.evolution.state import EvolutionState

        assert self.folder is not None
        evolution, state, finished = self.config.evolution(), None, None
        if (self.folder.path / STATE).is_file():
            state = EvolutionState.from_json(self.folder.read(STATE), data.problem, evolution)
            self.watch.note(f"continuing after generation {state.generation}")
        self.patience.waiting = True
        for generation in evolve(data.problem, evolution, guesses=guesses, state=state):
            state, finished = generation.state, generation.finished
            self._save(generation)
            if self.patience.asked and finished is None:
                self.folder.log("interrupted", generation=generation.index)
                raise Interrupted(self.folder.path)
        self.patience.waiting = False
        if self.patience.asked:
            raise Interrupted(self.folder.path)
        assert state is not None
        return state, finished or self._ending(state)

    def _ending(self, state: EvolutionState) -> str:
        """Why the evolution of a state that is resumed after its last generation had ended."""
        if state.generation >= self.config.generations:
            return "generations"
        return "patience" if self.config.patience and state.stale >= self.config.patience else "time"

    def _save(self, generation: Any) -> None:
        """Everything that a generation leaves on disk, state first."""
        from gpproxy.study.conclude import entries
        from gpproxy.study.result import front_json

        assert self.folder is not None
        front = entries(generation.archive)
        self.folder.write(STATE, generation.state.to_json())
        self.folder.write_json(FRONT, front_json(front))
        best = max(front, key=lambda entry: entry.quality, default=None)
        self.folder.log(
            "generation",
            index=generation.index,
            seconds=round(generation.seconds, 3),
            evaluated=generation.evaluated,
            proposed=generation.evaluations,
            invalid=dict(generation.invalid),
            best=None if best is None else best.formula,
            quality=None if best is None else best.quality,
            kendall=None if generation.best is None else min(generation.best.score.kendall),
            spearman=None if generation.best is None else min(generation.best.score.spearman),
            population=vars(generation.population),
            operators=dict(generation.operators),
        )
        self.safe = (
            f"The run is safe up to generation {generation.index}. Free space, then continue with\n"
            f"  {resume_command(self.folder.path)}"
        )
        self.watch.generation(generation, front, self.config.generations)

    def _random(self, data: Training, state: EvolutionState) -> Sequence[Individual]:
        """The archive of as many random formulas as the evolution judged."""
        from gpproxy.evolution.random_search import random_search

        archive: Sequence[Individual] = ()
        self.watch.progress("random formulas", 0, state.seen)
        for generation in random_search(data.problem, self.config.evolution(), state.seen):
            archive = generation.archive
            self.watch.progress("random formulas", min(generation.evaluated, state.seen), state.seen)
        self.watch.progress("random formulas", state.seen, state.seen)
        return archive

    def _exported(self, result: Result, formula: Any, studies: Sequence[Study]) -> str:
        """The text of proxy.py."""
        from gpproxy.expressions.export import source

        first = studies[0]
        return source(
            formula.tree,
            rank_form=formula.rank.tree if formula.rank else None,
            space=first.space.name,
            seed=first.how.seed,
            samples=first.how.samples,
            sizes=first.how.sizes,
            loss=first.space.loss,
            provenance=_provenance(result, self.config),
        )

    def _write(self, result: Result, formula: Any, studies: Sequence[Study]) -> None:
        """The files of a finished run; result.json is last, it marks the run as finished."""
        from gpproxy.expressions.draw import draw
        from gpproxy.study.result import front_json

        assert self.folder is not None
        folder = self.folder
        folder.write("formula.txt", formula.text + "\n")
        folder.write("formula.tex", formula.latex + "\n")
        draw(formula.tree, folder.path / "formula.png")
        try:
            folder.write("proxy.py", self._exported(result, formula, studies))
        except ExpressionError as error:
            self.watch.note(f"proxy.py is not written: {error}")
        folder.write_json(FRONT, front_json(result.front))
        folder.write_json(RESULT, result.to_json())
        folder.log("finished", formula=result.formula, spearman=result.test["spearman"], kendall=result.test["kendall"])


def _provenance(result: Result, config: EvolveConfig) -> dict[str, Any]:
    """What an exported proxy says about where it comes from."""
    test = result.test
    return {
        "benchmark": config.benchmark,
        "seed": config.seed,
        "training architectures": config.train,
        "test architectures": test["n"],
        "test spearman": test["spearman"],
        "test spearman, 95 % interval": test["spearman_interval"],
        "test kendall": test["kendall"],
        "test kendall, 95 % interval": test["kendall_interval"],
    }


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    started, settings = value_of("--resume", arguments), value_of("--config", arguments)
    default = None
    if started is not None:
        default = RunFolder.open(started).config
    elif settings is not None:
        default = EvolveConfig.from_toml(settings)
    command = read_arguments(_command(), arguments, "evolve", None if default is None else _command()(**vars(default)))
    config = EvolveConfig(**{name: getattr(command, name) for name in EvolveConfig.__dataclass_fields__})
    from gpproxy.console import Terminal

    watch = Terminal()
    if started is None:
        run(config, watch)
        return 0
    if RunFolder.open(started).finished:
        watch.note(f"The run in {started} is complete; there is nothing to continue. Its result:")
        watch.result(read_result(started))
        return 0
    changes = {name: getattr(config, name) for name in EvolveConfig.__dataclass_fields__ if name != "out"}
    resume(started, watch, **changes)
    return 0


def _command() -> type:
    """EvolveConfig with the two flags that only a command line needs."""

    @dataclass(frozen=True)
    class Command(EvolveConfig):
        __doc__ = EvolveConfig.__doc__

        config: str = ""
        """TOML file with settings, or a run folder; other flags change single ones."""
        resume: str = ""
        """run folder to continue."""

    return Command


if __name__ == "__main__":
    sys.exit(guarded(main, sys.argv[1:]))
