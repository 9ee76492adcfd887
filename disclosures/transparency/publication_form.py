"""The desk's form for the publication policy: every value with what is in force; what differs becomes the change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from disclosures.transparency.publication import Publication, publication_in_force
from disclosures.transparency.publication_kind import FIELDS, PublicationChange
from disclosures.transparency.rollups.calendar import DAY, MINUTE
from disclosures.transparency.tables import hard_limits
from governance.desk.review.fields import FieldSpec, Input, Sent
from governance.desk.review.kind_forms import KindForm, Told
from governance.models import User
from governance.review.errors import ReviewRefused
from trading.events.services import plain_decimal
from trading.models import Market

_HELPS: Final = {
    "delay_s": gettext_noop(
        "Inventory, volume, P&L, pauses and reports are told as of this long ago. Later is safer: nobody trades against what we "
        "hold now."
    ),
    "inventory_step_share": gettext_noop(
        "Inventory and volume are rounded to this part of the market’s hard limit: 0.05 is 5 %. Coarser is safer: smaller fills "
        "do not show."
    ),
    "pnl_granularity_days": gettext_noop(
        "P&L is told by this many complete days of the Maldives, in periods with fixed borders. Longer is safer: no single day "
        "can be worked out."
    ),
    "quote_granularity_s": gettext_noop(
        "0: our quotes are told live, as the venue shows them anyway. Otherwise as of the last whole multiple, and without sizes."
    ),
}


def _fields(person: User) -> tuple[FieldSpec, ...]:
    now = publication_in_force()
    found = []
    for field in FIELDS:
        current = (_value(now, field.name),)
        found.append(
            FieldSpec(
                field.name, str(field.label), Input.DECIMAL if field.decimals else Input.WHOLE, _(_HELPS[field.name]),
                _(field.unit), current=current, initial=current, minimum=plain_decimal(field.low),
                maximum=plain_decimal(field.high),
            )
        )  # fmt: skip
    return tuple(found)


def _change(sent: Sent) -> dict[str, str]:
    """What differs from what is in force. Raises `ReviewRefused` where nothing does."""
    now = publication_in_force()
    wanted = {field.name: sent[field.name][0] for field in FIELDS}
    change = {name: text for name, text in wanted.items() if Decimal(text) != Decimal(_value(now, name))}
    if not change:
        raise ReviewRefused("no_change", _("Every value is the one in force."))
    return change


def _sent(change: Mapping[str, Any]) -> Sent:
    """A proposal's values over those in force."""
    now = publication_in_force()
    return {field.name: (str(change.get(field.name, _value(now, field.name))),) for field in FIELDS}


def _told(change: Mapping[str, str]) -> tuple[Told, ...]:
    """What the change would do to what is told now; the services' own formulas with both policies. Raises `ReviewRefused`."""
    before = publication_in_force()
    values = {name: Decimal(text) for name, text in PublicationChange().canonical(change).items()}
    after = Publication(
        before.version + 1,
        int(values.get("delay_s", before.delay_s)),
        values.get("inventory_step_share", before.inventory_step_share),
        int(values.get("pnl_granularity_days", before.pnl_granularity_days)),
        int(values.get("quote_granularity_s", before.quote_granularity_s)),
    )
    policies, markets = (before, after), list(Market.objects.filter(is_active=True).order_by("slug"))
    limits = hard_limits(markets)
    rows = [Told(_("Inventory and what follows from it, as of"), *(_ago(policy) for policy in policies))]
    for market in markets:
        unit = market.base_id.upper()
        what = _("Inventory of %(market)s, in steps of") % {"market": market.slug}
        rows.append(Told(what, *(_step(policy, limits.get(market.pk), unit) for policy in policies)))
    days = _("%(count)s complete days")
    rows.append(Told(_("P&L, in sums of"), *(days % {"count": policy.pnl_granularity_days} for policy in policies)))
    rows.append(Told(_("Our quotes"), *(_quotes(policy) for policy in policies)))
    rows.append(
        Told(_("Our quoting over time, in buckets of"), *(_bucket(policy.quote_bucket()) for policy in policies))
    )
    return tuple(rows)


def _value(policy: Publication, name: str) -> str:
    return plain_decimal(Decimal(getattr(policy, name)))


def _ago(policy: Publication) -> str:
    return _("%(count)s s ago") % {"count": policy.delay_s}


def _step(policy: Publication, hard_limit: Decimal | None, unit: str) -> str:
    step = policy.step(hard_limit)
    return _("not told: there is no limit") if step is None else f"{plain_decimal(step)} {unit}"


def _quotes(policy: Publication) -> str:
    if policy.quote_granularity_s == 0:
        return _("live")
    return _("every %(count)s s, without sizes") % {"count": policy.quote_granularity_s}


def _bucket(width: timedelta) -> str:
    return _("a minute") if width == MINUTE else _("a day") if width == DAY else _("an hour")


PUBLICATION_FORM: Final = KindForm(
    gettext_noop(
        "How fine and how soon the public sees what would let it trade against the desk. Later and coarser may be applied at "
        "once, and another person looks at it afterwards; sooner or finer in any value waits for two others. It holds over the "
        "past too, from the moment it is applied."
    ),
    _fields, _change, _sent, told=_told,
)  # fmt: skip
