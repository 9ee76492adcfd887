"""Whether a preview may still stand behind a submission. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from trading.backtest.engine import canonical_hash

# What the policy's preview_valid_s is where no policy says otherwise.
VALID_S = 1800


class KeptPreview(Protocol):
    """A preview as made or as stored."""

    @property
    def change_hash(self) -> str: ...

    @property
    def body(self) -> Any: ...

    @property
    def hash(self) -> str: ...

    @property
    def made_at(self) -> datetime: ...


def stale_reason(
    preview: KeptPreview,
    change_hash: str,
    base: Mapping[str, Mapping[str, Any]],
    now: datetime,
    valid_s: float = VALID_S,
) -> str:
    """Why `preview` does not count any more ("" it counts): body_altered, other_change, expired, base_moved.

    `base`: version and hash in force now of every market that the change names. A preview from the future has expired too: a
    clock was put back."""
    if canonical_hash(preview.body) != preview.hash:
        return "body_altered"
    if preview.change_hash != change_hash:
        return "other_change"
    if not timedelta(0) <= now - preview.made_at <= timedelta(seconds=valid_s):
        return "expired"
    if preview.body.get("base") != {slug: dict(part) for slug, part in base.items()}:
        return "base_moved"
    return ""
