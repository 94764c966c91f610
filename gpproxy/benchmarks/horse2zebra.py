"""Measured CycleGAN generators for horse2zebra: channel numbers and Fréchet distance of 334 mobile ResNets.

In: `cyclegan_fid.csv` (order, config, macs, fid, authors_proxy). Out: a Benchmark with the columns `macs`,
`authors_proxy` and `order` as published. Source: the log that comes with the code of Auto-GAS.
"""

from __future__ import annotations

from pathlib import Path

from gpproxy.benchmarks.benchmark import Benchmark, Card
from gpproxy.benchmarks.csv_table import read_table
from gpproxy.errors import BenchmarkError
from gpproxy.run.data_folder import how_to_put

NAME = "horse2zebra"
FILE = "cyclegan_fid.csv"

CARD = Card(
    space="gancompression-cyclegan",
    metric="fid",
    direction="lower",
    task="unpaired image translation",
    data="horse2zebra, 256 px",
    recipe="CycleGAN, mobile ResNet generator with weights inherited from a supernet",
    seeds=1,
    source="Auto-GAS code, 2024 (cycle_gan_horse2zebra_log.txt), a subset of the rows; space of Li et al., 2020",
    notes=(
        "All channel numbers are 16, 24 or 32. FID is of inherited supernet weights, not of trained networks. "
        "`macs` counts transposed convolutions at their output and leaves norms out, while the published tables of "
        "the space count a norm once per element. `order` is the order of evaluation and `authors_proxy` the score "
        "that the authors logged: it follows the order and not FID, so a sound proxy correlates with neither."
    ),
    architecture_column="config",
)


def read_horse2zebra(folder: Path, on_bad_rows: str = "refuse") -> Benchmark:
    """The table in `folder`/horse2zebra. Raises BenchmarkError: a missing or broken file, bad rows."""
    path = folder / NAME / FILE
    if not path.is_file():
        raise BenchmarkError(
            f"The benchmark {NAME} is read from {path}, which is not there. It is a CSV file with the columns order, "
            "config, macs, fid and authors_proxy, made from Auto_GAS_Main_Results/cycle_gan_horse2zebra_log.txt of "
            f"https://github.com/HaosenSUN/Auto_GAS. {how_to_put(f'{NAME}/{FILE}')}"
        )
    return read_table(path, CARD, on_bad_rows, NAME)
