"""What torch loads at the first derivative in forward mode: two seconds, and warnings that are none of the user's.

New processes find it loaded, see `gpproxy.execution.server.preload`.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    try:
        import torch._decomp.decompositions_for_jvp  # noqa: F401
    except ImportError:  # it has another place in this version of torch, and is loaded when it is needed
        pass
