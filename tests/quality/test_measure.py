"""All measures together: names, floors, errors, what is refused; features kept on disk."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from gpproxy.errors import QualityError
from gpproxy.images.image_set import ImageSet
from gpproxy.images.shapes import shapes
from gpproxy.quality.frechet import frechet, moments
from gpproxy.quality.measure import Quality, floors, frechet_to, measure, names, numbers
from gpproxy.quality.reference import Reference, cache_folder
from tests.quality.toy import Toy

NAMES = ["FD(toy)", "KID(toy)", "CS(toy)", "precision", "recall", "density", "coverage", "SWD"]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path))


@pytest.fixture(scope="module")
def real() -> ImageSet:
    return shapes("test", side=16, limit=240)


@pytest.fixture(scope="module")
def fake() -> torch.Tensor:
    return shapes("train", side=16, limit=100).images


@pytest.fixture(scope="module")
def reference(real: ImageSet) -> Reference:
    return Reference.of(real, Toy(), cache=False)


def test_every_number_has_its_name_error_and_floor(reference: Reference, fake: torch.Tensor) -> None:
    found = measure(fake, reference, Toy())
    assert [*found.values] == [*found.errors] == [*found.floors] == NAMES
    assert all(math.isfinite(x) for part in (found.values, found.errors, found.floors) for x in part.values())
    assert found.main == ("FD(toy)", found.values["FD(toy)"])
    assert (found.samples, found.floor_samples) == (100, 100)
    assert (found.extractor, found.extractor_digest) == ("toy", Toy.digest)
    assert found.split == "shapes/test (240 images)"
    assert frechet_to(fake, reference, Toy()) == found.values["FD(toy)"]
    assert measure(fake, reference, Toy()) == found
    # What checks of a training record: the same values, and the error of the first alone.
    assert numbers(fake, reference, Toy()) == {**found.values, "FD(toy) error": found.errors["FD(toy)"]}


def test_other_real_images_come_near_the_floor_and_damage_does_not(reference: Reference, fake: torch.Tensor) -> None:
    good = measure(fake, reference, Toy())
    bad = measure((fake.float() * 0.3).to(torch.uint8), reference, Toy())
    assert good.values["FD(toy)"] < 4 * good.floors["FD(toy)"]
    assert bad.values["FD(toy)"] > 5 * good.values["FD(toy)"] and bad.values["SWD"] > 5 * good.values["SWD"]
    assert bad.values["coverage"] < good.values["coverage"]


def test_a_collapsed_generator_is_measured_too(reference: Reference) -> None:
    found = measure(torch.full((50, 3, 16, 16), 128, dtype=torch.uint8), reference, Toy())
    assert all(math.isfinite(x) for x in found.values.values())
    assert found.values["recall"] == 0 and found.values["CS(toy)"] == pytest.approx(1)


def test_the_floor_is_one_half_of_the_real_images_against_the_other(reference: Reference) -> None:
    order = reference.order
    features = reference.features.features
    divisions = [order.roll(30 * i) for i in range(8)]
    expected = sum(frechet(moments(features[d[-120:]]), moments(features[d[:-120]])) for d in divisions) / 8
    assert floors(reference, 120, Toy())["FD(toy)"] == pytest.approx(expected)
    many = measure(reference.images.images[:200], reference, Toy())
    assert many.floor_samples == 120 and many.floors["FD(toy)"] == pytest.approx(expected)
    with pytest.raises(QualityError, match="20 to 120 of shapes/test"):
        floors(reference, 121, Toy())
    with pytest.raises(QualityError, match=r"at least 40 reference images, but got shapes/test \(25 images\)"):
        floors(reference.part(reference.order[:25]), 12, Toy())


def test_json_keeps_everything_and_nan(reference: Reference, fake: torch.Tensor) -> None:
    found = measure(fake[:40], reference, Toy())
    found.errors["SWD"] = math.nan
    back = Quality.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))
    assert math.isnan(back.errors.pop("SWD")) and math.isnan(found.errors.pop("SWD"))
    assert back == found
    with pytest.raises(QualityError, match="A quality has values"):
        Quality.from_json({"values": {}})


def test_fid_is_only_inception_with_its_published_weights() -> None:
    toy = Toy()
    assert names(toy) == ("FD(toy)", "KID(toy)", "CS(toy)")
    toy.name = "inception"
    assert names(toy)[0] == "FD(inception)"
    toy.published = True
    assert names(toy) == ("FID", "KID", "IS")
    toy.name = "other"
    assert names(toy)[0] == "FD(other)"


def test_what_does_not_fit_is_refused(reference: Reference, fake: torch.Tensor) -> None:
    other = Toy()
    other.digest = "f" * 16
    with pytest.raises(QualityError, match="within one extractor"):
        measure(fake, reference, other)
    with pytest.raises(QualityError, match=r"images.resized\(\(8, 8\)\)"):
        frechet_to(fake[:, :, :8, :8], reference, Toy())
    with pytest.raises(QualityError, match="at least 20 images, but got 19"):
        measure(fake[:19], reference, Toy())
    with pytest.raises(QualityError, match="takes bytes"):
        measure(fake.float(), reference, Toy())
    with pytest.raises(QualityError, match="at least 20 images, but shapes/train has 19"):
        Reference.of(shapes(limit=19), Toy())


def test_features_are_extracted_once_and_damage_is_mended(real: ImageSet) -> None:
    toy = Toy()
    first = Reference.of(real, toy)
    again = Reference.of(real, toy)
    assert toy.calls == 1
    assert torch.equal(first.features.features, again.features.features)
    assert again.features.probabilities is not None
    (kept,) = cache_folder().iterdir()
    kept.write_bytes(kept.read_bytes()[:50])
    assert torch.equal(Reference.of(real, toy).features.features, first.features.features)
    assert toy.calls == 2
    Reference.of(real.first(100), toy)
    assert toy.calls == 3


def test_a_cache_that_cannot_be_written_costs_only_time(
    real: ImageSet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / "file"))
    assert len(Reference.of(real, Toy()).features.features) == 240
