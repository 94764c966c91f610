"""What a notebook shows of a search."""

from __future__ import annotations

import math

from gpproxy.search.finished import best_html


def test_the_best_are_a_table_in_which_signs_are_letters() -> None:
    shown = best_html([(1.5, 2e6, 3e9, "a_<b>"), (math.nan, 1.0, 1.0, "c")], 1000)
    assert "<td>1</td><td>1.5</td><td>2M</td><td>3G</td><td>a_&lt;b&gt;</td>" in shown.replace(".00", "")
    assert "best of 1,000 architectures" in shown and "nan" in shown
