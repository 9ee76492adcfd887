"""How often Python looks for garbage in a process that answers requests: seldom, and not among what was loaded to stay."""

from __future__ import annotations

import gc
from typing import Final

# An answer of a thousand rows makes some ten thousand objects, all of which are gone after it.
_YOUNG: Final = 50_000


def keep_loaded() -> None:
    """Everything loaded so far stays: the collector does not look through it again, which took a tenth of a second each time and
    held up whatever was asked meanwhile."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)
