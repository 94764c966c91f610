"""Builds without any training: what is run, what is written, what survives an end at any time."""

import dataclasses
import itertools
from pathlib import Path

import pytest

from gpproxy.benchmark.builder import Build
from gpproxy.benchmark.console import continue_command
from gpproxy.benchmark.jobs import LONG_SEED, Job, jobs
from gpproxy.benchmark.kept import begun
from gpproxy.benchmark.plan import plan
from gpproxy.benchmark.settings import BuildSettings
from gpproxy.benchmark.trainings import reports
from gpproxy.benchmarks.csv_table import read_card, read_rows, read_table
from gpproxy.errors import ConfigError, RunError
from gpproxy.execution.task import never
from tests.benchmark.fake import MAIN, FakeTask, SlowTask, distance


@pytest.fixture
def config(tmp_path):
    settings = {"data": "shapes", "size": 4, "trainings": 2, "steps": 4, "width": 8, "resolution": 16, "samples": 20}
    return BuildSettings(**settings, out=str(tmp_path / "out"))


def run(config, count=None, **how):
    """Runs a build, or its first reports; the build."""
    build = Build(config, FakeTask(config, **how))
    for _ in itertools.islice(build.run(), count):
        pass
    return build


def test_all_trainings_of_an_architecture_stand_together_and_the_longer_ones_last():
    assert jobs(["a", "b"], 2, 1, 5) == [Job("a", 0), Job("a", 1), Job("b", 0), Job("b", 1), Job("a", LONG_SEED, 5)]
    assert Job("1 0/1", 3, 5).name.startswith("1_0_1-") and Job("1 0/1", 3).name != Job("1_0_1", 3).name


def test_a_build_writes_a_table_that_reads_back(config):
    build = run(config)
    table = read_table(config.table)
    assert table.name == "autogan-shapes" and table.architectures == tuple(build.codes)
    code = build.codes[2]
    assert table.card.in_units(table.repeats)[2].tolist() == pytest.approx([distance(code, 0), distance(code, 1)])
    card = table.card
    assert (card.metric, card.direction, card.scale, card.seeds) == (MAIN, "lower", "log", 2)
    assert dict(card.space_settings) == {"width": 8, "resolution": 16}
    assert card.facts["trainings"] == 8 and card.facts["architectures"] == 4 and card.facts["collapsed"] == 0
    assert card.facts["recipe"]["steps"] == 4 and card.facts["settings"]["samples"] == 20
    assert card.facts["hours"] >= 0 and "seconds_per_training" in card.facts
    assert card.facts["extractor_digest"] == "0" * 16 and card.facts["floor"] == 0.5
    assert table.columns == {}  # what was measured on trained networks is no baseline
    assert {f"{MAIN}@50%", f"{MAIN}@100%", "KID(cifar)", "seconds", "best_step"} == set(table.measured)


@pytest.mark.parametrize("reports", [1, 4, 5, 6, 13, 30])
def test_a_build_that_ends_anywhere_repeats_no_finished_training(config, reports):
    first = run(config, reports)
    finished = {job for job in first.task.began if (job.place(config.folder) / "outcome.json").is_file()}
    if config.table.is_file():
        assert {(row["architecture"], int(row["seed"])) for row in read_rows(config.table)} <= {
            (job.code, job.seed) for job in finished
        }
    second = run(config)
    assert not finished & set(second.task.began)
    assert len(finished) + len(second.task.began) == 8
    assert len(read_rows(config.table)) == 8
    third = run(config)
    assert third.task.began == []


def test_interrupted_and_unbroken_builds_write_the_same_rows(config, tmp_path):
    run(config, 7)
    run(config)
    other = dataclasses.replace(config, out=str(tmp_path / "other"))
    run(other)
    assert config.table.read_bytes() == other.table.read_bytes()


def test_an_outcome_without_a_row_is_entered_not_trained_again(config):
    run(config)
    rows = config.table.read_bytes()
    config.table.unlink()
    again = run(config)
    assert again.task.began == [] and config.table.read_bytes() == rows


def test_a_stop_ends_after_the_running_step(config):
    build = Build(config, FakeTask(config))
    seen = []
    for report in build.run(lambda: len(seen) >= 2):
        seen.append(report)
    assert [report.step for report in seen] == [1, 2]
    assert not config.table.is_file()


def test_a_collapsed_training_is_flagged_and_ranks_last(config):
    lost = plan(FakeTask(config).space, 4)[1]
    run(config, collapsing=(lost,))
    rows = {(row["architecture"], row["seed"]): row for row in read_rows(config.table)}
    assert rows[lost, "0"]["collapsed"] == "1" and rows[lost, "0"]["verdict"] == "collapsed"
    assert rows[lost, "0"][MAIN] == "" and rows[lost, "1"]["collapsed"] == "0"
    table = read_table(config.table)
    measured = table.repeats[~table.collapsed]
    assert table.repeats[table.collapsed].item() < measured.min().item()
    assert table.card.facts["collapsed"] == 1


def test_a_failing_training_does_not_take_the_others_with_it(config):
    bad = plan(FakeTask(config).space, 4)[0]
    build = Build(config, FakeTask(config, failing=(bad,)))
    problems = [report for report in build.run() if report.problem]
    assert [(report.job.code, report.problem) for report in problems] == [(bad, "made to fail")] * 2
    assert len(read_rows(config.table)) == 6
    assert len(run(config).task.began) == 2


def test_a_table_grows_by_architectures_and_trainings(config, tmp_path):
    run(config)
    before = read_rows(config.table)
    larger = run(dataclasses.replace(config, size=6, trainings=3))
    assert len(larger.task.began) == 6 * 3 - 8
    after = read_rows(config.table)
    assert len(after) == 18 and all(row in after for row in before)
    assert [row["architecture"] for row in after][::3] == larger.codes
    assert read_card(config.table).seeds == 3


def test_a_shipped_table_grows_without_its_trainings(config, tmp_path):
    run(config)
    shipped = tmp_path / "shipped" / "mine.csv"
    shipped.parent.mkdir()
    for suffix in (".csv", ".toml"):
        text = (
            config.table.with_suffix(suffix).read_text().replace("one network per row", "one network per row, by hand")
        )
        shipped.with_suffix(suffix).write_text(text)
    kept = begun("", str(shipped))
    assert (kept.size, kept.trainings, kept.steps, kept.width) == (4, 2, 4, 8)
    grown = run(dataclasses.replace(kept, size=5, benchmark=str(shipped), out=str(tmp_path / "work")))
    assert len(grown.task.began) == 2 and len(read_rows(shipped)) == 10
    assert read_card(shipped).source.endswith("by hand")
    with pytest.raises(RunError, match="is not there. Leave it out"):
        begun("", str(tmp_path / "none.csv"))
    with pytest.raises(RunError, match="To grow the one that comes with gpproxy, copy "):
        begun("", str(tmp_path / "autogan-cifar10.csv"))


def test_a_table_grows_by_uniform_architectures_and_retests_and_counts_rows_of_any_seed(config, tmp_path):
    """As a table whose rows were trained elsewhere, with seeds of their own."""
    once = dataclasses.replace(config, trainings=1)
    run(once)
    text = config.table.read_text().replace(",0,", ",1000,")
    config.table.write_text(text)
    for folder in (config.folder / "trainings").iterdir():
        (folder / "outcome.json").unlink()
    grown = run(dataclasses.replace(once, size=7, uniform=3, retests=4))
    codes = grown.codes
    rows = [(row["architecture"], row["seed"]) for row in read_rows(config.table)]
    assert sorted(rows) == sorted(
        [(code, "1000") for code in codes[:4]]
        + [(code, "0") for code in (*codes[:2], *codes[4:])]
        + [(code, "1") for code in codes[4:6]]
    )
    assert begun("", str(config.table)).rows | {"longer": 0} == grown.settings.rows
    assert run(dataclasses.replace(once, size=7, uniform=3, retests=4)).task.began == []


def test_a_grown_table_that_was_stopped_remembers_how_far_it_was_to_grow(config, tmp_path):
    run(config)
    more = dataclasses.replace(config, size=6, trainings=3, longer=2, benchmark=str(config.table))
    run(more, 5)
    kept = begun(more.out, more.benchmark)
    assert (kept.size, kept.trainings, kept.longer) == (6, 3, 2)
    said = continue_command(dataclasses.replace(more, workers=3, device="cuda:1"))
    assert f"--benchmark {config.table}" in said and "--device cuda:1 --workers 3" in said and "--together" not in said


def test_a_name_with_a_dot_is_a_table_too(config):
    grown = dataclasses.replace(config, benchmark="some/my.table")
    assert grown.table == Path("some/my.table.csv").absolute() and grown.name == "my.table"


def test_other_settings_are_refused_by_name(config, tmp_path):
    run(config)
    for change, message in (
        ({"width": 16}, "begun with width=8, but now width=16"),
        ({"steps": 5}, "begun with steps=4"),
        ({"recipe_settings": ("critic_steps=2",)}, "recipe_settings"),
    ):
        with pytest.raises(RunError, match=message):
            Build(dataclasses.replace(config, **change))
    with pytest.raises(RunError, match="extractor_digest=0000"):
        run(dataclasses.replace(config, size=5), digest="f" * 16)
    assert begun(config.out, "").steps == 4 and begun(str(tmp_path / "new"), "") is None


def test_two_builds_do_not_share_a_folder(config):
    one = Build(config, FakeTask(config)).run()
    next(one)
    with pytest.raises(RunError, match="Another build is running"):
        next(Build(config, FakeTask(config)).run())
    one.close()
    assert len(run(config).task.began) == 8


def test_longer_trainings_have_a_table_of_their_own_and_a_correlation_in_the_card(config):
    longer = dataclasses.replace(config, longer=4, times=3)
    build = run(longer)
    assert [job.times for job in build.task.began] == [1] * 8 + [3] * 4
    other = read_table(config.table.with_name("autogan-shapes-x3.csv"))
    assert len(other) == 4 and other.card.facts["recipe"]["steps"] == 12
    found = read_card(config.table).facts["longer"]
    assert (found["times"], found["architectures"]) == (3, 4)
    assert -1 <= found["spearman_interval"][0] <= found["spearman"] <= found["spearman_interval"][1] <= 1
    run(config)  # without longer ones, what is known of them stays
    assert read_card(config.table).facts["longer"] == found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "size >= 1"),
        ({"longer": 5}, "longer <= size"),
        ({"device": "tpu"}, "device is cpu"),
        ({"samples": 10}, "samples >= 20"),
    ],
)
def test_impossible_settings(config, change, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(config, **change)


def test_a_batch_holds_for_both_networks_and_settings_of_the_recipe_are_checked(config):
    recipe = FakeTask(dataclasses.replace(config, batch=16, recipe_settings=("critic_steps=2", "average=0.99"))).recipe
    assert (recipe.batch, recipe.critic_batch, recipe.critic_steps, recipe.average) == (16, 16, 2, 0.99)
    assert FakeTask(dataclasses.replace(config, steps=0)).recipe.steps == 5000
    with pytest.raises(ConfigError, match="no 'critics'"):
        FakeTask(dataclasses.replace(config, recipe_settings=("critics=2",)))
    with pytest.raises(ConfigError, match="NAME=VALUE"):
        FakeTask(dataclasses.replace(config, recipe_settings=("critics",)))


def test_processes_with_several_trainings_in_turns_do_each_of_them_once(config):
    config.folder.mkdir(parents=True)
    task = FakeTask(config)
    every = [Job(code, seed) for code in Build(config, task).codes for seed in range(2)]
    told = list(reports(every, task, config, SlowTask, never, workers=2, together=3))
    assert sorted(r.job.name for r in told if r.ended) == sorted(job.name for job in every)
    assert not any(r.problem for r in told)
    began = (config.folder / "began.txt").read_text().split()
    assert sorted(began) == sorted(job.name for job in every)


def test_a_stop_ends_what_runs_and_leaves_the_rest_without_a_problem(config):
    config.folder.mkdir(parents=True)
    task = FakeTask(config)
    every = [Job(code, seed) for code in Build(config, task).codes for seed in range(2)]
    told = []
    for report in reports(every, task, config, SlowTask, lambda: bool(told), workers=2, together=2):
        told.append(report)
    assert not any(r.problem for r in told)
    began = (config.folder / "began.txt").read_text().split()
    assert len(began) <= 4 and not any((job.place(config.folder) / "outcome.json").is_file() for job in every)
