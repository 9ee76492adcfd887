"""What can be wrong with a market's feed, as codes: pages and alerts turn them into sentences."""

from __future__ import annotations

from enum import StrEnum

from trading.market_data.supervision import root_cause
from trading.venues.credentials import MissingCredential
from trading.venues.factory import UnknownAdapter
from trading.venues.interface import (
    AuthRejected,
    RateLimited,
    RejectReason,
    UnexpectedAnswer,
    VenueRejected,
    VenueUnavailable,
)


class FeedProblem(StrEnum):
    """The empty value means that nothing is wrong."""

    NONE = ""
    CONNECTING = "connecting"
    DISCONNECTED = "disconnected"
    AUTH_REJECTED = "auth_rejected"
    UNKNOWN_MARKET = "unknown_market"
    NOT_CONFIGURED = "not_configured"
    RATE_LIMITED = "rate_limited"
    UNEXPECTED_ANSWER = "unexpected_answer"
    RESYNCHRONISING = "resynchronising"
    STALE_BOOK = "stale_book"
    EMPTY_BOOK = "empty_book"
    CROSSED_BOOK = "crossed_book"
    MALFORMED_BOOK = "malformed_book"
    OWN_ORDERS_UNREADABLE = "own_orders_unreadable"
    NO_PARAMETERS = "no_parameters"


class BookBehind(Exception):
    """The streamed book stands still while the venue's own answer shows a later one."""


def problem_of(error: Exception | None) -> FeedProblem:
    """The code of what a venue adapter raised; None stands for a stream that ended without a word."""
    error = root_cause(error)
    if isinstance(error, BookBehind):
        return FeedProblem.STALE_BOOK
    if isinstance(error, MissingCredential | UnknownAdapter):
        return FeedProblem.NOT_CONFIGURED
    if isinstance(error, AuthRejected):
        return FeedProblem.AUTH_REJECTED
    if isinstance(error, VenueRejected) and error.reason is RejectReason.UNKNOWN_MARKET:
        return FeedProblem.UNKNOWN_MARKET
    if isinstance(error, RateLimited):
        return FeedProblem.RATE_LIMITED
    if isinstance(error, UnexpectedAnswer | VenueRejected):
        return FeedProblem.UNEXPECTED_ANSWER
    if error is None or isinstance(error, VenueUnavailable | OSError | TimeoutError):
        return FeedProblem.DISCONNECTED
    return FeedProblem.UNEXPECTED_ANSWER
