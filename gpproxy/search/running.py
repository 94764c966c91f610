"""One search from its settings to its files: what `gpproxy search` does, stage by stage.

In: settings, a folder to continue or None, a SearchWatch. Out: the SearchResult; on the way, everything in the folder.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any, NoReturn

from gpproxy.errors import RunError
from gpproxy.estimators.estimator import Estimator
from gpproxy.estimators.registry import Request, open_estimator
from gpproxy.estimators.shared import SharedEstimator
from gpproxy.execution.cluster import check_cluster
from gpproxy.execution.devices import check_device
from gpproxy.pictures.learning import losses_picture
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scored import told_of_notes
from gpproxy.proxies.size import Sizer
from gpproxy.proxies.target import target_space
from gpproxy.registry import load_plugin
from gpproxy.report.render import REPORT, render
from gpproxy.run.folder import interruptible
from gpproxy.run.interrupt import Interrupted, Patience
from gpproxy.run.kind import CONFIG
from gpproxy.run.settings import parse_settings
from gpproxy.search.candidates import Candidates, Ranking
from gpproxy.search.console import SearchWatch
from gpproxy.search.controlled import Controlled
from gpproxy.search.cost import Cost
from gpproxy.search.course import Progress
from gpproxy.search.finished import read_run
from gpproxy.search.folder import RESULT, SearchFolder, candidate_row, unfinished
from gpproxy.search.limits import Limits
from gpproxy.search.loop import search
from gpproxy.search.nsga2 import NSGA2
from gpproxy.search.order import beyond, rank
from gpproxy.search.outside import LOOKED_AT, outside
from gpproxy.search.page import document
from gpproxy.search.pairs import Pairs
from gpproxy.search.result import SearchResult
from gpproxy.search.rounds import Rounds
from gpproxy.search.settings import PROXY, SearchSettings
from gpproxy.search.store import Store
from gpproxy.search.strategies import Evolution, Exhaustive, Random, Strategy
from gpproxy.search.turns import Turns, alternating, take_turns
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.tasks.settings import TrainingSettings

#: Deviations above random candidates from which the best one is suspected to be beyond what its proxy can tell.
FAR = 8.0
#: Candidates above which ranking them takes long enough to say so.
MANY = 300_000


class Searcher:
    """One search. Raises the errors of `gpproxy.errors` for settings that cannot be met."""

    def __init__(self, config: SearchSettings, folder: SearchFolder | None, watch: SearchWatch, patience: Patience):
        for plugin in config.plugins:
            load_plugin(plugin)
        check_device(config.device)
        check_cluster(config.place)
        self.proxies = tuple(Proxy.load(text, config.init_seed, config.inputs, config.inits) for text in config.proxy)
        if folder is None:
            name, settings, remark = target_space(self.proxies, config.space, parse_settings(config.space_settings))
            pairs = tuple(f"{key}={value}" for key, value in settings.items())
            config = replace(config, space=name, space_settings=pairs)
            if remark:
                watch.note(remark)
            if config.out and (begun := unfinished(config.out)):
                folder, config = begun, begun.continued(**config.changes())
        self.config, self.folder, self.watch, self.patience = config, folder, watch, patience
        self._held = ExitStack()
        self.limits = Limits(config.max_params, config.max_macs, config.max_latency_ms)

    @cached_property
    def space(self) -> SearchSpace:
        return make_space(self.config.space, parse_settings(self.config.space_settings))

    @cached_property
    def sizer(self) -> Sizer:
        return Sizer(self.space)

    @cached_property
    def estimator(self) -> Estimator:
        config = self.config

        def training() -> TrainingSettings:
            from gpproxy.search.opponent import opponent
            from gpproxy.search.winners import training_settings

            return (opponent if config.generator else training_settings)(config, self.space)

        request = Request(
            config.estimator,
            self.space,
            self.proxies,
            config.device,
            timed=config.timed,
            max_latency_ms=config.max_latency_ms,
            plain=self.sizer.plain,
            look_seconds=config.look_seconds,
            training=training,
            shared=config,
            seed=config.seed,
        )
        return open_estimator(request)

    def result(self) -> SearchResult:
        """Searches, writes the files, and trains the winners where that was asked for."""
        with interruptible(lambda: self.folder), self._held:
            return self._result()

    def _result(self) -> SearchResult:
        config, watch = self.config, self.watch
        if self.folder is not None:
            self._held.enter_context(self.folder.alone())
        self.estimator.open(watch.note)
        strategy = self._strategy()
        judge = self._judge()
        alternation = alternating(self.estimator, strategy, config, self.sizer, self.limits)
        turns = None
        folder = self._begin()
        store = self._held.enter_context(folder.store(len(self.estimator.labels)))
        if alternation is not None:
            turns = self._take_turns(alternation, store)
        progress = self._search(strategy, store) if turns is None else turns.progress
        if store.count > MANY:
            watch.note(f"ranking {store.count:,} candidates and writing them takes a minute or two")
        rank(store)
        if not store.finite:
            raise RunError(_nothing(store, self.space.name))
        labels, ranking = self.estimator.labels, Ranking(store)
        folder.write_ranking(store, labels, config.timed, any(proxy.inits > 1 for proxy in self.proxies))
        label = labels[0] if len(labels) == 1 else f"mean rank of {' and '.join(labels)}"
        folder.write_pictures(ranking, self.space, config, label)
        training = None if judge is None else judge.time(ranking[0].architecture)
        folder.write_winners(ranking, self.space)
        if turns is not None:
            folder.write_learning(turns.history, turns.reward, "population" if strategy.living else "controller")
            folder.write("losses.png", losses_picture(turns.losses, turns.resets))
        elif isinstance(strategy, Controlled):
            folder.write_learning(strategy.history, label)
        before = self.estimator.set_up if turns is None else turns.seconds
        cost = Cost(progress.told, progress.work, training, self.estimator.title, before)
        told = [*self._remarks(progress, strategy.feedback), *cost.sentences()]
        store.finish()
        kept = Store.read(store.path)
        result = SearchResult(folder.path, Candidates(kept), Ranking(kept), cost, progress.finished)
        self._write(result, progress)
        watch.best(result.best(config.top), config.timed)
        best = [one.code for one, _ in result.best(LOOKED_AT)]
        first = [one.code for one in result.seen[: len(best)]]
        if found := outside(self.proxies, self.space, best, first, config.device):
            told.append(found.sentence)
        for sentence in told:
            watch.note(sentence)
        folder.log("told", sentences=told)
        if judge is not None and config.train_top:
            best = [one.code for one, _ in result.best(config.train_top)]
            judge.compare(folder.path, best, self.limits, self.sizer, config.seed)
        folder.write_or_tell(REPORT, lambda: render(document([read_run(folder.path)])), watch.note)
        watch.note(f"written to {folder.path}")
        return result

    def _strategy(self) -> Strategy:
        config, space = self.config, self.estimator.within(self.space)
        if config.strategy == "random":
            return Random(space, config.seed)
        if config.strategy == "exhaustive":
            return Exhaustive(space, config.seed)
        if config.strategy == "nsga2":
            apart = config.estimator_kind == "shared"
            return NSGA2(space, config.seed, config.population, config.crossover, config.objective, apart)
        if config.strategy == "controller":
            return Controlled(space, config.seed, config, config.budget)
        return Evolution(space, config.seed, config.population, config.tournament, config.crossover)

    def _judge(self) -> Any:
        """What times and trains, made before the search so that its settings are checked; None where nothing is."""
        if not self.config.cost and not self.config.train_top:
            return None
        from gpproxy.search.winners import Judge

        return Judge.of_search(self.config, self.space, self.watch)

    def _take_turns(self, alternation: Rounds | Pairs, store: Store) -> Turns:
        """The search whose weights learn as it goes, to its end. Its training makes it continue where it was."""
        place, estimator = store.path.parent, self.estimator
        assert isinstance(estimator, SharedEstimator)
        self.patience.waiting = True
        found = take_turns(
            alternation, estimator, self.config, place, store, self.watch.note, lambda: self.patience.asked
        )
        if found is None:
            self._interrupted()
        self.patience.waiting = False
        return found

    def _begin(self) -> SearchFolder:
        """The folder of the search, made or continued, with nobody else in it."""
        config = self.config
        resumed = self.folder is not None
        if self.folder is None:
            self.folder = SearchFolder.create(config)
            self._held.enter_context(self.folder.alone())
        else:
            self.folder.write(CONFIG, config.to_toml())
        folder = self.folder
        folder.log("resumed" if resumed else "started", space=config.space, strategy=config.strategy, seed=config.seed)
        self.watch.note(f"run folder {folder.path}")
        return folder

    def _search(self, strategy: Strategy, store: Store) -> Progress:
        """The search to its end. The store makes it continue where it was."""
        config, watch = self.config, self.watch
        if store.count:
            watch.note(f"continuing after {store.count:,} candidates")
        self.patience.waiting = True
        self._prepare()
        progress = None
        running = search(
            strategy,
            self.estimator,
            self.sizer,
            self.limits,
            config.budget,
            max_seconds=config.max_seconds,
            workers=config.cores,
            cluster=config.place,
            gpus=float(config.device != "cpu"),
            store=store,
        )
        for progress in running:
            watch.search(progress, config.top)
            if self.patience.asked and not progress.finished:
                running.close()
                self._interrupted(candidates=progress.told)
        self.patience.waiting = False
        assert progress is not None
        return progress

    def _interrupted(self, **what: Any) -> NoReturn:
        assert self.folder is not None
        self.folder.log("interrupted", **what)
        raise Interrupted(self.folder.path, "search")

    def _prepare(self) -> None:
        """The work before the first estimate. Raises RunError where it takes all the time that the search has."""
        config, start, before = self.config, time.monotonic(), self.estimator.set_up

        def late() -> bool:
            return 0 < config.max_seconds <= before + time.monotonic() - start

        try:
            self.estimator.prepare(self.watch.note, lambda: self.patience.asked or late())
        except KeyboardInterrupt:
            if self.patience.asked or not late():
                raise
            raise RunError(
                f"The {config.max_seconds:,.0f} s of the search were over before {self.estimator.title} was ready. "
                "What was done is kept: give the same command a larger --max-seconds, or plan less work first."
            ) from None

    def _remarks(self, progress: Progress, led: bool) -> list[str]:
        """Sentences on the search; `led` is whether the scores decided what came next."""
        told, store = [], progress.store
        first = self.config.population
        ((_, best, _),) = store.by_rank(1, 1)
        far = beyond(store.first_values(first), best) if led else 0.0
        if far > FAR and self.proxies:
            told.append(
                f"The best scores {far:.0f} deviations above the median of the first {first} candidates, which were "
                "random: the proxy was not tested that far out, and one of its terms may have run away. Give several "
                "proxies, whose ranks are averaged, or take --strategy random."
            )
        if progress.finished == "space":
            table = self.config.estimator_kind == "table"
            place = f"the table {self.config.estimator[6:]}" if table else self.space.name
            told.append(f"There are no further architectures: {place} has no more, or none within the limits.")
        if progress.finished == "time":
            told.append(f"The search ended when its {self.config.max_seconds:,.0f} s were over.")
        if progress.finished == "rare":
            told.append("The search ended early: hardly any architecture is within the limits.")
        if self.limits != Limits():
            passed = progress.excluded + progress.slow
            told.append(f"{passed:,} architectures were outside the limits ({self.limits}).")
        if progress.dropped:
            told.append(
                f"{progress.dropped:,} candidates that were there have been dropped: with these settings and this "
                "version the search takes another course, and goes through others."
            )
        kinds: Counter[str] = Counter()
        for problem, number in store.problems():
            kinds[problem.split(":")[0].rstrip(".")] += number
        if kinds:
            counted = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
            told.append(f"Without a score, ranked last: {counted}.")
        if partly := told_of_notes(store.notes(), progress.told):
            told.append(partly)
        return told

    def _write(self, result: SearchResult, progress: Progress) -> None:
        assert self.folder is not None
        config, other = self.config, self.config.estimator_kind != PROXY
        content: dict[str, Any] = {
            "space": self.space.name,
            "space_settings": asdict(self.space.settings),
            "proxies": [
                {
                    "label": label,
                    "text": proxy.text,
                    "inputs": proxy.inputs,
                    "init_seed": proxy.init_seed,
                    "inits": proxy.inits,
                }
                for label, proxy in zip(self.estimator.labels, self.proxies)
            ],
            **({"estimator": config.estimator, "set_up_seconds": result.cost.set_up} if other else {}),
            "strategy": config.strategy,
            "seed": config.seed,
            "limits": vars(self.limits),
            "candidates": progress.told,
            "excluded": progress.excluded + progress.slow,
            "repeated": progress.repeated,
            "finished": result.finished,
            "best": [candidate_row(one, score) for one, score in result.best(config.top)],
            "cost": result.cost.to_json(),
        }
        self.folder.write_json(RESULT, content)
        self.folder.log("finished", candidates=progress.told, finished=result.finished)


def _nothing(store: Store, space: str) -> str:
    """What to tell when no candidate has a score."""
    common = next(store.problems(), None)
    why = f" Most often: {common[0]}." if common else ""
    return f"None of {store.ranked} architectures of {space} has a score.{why} Check that the proxy fits the space."
