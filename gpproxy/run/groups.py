"""Groups of settings that several commands share: a name means one thing everywhere, and its rule stands here once.

The first half sentence of a help text, up to the first `;`, is the same wherever a name occurs (a test holds this);
what follows says what it is for in one command.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gpproxy.errors import ConfigError
from gpproxy.execution.devices import check_device_name
from gpproxy.foreign import LOOK
from gpproxy.run.settings import setting


@dataclass(frozen=True)
class Machine:
    """What computes it.

    Attributes:
        device: where everything is computed; cpu, cuda, cuda:1, ...
        workers: processes; 0 takes all cores, or one where they would share a GPU or a stop-watch. Results do not
            depend on it.
        look_seconds: longest time of a look at one generator, which is left out then; 0 for no limit.
    """

    device: str = setting("cpu", rule=check_device_name)
    workers: int = setting(0, least=0, free=True)
    look_seconds: float = setting(LOOK, least=0, free=True)


@dataclass(frozen=True)
class Cluster:
    """Other machines.

    Attributes:
        cluster: what spreads the work over several machines; ray (extra gpproxy[ray]), or empty for this one alone.
            Results do not depend on it.
        cluster_address: HOST:PORT of the cluster; empty takes that of RAY_ADDRESS, or one that this machine belongs to,
            or starts one here.
    """

    cluster: Literal["", "ray"] = setting("", known=("", "ray"), free=True)
    cluster_address: str = setting("", free=True)

    @property
    def place(self) -> str:
        """What `gpproxy.execution.scheduler` calls it. Raises ConfigError for an address of nothing."""
        if self.cluster_address and not self.cluster:
            raise ConfigError(
                f"cluster_address={self.cluster_address} names no cluster alone: give --cluster ray, too."
            )
        return f"{self.cluster}:{self.cluster_address}".rstrip(":")


@dataclass(frozen=True)
class Extensions:
    """Python files of your own.

    Attributes:
        plugins: Python file that registers search spaces, statistics, primitives, tables or data sets.
    """

    plugins: tuple[str, ...] = setting((), free=True, path=True)


@dataclass(frozen=True)
class SearchSpaceSettings:
    """The untrained generators.

    Attributes:
        space: search space of the architectures; empty takes that of the proxy's run, with its settings.
        space_settings: setting of the search space, such as resolution=128.
    """

    space: str = setting("")
    space_settings: tuple[str, ...] = setting((), pairs=True)


@dataclass(frozen=True)
class Initialisations:
    """How untrained generators are looked at; by default as in the run of each proxy.

    Attributes:
        init_seed: seed of the untrained weights and inputs; -1 takes that of the run, or 0.
        inits: initialisations of every architecture; a score is the mean over them. 0 takes those of the run, or 1.
        inputs: inputs of a pass through an untrained generator; 0 takes those of the run, or the default of one.
    """

    init_seed: int = setting(-1, least=-1)
    inits: int = setting(0, least=0)
    inputs: int = setting(0, least=0)


@dataclass(frozen=True)
class SizeLimits:
    """Limits on the generators.

    Attributes:
        max_params: largest number of parameters; 0 for no limit.
        max_macs: largest number of multiply-accumulates of one image; 0 for no limit.
    """

    max_params: float = setting(0.0, least=0)
    max_macs: float = setting(0.0, least=0)
