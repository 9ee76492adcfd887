"""The gate of the public socket."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from channels.db import database_sync_to_async

from disclosures.jurisdictions.rules import REFUSAL, Room, Rules, rules_in_force, standing_of
from disclosures.jurisdictions.whereabouts import countries_of_socket

# Close code of the portal, after the 451 of the pages.
REFUSED_IN_JURISDICTION: Final = 4451
# All sockets of a process share one reading for this long.
KEPT_S: Final = 1.0
_kept: dict[str, Any] = {"at": float("-inf"), "rules": {}}


async def is_refused(scope: Mapping[str, Any]) -> bool:
    """Whether a rule refuses figures about trading where this socket may come from; at most `KEPT_S` after the rule changed."""
    if time.monotonic() - _kept["at"] >= KEPT_S:
        _kept["rules"] = await database_sync_to_async(rules_in_force)()
        _kept["at"] = time.monotonic()
    rules: Rules = _kept["rules"]
    return standing_of(rules, countries_of_socket(scope)).level(Room.DASHBOARDS) == REFUSAL


def forget_rules() -> None:
    """The next socket reads them anew."""
    _kept["at"] = float("-inf")
