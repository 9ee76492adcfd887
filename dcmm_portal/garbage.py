"""How often Python looks for garbage in a process that answers requests: seldom, and not among what was loaded to stay."""

from __future__ import annotations

import gc
from typing import Final

# So many new objects are looked through in some milliseconds; with ten times as many, somebody waits ten times as long.
_YOUNG: Final = 5_000


def keep_loaded() -> None:
    """Everything loaded so far stays: the collector does not look through it again, which took a tenth of a second each time and
    held up whatever was asked meanwhile."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)
