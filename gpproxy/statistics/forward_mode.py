"""What torch loads at the first derivative in forward mode: two seconds, and warnings that are none of the user's.

`gpproxy.execution.scheduler` imports it before it makes processes, once for all of them.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    try:
        import torch._decomp.decompositions_for_jvp  # noqa: F401
    except ImportError:  # it has another place in this version of torch, and is loaded when it is needed
        pass
