"""The estimator `proxy`: formulas, classical proxies, runs and proxy.py files on untrained networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gpproxy.errors import ConfigError
from gpproxy.estimators.estimator import Estimator
from gpproxy.estimators.registry import ESTIMATORS, Request
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Setup, Work, score_chunk
from gpproxy.proxies.size import Size


@dataclass(frozen=True)
class ProxyEstimator(Estimator):
    """Scores of one or several proxies, see `gpproxy.proxies.scorer`.

    Attributes:
        setup: space, proxies and device.
    """

    setup: Setup
    name: str = "proxy"

    @property
    def labels(self) -> tuple[str, ...]:
        names: list[str] = []
        for number, proxy in enumerate(self.setup.proxies, start=1):
            names.append(proxy.label if proxy.label not in names else f"{proxy.label} ({number})")
        return tuple(names)

    @property
    def title(self) -> str:
        return "the proxy"

    def score(self, codes: Sequence[str], sizes: Mapping[str, Size]) -> tuple[list[Scored], Work]:
        return score_chunk(self.setup, codes, sizes)

    def unhurried(self) -> ProxyEstimator:
        """The same, with every latency measured and none too long."""
        return replace(self, setup=replace(self.setup, timed=True, max_latency_ms=0.0, plain=False))


@ESTIMATORS.register("proxy")
def proxy_estimator(request: Request) -> Estimator:
    """`proxy` of the proxies that were given, or `proxy:NAME` of a name, formula, run or proxy.py."""
    proxies = (Proxy.load(request.argument),) if request.argument else request.proxies
    if not proxies:
        raise ConfigError("Give the proxy that estimates: proxy:NAME, proxy:FORMULA, proxy:RUN or proxy:FILE.py.")
    setup = Setup(
        request.space.name,
        request.settings,
        proxies,
        request.device,
        timed=request.timed,
        max_latency_ms=request.max_latency_ms,
        plain=request.plain,
        look_seconds=request.look_seconds,
    )
    return ProxyEstimator(setup, request.text)
