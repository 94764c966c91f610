"""A build in a process of its own, slow enough to be killed: `python driver.py OUT WORKERS`."""

import sys

from gpproxy.benchmark import builder as module
from gpproxy.benchmark.builder import Build
from gpproxy.benchmark.settings import BuildConfig
from tests.benchmark.fake import SlowWorkshop


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
