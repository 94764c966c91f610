"""The one rule for what counts as a score."""

from __future__ import annotations

import math

from gpproxy.proxies.scored import Scored, ScoredList, cell, dead, failed, mean, value


def test_a_finite_number_is_a_score_and_nothing_else_is() -> None:
    assert value(-1e300)[:3] == (-1e300, "", False) and math.isnan(value(-1e300).spread)
    for number, reason in ((math.inf, "infinite"), (-math.inf, "infinite"), (math.nan, "no value")):
        found = value(number)
        assert math.isnan(found.score) and found.problem == reason and not found.failed
    assert value(math.nan, "non-finite (log)").problem == "non-finite (log)"


def test_the_mean_has_what_the_first_initialisation_without_a_score_has() -> None:
    both = mean([value(1.0), value(4.0)])
    assert both.score == 2.5 and math.isclose(both.spread, 2.1213203435596424)
    assert mean([value(3.0)]).score == 3.0 and math.isnan(mean([value(3.0)]).spread)
    assert mean([value(1.0), dead("no path"), value(math.nan)]).score == -math.inf
    assert math.isnan(mean([value(1.0), value(math.nan), dead("no path")]).score)
    assert mean([value(1.0), failed("ValueError: no")]).failed


def test_dead_comes_first_and_scores_are_shown_in_one_way() -> None:
    one = Scored.of("a", [value(math.inf), dead("no path"), value(2.0)])
    assert one.problem == "dead: no path; infinite" and one.dead and not one.failed
    assert [cell(score) for score in one.scores] == ["", "-inf", "2.0"]


def test_a_list_gives_back_what_it_was_given() -> None:
    many = [
        Scored("a", (0.1, math.nan), 3.0, 4.0, 0.5, "infinite", spreads=(0.2, math.nan)),
        Scored("b", (math.nan, math.nan), 1.0, 2.0, problem="ValueError: no", failed=True),
    ]
    kept = ScoredList(2)
    for one in many:
        kept.add(one)
    assert repr(list(kept)) == repr(many) and kept.scores.shape == (2, 2)
