"""Measured super-resolution networks of the BASS space: PSNR of 805 trainings of 636 networks.

In: `bass_psnr.csv` (architecture, training, psnr), or the authors' own file without a header (architecture, another
number, PSNR). Out: a Benchmark with the trainings of an architecture as repeats. The data have no licence, so they are
read from the user's folder and not shipped. Source: the data set of MoNAS-SR (Sarmiento-Rosales et al., 2024).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gpproxy.benchmarks.benchmark import Benchmark, Card, open_space
from gpproxy.benchmarks.rows import Row, assemble
from gpproxy.errors import BenchmarkError, SpaceError
from gpproxy.run.data_folder import how_to_put
from gpproxy.search_spaces import SearchSpace

NAME, FILE = "sr-bass", "sr/bass_psnr.csv"

CARD = Card(
    space="sr-bass",
    metric="PSNR",
    direction="higher",
    task="super-resolution",
    data="DIV2K, 64 px patches, bicubic x2",
    recipe="each network on its own, 5 epochs of batch 64, Adam 3e-4; PSNR in dB",
    seeds=0,
    source="MoNAS-SR predictors data set (Sarmiento-Rosales et al., 2024), a subset of the rows",
    licence="none given: not to be passed on",
    notes=(
        "Networks whose last ReLU died put out black images (about 12 dB) and stay in the table. About a fifth of the "
        "architectures were trained more than once."
    ),
)


def read_bass(path: str | Path, on_bad_rows: str = "refuse") -> Benchmark:
    """The Benchmark of a file. Raises BenchmarkError: a missing or broken file, bad rows. Rows count from 1."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise BenchmarkError(
            f"The benchmark {NAME} is read from {path}, which is not there. The public file is "
            "Datasets/1193_P_Trained_models_psnr_result.csv of "
            "https://github.com/SergioSarmientoRosales/MoNAS-SR-Predictors-Dataset (no licence, commit 40e05f87). "
            f"{how_to_put(FILE)}"
        )
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchmarkError(f"{path} is not a readable CSV file: {error}.") from error
    if lines and lines[0][0].strip() == CARD.architecture_column:
        lines = lines[1:]
    space = open_space(CARD)
    return assemble(NAME, CARD, space, _rows(lines, space), str(path), on_bad_rows)


def _rows(lines: list[list[str]], space: SearchSpace) -> Iterator[Row]:
    """Trainings of one architecture count in the order in which they stand, however it is spelt."""
    trainings: Counter[str] = Counter()
    for number, cells in enumerate(lines, start=1):
        if len(cells) != 3:
            yield Row(number, cells[0], fault=f"has {len(cells)} cells where there are 3: architecture, training, PSNR")
            continue
        try:
            code = space.encode(space.decode(cells[0]))
            quality = float(cells[2])
        except (SpaceError, ValueError) as error:
            yield Row(number, cells[0], fault=str(error))
            continue
        yield Row(number, code, quality, seed=str(trainings[code]))
        trainings[code] += 1
