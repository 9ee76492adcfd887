"""Refusals in the venue's own words; each dialect translates them."""

from __future__ import annotations

from trading.sandbox.types import Reject, RejectCode


class ApiError(Exception):
    """A request refused, nothing changed. `code`: docs/sandbox-venue.md section 6; `status`: the HTTP status."""

    def __init__(self, status: int, code: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s


class DropConnection(Exception):
    """A fault: reset the connection instead of answering."""


_NOT_FOUND = {RejectCode.UNKNOWN_SYMBOL, RejectCode.UNKNOWN_ORDER}
_CONFLICT = {
    RejectCode.POST_ONLY_WOULD_TAKE,
    RejectCode.INSUFFICIENT_BALANCE,
    RejectCode.INSUFFICIENT_MARGIN,
    RejectCode.DUPLICATE_CLIENT_ORDER_ID,
    RejectCode.ORDER_ALREADY_DONE,
    RejectCode.DEADLINE_PASSED,
    RejectCode.SELF_TRADE,
}


def from_reject(reject: Reject) -> ApiError:
    """The engine's refusal as an API error with its HTTP status."""
    if reject.code in _NOT_FOUND:
        status = 404
    elif reject.code in _CONFLICT:
        status = 409
    else:
        status = 400
    return ApiError(status, reject.code.value, reject.message)


def bad_parameter(name: str, wanted: str) -> ApiError:
    """400: a parameter that is there but not acceptable."""
    return ApiError(400, "invalid_parameter", f"{name} must be {wanted}")


def missing_parameter(name: str) -> ApiError:
    """400: a parameter that has to be there."""
    return ApiError(400, "missing_parameter", f"{name} is required")
