"""The one rule for what counts as a score."""

from __future__ import annotations

import math

from gpproxy.proxies.scored import Scored, cell, dead, failed, mean, told_of_notes, value


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


def test_networks_that_are_not_seen_whole_are_told_in_one_sentence() -> None:
    assert told_of_notes([], 9) == ""
    assert told_of_notes(iter(["97 % is seen", "98 % is seen"]), 1200) == (
        "2 of 1,200 networks are not seen whole. 97 % is seen."
    )
    assert told_of_notes(iter(["97 % is seen", "Only 80 % is seen"]), 2).startswith("Careful: 2 of 2")
