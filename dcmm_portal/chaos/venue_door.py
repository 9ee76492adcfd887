"""The sandbox venues' control doors: faults, clocks, and each venue's own books. Independent of every adapter."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from dcmm_portal.chaos.private_system import PrivateSystem
from dcmm_portal.supervisor.system import SANDBOX_VENUES

TIMEOUT_S = 5.0
ACCOUNT = "desk"


class VenueAway(Exception):
    """The venue's control door does not answer."""


class VenueDoor:
    """One venue's control door."""

    def __init__(self, name: str, url: str, token: str) -> None:
        self.name = name
        self._url, self._token = url, token

    def call(self, method: str, path: str, body: object = None) -> Any:
        """JSON in, JSON out. Raises `VenueAway`."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Control-Token": self._token, "Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError) as problem:
            raise VenueAway(f"{self.name}: {type(problem).__name__}") from problem

    def resting(self) -> dict[str, Any]:
        """Open orders of the desk's account and its cancel-after timer."""
        return dict(self.call("GET", f"/control/resting?account={ACCOUNT}"))

    def export(self) -> dict[str, Any]:
        """Everything of the desk's account: orders, fills, transfers, balances."""
        return dict(self.call("GET", f"/control/export?account={ACCOUNT}"))

    def applied(self) -> dict[str, int]:
        """How often each kind of fault struck since this process of the venue started, and that process."""
        status = self.call("GET", "/control/status")
        return {"pid": int(status["pid"]), **status["faults"]["applied"]}


def open_doors(system: PrivateSystem) -> dict[str, VenueDoor]:
    """The doors of both venues, by their kind of process (`sandbox-dex`)."""
    addresses = system.addresses()
    return {
        f"sandbox-{venue}": VenueDoor(
            venue,
            addresses[f"VENUE_{venue.upper()}_URL"],
            (system.data_dir / "secrets" / f"{venue}-control-token").read_text(),
        )
        for venue in SANDBOX_VENUES
    }
