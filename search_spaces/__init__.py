"""Search spaces: one file per space. Importing the package registers every space that lies in this folder."""

import importlib
import pkgutil

from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.choice import ChoiceSpace, choice_space
from gpproxy.search_spaces.space import SEARCH_SPACES, Architecture, SearchSpace, Takes, search_space

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = [
    "SEARCH_SPACES",
    "Architecture",
    "Batch",
    "ChoiceSpace",
    "SearchSpace",
    "Takes",
    "choice_space",
    "search_space",
]
