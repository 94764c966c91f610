"""The train command: run folder, continuation after any end, dry run, the words at the end, refusals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from gpproxy.errors import ConfigError, RunError
from gpproxy.quality.extractor import EXTRACTORS
from gpproxy.quality.features import Features
from gpproxy.run.command import guarded
from gpproxy.run.interrupt import Interrupted
from gpproxy.tasks.registry import open_task
from gpproxy.tasks.task import Task
from gpproxy.tasks.unconditional import Unconditional
from gpproxy.train import TrainSettings, dry_run, resume, run
from gpproxy.train.__main__ import main
from gpproxy.train.folder import TrainFolder
from gpproxy.training import loop
from gpproxy.training.checkpoint import BEST, STATE
from gpproxy.training.outcome import OUTCOME, outcome

ROOT = Path(__file__).parents[2]
SMALL: dict[str, Any] = {
    "arch": "autogan-a", "data": "shapes", "steps": 8, "batch": 4, "width": 4, "resolution": 16, "limit": 40,
    "extractor": "none", "samples": 30, "space_settings": ("latent=8",), "recipe_settings": ("recalibrate=2",),
}  # fmt: skip


class Pixels:
    """An extractor that looks at the means of the corners; its digest is what its weights are said to be."""

    name, dimensions, published = "pixels", 12, False

    def __init__(self, weights: Path | None = None):
        self.digest = "0" * 16 if weights is None else weights.read_text()

    def __call__(self, images: Tensor) -> Features:
        return Features(torch.nn.functional.adaptive_avg_pool2d(images.float() / 255, 2).flatten(1))


@pytest.fixture(scope="module", autouse=True)
def pixels() -> None:
    if "pixels" not in EXTRACTORS:
        EXTRACTORS.add("pixels", lambda weights, device, download: Pixels(weights))


def config(out: Path | str = "", **changes: Any) -> TrainSettings:
    return TrainSettings(**{**SMALL, "out": str(out), **changes})


def flags(out: Path, **changes: Any) -> list[str]:
    settings = {name: value for name, value in {**SMALL, "out": out, **changes}.items()}
    found = []
    for name, value in settings.items():
        for one in value if isinstance(value, tuple) else (value,):
            found += [f"--{name.replace('_', '-')}", str(one)]
    return found


def test_settings_feed_back(tmp_path: Path) -> None:
    made = config(tmp_path / "run", recipe_settings=("critic_steps=2", "share=false"), download=True)
    (tmp_path / "config.toml").write_text(made.to_toml())
    assert TrainSettings.from_toml(tmp_path / "config.toml") == made
    assert made.recipe_changes == {"critic_steps": 2, "share": "false", "steps": 8, "batch": 4}
    assert made.run_name == "autogan-a" and config(arch="1 0 1 1 / 1 0 0 1 1").run_name == "autogan-1011-10011"


def test_a_run_measures_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert guarded(main, flags(out, extractor="pixels")) == 0
    said = capsys.readouterr().out
    found = outcome(out)
    assert found is not None and found.main == "FD(pixels)" and found.best is not None
    for text in (
        f"run folder {out}",
        "finished after 8 of 8 steps",
        f"best FD(pixels) {found.value:.4g} at step {found.best.step}: 30 samples against shapes/test",
        "extractor pixels@0000000000000000",
        "floor",
        str(out / f"samples_{found.best.step:06d}.png"),
    ):
        assert text in said.replace("\n", " "), text
    quality = json.loads((out / "quality.json").read_text())
    assert quality["values"]["FD(pixels)"] == pytest.approx(found.value, rel=1e-3)
    assert guarded(main, ["--resume", str(out)]) == 0 and "finished after 8" in capsys.readouterr().out
    assert guarded(main, flags(out, extractor="pixels")) == 0 and "finished after 8" in capsys.readouterr().out


def test_dry_run_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    assert guarded(main, [*flags(out), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "MACs per image" in said and "8 of" in said and "nothing was written" in said
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / "cache"))
    assert guarded(main, [*flags(out, extractor="pixels"), "--dry-run"]) == 0
    assert "real images     their features: about" in capsys.readouterr().out
    found = dry_run(config(extractor="pixels"))
    assert list(tmp_path.iterdir()) == []
    assert found.steps == 8 and found.checks == 4 and found.reference > 0 and found.final > 0
    parts = 8 * found.step + 4 * found.check + found.reference + found.final
    assert found.seconds == pytest.approx(parts)
    open_task(config(extractor="pixels")).open()
    assert dry_run(config(extractor="pixels")).reference == 0


def test_a_killed_run_is_continued_by_the_same_command(tmp_path: Path) -> None:
    """`kill -9` after the first state; the rest comes out as if nothing had happened."""
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "gpproxy.train", *flags(out, steps=60)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not (out / STATE).is_file() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    assert process.wait() in (-signal.SIGKILL, 0)
    assert (out / STATE).is_file()
    assert run(config(out, steps=60)).step == 60
    run(config(tmp_path / "whole", steps=60))
    assert (out / BEST).read_bytes() == (tmp_path / "whole" / BEST).read_bytes()
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(steps) and steps.count(30) == 2  # losses and check


def stopped(settings: TrainSettings, monkeypatch: pytest.MonkeyPatch, step: int = 3) -> str:
    """Ctrl-C after some step, which is finished; what is said then."""

    class Impatient(loop.Journal):
        def append(self, event: str, number: int, **entries: Any) -> None:
            super().append(event, number, **entries)
            if number == step:
                os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch, pytest.raises(Interrupted) as error:
        patch.setattr(loop, "Journal", Impatient)
        run(settings)
    return str(error.value)


def test_without_a_folder_the_same_settings_find_the_unfinished_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "broken").mkdir(parents=True)
    (tmp_path / "runs" / "broken" / "config.toml").write_text("seed = ")
    stopped(config(), monkeypatch)
    begun = TrainFolder.unfinished(config())
    assert begun is not None and TrainFolder.unfinished(config(device="cuda")) is not None
    assert (
        TrainFolder.unfinished(config(seed=1)) is None and TrainFolder.unfinished(config(extractor_weights="x")) is None
    )
    with begun.alone():
        assert TrainFolder.unfinished(config()) is None
        with pytest.raises(RunError, match="Another training is running in"):
            resume(begun.path)
    left = begun.path / ".last.pt.1.part"
    left.touch()
    assert guarded(main, flags(Path())[:-2]) == 0  # without --out
    said = capsys.readouterr().out
    assert f"continues the unfinished training in {begun.path}" in said and "finished after 8 of 8" in said
    assert not left.exists() and TrainFolder.unfinished(config()) is None
    run(config())
    assert len(list((tmp_path / "runs").glob("*autogan*"))) == 2  # a finished one is never used again


def test_other_weights_do_not_go_on_with_a_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = tmp_path / "first", tmp_path / "other"
    first.write_text("1" * 16)
    other.write_text("2" * 16)
    out = tmp_path / "run"
    stopped(config(out, extractor="pixels", extractor_weights=str(first)), monkeypatch)
    with pytest.raises(RunError, match="another extractor_digest"):
        resume(out, extractor_weights=str(other))
    resume(out)
    events = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    check = next(event for event in events if event["event"] == "check")
    about = json.loads((out / OUTCOME).read_text())["about"]
    for told in (check, about):
        assert (told["extractor"], told["extractor_digest"], told["samples"]) == ("pixels", "1" * 16, 30)
        assert told["reference"].startswith("shapes/test (") and len(told["reference_digest"]) == 16
    monkeypatch.setattr(Unconditional, "images", None)  # a finished training loads no images
    monkeypatch.setattr(Task, "reference", None)
    assert resume(out).step == 8
    with pytest.raises(RunError, match="was measured with extractor_digest=1{16}, but here it is 2{16}"):
        resume(out, extractor_weights=str(other))


def test_a_stop_at_once_says_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(loop.Journal, "append", stop)
        with pytest.raises(Interrupted, match=f"no state was saved yet, so it begins again.*\n.*--resume {out}"):
            run(config(out, extractor="pixels"))
    stopped(config(out, extractor="pixels"), monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(loop.Journal, "append", stop)
        with pytest.raises(Interrupted, match=r"the state saved \d+ s ago is kept"):
            resume(out)
    with monkeypatch.context() as patch:
        patch.setattr(Task, "measured", stop)
        with pytest.raises(Interrupted, match="its best weights are not measured yet"):
            resume(out)
    assert resume(out).verdict == "finished" and TrainFolder(out).finished


def test_ctrl_c_finishes_the_step_and_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    monkeypatch.setattr(loop, "TELL", -1.0)

    class Impatient(loop.Journal):
        def append(self, event: str, step: int, **entries: Any) -> None:
            super().append(event, step, **entries)
            if step == 3:
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(loop, "Journal", Impatient)
    with pytest.raises(Interrupted, match=f"train --resume {out}"):
        run(config(out))
    monkeypatch.undo()
    state = torch.load(out / STATE, weights_only=True)
    assert state["step"] == 3 and not (out / OUTCOME).exists()
    assert resume(out).verdict == "finished"


def test_other_settings_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(config(out))
    with pytest.raises(RunError, match="has seed=0; continued, it keeps that"):
        run(config(out, seed=1))
    assert resume(out, threads=1).verdict == "finished"
    with pytest.raises(RunError, match="gpproxy train made"):
        resume(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arch": " "}, "Give the architecture"),
        ({"samples": 5}, "samples >= 20"),
        ({"steps": -1}, "steps >= 0"),
        ({"device": "tpu"}, "device is cpu"),
        ({"device": "cuda:x"}, "device is cpu, cuda or cuda:NUMBER, but got device=cuda:x"),
        ({"recipe": "shor"}, "Did you mean 'short'"),
        ({"recipe_settings": ("critic=2",)}, "Did you mean 'critic_steps'"),
        ({"space_settings": ("height=3",)}, "has no setting 'height'"),
    ],
)
def test_impossible_settings_are_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(config(tmp_path / "run", **changes))
    assert not (tmp_path / "run").exists()


def test_a_flat_folder_tells_the_flag_and_leaves_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "flat").mkdir()
    for number in range(40):
        Image.new("RGB", (16, 16), (6 * number, 99, 0)).save(tmp_path / "flat" / f"{number}.png")
    out, settings = tmp_path / "run", {"data": tmp_path / "flat", "extractor": "pixels"}
    assert guarded(main, flags(out, **settings)) == 1 and not out.exists()
    assert "--split train" in capsys.readouterr().err
    assert guarded(main, flags(out, **settings, split="train")) == 0


def test_default_folder_is_named_after_the_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(config(steps=1))
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.endswith("-autogan-a-s0") and (folder / "environment.json").is_file()


def test_help_is_quick() -> None:
    """Nothing heavy is imported for it."""
    code = "import sys, gpproxy.train; sys.exit(any(name in sys.modules for name in ('torch', 'torchvision', 'PIL')))"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode == 0
