"""Which tensor of an output is the image: told where it can be, named where it must be, asked for otherwise."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch

from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.output import picked

IMAGE, SMALL, CODE = torch.zeros(2, 3, 8, 8), torch.ones(2, 3, 4, 4), torch.zeros(2, 5)


@dataclass
class Made:
    sample: torch.Tensor
    code: torch.Tensor | None = None
    name: str = "made"


Pair = namedtuple("Pair", "image code")


@pytest.mark.parametrize(
    "output",
    [
        IMAGE,
        (IMAGE,),
        [IMAGE, None],
        (IMAGE, CODE),
        (CODE, {"image": IMAGE, "loss": torch.tensor(1.0)}),
        (torch.zeros(2, 64, 8, 8), IMAGE),
        {"image": IMAGE, "labels": torch.arange(2)},
        OrderedDict(sample=IMAGE),
        Made(IMAGE),
        Made(IMAGE, CODE),
        Pair(IMAGE, CODE),
    ],
)
def test_the_image_is_told_from_the_rest(output):
    assert picked(output) is IMAGE


@pytest.mark.parametrize(
    ("output", "pick", "expected"),
    [
        ((SMALL, IMAGE), 1, IMAGE),
        ((SMALL, IMAGE), "-1", IMAGE),
        ([SMALL, (CODE, IMAGE)], "1.1", IMAGE),
        ({"small": SMALL, "image": IMAGE}, "image", IMAGE),
        ({0: SMALL, 1: IMAGE}, "1", IMAGE),
        (Made(IMAGE, CODE), "code", CODE),
        (Pair(IMAGE, CODE), "code", CODE),
        (SimpleNamespace(inner=Pair(SMALL, IMAGE)), "inner.code", IMAGE),
        ((SMALL, IMAGE), lambda made: made[0] + 1, SMALL + 1),
    ],
)
def test_a_name_picks_it(output, pick, expected):
    assert torch.equal(picked(output, pick), expected)
    assert torch.equal(Batch(CODE, output=pick).call(lambda given: output), expected)


def test_what_cannot_be_told_is_asked_for_by_a_name_that_works():
    output = {"low": SMALL, "parts": [IMAGE, CODE]}
    with pytest.raises(
        ValueError, match=r"'low' \(2, 3, 4, 4\), 'parts.0' \(2, 3, 8, 8\), 'parts.1'.*output='low'"
    ) as told:
        picked(output)
    assert picked(output, str(told.value).rpartition("output='")[2].rstrip("'.")) is SMALL
    assert picked(output, "parts.0") is IMAGE


@pytest.mark.parametrize(
    ("output", "pick", "message"),
    [
        ("text", None, "must return a tensor of floats.* returned a str without any"),
        ((torch.arange(3), None), None, "without any"),
        ({"image": IMAGE}, "imag", r"has no 'imag'. There is: 'image' \(2, 3, 8, 8\)"),
        ((IMAGE,), 1, "has no '1'"),
        (None, "image", "There is: no tensor"),
        (Made(IMAGE), "name", "'name' picks a str"),
        (Made(IMAGE), lambda made: made.name, "the function picks a str"),
    ],
)
def test_a_wrong_output_or_name_is_refused(output, pick, message):
    with pytest.raises(ValueError, match=message):
        picked(output, pick)
