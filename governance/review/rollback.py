"""Back to what was: a proposal prefilled with the values of another version, asked for or prepared after a kill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import structlog
from django.utils.translation import gettext as _

from governance.access.roles import has_role
from governance.models import Proposal, User
from governance.review.drafting import propose
from governance.review.errors import ReviewRefused
from governance.review.kinds.limits import limits_difference
from governance.review.registry import kind_named
from governance.review.values import market_named, values_in_force, values_of_version
from trading.controls.commands import DESK
from trading.events.services import plain_decimal
from trading.models import CommandReceipt, Market, ParameterSet, TradingControl

log = structlog.get_logger(__name__)
# kind of an upper room → the change that brings a subject of it ("jurisdiction:MV") back to a version.
EARLIER: Final[dict[str, Callable[[str, int], Any]]] = {}


def register_rollback(kind: str, change: Callable[[str, int], Any]) -> None:
    """Let versions of an upper room's kind be gone back to, when the portal starts. `change` raises `ReviewRefused`
    ("unknown_version") where there is none such."""
    EARLIER[kind] = change


def roll_back(person: User, market: str, version: int, reason: str, *, key: str, now: datetime) -> Proposal:
    """A draft that brings `market` back to `version`, whatever lies between; `market` may be the name of a limit ("asset:dct"),
    or the subject of a kind of an upper room ("jurisdiction:MV").

    Raises `ReviewRefused`."""
    kind = market.partition(":")[0]
    if kind in EARLIER:
        return _draft_of(person, kind, market, version, reason, key, now)
    if ":" in market:
        return _draft_of_limits(person, market, version, reason, key, now)
    return _draft(person, {market: version}, reason, key, now)


def prepare_after_kill(now: datetime) -> list[int]:
    """For every kill that stands, a draft back to the version before the one that was killed, once; ids of those made now.

    It belongs to the operator who killed. Where the kill came from a shell, nobody of the portal can own a draft: none is made.
    """
    made = []
    for control in TradingControl.objects.filter(state="HALTED").order_by("scope"):
        key = f"after-kill:{control.scope}:{control.version}"
        person = User.objects.filter(pk=int(control.actor_id)).first() if control.actor_id.isdecimal() else None
        earlier = _versions_before(control)
        if person is None or not earlier or not has_role(person, *kind_named("parameters").proposer_roles):
            continue
        if CommandReceipt.objects.filter(key=key).exists():
            continue
        try:
            made.append(_draft(person, earlier, f"Prepared after the kill of {control.scope}.", key, now).pk)
        except ReviewRefused as refused:
            log.info("no_draft_after_kill", scope=control.scope, code=refused.code)
    return made


def _versions_before(control: TradingControl) -> dict[str, int]:
    """The version before the one that was in force when the scope was killed, by market that has one."""
    slugs = Market.objects.filter(is_active=True).values_list("slug", flat=True)
    earlier = {}
    for slug in slugs if control.scope == DESK else [control.scope]:
        history: list[int] = list(
            ParameterSet.history.filter(market__slug=slug, applied_at__lte=control.changed_at)
            .order_by("-version")
            .values_list("version", flat=True)[:2]
        )
        if len(history) == 2:
            earlier[slug] = history[1]
    return earlier


def _draft(person: User, versions: Mapping[str, int], reason: str, key: str, now: datetime) -> Proposal:
    markets = {slug: _difference(slug, version) for slug, version in sorted(versions.items())}
    change = {"markets": {slug: values for slug, values in markets.items() if values}}
    if not change["markets"]:
        raise ReviewRefused("no_change", _("These are the values in force."))
    back_to = ",".join(f"{slug}@{version}" for slug, version in sorted(versions.items()))
    return propose(
        person, "parameters", None, change, reason, key=key, now=now, title=f"Back to {back_to}", rolls_back_to=back_to[:200]
    )  # fmt: skip


def _draft_of(person: User, kind: str, subject: str, version: int, reason: str, key: str, now: datetime) -> Proposal:
    back_to, change = f"{subject}@{version}", EARLIER[kind](subject, version)
    return propose(
        person, kind, None, change, reason, key=key, now=now, title=f"Back to {back_to}", rolls_back_to=back_to
    )


def _draft_of_limits(person: User, part: str, version: int, reason: str, key: str, now: datetime) -> Proposal:
    values = limits_difference(part, version)
    if not values:
        raise ReviewRefused("no_change", _("These are the values in force."))
    back_to, change = f"{part}@{version}", {"limits": {part: values}}
    return propose(
        person, "limits", None, change, reason, key=key, now=now, title=f"Back to {back_to}", rolls_back_to=back_to
    )


def _difference(slug: str, version: int) -> dict[str, str]:
    market_named(slug)
    current, then = values_in_force(slug), values_of_version(slug, version)
    return {name: plain_decimal(value) for name, value in then.items() if value != current[name]}
