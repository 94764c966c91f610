"""The generator that discriminators are searched against: `--generator`.

In: the settings of a search among discriminators. Out: the settings of trainings of that generator, in which another
discriminator can be named.
"""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from typing import Any

from gpproxy.errors import ConfigError
from gpproxy.search.settings import DISCRIMINATORS, SearchSettings
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.train.settings import TrainSettings
from gpproxy.training.architecture import code_of

#: Where the generators come from.
SPACE = "eagan-generator"


def opponent(config: SearchSettings, space: SearchSpace) -> TrainSettings:
    """Settings of trainings of the generator, without a discriminator.

    Raises ConfigError for a search of another space or at another resolution, SpaceError for another code.
    """
    from gpproxy.search.winners import training_settings

    own = asdict(space.settings)
    settings: dict[str, Any] = {name: own[name] for name in ("width", "resolution")}
    code = config.generator
    if os.path.isdir(os.path.expanduser(code)):
        code, settings = _best(code)
    if config.generator_width:
        settings["width"] = config.generator_width
    if settings["resolution"] != own["resolution"]:
        raise ConfigError(
            f"The generator of {config.generator} draws {settings['resolution']} pixels, but the discriminators judge "
            f"{own['resolution']}: give --space-settings resolution={settings['resolution']}."
        )
    pairs = tuple(f"{name}={value}" for name, value in settings.items())
    other = replace(config, space=SPACE, space_settings=pairs, generator="", generator_width=0)
    generators = make_space(SPACE, settings)
    return replace(training_settings(other, generators), arch=code_of(generators, code))


def against(settings: TrainSettings, space: SearchSpace, code: str) -> TrainSettings:
    """The settings of a training in which the generator learns from a discriminator of the space."""
    judge = (f"discriminator={code}", f"discriminator_width={asdict(space.settings)['width']}", "growth=none")
    return replace(settings, recipe_settings=(*settings.recipe_settings, *judge))


def _best(folder: str) -> tuple[str, dict[str, Any]]:
    """The best generator of a search, and the settings of its space."""
    from gpproxy.search.finished import read_run

    run = read_run(folder)
    if run.result["space"] != SPACE:
        raise ConfigError(
            f"{DISCRIMINATORS} are searched against a generator of {SPACE}, but {folder} is a search in "
            f"{run.result['space']}."
        )
    return run.candidates[0].architecture, dict(run.result["space_settings"])
