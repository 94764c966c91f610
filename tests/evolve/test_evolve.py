"""The main command: files, result, determinism, interruption, bad input."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.csv_table import write_table
from gpproxy.benchmarks.registry import load
from gpproxy.errors import BenchmarkError, ConfigError, ExpressionError, RegistryError, RunError
from gpproxy.evolve import EvolveSettings, Interrupted, read_result, resume, run
from gpproxy.evolve.__main__ import main
from gpproxy.evolve.console import EvolveWatch
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.table import final_table
from gpproxy.proxies.proxy import Proxy
from gpproxy.registry import load_plugin
from gpproxy.run.command import guarded
from tests.commands import FAKE, small

PARTS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "finished"
    run(small(folder))
    return folder


def front(folder: Path) -> bytes:
    return (folder / "front.json").read_bytes()


def test_run_folder_holds_everything(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names == {
        "config.toml", "environment.json", "journal.jsonl", "state.json", "front.json", "result.json", "formula.txt",
        "formula.tex", "formula.png", "proxy.py", "committee.json", "committee.py", "scores.csv",
        "split.json", "lock", "report.html",
    }  # fmt: skip
    assert (finished / "formula.png").read_bytes().startswith(b"\x89PNG")
    events = [event["event"] for event in EvolveFolder(finished).journal()]
    assert events == ["started", "split", *["generation"] * 5, "finished"]


def test_a_part_may_hold_more_than_is_read_at_a_time(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpproxy.evolve.part_scores.CHUNK", 5)
    run(small(tmp_path / "run"))
    folders = (tmp_path / "run", finished)
    assert front(folders[0]) == front(folders[1])
    rows = ([row.split(",") for row in (path / "scores.csv").read_text().splitlines()] for path in folders)
    results = (json.loads((path / "result.json").read_text())["benchmarks"] for path in folders)
    for one, other in (map(leaves, rows), map(leaves, results)):
        # Some processors round a sum in single precision by the size of its batch.
        assert one == {at: pytest.approx(v, 1e-4, 1e-6) if isinstance(v, float) else v for at, v in other.items()}


def leaves(data: Any, at: str = "") -> dict[str, Any]:
    """The numbers and words of nested lists and dictionaries, by their places."""
    if isinstance(data, list | dict):
        items = data.items() if isinstance(data, dict) else enumerate(data)
        return {place: value for key, part in items for place, value in leaves(part, f"{at}/{key}").items()}
    try:
        return {at: float(data)}
    except (TypeError, ValueError):
        return {at: data}


def test_result_has_the_promised_fields(finished: Path) -> None:
    result = json.loads((finished / "result.json").read_text())
    assert {"formula", "rank_form", "complexity", "needs_backward", "seconds", "evaluations", "baselines"} <= set(
        result
    )
    rows = [result, *result["baselines"].values(), *result["benchmarks"].values()]
    for row in rows:
        for part in [part for part in PARTS if part in row] if row.get("kind") in ("classical", "auto-gas") else PARTS:
            for measure in ("kendall", "spearman"):
                value, interval = row[part][measure], row[part][f"{measure}_interval"]
                if value is not None:
                    assert -1 <= value <= 1 and interval[0] <= interval[1]
            assert row[part]["n"] >= 4
    assert result["train"]["spearman"] > 0.5 and result["complexity"] <= 25
    benchmark = result["benchmarks"]["fake"]
    assert benchmark["left_out"] == {"3-0-1-2": "3-0-1-2: the untrained generator returns NaN or infinity."}
    assert 0 < benchmark["chance"]["expected"] < 1
    assert sum(len(dead) for dead in benchmark["dead"].values()) == 2


def test_baselines_are_signed_and_of_every_kind(finished: Path) -> None:
    baselines = read_result(finished).baselines
    kinds = {row["kind"] for row in baselines.values()}
    assert kinds == {"classical", "auto-gas", "descriptor", "published", "random"}
    assert {"params", "macs", "depth", "snip", "synflow", "nwot", "paper/guess", "random formulas 1"} <= set(baselines)
    assert min(row["test"]["spearman"] for row in baselines.values()) < 0


def test_front_is_marked_and_judged(finished: Path) -> None:
    entries = read_result(finished).front
    assert sum(entry.pick for entry in entries) == 1
    assert all(entry.test["n"] == entries[0].test["n"] for entry in entries)
    sizes = [entry.complexity for entry in entries]
    assert sizes == sorted(sizes) and all("seconds" not in entry.test for entry in entries)


def test_settings_feed_back(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also: other workers and freshly collected statistics change nothing."""
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / "cache"))
    config = EvolveSettings.from_toml(finished / "config.toml", out=str(tmp_path / "again"), workers=2)
    result = run(config)
    assert front(tmp_path / "again") == front(finished)
    assert result.formula == read_result(finished).formula


class StopAfter(EvolveWatch):
    """Presses Ctrl-C during a generation, once or twice."""

    def __init__(self, generation: int, times: int = 1):
        self.last, self.times = generation, times

    def generation(self, generation, front, last) -> None:
        if generation.index == self.last:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)


def test_interrupted_and_resumed_equals_unbroken(finished: Path, tmp_path: Path) -> None:
    folder, before = tmp_path / "run", signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match="--resume"):
        run(small(folder), StopAfter(1))
    assert EvolveFolder(folder).journal()[-1]["event"] == "interrupted"
    assert signal.getsignal(signal.SIGINT) is before
    result = resume(folder)
    assert front(folder) == front(finished)
    assert result.formula == read_result(finished).formula and result.test == read_result(finished).test


def test_a_stopped_run_is_looked_at_and_concluded(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(Interrupted, match=r"(?s)--resume .*--conclude\nThe front is .*front.json"):
        run(small(folder, random_search=False, proxies="none"), StopAfter(1))
    entries = json.loads((folder / "front.json").read_text())
    assert entries and all(-1 <= entry["validation"]["kendall"] <= 1 and not entry["test"] for entry in entries)
    with pytest.raises(RunError, match="--resume .* --conclude"):
        Proxy.load(str(folder))
    with pytest.raises(ConfigError, match="--resume RUN --conclude"):
        main(["--benchmark", "fake", "--conclude"])
    result = resume(folder, conclude=True)
    assert (result.generations, result.finished) == (1, "asked") and result.test["n"]
    assert "until it was stopped and concluded" in " ".join(line.plain for line in final_table(result, 200))
    assert EvolveFolder(folder).config.generations == 4  # what was asked for stays known


def test_a_second_process_is_refused_before_it_writes_anything(tmp_path: Path) -> None:
    class Resumes(EvolveWatch):
        """Continues the run while it is running, as a second process would."""

        def generation(self, generation, front, last) -> None:
            if generation.index == 0:
                journal = EvolveFolder(tmp_path / "run").journal()
                with pytest.raises(RunError, match=rf"Another evolution is running in .* \(process {os.getpid()}\)"):
                    resume(tmp_path / "run", generations=9)
                assert EvolveFolder(tmp_path / "run").journal() == journal
                assert EvolveFolder(tmp_path / "run").config.generations == 1

    run(small(tmp_path / "run", generations=1, random_search=False, proxies="none"), Resumes())
    assert EvolveFolder(tmp_path / "run").finished


def test_second_interrupt_quits_at_once(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(small(tmp_path / "run"), StopAfter(0, times=2))


KILLED = """
import os, signal, sys
from gpproxy.evolve.console import EvolveWatch
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve import run
from tests.commands import small

class Kill(EvolveWatch):
    def generation(self, generation, front, last):
        if generation.index == 2:
            os.kill(os.getpid(), signal.SIGKILL)

run(small(sys.argv[1]), Kill())
"""


def test_killed_process_loses_nothing_that_was_finished(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder)], cwd=Path(__file__).parents[2], timeout=100)
    assert done.returncode == -signal.SIGKILL
    assert [e["index"] for e in EvolveFolder(folder).journal() if e["event"] == "generation"] == [0, 1, 2]
    resume(folder)
    assert front(folder) == front(finished)
    indices = [e["index"] for e in EvolveFolder(folder).journal() if e["event"] == "generation"]
    assert indices == [0, 1, 2, 3, 4]


def test_complete_run_says_so(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = front(finished)
    assert main(["--resume", str(finished)]) == 0
    assert "complete" in capsys.readouterr().out
    assert resume(finished).formula == read_result(finished).formula and front(finished) == before


def test_only_budgets_change_on_resume(finished: Path) -> None:
    with pytest.raises(RunError, match="seed=0"):
        resume(finished, seed=1)
    with pytest.raises(RunError, match="no run folder"):
        resume(finished / "nothing")


def test_worst_of_two_benchmarks_counts(tmp_path: Path) -> None:
    result = run(small(tmp_path / "both", benchmark="fake,fake-deep", generations=1, random_search=False))
    assert list(result.benchmarks) == ["fake", "fake-deep"]
    for part in PARTS:
        levels = {n: row[part]["kendall"] + row[part]["spearman"] for n, row in result.benchmarks.items()}
        top = getattr(result, part)
        assert top["benchmark"] == min(levels, key=levels.__getitem__)
        assert math.isclose(top["kendall"] + top["spearman"], min(levels.values()))
    assert "snip" in result.baselines and "random formulas 1" not in result.baselines


def test_what_is_learnt_from_in_one_table_is_not_tested_in_another(tmp_path: Path) -> None:
    load_plugin(FAKE)
    table = load("fake").select(load("fake").architectures[:-4])
    rows = [{"architecture": code, "quality": value} for code, value in table.values.items()]
    part = write_table(tmp_path / "part.csv", Card("fake", "quality", "higher"), rows)
    run(small(tmp_path / "both", benchmark=f"fake,{part}", generations=1, random_search=False, proxies="none"))
    one, other = EvolveFolder(tmp_path / "both").read_json("split.json").values()
    assert one["elsewhere"] or other["elsewhere"]
    for ours, theirs in ((one, other), (other, one)):
        assert not {*ours["train"], *ours["validation"]} & {*theirs["test"]}
        assert not {*ours["train"]} & {*theirs["validation"]}


def test_lexicase_is_reproducible_and_can_be_continued(tmp_path: Path) -> None:
    fast = {"benchmark": "fake,fake-deep", "combine": "lexicase", "generations": 3, "random_search": False}
    fast |= {"proxies": "none"}
    result = run(small(tmp_path / "whole", **fast))
    with pytest.raises(Interrupted):
        run(small(tmp_path / "broken", **fast), StopAfter(1))
    assert resume(tmp_path / "broken").formula == result.formula
    assert front(tmp_path / "broken") == front(tmp_path / "whole")
    assert EvolveFolder(tmp_path / "whole").config.combine == "lexicase"


def test_guess_is_in_the_first_generation(tmp_path: Path) -> None:
    class First(EvolveWatch):
        def generation(self, generation, front, last) -> None:
            if generation.index == 0:
                self.formulas = {str(i.tree) for i in generation.archive}
                self.best = generation.best.quality

    with_guess, without = First(), First()
    run(small(tmp_path / "a", initial_formulas=("snip",), generations=0, random_search=False), with_guess)
    run(small(tmp_path / "b", generations=0, random_search=False), without)
    assert with_guess.best >= without.best
    assert "sum_layers(layer_snip)" in (tmp_path / "a" / "state.json").read_text()


def test_all_known_proxies_can_be_guessed() -> None:
    from gpproxy.evolve.check import check_formulas
    from gpproxy.proxies.named import NAMED

    assert len(check_formulas(small(initial_formulas=("classical",), max_nodes=60, max_height=20))) == len(
        set(NAMED.values())
    )
    assert 0 < len(check_formulas(small(initial_formulas=("classical",), max_nodes=5))) < len(set(NAMED.values()))
    for name in NAMED:
        assert len(check_formulas(small(initial_formulas=(name,)))) == 1


def test_known_proxies_give_way_to_exclusions_and_single_guesses_do_not() -> None:
    from gpproxy.evolve.check import check_formulas

    every = check_formulas(small(initial_formulas=("classical",)))
    for out in ("layer_snip", "logdet"):
        left = check_formulas(small(initial_formulas=("classical",), exclude=(out,)))
        assert 0 < len(left) < len(every) and not any(out in formula for formula in left)
    with pytest.raises(ExpressionError, match="'layer_snip', which exclude takes out"):
        check_formulas(small(initial_formulas=("snip",), exclude=("layer_snip",)))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"benchmark": "fakee"}, RegistryError, "Did you mean 'fake'"),
        ({"train": 47}, BenchmarkError, "Choose train <="),
        ({"initial_formulas": ("snipp",)}, ExpressionError, "Did you mean 'snip'"),
        ({"initial_formulas": ("snip",), "max_nodes": 1}, ConfigError, "initial_formulas=snip has 2 nodes"),
        ({"proxies": "snpi"}, ConfigError, "'snpi' is no classical proxy. Did you mean 'snip'"),
        ({"proxies": "nwot,all"}, ConfigError, "'all' stands alone"),
        ({"proxies": ""}, ConfigError, "'' is no classical proxy"),
        ({"exclude": ("gradientt",)}, ExpressionError, "Did you mean 'gradient'"),
        ({"groups": "paramss"}, ConfigError, "Did you mean 'params'"),
        ({"space_settings": ("colour=3",)}, ConfigError, "colour"),
        ({"device": "cuda:99"}, ConfigError, "needs a CUDA device"),
        ({"plugins": ("nowhere.py",)}, ConfigError, "nowhere.py is not there"),
    ],
)
def test_bad_input_is_named(changes: dict, error: type, words: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=words):
        run(small(tmp_path / "run", **changes))
    assert changes.keys() == {"groups"} or not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"islands": 10}, "islands <= population"),
        ({"benchmark": "fake,fake"}, "named once"),
        ({"device": "tpu"}, "device=tpu"),
        ({"group_weight": 2.0}, "group_weight=2.0"),
        ({"space_settings": ("resolution",)}, "NAME=VALUE"),
    ],
)
def test_impossible_settings_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        small(**changes)


def test_defaults_are_those_of_the_engine() -> None:
    from gpproxy.statistics.collection import Collection

    assert EvolveSettings().inputs == Collection().samples and EvolveSettings().init_seed == Collection().seed


def test_a_run_is_not_overwritten(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="a finished run"):
        run(small(finished))


def test_settings_file_is_checked(tmp_path: Path) -> None:
    for content, words in (
        ("generatons = 3", "Did you mean 'generations'"),
        ("train = 'x'", "int"),
        ("train =", "TOML"),
    ):
        (tmp_path / "c.toml").write_text(content)
        with pytest.raises(ConfigError, match=words):
            EvolveSettings.from_toml(tmp_path / "c.toml")


def test_full_disk_names_what_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write, count = EvolveFolder.write_json, iter(range(100))

    def full(self, name, content):
        if name == "front.json" and next(count) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path / name))
        return write(self, name, content)

    monkeypatch.setattr(EvolveFolder, "write_json", full)
    out = tmp_path / "run"
    flags = "--benchmark fake --train 20 --validation 12 --population 24 --islands 2 --generations 4 --workers 1"
    assert guarded(main, [*flags.split(), "--plugins", FAKE, "--out", str(out)]) == 1
    message = capsys.readouterr().err
    assert "No space left" in message and "safe up to generation 1" in message and "--resume" in message


def test_help_needs_no_engine_and_unknown_flags_get_a_hint() -> None:
    code = (
        "import sys\n"
        "from gpproxy.run.command import guarded\n"
        "from gpproxy.evolve.__main__ import main\n"
        "try: guarded(main, sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'deap', 'sympy', 'scipy', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, timeout=60)
    assert "--max-minutes" in shown.stdout and shown.stdout.rstrip().endswith("[]")
    wrong = subprocess.run([sys.executable, "-c", code, "--populaton", "3"], capture_output=True, text=True, timeout=60)
    assert "--population" in wrong.stderr


def test_initialisations_are_averaged_and_their_spread_is_told(tmp_path: Path) -> None:
    result = run(small(tmp_path / "three", inits=3, generations=1, random_search=False))
    inits = result.benchmarks["fake"]["inits"]
    assert len(inits["spearman"]) == 3 and inits["spread"] >= 0
    single = run(small(tmp_path / "one", inits=1, generations=1, random_search=False))
    assert single.benchmarks["fake"]["inits"] is None
    text = "\n".join(line.plain for line in final_table(result, 100))
    assert "the mean of 3 initialisations" in " ".join(text.split())


def test_classical_proxies_are_judged_where_they_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the test by default; with `proxy_parts` on all parts; and where the cache has them, without being asked."""
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / "cache"))
    fast = {"generations": 0, "random_search": False, "proxies": "nwot, snip"}
    some = run(small(tmp_path / "some", **fast))
    assert {part for part in PARTS if part in some.baselines["snip"]} == {"test"} and "zen" not in some.baselines
    text = " ".join(" ".join(line.plain for line in final_table(some, 140)).split())
    assert "--proxy-parts all" in text
    every = run(small(tmp_path / "every", **fast, proxy_parts="all"))
    assert set(PARTS) <= set(every.baselines["snip"]) and every.baselines["nwot"]["train"]["n"] == 19
    assert every.baselines["snip"]["test"] == some.baselines["snip"]["test"]
    again = run(small(tmp_path / "again", **{**fast, "proxies": "snip,nwot"}))
    assert again.baselines == every.baselines
    assert "--proxy-parts" not in "".join(line.plain for line in final_table(again, 140))
    assert front(tmp_path / "some") == front(tmp_path / "every") == front(tmp_path / "again")
    assert not [name for name in run(small(tmp_path / "no", **{**fast, "proxies": "none"})).baselines if name == "snip"]


def test_as_many_rankings_are_drawn_at_random_as_were_evolved(finished: Path) -> None:
    result = read_result(finished)
    draws = [row for name, row in result.baselines.items() if name.startswith("random formulas")]
    assert len(draws) == 3 and all(row["finished"] == "rankings" for row in draws)
    assert all(row["rankings"] >= result.rankings > 0 for row in draws)
    assert len({row["formula"] for row in draws}) > 1
    text = "\n".join(line.plain for line in final_table(result, 140))
    least, most = (f"{bound(row['rankings'] for row in draws):,}" for bound in (min, max))
    many = least if least == most else f"{least} to {most}"
    assert f"3 draws of random formulas, each of {many} different rankings" in text


def test_the_front_does_not_depend_on_the_comparison(finished: Path, tmp_path: Path) -> None:
    run(small(tmp_path / "alone", random_search=False, proxies="none"))
    assert front(tmp_path / "alone") == front(finished)


def test_failures_are_remembered_and_looked_at_again_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / "cache"))
    fast = {"generations": 0, "random_search": False, "proxies": "none", "inits": 1}

    class Notes(EvolveWatch):
        def __init__(self):
            self.notes, self.inits = [], []

        def note(self, text):
            self.notes.append(text)

        def progress(self, what, done, total):
            self.inits.append(done) if what == "looking at fake, train" else None

    watches = [Notes() for _ in range(3)]
    for i, watch in enumerate(watches):
        run(small(tmp_path / str(i), **fast, retry_failed=i == 2), watch)
    assert [watch.inits[0] for watch in watches] == [0, 20, 19]
    for watch in watches:
        assert "fake: left out 3-0-1-2: the untrained generator returns NaN or infinity." in watch.notes
    assert [any("--retry-failed" in note for note in watch.notes) for watch in watches] == [True, True, False]
    assert front(tmp_path / "0") == front(tmp_path / "1") == front(tmp_path / "2")


def test_a_part_that_failures_make_too_small_names_them(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="3 of the 4 generators in the validation .* cannot, 3-0-1-2: .* NaN"):
        run(small(tmp_path / "run", train=40, validation=4, seed=5, generations=0, random_search=False, proxies="none"))
