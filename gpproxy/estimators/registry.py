"""Which estimators there are: `proxy`, `table:NAME`, `training:STEPS`, `shared`; a text in, an Estimator out.

A new one is a file of this folder with a function under `@ESTIMATORS.register("name")`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from gpproxy.estimators.estimator import Estimator, Pairs
from gpproxy.estimators.settings import SharedWeights
from gpproxy.foreign import LOOK
from gpproxy.proxies.proxy import Proxy
from gpproxy.registry import Registry
from gpproxy.search_spaces import SearchSpace
from gpproxy.tasks.settings import TrainingSettings


@dataclass(frozen=True, eq=False)
class Request:
    """What an estimator is made from.

    Attributes:
        text: what was asked for.
        space: whose architectures are estimated.
        proxies: of the estimator `proxy`.
        device: where networks run.
        timed, max_latency_ms, plain, look_seconds: see `gpproxy.proxies.scorer.Setup`.
        training: makes the settings of the estimators that train; None where nothing is trained.
        shared: of the estimator `shared`.
        seed: of those trainings.
    """

    text: str
    space: SearchSpace
    proxies: tuple[Proxy, ...] = ()
    device: str = "cpu"
    timed: bool = False
    max_latency_ms: float = 0.0
    plain: bool = False
    look_seconds: float = LOOK
    training: Callable[[], TrainingSettings] | None = None
    shared: SharedWeights | None = None
    seed: int = 0

    @property
    def argument(self) -> str:
        """What stands behind the colon, or empty."""
        return self.text.partition(":")[2]

    @property
    def settings(self) -> Pairs:
        """The settings of the space."""
        return tuple(asdict(self.space.settings).items())


ESTIMATORS: Registry[Callable[[Request], Estimator]] = Registry("estimator", "gpproxy.estimators")


def names() -> list[str]:
    """Every estimator: those of this folder, whose files are imported at the first call, and of other packages."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"{__package__}.{module.name}")
    return list(ESTIMATORS)


def open_estimator(request: Request) -> Estimator:
    """The estimator of a request. Raises RegistryError for an unknown name, and what a missing table or data raises."""
    names()
    return ESTIMATORS[request.text.partition(":")[0]](request)
