"""Labels of a forest plot: formulas break behind brackets, nothing is longer than its line."""

from __future__ import annotations

from gpproxy.pictures.forest import LABEL, _label


def test_labels_break_where_words_and_brackets_end() -> None:
    assert _label("best descriptor (deconvolutions, counted backwards)") == (
        "best descriptor\n(deconvolutions, counted\nbackwards)"
    )
    assert _label("max_late(sum_layers(mean(agreement)))") == "max_late(sum_layers(mean(\nagreement)))"
    assert _label("") == "" and _label("formula") == "formula"
    lines = _label("a" * 200).split("\n")
    assert len(lines) == 3 and all(len(line) <= LABEL for line in lines) and lines[-1].endswith(" …")
