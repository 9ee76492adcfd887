"""Funding of perpetuals: payments between the accounts and the recorded market, once for every funding time.

Funding times are the whole multiples of an instrument's interval since the epoch, on the engine's clock. Before anything
that may change a position, what has come due is booked on the position as it then was. The last time settled is kept in
the ledger and committed with the payments: no funding time is ever booked twice. Times that passed without a mark price
(the venue was down) are settled as one, at the first moment that has a mark, with the last of those times.

The record holds no rates: they repeat a made-up cycle, or are set by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from trading.sandbox.account_ledger import MARKET_ACCOUNT
from trading.sandbox.contracts import funding_amount
from trading.sandbox.types import Funding, FundingRate, Instrument, Reject, RejectCode

if TYPE_CHECKING:
    from trading.sandbox.core import Core

SECOND_NS = 1_000_000_000
RATE_LIMIT = Decimal("0.05")
RATE_STEP = Decimal("1E-12")
RATE_CYCLE = tuple(
    Decimal(text)
    for text in ("0.0001", "0.00012", "0.00008", "0.00003", "-0.00004", "-0.0001", "-0.00006", "0.00002", "0.00005")
)


@dataclass(slots=True)
class FundingState:
    """Of one market. `settled_ns`: every funding time up to it is dealt with; `fixed_rate`: set by hand."""

    settled_ns: int
    last_ns: int | None = None
    last_rate: Decimal | None = None
    fixed_rate: Decimal | None = None

    def dump(self) -> str:
        return json.dumps([self.settled_ns, self.last_ns, _text(self.last_rate), _text(self.fixed_rate)])

    @classmethod
    def load(cls, text: str) -> FundingState:
        settled_ns, last_ns, last_rate, fixed_rate = json.loads(text)
        return cls(settled_ns, last_ns, _decimal(last_rate), _decimal(fixed_rate))


def start(core: Core, now_ns: int) -> None:
    """Take up the funding clocks of the ledger; a market that is new to it starts at the last time before now."""
    for symbol, instrument in core.instruments.items():
        if instrument.is_perpetual:
            known = core.store.meta(_key(symbol))
            state = FundingState(_last_time(instrument, now_ns)) if known is None else FundingState.load(known)
            core.funding[symbol] = state
            core.store.put_meta(_key(symbol), state.dump())


def settle_due(core: Core, now_ns: int, until_ns: int | None = None) -> None:
    """Book what is due now (or will be at `until_ns`), in a commit of its own."""
    until_ns = now_ns if until_ns is None else until_ns
    if _due(core, until_ns):
        core.begin()
        book_due(core, now_ns, until_ns)
        core.commit(now_ns)


def book_due(core: Core, now_ns: int, until_ns: int) -> None:
    """Book what is due at `until_ns` and has a mark, within the change that the caller commits."""
    for symbol, mark in _due(core, until_ns):
        _book(core, core.instruments[symbol], mark, _last_time(core.instruments[symbol], until_ns), now_ns)


def _due(core: Core, now_ns: int) -> list[tuple[str, Decimal]]:
    """Markets with a funding time to settle and a mark to settle it at."""
    found: list[tuple[str, Decimal]] = []
    for symbol, state in core.funding.items():
        if _last_time(core.instruments[symbol], now_ns) > state.settled_ns:
            mark = core.books[symbol].recorded_mid()
            if mark is not None:
                found.append((symbol, mark))
    return found


def _book(core: Core, instrument: Instrument, mark: Decimal, funding_ns: int, now_ns: int) -> None:
    symbol, state = instrument.symbol, core.funding[instrument.symbol]
    rate = _rate_at(state, instrument, funding_ns)
    for (account, of), held in sorted(core.perpetuals.holdings.items()):
        if of == symbol and held.size:
            amount = funding_amount(held.size, instrument, mark, rate)
            seq = core.next_funding_seq()
            core.ledger.move(MARKET_ACCOUNT, account, instrument.quote, amount)
            payment = Funding(
                funding_id=f"funding-{seq}",
                account=account,
                symbol=symbol,
                asset=instrument.quote,
                amount=amount,
                rate=rate,
                mark_price=mark,
                size=held.size,
                funding_ns=funding_ns,
                ts_ns=now_ns,
                seq=seq,
            )
            core.store.add_funding(payment)
            core.tell(payment)
    state.settled_ns = state.last_ns = funding_ns
    state.last_rate = rate
    core.store.put_meta(_key(symbol), state.dump())
    core.tell(current(core, symbol, now_ns))


def set_rate(core: Core, symbol: str, rate: Decimal | None, now_ns: int) -> FundingRate:
    """Fix the rate from the next funding on; None: the cycle again."""
    instrument = perpetual(core, symbol)
    if rate is not None and not (rate.is_finite() and abs(rate) <= RATE_LIMIT and not rate % RATE_STEP):
        raise Reject(RejectCode.BAD_REQUEST, f"a funding rate lies within ±{RATE_LIMIT} and has at most 12 decimals")
    settle_due(core, now_ns)
    core.begin()
    core.funding[instrument.symbol].fixed_rate = rate
    core.store.put_meta(_key(symbol), core.funding[symbol].dump())
    core.commit(now_ns)
    return current(core, symbol, now_ns)


def current(core: Core, symbol: str, now_ns: int) -> FundingRate:
    """Rate and time of the next funding."""
    instrument = perpetual(core, symbol)
    state, interval_ns = core.funding[symbol], instrument.funding_interval_s * SECOND_NS
    funding_ns = _last_time(instrument, max(now_ns, state.settled_ns)) + interval_ns
    return FundingRate(
        symbol=symbol,
        rate=_rate_at(state, instrument, funding_ns),
        funding_ns=funding_ns,
        next_funding_ns=funding_ns + interval_ns,
        interval_s=instrument.funding_interval_s,
        mark_price=core.books[symbol].recorded_mid(),
        last_rate=state.last_rate,
        last_funding_ns=state.last_ns,
        ts_ns=now_ns,
    )


def perpetual(core: Core, symbol: str) -> Instrument:
    """The perpetual of that name, or Reject."""
    instrument = core.instrument(symbol)
    if not instrument.is_perpetual:
        raise Reject(RejectCode.BAD_REQUEST, f"{symbol} is not a perpetual")
    return instrument


def _rate_at(state: FundingState, instrument: Instrument, funding_ns: int) -> Decimal:
    if state.fixed_rate is not None:
        return state.fixed_rate
    return RATE_CYCLE[funding_ns // (instrument.funding_interval_s * SECOND_NS) % len(RATE_CYCLE)]


def _last_time(instrument: Instrument, now_ns: int) -> int:
    """The last funding time that is not after now."""
    interval_ns = instrument.funding_interval_s * SECOND_NS
    return now_ns // interval_ns * interval_ns


def _key(symbol: str) -> str:
    return f"funding {symbol}"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
