"""The other way round than `quotes_json`: a market's quotes as they were told, for whoever gets them by message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from trading.market_status import DepthBand, InventoryLimits, MarketStatus

_TEXTS = ("slug", "venue", "venue_name", "base", "quote", "symbol", "instrument", "source_label", "state", "mid_source")
_AMOUNTS = ("mid", "bid", "bid_size", "ask", "ask_size", "market_bid", "market_ask", "spread_bps", "market_spread_bps")
_LONGEST = 60


class NotAStatus(ValueError):
    """The message is not what `status_json` makes."""


def quotes_of(told: Mapping[str, Any]) -> MarketStatus:
    """What `quotes_json` tells, and the limits, out of a `status_json`: nothing else of it is read. Raises `NotAStatus`.

    `quotes_json` of the answer equals what was told.
    """
    try:
        texts = {name: _text(told[name]) for name in _TEXTS}
        amounts = {name: _amount(told[name]) for name in _AMOUNTS}
        alike: dict[str, Any] = {**texts, **amounts}
        return MarketStatus(
            **alike,
            limits=_limits(told["limits"]),
            depth=tuple(_band(band) for band in told["depth"]),
            feed_age_s=None if told["feed_age_s"] is None else float(told["feed_age_s"]),
            parameter_version=None if told["parameter_version"] is None else int(told["parameter_version"]),
            tick=Decimal(1).scaleb(-int(told["price_decimals"])),
            lot_step=Decimal(1).scaleb(-int(told["size_decimals"])),
            updated_ns=_ns(told["updated_at"]),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as problem:
        raise NotAStatus(f"{type(problem).__name__}: {problem}"[:200]) from None


def _text(told: Any) -> str:
    if not isinstance(told, str):
        raise TypeError("not a text")
    return told


def _amount(told: Any) -> Decimal | None:
    if told is None:
        return None
    amount = Decimal(_text(told))
    # Nothing that would fill pages of zeros when written out.
    if not amount.is_finite() or len(told) > _LONGEST or abs(amount.adjusted()) > _LONGEST:
        raise InvalidOperation("no amount of a market")
    return amount


def _known(told: Any) -> Decimal:
    amount = _amount(told)
    if amount is None:
        raise TypeError("no amount")
    return amount


def _limits(told: Any) -> InventoryLimits | None:
    if told is None:
        return None
    return InventoryLimits(**{name: _known(told[name]) for name in ("target", "taper", "soft", "hard")})


def _band(told: Any) -> DepthBand:
    amounts = {name: _known(told[name]) for name in ("band_pct", "bid", "ask", "our_bid", "our_ask")}
    return DepthBand(**amounts, is_complete=told["is_complete"] is True)


def _ns(told: Any) -> int | None:
    if told is None:
        return None
    since = datetime.fromisoformat(_text(told)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
