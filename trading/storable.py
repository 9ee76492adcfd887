"""Text and JSON from outside, as PostgreSQL can hold it: the one place where a foreign letter is taken out before a column.

PostgreSQL refuses U+0000 in text and in JSON, and nothing that is not Unicode (half of a surrogate pair) can be sent to it.
"""

from __future__ import annotations

import re
from typing import Any

UNREADABLE = "\ufffd"
_REFUSED = re.compile("[\x00\ud800-\udfff]")


def storable_text(text: str) -> str:
    """`text` with what no column holds replaced by U+FFFD."""
    return _REFUSED.sub(UNREADABLE, text)


def storable_json(value: Any) -> Any:
    """A JSON value with every text in it, keys too, as `storable_text` makes it."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {storable_text(key): storable_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable_json(item) for item in value]
    return value
