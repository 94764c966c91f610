"""A primitive of one's own goes into proxy.py by its source, without what it declares of itself."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from gpproxy.export.write import source
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse
from gpproxy.primitives import PRIMITIVES
from gpproxy.registry import PLUGINS, load_plugin
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.observe import collect_one
from gpproxy.statistics.statistic import STATISTICS
from tests.export.test_write import HOW, SIZES, SPACE, inputs, network

PLUGIN = r'''
from gpproxy.primitives.notation import POWER, Notation
from gpproxy.primitives.primitive import maps, primitive, same
from gpproxy.primitives.types import FeatureMap, LayerScalar, Scalar

FLOOR = 1e-12


def floored(x):
    return x.clamp_min(FLOOR)


@primitive(
    "reduce",
    maps((FeatureMap, LayerScalar)),
    source="me, 2026",
    parity="absolute",
    range="nonnegative",
    phrase="the peak of {0} over its mean",
    latex=Notation(r"\widehat{{{0}}}", (), POWER),
    plain="peak[{0}]",
)
def peak_to_mean(x):
    """Largest absolute value over the mean absolute value."""
    a = x.abs().flatten(1)
    return a.amax(1) / floored(a.mean(1))


@primitive("transform", same(Scalar), source="me, 2026", monotone=1, parity="odd", sympy=lambda x: x)
def unchanged(x):
    """The number itself."""
    return x.clone()
'''
DECLARED = r"\b(?:phrase|parity|latex|plain|idempotent|monotone|laws|range)=|\b(?:Notation|primitive)\("


def test_declarations_stay_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PRIMITIVES, "_items", dict(PRIMITIVES.registered()))
    plugin = tmp_path / "peaks.py"
    plugin.write_text(PLUGIN, encoding="utf-8")
    load_plugin(plugin)
    try:
        grammar = Grammar({s.name: s.type for s in STATISTICS.values()})
        tree = parse("unchanged(sum_layers(peak_to_mean(gradient)) / max_layers(log(norm1(activation))))", grammar)
        text = source(tree, space="tiny", sizes=SIZES)
        evaluator = Evaluator(assemble([collect_one(SPACE, "plain-4", HOW)]))
        wanted = float(evaluator.scores([tree]).values[0, 0])
    finally:
        PLUGINS.remove(plugin.resolve())
        del sys.modules["gpproxy_plugin_peaks"]
    (tmp_path / "proxy.py").write_text(text, encoding="utf-8")
    code = text.split('"""', 2)[2]
    assert not re.search(r"\b(?:from|import) gpproxy", code) and not re.search(DECLARED, code)
    assert "the peak of the" in text and r"\widehat{" in text and "def peak_to_mean(" in code
    spec = importlib.util.spec_from_file_location("exported_peaks", tmp_path / "proxy.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.score(network("plain-4"), inputs(), SPACE.loss) == pytest.approx(wanted, rel=1e-6)
