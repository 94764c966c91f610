"""A primitive that breaks a promise is refused with the reason."""

from __future__ import annotations

import random

import pytest
import torch
from torch import Tensor

from gpproxy.errors import PrimitiveError, RegistryError
from gpproxy.primitives import PRIMITIVES, FeatureMap, LayerScalar, SampleKernel, Scalar
from gpproxy.primitives.check import check
from gpproxy.primitives.primitive import maps, pairs, primitive, same

CALLS = 0


def forgetful(x: Tensor) -> Tensor:
    global CALLS
    CALLS += 1
    return x + CALLS


def seeded(x: Tensor) -> Tensor:
    torch.manual_seed(0)
    return x + torch.randn(1).to(x)


def shuffled(x: Tensor) -> Tensor:
    random.seed(3)
    return x.clone()


MAPS = same(FeatureMap)
TO_NUMBER = maps((FeatureMap, LayerScalar))
TO_KERNEL = maps((FeatureMap, SampleKernel))
BROKEN = {
    "changes its operand": (MAPS, lambda x: x.mul_(2), {}),
    "changes its operand, a hidden view": (MAPS, lambda x: x.view(-1).clamp_(0).view_as(x).clone(), {}),
    "draws random numbers": (MAPS, seeded, {}),
    "draws random numbers, python": (MAPS, shuffled, {}),
    "draws random numbers, another result": (MAPS, lambda x: x + torch.randn_like(x), {}),
    "gives another result the second time": (MAPS, forgetful, {}),
    "lets the items of the batch depend on each other": (MAPS, lambda x: x - x.mean(), {}),
    "turns torch.float32": (MAPS, lambda x: x.double(), {}),
    "turns torch.float64": (MAPS, lambda x: x.float(), {}),
    "gives one number": (TO_NUMBER, lambda x: x.sum(), {}),
    "gives 6 x 5 for": (TO_NUMBER, lambda x: x.sum((2, 3, 4)), {}),
    "gives 6 x 3 x 3 for": (TO_KERNEL, lambda x: torch.eye(3).to(x).expand(len(x), 3, 3), {}),
    "gives 6 x 5 x 24 for": (TO_KERNEL, lambda x: x.flatten(2), {}),
    "not symmetric": (TO_KERNEL, lambda x: x.flatten(2).clamp(0, 1)[..., : x.shape[1]].cumsum(2), {}),
    "is not finite on zeros": (MAPS, lambda x: x.log(), {}),
    "is not finite on negatives": (MAPS, lambda x: (x + 1e-30).sqrt(), {}),
    "is not finite on values near 1e18": (TO_NUMBER, lambda x: x.square().flatten(1).sum(1).square(), {}),
    "fails on operands of shape": (TO_NUMBER, lambda x: x[:, 4].flatten(1).sum(1), {}),
    "returns tuple": (TO_NUMBER, lambda x: (x,), {}),
    "declared commutative": (pairs(FeatureMap), lambda a, b: a - b, {"commutative": True}),
    "declared monotone=1": (same(Scalar), lambda x: x.abs(), {"monotone": 1}),
    "declared monotone=-1": (same(Scalar), lambda x: x.clone(), {"monotone": -1}),
    "must have two operands": (same(Scalar), lambda x: x, {"symbol": "+"}),
    "none of + - * /": (pairs(Scalar), lambda a, b: a % b, {"symbol": "%"}),
    "is not positive": (MAPS, lambda x: x, {"cost": 0.0}),
    "no signature": ([], lambda x: x, {}),
    "the same operands": (maps((FeatureMap, LayerScalar), (FeatureMap, Scalar)), lambda x: x, {}),
    "of the types in gpproxy.primitives.types": (maps((int, LayerScalar)), lambda x: x, {}),
    "must end in Scalar or NetworkKernel": (same(LayerScalar), lambda x, depth: x, {"over_layers": True}),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_refused_with_the_reason(reason: str) -> None:
    signatures, function, attributes = BROKEN[reason]
    before = torch.get_rng_state()
    with pytest.raises(PrimitiveError, match=reason.split(",")[0].replace("+", r"\+").replace("*", r"\*")):
        primitive("transform", signatures, source="a test", name="broken", **attributes)(function)
    assert "broken" not in PRIMITIVES
    assert torch.equal(torch.get_rng_state(), before)


def test_refused_names() -> None:
    for name in ("two words", "lambda", "1st"):
        with pytest.raises(PrimitiveError, match="not a word"):
            primitive("transform", MAPS, source="a test", name=name)(lambda x: x.clone())
    with pytest.raises(PrimitiveError, match="none of transform"):
        primitive("decode", MAPS, source="a test", name="broken")(lambda x: x.clone())
    with pytest.raises(RegistryError, match="taken"):
        primitive("transform", MAPS, source="a test", name="neg")(lambda x: x.clone())


def test_a_message_is_a_sentence() -> None:
    with pytest.raises(PrimitiveError) as caught:
        primitive("transform", MAPS, source="a test", name="broken")(lambda x: x - x.mean())
    assert str(caught.value) == (
        "The primitive 'broken' (FeatureMap) -> FeatureMap is refused: it lets the items of the batch depend on each "
        "other. Compute every item of the leading batch axis by itself."
    )


def test_a_good_one_is_registered_and_found() -> None:
    @primitive("reduce", TO_NUMBER, source="a test", name="peak_of_a_test")
    def peak(x: Tensor) -> Tensor:
        """Largest magnitude."""
        return x.abs().flatten(1).amax(1)

    try:
        made = PRIMITIVES["peak_of_a_test"]
        assert made.summary == "Largest magnitude." and made.function is peak
        assert made.signature((FeatureMap,)) is not None and made.signature((SampleKernel,)) is None
        check(made)
    finally:
        del PRIMITIVES._items["peak_of_a_test"]
