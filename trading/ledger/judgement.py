"""Which differences nothing explains: those that close. Pure: what two looks at an account found, and what earlier reports said.

A difference closes only when two looks, each reading venue and ledger anew, found the same one, and when none of what passes by
itself can be the reason:
- a fill or transfer that the ledger lacks is late until booking it was refused: whoever brings it, or the repair, books it;
- a balance says nothing new when entries on their way account for it (`Difference.rest`), and its rest must be the same amount
  in both looks: between two moments of a desk that trades, sums are never twice wrong by the same;
- the venue may list a fill, or tell a fee, a while after it counted it;
- orders are never money: they are settled by `trading.orders` within seconds. One that rests at the venue and stays unknown to us
  closes after all, because no limit counts it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from trading.ledger.comparison import Difference

# Say nothing about exposure, or are being repaired: shown, but no reason to stop adding to a position.
HARMLESS = frozenset({"order_missing", "undecided", "fee_differs"})
LATE = frozenset({"fill_missing", "transfer_missing", "funding_missing"})
ORDERS = frozenset({"order_missing", "order_unknown"})
LISTED_WITHIN = timedelta(seconds=60)
ORDER_STANDS = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the judgement rests on: keys found by the look before, identities that could not be booked, identities that every
    report since at least `ORDER_STANDS` told, and by asset the most that fees not told yet can have cost."""

    before: Collection[tuple[str, str, str]] = ()
    refused: Collection[tuple[str, str]] = ()
    long_standing: Collection[tuple[str, str]] = ()
    fees_not_told: Mapping[str, Decimal] = field(default_factory=dict)
    base_of: Mapping[str, str] = field(default_factory=dict)


def needs_second_look(differences: Iterable[Difference]) -> bool:
    """Whether more than orders differs: reading again says nothing more about those."""
    return any(each.kind not in HARMLESS | ORDERS for each in differences)


def is_serious(each: Difference) -> bool:
    """Whether it may be money, or a contradiction: neither harmless, nor late, nor an order, nor accounted for."""
    return each.kind not in HARMLESS | LATE | ORDERS and each.rest != "0"


def unexplained(differences: Iterable[Difference], evidence: Evidence, now: datetime) -> list[Difference]:
    """Those of the second look that close."""
    return [each for each in differences if not _explains_itself(each, evidence, now)]


def _explains_itself(each: Difference, evidence: Evidence, now: datetime) -> bool:
    if each.kind in HARMLESS or each.key not in evidence.before:
        return True
    if each.kind in LATE:
        return each.identity not in evidence.refused
    if each.kind == "order_unknown":
        return each.identity not in evidence.long_standing
    if each.kind in ("fill_extra", "transfer_extra"):
        return each.at is not None and now - each.at <= LISTED_WITHIN
    if each.kind in ("balance_differs", "position_differs"):
        return _is_accounted_for(each, evidence)
    return False


def _is_accounted_for(each: Difference, evidence: Evidence) -> bool:
    rest = Decimal(each.rest or "0")
    asset = evidence.base_of.get(each.subject, each.subject)
    return rest == 0 or 0 < -rest <= evidence.fees_not_told.get(asset, Decimal(0))
