"""What ccxt raised, and what OKX answered, as the outcomes of the interface.

The venue's own status and code decide, not the class that ccxt chose: one class stands for refusals and for answers
that settle nothing. Codes are those of OKX's published table.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from trading.venues.ccxt_okx.exchanged import ENVELOPE_CODES, Exchanged
from trading.venues.interface import (
    AuthRejected,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    RejectReason,
    UnexpectedAnswer,
    VenueError,
    VenueRejected,
    VenueUnavailable,
)

MAX_MESSAGE = 200
CLOCK_CODES = frozenset({"50102", "50112"})
RATE_CODES = frozenset({"50011", "50040", "50061"})
AUTH_CODES = frozenset({"50100", *(str(code) for code in range(50101, 50120)), "50027", "50030"})
# "Does not indicate success or failure", system busy, system error, timed out: the order may have been executed.
UNSETTLED_CODES = frozenset({"50001", "50004", "50005", "50013", "50026", "51054"})
DEADLINE_CODE = "51149"
NOTHING_TO_AMEND_CODE = "51500"
NO_SUCH_ORDER = "51603"
# The order is filled, cancelled or was never there: the code does not say which.
DONE_OR_UNKNOWN_CODES = frozenset({"51400", "51401", "51402", "51410", "51503", "51509", "51510"})

REASONS: Mapping[str, RejectReason] = {
    "51001": RejectReason.UNKNOWN_MARKET,
    "51006": RejectReason.BAD_PRICE,
    "51031": RejectReason.BAD_PRICE,
    "51116": RejectReason.BAD_PRICE,
    "51005": RejectReason.BAD_SIZE,
    "51121": RejectReason.BAD_SIZE,
    "51007": RejectReason.BELOW_MINIMUM,
    "51020": RejectReason.BELOW_MINIMUM,
    "51008": RejectReason.INSUFFICIENT_BALANCE,
    "51119": RejectReason.INSUFFICIENT_BALANCE,
    "51131": RejectReason.INSUFFICIENT_BALANCE,
    "51502": RejectReason.INSUFFICIENT_BALANCE,
    "51016": RejectReason.DUPLICATE_CLIENT_ORDER_ID,
    "51021": RejectReason.MARKET_CLOSED,
    "51022": RejectReason.MARKET_CLOSED,
    "51027": RejectReason.MARKET_CLOSED,
    "51511": RejectReason.POST_ONLY_WOULD_TAKE,
    NO_SUCH_ORDER: RejectReason.UNKNOWN_ORDER,
}
# 51000 is "parameter error": its message names the parameter.
PARAMETER_WORDS: Mapping[str, RejectReason] = {
    "self": RejectReason.SELF_TRADE,
    "same account": RejectReason.SELF_TRADE,
    "price": RejectReason.BAD_PRICE,
    "tick": RejectReason.BAD_PRICE,
    "px": RejectReason.BAD_PRICE,
    "size": RejectReason.BAD_SIZE,
    "sz": RejectReason.BAD_SIZE,
}


def of_write(name: str, error: Exception | None, exchanged: Exchanged, *, sent: bool) -> VenueError:
    """The outcome of a write that did not end well."""
    what = "" if error is None else f" ({type(error).__name__})"
    if not sent:
        return NotSent(f"{name}: nothing left this process{what}")
    if exchanged.status is None:
        return OutcomeUnknown(f"{name}: no answer after sending{what}")
    if exchanged.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return OutcomeUnknown(f"{name}: the venue answered {exchanged.status}")
    if not exchanged.code:
        # Not OKX's own words, whatever the status (a gateway's 403, 429?): the order may have been executed before.
        return OutcomeUnknown(f"{name}: an answer that is not OKX's, {_told(exchanged)}{what}")
    definite = _definite(name, exchanged)
    if definite is not None:
        return definite
    timed_out = exchanged.code == DEADLINE_CODE and exchanged.expires_ms is None
    if exchanged.code in ENVELOPE_CODES or exchanged.code in UNSETTLED_CODES or timed_out or error is None:
        return OutcomeUnknown(f"{name}: an answer that settles nothing, {_told(exchanged)}{what}")
    return VenueRejected(_reason(exchanged), _told(exchanged))


def of_read(name: str, error: Exception, exchanged: Exchanged) -> VenueError:
    """Why a read failed."""
    what = type(error).__name__
    if exchanged.status is None:
        return VenueUnavailable(f"{name}: no answer from the venue ({what})")
    if exchanged.status >= HTTPStatus.INTERNAL_SERVER_ERROR or exchanged.code in UNSETTLED_CODES:
        return VenueUnavailable(f"{name}: the venue answered {exchanged.status}")
    definite = _definite(name, exchanged)
    if definite is not None:
        return definite
    if exchanged.code in REASONS:
        return VenueRejected(_reason(exchanged), _told(exchanged))
    return UnexpectedAnswer(f"{name}: {_told(exchanged)} ({what})")


def _definite(name: str, exchanged: Exchanged) -> VenueError | None:
    """Refusals before execution that both reads and writes know."""
    if exchanged.status == HTTPStatus.TOO_MANY_REQUESTS or exchanged.code in RATE_CODES:
        return RateLimited(f"{name}: {_told(exchanged)}", retry_after_s(exchanged.retry_after))
    unsigned = not exchanged.code and exchanged.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    if exchanged.code in AUTH_CODES or unsigned:
        return AuthRejected(f"{name}: {_told(exchanged)}")
    return None


def _reason(exchanged: Exchanged) -> RejectReason:
    if exchanged.code == DEADLINE_CODE and exchanged.expires_ms is not None:
        return RejectReason.DEADLINE_PASSED
    if exchanged.code == "51000":
        words = exchanged.message.lower()
        return next((reason for word, reason in PARAMETER_WORDS.items() if word in words), RejectReason.OTHER)
    return REASONS.get(exchanged.code, RejectReason.OTHER)


def _told(exchanged: Exchanged) -> str:
    code = exchanged.code or f"status {exchanged.status}"
    return f"{code}: {exchanged.message}"[:MAX_MESSAGE]


def retry_after_s(text: str) -> float | None:
    """Seconds of a Retry-After header, None if it has no usable number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value <= 3600.0 else None
