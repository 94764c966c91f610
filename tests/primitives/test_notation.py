"""Forms of a primitive: brackets only where an operand binds too weakly."""

from __future__ import annotations

from gpproxy.primitives import PRIMITIVES
from gpproxy.primitives.notation import ATOM, PRODUCT, SUM, Notation, called, over_layers, upright


def test_brackets_go_around_what_binds_too_weakly() -> None:
    times = Notation("{0} · {1}", (PRODUCT, PRODUCT), PRODUCT)
    assert times.write([("a + b", SUM), ("c", ATOM)], "({})") == ("(a + b) · c", PRODUCT)
    assert Notation("|{0}|").write([("a + b", SUM)], "({})") == ("|a + b|", ATOM)


def test_names_and_regions_in_latex() -> None:
    assert called(upright("max_pool2"), 2).write([("a", ATOM), ("b", ATOM)], "")[0] == (
        r"\mathrm{max\_pool2}\left(a, b\right)"
    )
    assert over_layers(r"\max", "early").write([("a", ATOM)], "")[0] == r"\max_{\ell \in \mathrm{early}}\left(a\right)"


def test_regions_are_declared() -> None:
    regions = {p.name: p.region for p in PRIMITIVES.values() if p.over_layers}
    assert regions["sum_early"] == "early" and regions["last_late"] == "late" and regions["first_layer"] == ""
    assert PRIMITIVES["slope_middle"].least_layers == 2 and PRIMITIVES["mean_middle"].least_layers == 1
