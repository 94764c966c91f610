"""What a primitive declares of itself is tested when it registers, and every false declaration is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from gpproxy.errors import PrimitiveError
from gpproxy.primitives import PRIMITIVES, ChannelVector, FeatureMap, LayerScalar, Scalar
from gpproxy.primitives.declared import check_declared
from gpproxy.primitives.primitive import maps, pairs, primitive, same

MAPS, NUMBER, PAIR = same(FeatureMap), same(Scalar), pairs(Scalar)
OVER = maps((LayerScalar, Scalar))


def kept(x: Tensor) -> Tensor:
    return x.clone()


def total(x: Tensor, depth: Tensor) -> Tensor:
    return x.sum(1)


FALSE: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "declared parity='even'": (MAPS, kept, {"parity": "even"}),
    "declared parity='absolute'": (MAPS, lambda x: x.clamp_min(0), {"parity": "absolute"}),
    "declared parity='odd'": (MAPS, lambda x: x.abs(), {"parity": "odd"}),
    "must be one of None, 'even'": (MAPS, kept, {"parity": "uneven"}),
    "both a parity and a mirror": (MAPS, kept, {"parity": "odd", "mirror": "abs"}),
    "is the mirror of 'max'": (maps((FeatureMap, LayerScalar)), lambda x: x.flatten(1).mean(1), {"mirror": "max"}),
    "declared of_shape=True, but": (MAPS, kept, {"of_shape": True}),
    "declared linear=True, but": (MAPS, lambda x: x * x, {"linear": True}),
    "declared nonnegative": (MAPS, kept, {"range": "nonnegative"}),
    "declared unit": (MAPS, lambda x: x.abs(), {"range": "unit"}),
    "declared binary": (MAPS, lambda x: x.sigmoid(), {"range": "binary"}),
    "leave binary operands": (MAPS, lambda x: x.tanh(), {"fixes": "binary"}),
    "leave nonnegative operands": (MAPS, lambda x: x.sign(), {"fixes": "nonnegative"}),
    "leave unit operands": (MAPS, lambda x: x * x / (1 + x.abs()), {"fixes": "unit"}),
    "leave real operands": (MAPS, lambda x: x.abs(), {"fixes": "real"}),
    "declared idempotent, but is not": (MAPS, lambda x: x.tanh(), {"idempotent": True}),
    "never an operand": (maps((FeatureMap, ChannelVector)), lambda x: x.mean((1, 3, 4)), {"idempotent": True}),
    "does not pick an entry": (OVER, total, {"over_layers": True, "chooses": True}),
    "does not reduce layer scalars": (NUMBER, kept, {"chooses": True}),
    "declared monotone=1,": (NUMBER, lambda x: x.abs(), {"monotone": 1}),
    "declared monotone=-1,": (MAPS, kept, {"monotone": -1}),
    "declared monotone_on_positive=-1,": (NUMBER, kept, {"monotone_on_positive": -1}),
    "functions of one operand only": (PAIR, torch.add, {"monotone": 1}),
    "does something else": (PAIR, torch.maximum, {"symbol": "+"}),
    "for a minus": (NUMBER, kept, {"symbol": "/"}),
    "weight 0 is not positive": (NUMBER, kept, {"weight": 0}),
    "said of layer reducers only": (NUMBER, kept, {"region": "early"}),
    "least_layers is 0": (OVER, total, {"over_layers": True, "least_layers": 0}),
    "does not name operand 1": (PAIR, torch.add, {"phrase": "the sum of {0}"}),
    "its phrase '{0} and {1}' cannot be filled": (NUMBER, kept, {"phrase": "{0} and {1}"}),
    "its latex .* cannot be filled": (NUMBER, kept, {"latex": r"\sqrt{x}"}),
    "the same number of operands": ([*NUMBER, *PAIR], lambda x, y=0: x + y, {"phrase": "{0}"}),
    "has no '->'": (NUMBER, kept, {"laws": ("broken(x)",)}),
    "lacks an operand": (NUMBER, kept, {"laws": ("broken( -> x",)}),
    "goes on after its end": (NUMBER, kept, {"laws": ("broken(x) x -> x",)}),
    "more than names": (NUMBER, kept, {"laws": ("broken(x)! -> x",)}),
    "no primitive 'brken' yet. Did you mean 'broken'?": (NUMBER, kept, {"laws": ("brken(x) -> x",)}),
    "must stand outermost": (NUMBER, kept, {"laws": ("neg(broken(x)) -> neg(x)",)}),
    "must be smaller": (NUMBER, kept, {"laws": ("broken(x) -> neg(x)",)}),
    "the same operands": (PAIR, torch.add, {"laws": ("broken(x, y) -> x",)}),
    "no types of operands": (MAPS, kept, {"laws": ("broken(broken(exp(logdet(x)))) -> x",)}),
    "differ in value": (MAPS, lambda x: x * 2, {"laws": ("broken(x) -> x",)}),
    "laws of layer reducers": (OVER, total, {"over_layers": True, "laws": ("broken(exp(x)) -> x",)}),
    "nothing is called 'parityy'. Did you mean 'parity'?": (NUMBER, kept, {"parityy": "odd"}),
}


@pytest.mark.parametrize("reason", FALSE)
def test_a_false_declaration_is_refused(reason: str) -> None:
    signatures, function, declared = FALSE[reason]
    pattern = reason if ".*" in reason else reason.replace("{", r"\{").replace("?", r"\?").replace("}", r"\}")
    with pytest.raises(PrimitiveError, match=pattern):
        primitive("transform", signatures, source="a test", name="broken", **declared)(function)
    assert "broken" not in PRIMITIVES


def test_the_sentence_of_a_false_parity() -> None:
    with pytest.raises(PrimitiveError) as caught:
        primitive("transform", MAPS, source="a test", name="broken", parity="even")(kept)
    assert str(caught.value) == (
        "The primitive 'broken' (FeatureMap) -> FeatureMap is refused: it is declared parity='even', but is not. "
        "Drop the parity: it has to hold to the last bit."
    )


def test_a_mirror_is_tested_when_the_second_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PRIMITIVES, "_items", dict(PRIMITIVES.registered()))
    primitive("transform", NUMBER, source="a test", name="upper", mirror="lower")(lambda x: x.clamp_min(1))
    with pytest.raises(PrimitiveError, match="the mirror of 'upper' by declaration"):
        primitive("transform", NUMBER, source="a test", name="lower")(lambda x: x.clamp_max(1))
    primitive("transform", NUMBER, source="a test", name="lower", mirror="upper")(lambda x: x.clamp_max(-1))


@pytest.mark.parametrize("name", [*PRIMITIVES])
def test_ours_keep_what_they_declare(name: str) -> None:
    check_declared(PRIMITIVES[name], PRIMITIVES.registered())
