"""What is not a number may not come out of a primitive as one."""

from __future__ import annotations

import pytest
import torch

from gpproxy.primitives import PRIMITIVES
from gpproxy.primitives.check import operands

#: They count entries or look at shapes alone.
BLIND = ("size",)


@pytest.mark.parametrize("name", [name for name in PRIMITIVES if name not in BLIND])
def test_nan_goes_through(name: str) -> None:
    primitive = PRIMITIVES[name]
    for signature in primitive.signatures:
        given = operands(primitive, signature, False, torch.float32)
        lost = given[0].clone()
        lost[5] = torch.nan
        try:
            result = primitive.function(lost, *given[1:])
        except RuntimeError:  # an eigenvalue solver says so itself
            continue
        assert bool(result[5].isnan().any()), signature
