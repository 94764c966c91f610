"""One run from its settings to its files: what `gpproxy evolve` does, stage by stage.

In: settings, a run folder to continue or None, an EvolveWatch. Out: the Result; on the way, everything in the folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from gpproxy.benchmarks.split import PARTS
from gpproxy.errors import RunError
from gpproxy.evolution.generation import Generation
from gpproxy.evolution.loop import evolve
from gpproxy.evolution.state import EvolutionState
from gpproxy.evolve.check import check_formulas, open_tables
from gpproxy.evolve.committee import write_committee
from gpproxy.evolve.conclude import Conclusion, conclude, entries
from gpproxy.evolve.console import EvolveWatch
from gpproxy.evolve.convergence import best_formulas
from gpproxy.evolve.discovery import DiscoveryData, Training, prepare, training_side
from gpproxy.evolve.draws import Draw, random_draws
from gpproxy.evolve.finished import of_folder
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.page import document
from gpproxy.evolve.result import Result, front_json
from gpproxy.evolve.scores import SCORES, to_csv
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.evolve.validation import Validation
from gpproxy.export.write import source
from gpproxy.expressions.notation.formula import Formula
from gpproxy.pictures.formula import draw
from gpproxy.proxies.named import ALL
from gpproxy.report.render import REPORT, render
from gpproxy.run.folder import FRONT, RESULT, SPLIT, STATE, interruptible
from gpproxy.run.interrupt import Interrupted, Patience
from gpproxy.run.invocation import command_line
from gpproxy.run.kind import CONFIG


def stopped(folder: Path) -> Interrupted:
    """What Ctrl-C ends an evolution with: how to go on, how to conclude, and where the front lies."""
    end = command_line("evolve", "--resume", folder, "--conclude")
    more = f"\nor judge the formulas so far, which ends the run:\n  {end}\nThe front is {folder / FRONT}."
    return Interrupted(folder, more=more)


class Running:
    """One run: data, evolution, comparison, conclusion, files.

    Args:
        concluding: whether the evolution goes no further than it has come.
    """

    def __init__(
        self,
        config: EvolveSettings,
        folder: EvolveFolder | None,
        watch: EvolveWatch,
        patience: Patience,
        concluding: bool = False,
    ):
        self.config = config
        self.concluding = concluding
        self.folder = folder
        self.watch = watch
        self.patience = patience
        self.safe = ""
        self._held = ExitStack()

    def result(self) -> Result:
        with interruptible(lambda: self.folder, lambda: self.safe), self._held:
            return self._result()

    def _result(self) -> Result:
        config, watch = self.config, self.watch
        if self.folder is not None:
            self._held.enter_context(self.folder.alone())
        tables = open_tables(config)
        guesses = check_formulas(config)
        folder = self._open()
        discovery = prepare(config, tables, lambda what, done, total: watch.progress(f"looking at {what}", done, total))
        self._report(discovery)
        training = training_side(discovery, config)
        for note in training.notes:
            self.watch.note(note)
        sayable = training.sayable(guesses)
        if ALL not in config.initial_formulas:  # of all known proxies, some never fit
            for guess in guesses:
                if guess not in sayable:
                    self.watch.note(f"the formula {guess} is left out: training architectures lack a statistic of it")
        guesses = sayable
        state, finished = self._evolve(training, guesses, Validation(discovery, config.cores))
        draws = self._random(training, state) if config.random_search else []
        history = best_formulas(folder.journal())
        conclusion = conclude(config, discovery, training, state, finished, draws, watch, history)
        for before, after in zip(discovery, conclusion.discovery):  # tested architectures are looked at in the end
            later = {code: why for code, why in after.left_out.items() if code not in before.left_out}
            if later:
                folder.log("left out", benchmark=after.name, architectures=later)
                self._tell_left_out(after.name, later)
        self._write_split(conclusion.discovery)
        result = replace(conclusion.result, folder=folder.path)
        watch.step("writing the files")
        self._write(result, conclusion)
        watch.result(result)
        return result

    def _open(self) -> EvolveFolder:
        """The run folder, made where there is none."""
        resumed = self.folder is not None
        if self.folder is None:
            self.folder = EvolveFolder.create(self.config)
            self._held.enter_context(self.folder.alone())
        else:
            self.folder.write(CONFIG, self.config.to_toml())
        self.folder.log("resumed" if resumed else "started", benchmark=self.config.benchmark, seed=self.config.seed)
        self.watch.note(f"run folder {self.folder.path}")
        return self.folder

    def _report(self, discovery: Sequence[DiscoveryData]) -> None:
        """Sizes of the parts, and what had to be left out so far."""
        assert self.folder is not None
        for data in discovery:
            sizes = {part: len(getattr(data.parts, part)) for part in PARTS}
            self.watch.note(f"{data.name}: " + ", ".join(f"{part} {size}" for part, size in sizes.items()))
            for remark in (*data.benchmark.remarks, *(f"left out {row}" for row in data.benchmark.dropped)):
                self.watch.note(f"{data.name}: {remark}")
            if elsewhere := len(data.parts.elsewhere):
                self.watch.note(f"{data.name}: {elsewhere} have no part: a formula sees them in another table")
            self.folder.log("split", benchmark=data.name, **sizes, left_out=dict(data.left_out))
            self._tell_left_out(data.name, data.left_out)
        self._write_split(discovery)

    def _tell_left_out(self, benchmark: str, found: Mapping[str, str]) -> None:
        """Why architectures could not be looked at."""
        for reason in found.values():
            self.watch.note(f"{benchmark}: left out {reason}")
        if found and not self.config.retry_failed:
            self.watch.note("What could not be looked at is remembered; --retry-failed looks again.")

    def _write_split(self, discovery: Sequence[DiscoveryData]) -> None:
        """The parts of the tables, without what could not be looked at."""
        assert self.folder is not None
        parts = {
            data.name: {"space": data.space.name, "settings": asdict(data.space.settings), **vars(data.parts)}
            for data in discovery
        }
        self.folder.write_json(SPLIT, parts)

    def _evolve(self, training: Training, guesses: Sequence[str], validation: Validation) -> tuple[EvolutionState, str]:
        """Evolves from the saved state or from the start; the last state and why it is the last."""
        assert self.folder is not None
        evolution, state, finished = self.config.evolution(), None, None
        if (self.folder.path / STATE).is_file():
            state = self.folder.state(training.problem, evolution)
            self.watch.note(f"{'concluding' if self.concluding else 'continuing'} after generation {state.generation}")
        if self.concluding:
            if state is None:
                raise RunError(f"The run in {self.folder.path} has no generation yet, so there is nothing to conclude.")
            return state, "asked"
        self.patience.waiting = True
        for generation in evolve(training.problem, evolution, guesses=guesses, state=state):
            state, finished = generation.state, generation.finished
            self._save(generation, validation)
            if self.patience.asked and finished is None:
                self.folder.log("interrupted", generation=generation.index)
                raise stopped(self.folder.path)
        self.patience.waiting = False
        if self.patience.asked:
            raise stopped(self.folder.path)
        assert state is not None
        return state, finished or self._ending(state)

    def _ending(self, state: EvolutionState) -> str:
        """Why the evolution of a state that is resumed after its last generation had ended."""
        if state.generation >= self.config.generations:
            return "generations"
        return "patience" if self.config.patience and state.stale >= self.config.patience else "time"

    def _save(self, generation: Generation, validation: Validation) -> None:
        """Everything that a generation leaves on disk, state first."""
        assert self.folder is not None and generation.state is not None
        front = entries(generation.archive, validation)
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
            front=[
                {name: getattr(entry, name) for name in ("formula", "complexity", "cost", "quality")}
                | {"validation": entry.validation.get("kendall")}
                for entry in front
            ],
        )
        self.safe = f"The run is safe up to generation {generation.index}."
        self.watch.generation(generation, front, self.config.generations)

    def _random(self, training: Training, state: EvolutionState) -> list[Draw]:
        """Random formulas, each draw with as many different rankings as the evolution has seen."""
        wanted, count = max(state.rankings, 1), self.config.random_draws
        title, total = "random formulas, different rankings", wanted * count
        self.watch.progress(title, 0, total)
        draws = random_draws(
            training.problem,
            self.config.evolution(),
            wanted,
            count,
            cores=self.config.cores,
            on_progress=lambda rankings: self.watch.progress(title, min(rankings, total - 1), total),
        )
        self.watch.progress(title, total, total)
        return draws

    def _exported(self, result: Result, formula: Formula, discovery: Sequence[DiscoveryData]) -> str:
        """The text of proxy.py."""
        first = discovery[0]
        return source(
            formula.tree,
            rank_form=formula.rank.tree if formula.rank else None,
            space=first.space.name,
            seed=first.how.seed,
            samples=first.how.samples,
            inits=self.config.inits,
            sizes=first.how.sizes,
            loss=first.space.loss,
            provenance={**_provenance(result, self.config), "space settings": asdict(first.space.settings)},
        )

    def _write(self, result: Result, conclusion: Conclusion) -> None:
        """The files of a finished run; result.json is last, it marks the run as finished."""
        assert self.folder is not None
        folder, formula = self.folder, conclusion.formula
        folder.write("formula.txt", formula.text + "\n")
        folder.write("formula.tex", formula.latex + "\n")
        draw(formula.tree, folder.path / "formula.png")
        exported = partial(self._exported, result, formula, conclusion.discovery)
        folder.write_or_tell("proxy.py", exported, self.watch.note)
        if conclusion.committee is not None:
            write_committee(folder, result, conclusion.committee, self.watch.note)
        folder.write(SCORES, to_csv(conclusion.scores))
        folder.write_json(FRONT, front_json(result.front))
        folder.write_json(RESULT, result.to_json())
        folder.log("finished", formula=result.formula, spearman=result.test["spearman"], kendall=result.test["kendall"])
        folder.write_or_tell(REPORT, lambda: render(document([of_folder(folder, result)])), self.watch.note)


def _provenance(result: Result, config: EvolveSettings) -> dict[str, Any]:
    """What an exported proxy says about where it comes from."""
    test = result.test
    single = result.benchmarks[test["benchmark"]]["inits"]
    return {
        "benchmark": config.benchmark,
        "seed": config.seed,
        "training architectures": result.train["n"],
        "test architectures": test["n"],
        "test spearman": test["spearman"],
        "test spearman, 95 % interval": test["spearman_interval"],
        "test kendall": test["kendall"],
        "test kendall, 95 % interval": test["kendall_interval"],
        **({"test spearman of single initialisations": single["spearman"]} if single else {}),
    }
