"""What the wallets of the treasury hold and held. Each answer reads one row per wallet, asset and time asked, by the index of
`treasury_balance_once`: however often balances were observed, a page costs the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import connection
from django.db.models import OuterRef, Subquery

from trading.models import Asset, TreasuryBalance, TreasuryWallet

_NEWEST: Final = """
SELECT b.* FROM treasury_wallets w CROSS JOIN assets a CROSS JOIN LATERAL (
    SELECT * FROM treasury_balances WHERE wallet_id = w.id AND asset_id = a.id ORDER BY observed_at DESC LIMIT 1
) b ORDER BY w.id, a.id
"""
# Days are whole 24 hours in the Maldives; a "day" of the session's time zone may not be.
_DAILY: Final = """
SELECT w.id, d.number, b.amount
FROM unnest(%s::bigint[]) AS w(id) CROSS JOIN generate_series(0, %s - 1) AS d(number) CROSS JOIN LATERAL (
    SELECT amount FROM treasury_balances
    WHERE wallet_id = w.id AND asset_id = %s AND observed_at >= %s + d.number * interval '24 hours'
        AND observed_at < %s + (d.number + 1) * interval '24 hours'
    ORDER BY observed_at DESC LIMIT 1
) b
"""


def newest_balances() -> list[TreasuryBalance]:
    """The newest balance of each asset in each wallet, by wallet and asset."""
    return list(TreasuryBalance.objects.raw(_NEWEST))


def held_assets() -> list[str]:
    """Ids of the assets of which a balance is known, sorted."""
    found = Asset.objects.annotate(at=_newest_at(asset=OuterRef("pk"))).exclude(at=None)
    return list(found.order_by("pk").values_list("pk", flat=True))


def holders(asset: str) -> list[TreasuryWallet]:
    """The wallets of which a balance of the asset is known, oldest first."""
    found = TreasuryWallet.objects.annotate(at=_newest_at(wallet=OuterRef("pk"), asset_id=asset)).exclude(at=None)
    return list(found.order_by("pk"))


def _newest_at(**which: Any) -> Subquery:
    # One row by an index each time: "exists" may be planned as a join that reads every observation.
    return Subquery(TreasuryBalance.objects.filter(**which).order_by("-observed_at").values("observed_at")[:1])


def daily_balances(asset: str, wallet_ids: Sequence[int], first: datetime, days: int) -> dict[tuple[int, int], Decimal]:
    """The last balance of the asset (its units) by wallet id and number of the 24 hours after `first`; missing where none was
    observed in them."""
    with connection.cursor() as cursor:
        cursor.execute(_DAILY, [list(wallet_ids), days, asset, first, first])
        return {(wallet_id, number): amount for wallet_id, number, amount in cursor.fetchall()}
