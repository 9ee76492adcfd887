"""From a venue's fill, transfer or funding payment to what the inbox carries: one mapping for every source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog

from trading.hot_state.values import RawFill, RawFunding, RawTransfer
from trading.registry.selectors import MarketRef
from trading.venues.interface import OwnFill, VenueTransfer
from trading.venues.perpetuals import FundingPayment

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AccountMarkets:
    """Every market of one account that the registry knows, by slug: also those switched off or not listed just now."""

    account: str
    venue: str
    refs: Mapping[str, MarketRef]

    @classmethod
    def of(cls, refs: Iterable[MarketRef]) -> AccountMarkets:
        """Of at least one market; all are of one account."""
        by_slug = {ref.slug: ref for ref in refs}
        one = next(iter(by_slug.values()))
        return cls(one.account, one.venue, by_slug)


def raw_fill(fill: OwnFill, markets: AccountMarkets, source: str, received_ns: int) -> RawFill:
    """The venue's fill as the ledger identifies it.

    One on a market that the registry does not know goes on under the venue's own name (`venue:<symbol>`): the ledger
    sets it aside where people see it, nothing else may drop it.
    """
    ref = markets.refs.get(fill.market)
    if ref is None:
        log.error("fill_of_unknown_market", account=markets.account, market=fill.market, trade=fill.trade_id)
    return RawFill(
        market=fill.market,
        venue=markets.venue,
        account=markets.account,
        symbol=ref.venue_symbol if ref else fill.market.removeprefix("venue:"),
        trade_id=fill.trade_id,
        order_id=fill.venue_order_id,
        client_order_id=fill.client_order_id,
        side=fill.side.value,
        price=fill.price,
        size=fill.size,
        maker=fill.maker,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        venue_ns=fill.venue_ns,
        source=source,
        received_ns=received_ns,
        realised_pnl=fill.realised_pnl,
    )


def raw_transfer(transfer: VenueTransfer, markets: AccountMarkets, source: str, received_ns: int) -> RawTransfer:
    """The venue's transfer as the ledger identifies it."""
    return RawTransfer(
        venue=markets.venue,
        account=markets.account,
        transfer_id=transfer.transfer_id,
        asset=transfer.asset,
        amount=transfer.amount,
        venue_ns=transfer.venue_ns,
        source=source,
        received_ns=received_ns,
    )


def raw_funding(payment: FundingPayment, markets: AccountMarkets, source: str, received_ns: int) -> RawFunding:
    """The venue's funding payment as the ledger identifies it; one on an unknown market goes on as a fill does."""
    ref = markets.refs.get(payment.market)
    return RawFunding(
        market=payment.market,
        venue=markets.venue,
        account=markets.account,
        symbol=ref.venue_symbol if ref else payment.market.removeprefix("venue:"),
        payment_id=payment.payment_id,
        asset=payment.asset,
        amount=payment.amount,
        mark_price=payment.mark_price,
        venue_ns=payment.venue_ns,
        source=source,
        received_ns=received_ns,
    )
