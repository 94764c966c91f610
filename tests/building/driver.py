"""A build in a process of its own, slow enough to be killed: `python driver.py OUT WORKERS`."""

import sys

from gpproxy.building import build as module
from gpproxy.building.build import Build
from gpproxy.building.config import BuildConfig
from tests.building.fake import SlowWorkshop


def main(out, workers):
    config = BuildConfig(
        data="shapes", archs=3, steps=4, width=8, resolution=16, samples=20, out=out, workers=int(workers)
    )
    module.workshop = SlowWorkshop
    for report in Build(config).run():
        if report.ended:
            print(report.job.name, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
