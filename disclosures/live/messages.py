"""The texts of the public sockets, each serialised once for all of them; nowhere else."""

from __future__ import annotations

import json
from typing import Any, Final

from dcmm_portal.live_sockets.outlet import Prepared


def prepare(kind: str, slug: str, form: dict[str, Any]) -> Prepared:
    """A market's message."""
    return Prepared(slug, json.dumps({"type": kind, "market": slug, "status": form}))


def state(*, is_old: bool) -> Prepared:
    """That what pages show is old, or live again."""
    return Prepared("", json.dumps({"type": "state", "market": None, "state": "old" if is_old else "live"}))


PING: Final = Prepared(" ", json.dumps({"type": "ping", "market": None}))
