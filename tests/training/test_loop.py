"""The loop: exact continuation after any end, the best check kept, verdicts, what lies in the folder."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gpproxy.errors import RunError
from gpproxy.seeds import reseed
from gpproxy.tasks.registry import recipe
from gpproxy.training import loop
from gpproxy.training.checkpoint import BEST, STATE, load_weights
from gpproxy.training.journal import Journal
from gpproxy.training.loop import train_loop
from gpproxy.training.outcome import OUTCOME, Outcome, Progress, outcome
from gpproxy.training.recipe import AdversarialRecipe
from tests.training.toy import equal

RECIPE = recipe("short", steps=200, collapse_steps=30)


class Walk:
    """An objective whose only weight walks at random; losses can be given by step."""

    networks: Mapping[str, nn.Module] = {}

    def __init__(self, losses: Mapping[int, float] | None = None, spread: float = 1.0):
        self.weight, self.given, self.spread = torch.zeros(3), losses or {}, spread
        self.random = torch.Generator()

    def step(self, index: int) -> Mapping[str, Tensor]:
        reseed(self.random, 0, index)
        self.weight += torch.randn(3, generator=self.random)
        return {"discriminator": torch.tensor(self.given.get(index, 1.0)), "generator": self.weight[0].clone()}

    def samples(self, count: int) -> Tensor:
        noise = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 255 * self.spread
        return noise.to(torch.uint8)

    def held_out_losses(self):
        return {}

    def picture(self) -> Tensor:
        return torch.zeros(1, 2, 3, 4, 4, dtype=torch.uint8)

    def weights(self) -> dict[str, Tensor]:
        return {"weight": self.weight.clone()}

    def state_dict(self) -> dict[str, Any]:
        return {"weight": self.weight.clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.weight = state["weight"].clone()


def begin(
    folder: Path, objective: Walk | None = None, how: AdversarialRecipe = RECIPE, **changes: Any
) -> Iterator[Progress]:
    values = iter(changes.pop("values", [5.0, 3.0, 4.0, math.nan]))
    settings = {
        "measure": lambda images: {"FD": next(values)},
        "samples": 20,
        "main": "FD",
        "about": {"seed": 0, "recipe": how.to_json()},
    }
    return train_loop(objective or Walk(), how, folder=folder, **{**settings, **changes})


def test_everything_is_in_the_folder_and_the_best_is_kept(tmp_path: Path) -> None:
    objective = Walk()
    seen = [(p.step, dict(p.measures)) for p in begin(tmp_path, objective) if p.measures is not None]
    assert [step for step, _ in seen] == [50, 100, 150, 200] and seen[1][1] == {"FD": 3.0}
    found = outcome(tmp_path)
    assert found is not None and (found.verdict, found.reason, found.step) == ("finished", "", 200)
    assert found.value == 3.0 and found.best is not None and found.best.step == 100
    assert math.isnan(found.curve[3].measures["FD"]) and found.about["seed"] == 0
    half = Walk()
    for index in range(100):
        half.step(index)
    assert torch.equal(load_weights(tmp_path / BEST)["weight"], half.weight)
    pictures = [f"samples_{step:06d}.png" for step in (50, 100, 150, 200)]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([BEST, STATE, OUTCOME, "metrics.jsonl", *pictures])
    assert list(begin(tmp_path)) == []


def test_journal_has_means_of_losses(tmp_path: Path) -> None:
    list(begin(tmp_path, Walk({0: 3.0, 2: 0.5})))
    lines = [event for event in Journal(tmp_path).read() if event["event"] == "losses"]
    assert [line["step"] for line in lines] == list(range(2, 201, 2))
    assert [line["discriminator"] for line in lines[:3]] == [2.0, 0.75, 1.0]
    assert Journal(tmp_path).read()[-1]["event"] == "end"


@pytest.mark.parametrize("ends", [[1], [7, 50, 51], [99, 100, 101, 199]])
def test_interrupted_equals_uninterrupted(tmp_path: Path, ends: list[int]) -> None:
    list(begin(tmp_path / "whole"))
    count = 0

    def stop() -> bool:
        nonlocal count
        count += 1
        return count in ends

    values = iter([5.0, 3.0, 4.0, math.nan])
    while outcome(tmp_path / "parts") is None:
        list(begin(tmp_path / "parts", Walk(), stop=stop, values=values))
    assert _comparable(tmp_path / "whole") == _comparable(tmp_path / "parts")
    for name in (BEST, "samples_000100.png"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_abandoned_anywhere_goes_on_from_the_last_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after `kill -9`: whatever was not saved is done again, and the journal has nothing twice."""
    list(begin(tmp_path / "whole"))
    monkeypatch.setattr(loop, "TELL", -1.0)
    seen = {50: 5.0, 100: 3.0, 150: 4.0, 200: math.nan}

    def running() -> Iterator[Progress]:
        objective = Walk()
        return begin(tmp_path / "parts", objective, measure=lambda images: {"FD": seen[step_of(objective)]})

    for length in (1, 60, 30, 200):
        for _, _progress in zip(range(length), running()):
            pass
    list(running())
    assert _comparable(tmp_path / "whole") == _comparable(tmp_path / "parts")


def step_of(objective: Walk) -> int:
    """The number of steps that a walk has taken."""
    other = Walk()
    for index in range(201):
        if torch.equal(other.weight, objective.weight):
            return index
        other.step(index)
    raise AssertionError("another walk")


def test_states_are_saved_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SAVE", -1.0)
    running = begin(tmp_path)
    next(running)
    next(running)
    assert (tmp_path / STATE).is_file() and not (tmp_path / OUTCOME).exists()


def test_a_loss_that_is_no_number_ends_it(tmp_path: Path) -> None:
    list(begin(tmp_path, Walk({60: math.nan})))
    found = outcome(tmp_path)
    assert found is not None and found.verdict == "not finite" and "step 61" in found.reason
    assert found.step == 62 and found.value == 5.0 and json.loads((tmp_path / OUTCOME).read_text())["value"] == 5.0


def test_a_run_that_is_over_before_any_check_has_no_value(tmp_path: Path) -> None:
    list(begin(tmp_path, Walk({0: math.nan})))
    found = outcome(tmp_path)
    assert found is not None and found.best is None and math.isnan(found.value)
    assert not (tmp_path / BEST).exists()


def test_collapse_ends_it_with_a_last_check(tmp_path: Path) -> None:
    list(begin(tmp_path, Walk({index: 0.0 for index in range(10, 200)})))
    found = outcome(tmp_path)
    assert found is not None and found.verdict == "collapsed" and "discriminator" in found.reason
    assert found.step == 40 and [check.step for check in found.curve] == [40]


def test_equal_images_are_a_collapse(tmp_path: Path) -> None:
    list(begin(tmp_path, Walk(spread=0.001)))
    found = outcome(tmp_path)
    assert found is not None and found.verdict == "collapsed" and found.step == 50 and "alike" in found.reason


def test_an_interruption_does_not_move_the_end_of_a_collapsed_run(tmp_path: Path) -> None:
    def objective() -> Walk:
        return Walk({index: 0.0 for index in range(10, 200)})

    how = recipe("short", steps=1000, collapse_steps=31)
    list(begin(tmp_path / "whole", objective(), how))
    for end in (41, 4):
        count = iter(range(1, 1000))
        list(begin(tmp_path / "parts", objective(), how, stop=lambda count=count, end=end: next(count) == end))
    list(begin(tmp_path / "parts", objective(), how))
    assert _comparable(tmp_path / "whole") == _comparable(tmp_path / "parts")


def test_without_a_measure_the_last_weights_are_kept(tmp_path: Path) -> None:
    objective = Walk()
    list(begin(tmp_path, objective, measure=None, main=""))
    found = outcome(tmp_path)
    assert found is not None and found.best is not None and found.best.step == 200 and math.isnan(found.value)
    assert torch.equal(load_weights(tmp_path / BEST)["weight"], objective.weight)


def test_another_training_is_refused(tmp_path: Path) -> None:
    list(begin(tmp_path, stop=lambda: True))
    with pytest.raises(RunError, match="another seed"):
        list(begin(tmp_path, about={"seed": 1, "recipe": RECIPE.to_json()}))


def test_every_check_says_what_measured_it(tmp_path: Path) -> None:
    facts = {"extractor": "cifar", "extractor_digest": "a", "reference": "shapes/test", "floor": 0.5}
    list(begin(tmp_path, facts=facts))
    checks = [event for event in Journal(tmp_path).read() if event["event"] == "check"]
    assert all(facts.items() <= check.items() for check in checks) and checks[0]["samples"] == 20
    assert [check["images_seen"] for check in checks] == [50 * 64, 100 * 64, 150 * 64, 200 * 64]
    found = outcome(tmp_path)
    assert found is not None and facts.items() <= found.about.items()


def test_another_extractor_is_refused_and_another_floor_is_not(tmp_path: Path) -> None:
    list(begin(tmp_path, stop=lambda: True, facts={"extractor_digest": "a", "floor": 0.5}))
    with pytest.raises(RunError, match="another extractor_digest"):
        list(begin(tmp_path, facts={"extractor_digest": "b", "floor": 0.5}))
    list(begin(tmp_path, facts={"extractor_digest": "a", "floor": 0.6}))
    assert outcome(tmp_path) is not None


def test_a_state_that_names_no_extractor_goes_on(tmp_path: Path) -> None:
    list(begin(tmp_path, stop=lambda: True))
    list(begin(tmp_path, facts={"extractor_digest": "a"}))
    assert outcome(tmp_path) is not None


def test_outcome_comes_back(tmp_path: Path) -> None:
    list(begin(tmp_path))
    found = outcome(tmp_path)
    assert found is not None
    again = Outcome.from_json(json.loads(json.dumps(found.to_json())))
    assert again.to_json() == found.to_json() and again.value == found.value
    (tmp_path / OUTCOME).write_text("{")
    with pytest.raises(RunError, match="damaged"):
        outcome(tmp_path)


def _comparable(folder: Path) -> list[Any]:
    """Outcome, journal and state of a folder, without times."""
    state = torch.load(folder / STATE, weights_only=True)
    assert equal(state["objective"], state["objective"])
    found = json.loads((folder / OUTCOME).read_text())
    journal = Journal(folder).read()
    for entry in (found, state, *journal):
        entry.pop("seconds", None)
    return [found, journal, str(state)]
