"""Words for what the public tables tell by code."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

INCIDENT_KINDS: Final[dict[str, Any]] = {
    "pause": _("people stopped or reduced quoting"),
    "resume": _("people let quoting go on"),
    "breaker": _("circuit breaker"),
    "rule": _("rule"),
}
STATES: Final[dict[str, Any]] = {
    "ACTIVE": _("active"),
    "REDUCING": _("reducing only"),
    "PAUSED": _("paused"),
    "HALTED": _("halted"),
}
TONES: Final = {"ACTIVE": "good", "REDUCING": "warn", "PAUSED": "warn", "HALTED": "bad"}
AUTHORITIES: Final[dict[str, Any]] = {
    "genesis": _("set when the market was registered"),
    "migration": _("set when the software was changed"),
}
ROLES: Final[dict[str, Any]] = {
    "operator": _("operator"),
    "approver": _("approver"),
    "compliance": _("compliance"),
    "auditor": _("auditor"),
    "administrator": _("administrator"),
}
BUCKETS: Final[dict[str, Any]] = {"minute": _("minute"), "hour": _("hour"), "day": _("day")}


def roles_worded(told: str) -> str:
    """ "operator or administrator", in the language of the page."""
    return str(_(" or ")).join(str(ROLES.get(role, role)) for role in told.split(" or "))
