"""A build in a process of its own, slow enough to be killed: `python driver.py OUT WORKERS`."""

import sys

from gpproxy.benchmark import builder as module
from gpproxy.benchmark.builder import Build
from gpproxy.benchmark.settings import BuildSettings
from tests.benchmark.fake import SlowTask


def main(out, workers):
    settings = BuildSettings(
        data="shapes", size=3, steps=4, width=8, resolution=16, samples=20, out=out, workers=int(workers)
    )
    module.training_task = SlowTask
    for report in Build(settings).run():
        if report.ended:
            print(report.job.name, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
