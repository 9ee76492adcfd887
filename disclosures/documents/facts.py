"""What a text may name instead of writing it down: facts of the system, declared once, live in drafts, frozen when proposed.

A placeholder is `{{name}}`. One in a line of text is a value; one that is a paragraph of its own may be a table. Values are the
same in every language: numbers, units, names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from disclosures.transparency.publication import publication_in_force
from governance.models import ReviewPolicy
from governance.review.errors import ReviewRefused
from trading.events.services import plain_decimal
from trading.models import BuybackProgramme, Market, TreasuryWallet
from trading.models.treasury import LEAST_INTERVAL_H, MOST_VOLUME_SHARE
from trading.parameters.services import current_values
from trading.treasury.selectors import newest_balances

LANGUAGES: Final = ("en", "dv")
_PLACEHOLDER: Final = re.compile(r"\{\{ *([a-z0-9_]+) *\}\}")


@dataclass(frozen=True, slots=True)
class Fact:
    """`read` gives a value as text, or the rows of a table whose columns are `head`."""

    name: str
    meaning: str
    read: Callable[[], str | list[list[str]]]
    head: tuple[str, ...] = ()


def _markets() -> list[Market]:
    wanted = Market.objects.filter(is_active=True, parameter_set__isnull=False).select_related(
        "account__venue", "parameter_set"
    )
    return list(wanted.order_by("slug"))


def _limits() -> list[list[str]]:
    rows = []
    for market in _markets():
        values = current_values(market.parameter_set)
        soft, hard = (plain_decimal(values[name] * market.lot_size) for name in ("soft_limit_lots", "q_hard_lots"))
        rows.append([market.venue_symbol, market.account.venue.name, soft, hard, market.base_id])
    return rows


def _spreads() -> list[list[str]]:
    rows = []
    for market in _markets():
        values = current_values(market.parameter_set)
        floor, cap = (plain_decimal(values[name]) for name in ("spread_floor_bps", "spread_cap_bps"))
        rows.append([market.venue_symbol, market.account.venue.name, floor, cap])
    return rows


def _accounts() -> list[list[str]]:
    return [[market.account.venue.name, market.account.slug, market.venue_symbol] for market in _markets()]


def _made_up(label: str, is_demo: bool) -> str:
    """A label of the treasury; what the demonstration made up says so, also where the fact is frozen."""
    return f"{label} (demonstration)" if is_demo else label


def _wallets() -> list[list[str]]:
    held: dict[int, set[str]] = {}
    for balance in newest_balances():
        held.setdefault(balance.wallet_id, set()).add(balance.asset_id)
    standing = TreasuryWallet.objects.filter(retired_at=None).order_by("pk")
    return [
        [_made_up(one.label, one.is_demo), one.address, ", ".join(sorted(held.get(one.pk, ()))) or "-"]
        for one in standing
    ]


def _programmes() -> list[list[str]]:
    found = BuybackProgramme.objects.select_related("market").exclude(status="ended").order_by("pk")
    return [
        [
            _made_up(one.slug, one.is_demo), one.market.venue_symbol, plain_decimal(one.execution_cap_quote),
            plain_decimal(one.day_cap_quote), plain_decimal(Decimal(one.interval_s) / 3600), one.market.quote_id,
        ]
        for one in found
    ]  # fmt: skip


def _rule(name: str) -> str:
    row = ReviewPolicy.objects.order_by("-version").first()
    if row is None:
        raise ReviewRefused("no_policy", _("There is no review policy: nothing can be proposed or approved."))
    return str(row.body["classes"]["increasing"][name])


FACTS: Final[dict[str, Fact]] = {
    fact.name: fact
    for fact in (
        Fact(
            "limits",
            gettext_noop("table: soft and hard inventory limit of every market, in units of its base asset"),
            _limits,
            (
                gettext_noop("market"),
                gettext_noop("venue"),
                gettext_noop("soft limit"),
                gettext_noop("hard limit"),
                gettext_noop("unit"),
            ),
        ),
        Fact(
            "spreads",
            gettext_noop("table: floor and cap of the full spread of every market, in basis points"),
            _spreads,
            (
                gettext_noop("market"),
                gettext_noop("venue"),
                gettext_noop("floor (bps)"),
                gettext_noop("cap (bps)"),
            ),
        ),
        Fact(
            "accounts",
            gettext_noop("table: the accounts with which the market maker trades"),
            _accounts,
            (gettext_noop("venue"), gettext_noop("account"), gettext_noop("market")),
        ),
        Fact(
            "wallets",
            gettext_noop("table: the wallets of the treasury with their labels"),
            _wallets,
            (gettext_noop("label"), gettext_noop("address"), gettext_noop("asset")),
        ),
        Fact(
            "buyback_programmes",
            gettext_noop("table: the buyback programmes that are not over, with their caps"),
            _programmes,
            (
                gettext_noop("programme"),
                gettext_noop("market"),
                gettext_noop("cap of one execution"),
                gettext_noop("cap of 24 hours"),
                gettext_noop("hours between two"),
                gettext_noop("unit"),
            ),
        ),
        Fact(
            "buyback_interval_h",
            gettext_noop("least hours between two buybacks"),
            lambda: str(LEAST_INTERVAL_H),
        ),
        Fact(
            "buyback_volume_pct",
            gettext_noop("largest share of the average daily volume for buybacks, in percent"),
            lambda: plain_decimal(MOST_VOLUME_SHARE * 100),
        ),
        Fact(
            "approvals_to_loosen",
            gettext_noop("how many other people must approve what raises risk"),
            lambda: _rule("quorum"),
        ),
        Fact(
            "timelock_to_loosen_s",
            gettext_noop("seconds between that approval and its effect"),
            lambda: _rule("timelock_s"),
        ),
        Fact(
            "inventory_step_pct",
            gettext_noop("step to which public inventory is rounded, in percent of the hard limit"),
            lambda: plain_decimal(publication_in_force().inventory_step_share * 100),
        ),
        Fact(
            "inventory_delay_s",
            gettext_noop("seconds by which public inventory is late"),
            lambda: str(publication_in_force().delay_s),
        ),
    )
}


def names_in(text: str) -> list[str]:
    """Placeholders of the text, each once, in order. Raises `ReviewRefused` ("unknown_placeholder") for braces that are none."""
    names = list(dict.fromkeys(_PLACEHOLDER.findall(text)))
    unknown = [name for name in names if name not in FACTS]
    rest = _PLACEHOLDER.sub("", text)
    if unknown or "{{" in rest or "}}" in rest:
        shown = ", ".join(unknown) or "{{ }}"
        raise ReviewRefused("unknown_placeholder", _("There is no placeholder “%(name)s”.") % {"name": shown[:80]})
    return names


def split(text: str) -> list[tuple[str, bool]]:
    """The text in pieces: (piece, False), or (name of a placeholder, True)."""
    pieces = _PLACEHOLDER.split(text)
    return [(piece, index % 2 == 1) for index, piece in enumerate(pieces) if piece or index % 2]


def freeze(names: Iterable[str]) -> dict[str, Any]:
    """The facts as they are now, as JSON: {"text"}, or {"head": words by language, "rows"}."""
    return {name: _frozen(FACTS[name]) for name in sorted(set(names))}


def _frozen(fact: Fact) -> Mapping[str, Any]:
    read = fact.read()
    if isinstance(read, str):
        return {"text": read}
    head = {}
    for language in LANGUAGES:
        with translation.override(language):
            head[language] = [_(word) for word in fact.head]
    return {"head": head, "rows": read}
