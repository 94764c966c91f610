"""Search spaces: one file per space. Importing the package registers every space that lies in this folder."""

import importlib
import pkgutil

from gpproxy.search_spaces.space import SEARCH_SPACES, Architecture, SearchSpace, Takes, search_space

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["SEARCH_SPACES", "Architecture", "SearchSpace", "Takes", "search_space"]
