"""Published results: what the papers list, and beside which of our measures they may stand."""

from __future__ import annotations

import math

from gpproxy.benchmark.published_table import published_lines
from gpproxy.benchmarks.published import published
from gpproxy.quality.measure import Quality
from gpproxy.train.table import published_lines as beside
from gpproxy.training.outcome import Outcome


def test_the_tables_have_their_rows() -> None:
    methods = {
        data: [one.method for one in published(data, "IS") if one.study == "AutoGAN"] for data in ("cifar10", "stl10")
    }
    assert methods == {"cifar10": ["AutoGAN A", "AutoGAN B", "AutoGAN C"], "stl10": ["AutoGAN A"]}
    figures = {(one.study, one.data, one.method, one.measure): one for one in published()}
    assert figures["AutoGAN", "cifar10", "AutoGAN A", "FID"].value == "12.42"
    assert figures["EAGAN", "stl10", "EAGAN", "IS"].figure == "10.44 ± .087"
    assert figures["AutoGAN, search", "cifar10", "reward against trained IS", "Spearman"].value == ".779"
    assert figures["GAN Compression", "coco", "GauGAN fast", "mIoU"].value == "35.05"
    assert all(one.source and math.isfinite(float(one.value)) for one in published())
    text = "\n".join(map(str, published_lines("cifar10")))
    assert "AutoGAN B" in text and "8.55 ± .10" in text and "stl10" not in text
    assert all(len(str(line)) <= 80 for line in published_lines())


def measured(name: str, samples: int, split: str = "cifar10/test (10000 images)") -> list[str]:
    values = {"FID" if name == "IS" else "FD(cifar)": 20.0, name: 7.5}
    quality = Quality(values, {name: 0.02}, {}, samples, samples, "inception", "x", split)
    ended = Outcome("finished", "", 1, 1, 1.0, "FID", (), {}, {"images": "cifar10"})
    return list(beside(quality, ended))


def test_a_measure_stands_beside_published_ones_of_its_own_kind_alone() -> None:
    assert measured("CS(cifar)", 50_000) == []
    (line,) = measured("IS", 5000)
    assert line.startswith("IS 7.50 ± 0.06 on 5,000 images, published on 50,000; published: ")
    assert "AutoGAN A 8.55 ± .10" in line and "EAGAN 8.81 ± .10" in line
    both = measured("IS", 50_000, "cifar10/train (50000 images)")
    assert [text.split()[0] for text in both] == ["IS", "FID"] and "12.42" in both[1]
