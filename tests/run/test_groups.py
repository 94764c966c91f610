"""Groups of settings that several commands share keep their rules in each of them."""

from __future__ import annotations

import pytest

from gpproxy.benchmark.settings import BuildSettings
from gpproxy.errors import ConfigError
from gpproxy.evolve import EvolveSettings
from gpproxy.score.settings import ScoreSettings
from gpproxy.search.settings import SearchSettings


def test_a_cluster_is_said_alike_everywhere() -> None:
    score = ScoreSettings(proxy=("params",), sample=1, cluster="ray", cluster_address="head:6379")
    assert score.place == "ray:head:6379" and EvolveSettings(cluster="ray").place == "ray"
    assert BuildSettings().place == "" and "cluster" not in BuildSettings(cluster="ray").meaning()
    with pytest.raises(ConfigError, match="give --cluster ray, too"):
        _ = EvolveSettings(cluster_address="head:6379").place
    with pytest.raises(ConfigError, match="cluster is empty or ray"):
        EvolveSettings(cluster="slurm")  # type: ignore[arg-type]


def test_what_lies_on_this_machine_is_not_asked_elsewhere() -> None:
    for estimator in ("table:autogan-cifar10", "shared:50"):
        with pytest.raises(ConfigError, match="Leave --cluster out"):
            SearchSettings(space="autogan", estimator=estimator, cluster="ray")
    with pytest.raises(ConfigError, match="Latencies are those of this machine"):
        SearchSettings(proxy=("params",), objective="latency", strategy="nsga2", cluster="ray")
