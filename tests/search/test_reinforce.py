"""The losses of the controller against gradients by hand, its size as published, and what its faults do."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from gpproxy.search.controller import HIDDEN, Controller, Start
from gpproxy.search.learner import Learner
from gpproxy.search.reinforce import corrected, moved, published, spread
from gpproxy.search.settings import ControllerSettings, SearchSettings
from gpproxy.search_spaces.autogan import SIZES
from gpproxy.search_spaces.check import make_space
from gpproxy.seeds import numbered
from tests.training.toy import equal, saved

#: Logits of three decisions of a policy without memory, and what was emitted.
LOGITS = [torch.tensor(row, dtype=torch.float64) for row in ([0.3, -1.0], [0.5, 0.1, -0.7], [1.0, 2.0])]
TOKENS = (1, 0, 1)


def policy() -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """Leaves, log-probabilities of what was emitted, entropies."""
    leaves = [row.clone().requires_grad_() for row in LOGITS]
    logs = [row.log_softmax(0) for row in leaves]
    chosen = torch.stack([row[token] for row, token in zip(logs, TOKENS)])
    return leaves, chosen, torch.stack([-(row.exp() * row).sum() for row in logs])


def by_hand() -> list[tuple[list[float], list[float], float, float]]:
    """Per decision: derivatives of log p(token) and of the entropy by the logits, log p and the entropy."""
    found = []
    for row, token in zip(LOGITS, TOKENS):
        total = sum(math.exp(x) for x in row.tolist())
        p = [math.exp(x) / total for x in row.tolist()]
        entropy = -sum(q * math.log(q) for q in p)
        slope = [(i == token) - q for i, q in enumerate(p)]
        found.append((slope, [-q * (math.log(q) + entropy) for q in p], math.log(p[token]), entropy))
    return found


def test_the_corrected_gradient_is_that_of_reinforce_with_an_entropy_bonus() -> None:
    leaves, chosen, entropies = policy()
    corrected(chosen, entropies, 1.7, 0.01).backward()
    for leaf, (slope, bend, _, _) in zip(leaves, by_hand()):
        expected = [-1.7 * s - 0.01 * b for s, b in zip(slope, bend)]
        assert leaf.grad is not None and leaf.grad.tolist() == pytest.approx(expected, rel=1e-12)


def test_the_published_gradient_is_the_outer_product_that_lowers_entropy() -> None:
    leaves, chosen, entropies = policy()
    decay, bonus, reward, before = 0.9, 0.01, 5.0, torch.tensor([4.0, 4.5, 3.5], dtype=torch.float64)
    loss, now = published(chosen, entropies, reward, before, bonus, decay)
    loss.backward()
    rows = by_hand()
    rewards = [reward + bonus * row[3] for row in rows]
    advantages = [decay * (r - b) for r, b in zip(rewards, before.tolist())]
    logs = sum(row[2] for row in rows)
    assert loss.item() == pytest.approx(-logs * sum(advantages), rel=1e-12)
    assert now.tolist() == pytest.approx([decay * b + (1 - decay) * r for r, b in zip(rewards, before.tolist())])
    for leaf, (slope, bend, _, _) in zip(leaves, rows):
        expected = [-s * sum(advantages) - logs * decay * bonus * b for s, b in zip(slope, bend)]
        assert leaf.grad is not None and leaf.grad.tolist() == pytest.approx(expected, rel=1e-12)
        lowers = sum(g * b for g, b in zip([-logs * decay * bonus * b for b in bend], bend))
        assert lowers > 0  # a step against the loss goes down the entropy


def test_without_entropy_the_published_gradient_is_as_many_times_as_large_as_there_are_decisions() -> None:
    ours, theirs = policy(), policy()
    corrected(ours[1], ours[2], 0.9 * (5.0 - 4.0), 0.0).backward()
    published(theirs[1], theirs[2], 5.0, torch.full((3,), 4.0, dtype=torch.float64), 0.0, 0.9)[0].backward()
    for one, other in zip(ours[0], theirs[0]):
        assert one.grad is not None and other.grad is not None
        assert other.grad.tolist() == pytest.approx((3 * one.grad).tolist(), rel=1e-12)


def test_the_first_step_of_a_published_round_has_no_advantage() -> None:
    leaves, chosen, entropies = policy()
    loss, now = published(chosen, entropies, 5.0, None, 0.01, 0.9)
    loss.backward()
    assert loss.item() == 0 and all(not leaf.grad.any() for leaf in leaves if leaf.grad is not None)
    assert now.tolist() == pytest.approx([5.0 + 0.01 * row[3] for row in by_hand()])


def test_baseline_and_units() -> None:
    assert moved(None, 3.0, 0.9) == 3.0 and moved(3.0, 5.0, 0.9) == pytest.approx(3.2)
    assert spread([1.0] * 20) == 1.0 and spread([1.0, 2.0]) == 1.0
    assert spread([0.0, 2.0] * 8) == pytest.approx(1.0328, rel=1e-4)


@pytest.mark.parametrize(("level", "count"), [(0, 82_810), (1, 83_212), (2, 83_614)])
def test_the_published_numbers_of_parameters(level: int, count: int) -> None:
    made = Controller(SIZES[level], numbered(0))
    assert sum(parameter.numel() for parameter in made.parameters()) == count


def test_what_is_said_of_tokens_is_how_they_were_drawn() -> None:
    made, start = Controller((2, 3, 4), numbered(1)), Start(torch.randn(1, HIDDEN), torch.randn(1, HIDDEN))
    total = sum(
        float(made((a, b, c), start).log_probabilities.sum().exp().detach())
        for a in range(2) for b in range(3) for c in range(4)
    )  # fmt: skip
    assert total == pytest.approx(1.0, rel=1e-5)
    drawn = [made.draw(start, numbered(seed)) for seed in range(400)]
    share = sum(tokens[0] == 0 for tokens in drawn) / len(drawn)
    assert share == pytest.approx(float(made((0, 0, 0), start).log_probabilities[0].exp().detach()), abs=0.08)


def learner(**changes: Any) -> Learner:
    return Learner(SIZES, ControllerSettings(**{"controller_rate": 0.01, **changes}), 3)


def pull(one: Learner, number: int, target: int = 1) -> None:
    """An update that is paid for tokens equal to `target`."""
    draw = one.draw(number)
    one.learn([draw], [float(sum(token == target for token in draw.own))])


@pytest.mark.parametrize("loss", ["corrected", "published"])
def test_a_learner_learns_grows_and_is_restored_exactly(loss: str) -> None:
    one = learner(controller_loss=loss, keep=3)
    for number in range(120):
        pull(one, number)
    drawn = [one.draw("end", i) for i in range(20)]
    share = sum(token == 1 for draw in drawn for token in draw.own) / 80
    assert share > 0.7 and one.history[-1]["entropy"] < one.history[0]["entropy"]
    one.grow(drawn, [float(sum(draw.own)) if draw.own[0] else math.nan for draw in drawn])
    assert one.level == 1 and len(one.beam) <= 3 and len({kept.tokens for kept in one.beam}) == len(one.beam)
    assert one.beam[0].reward == max(kept.reward for kept in one.beam) and one.beam[0].start.hidden.any()
    for number in range(5):
        pull(one, number)
    other = learner(controller_loss=loss, keep=3)
    other.load_state_dict(saved(one.state_dict()))
    for number in range(5, 10):
        pull(one, number)
        pull(other, number)
    assert equal(one.state_dict(), other.state_dict()) and one.draw(0).tokens == other.draw(0).tokens
    assert len(one.draw(0).tokens) == 9 and one.draw(0).tokens[:4] in {kept.tokens for kept in one.beam}


def test_single_level_has_one_controller_for_all_decisions() -> None:
    one = learner(levels="single")
    assert one.last and one.levels == [tuple(size for sizes in SIZES for size in sizes)]
    space = make_space("gancompression-cyclegan")
    assert Learner(space.tokens, ControllerSettings(), 0).last and len(space.from_tokens(
        Learner(space.tokens, ControllerSettings(), 0).draw(0).tokens)) == 8  # fmt: skip


def test_settings_that_do_not_go_together(tmp_path: Any) -> None:
    from gpproxy.errors import ConfigError

    how = {"space": "autogan", "strategy": "controller", "proxy": ("nwot",)}
    for changes, words in (
        ({"keep": 11}, "keep <= drawn"), ({"level_shares": "0.5,0.2"}, "rising shares"), ({"level_shares": "x"}, "ris"),
        ({"proxy": ("nwot", "params")}, "one reward"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            SearchSettings(**{**how, **changes})  # type: ignore[arg-type]
