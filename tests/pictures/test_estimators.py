"""Estimators against their price: names that can be read."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gpproxy.pictures.estimators import _called, _write_names, estimators_picture


def test_names_of_equal_points_do_not_cover_each_other() -> None:
    figure = Figure(figsize=(7, 4))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot([1, 2], [0, 1], "o")
    _write_names(axes, [(name, 2.0, 1.0) for name in ("shared:25", "shared:50", "shared", "training:50")])
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == 4
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    assert all(box.x1 <= axes.get_window_extent().x1 for box in boxes)


def test_runs_are_called_by_their_folder_and_formulas_by_their_beginning() -> None:
    assert (_called("runs/mine"), _called("training:400")) == ("mine", "training:400")
    assert _called("correlation_layers(layer_synflow, fan_in) / 2") == "correlation_layers(layer_sy…"


def test_a_picture_is_a_png_also_where_nothing_is_ranked() -> None:
    row = {"spearman": None, "spearman_interval": (None, None)}
    assert estimators_picture([("params", 0.1, row)])[:4] == b"\x89PNG"
