"""What OKX's status and code mean for a request, from its published table; ccxt's class of error decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from trading.venues.ccxt_okx.exchanged import Exchanged
from trading.venues.ccxt_okx.history import Fetch, Json, rows_after
from trading.venues.ccxt_okx.outcomes import of_read, of_write
from trading.venues.interface import (
    AuthRejected,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    RejectReason,
    UnexpectedAnswer,
    VenueRejected,
    VenueUnavailable,
)


class AnyError(Exception):
    """Stands for whatever ccxt raised."""


def write(status: int | None, code: str = "", message: str = "", *, expires_ms: int | None = None) -> Exception:
    return of_write("place", AnyError("secret text"), Exchanged(expires_ms, status, "", code, message), sent=True)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (None, ""),  # time-out, broken socket
        (500, "51008"),  # a 5xx settles nothing, whatever its body says
        (502, ""),
        (503, "50026"),
        (504, "50004"),
        (200, "50004"),
        (200, "50001"),
        (200, "50013"),
        (200, "51054"),
        (200, "51149"),  # timed out, and we had sent no deadline
        (200, ""),
        (200, "1"),  # "all operations failed" without a row that says how
        (404, ""),  # somebody else's page
        (401, ""),
        (403, ""),
        (429, ""),
    ],
)
def test_these_settle_nothing(status: int | None, code: str) -> None:
    assert isinstance(write(status, code), OutcomeUnknown)


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        ("51008", "", RejectReason.INSUFFICIENT_BALANCE),
        ("51016", "", RejectReason.DUPLICATE_CLIENT_ORDER_ID),
        ("51020", "", RejectReason.BELOW_MINIMUM),
        ("51121", "", RejectReason.BAD_SIZE),
        ("51006", "", RejectReason.BAD_PRICE),
        ("51001", "", RejectReason.UNKNOWN_MARKET),
        ("51022", "", RejectReason.MARKET_CLOSED),
        ("51511", "", RejectReason.POST_ONLY_WOULD_TAKE),
        ("51000", "Parameter px error", RejectReason.BAD_PRICE),
        ("51000", "Parameter sz error", RejectReason.BAD_SIZE),
        ("51000", "Parameter tag error", RejectReason.OTHER),
        ("59999", "never seen before", RejectReason.OTHER),
    ],
)
def test_these_are_definitive_refusals(code: str, message: str, reason: RejectReason) -> None:
    refused = write(200, code, message)
    assert isinstance(refused, VenueRejected)
    assert refused.reason is reason


def test_a_passed_deadline_is_one_only_when_a_deadline_was_sent() -> None:
    refused = write(200, "51149", expires_ms=1)
    assert isinstance(refused, VenueRejected)
    assert refused.reason is RejectReason.DEADLINE_PASSED


def test_limits_credentials_and_what_never_left() -> None:
    assert isinstance(write(429, "50011"), RateLimited)
    assert isinstance(write(200, "50061"), RateLimited)
    for code in ("50102", "50105", "50111", "50113"):
        assert isinstance(write(401, code), AuthRejected)
    assert isinstance(of_write("place", AnyError(), Exchanged(), sent=False), NotSent)
    limited = of_write("place", AnyError(), Exchanged(None, 429, "1.5", "50011", ""), sent=True)
    assert isinstance(limited, RateLimited)
    assert limited.retry_after_s == 1.5


@pytest.mark.parametrize("body", [{"code": 403}, {"code": "403"}, {"code": "Forbidden"}, {"code": "50111x"}, [], None])
def test_a_code_that_is_not_of_okxs_form_is_none(body: object) -> None:
    exchanged = Exchanged()
    exchanged.note(403, {"Retry-After": "2"}, body)
    assert (exchanged.status, exchanged.retry_after, exchanged.code) == (403, "2", "")
    exchanged.note(401, {}, {"code": "50111", "msg": "Invalid OK-ACCESS-KEY"})
    assert (exchanged.code, exchanged.message) == ("50111", "Invalid OK-ACCESS-KEY")


def test_reads() -> None:
    cases = [
        (403, "", AuthRejected),
        (429, "", RateLimited),
        (None, "", VenueUnavailable),
        (503, "", VenueUnavailable),
        (200, "50004", VenueUnavailable),
        (429, "50011", RateLimited),
        (401, "50111", AuthRejected),
        (200, "51001", VenueRejected),
        (200, "0", UnexpectedAnswer),
        (200, "", UnexpectedAnswer),
    ]
    for status, code, wanted in cases:
        assert type(of_read("balances", AnyError("secret text"), Exchanged(None, status, "", code, ""))) is wanted


def test_what_ccxt_says_is_not_repeated() -> None:
    for status, code in ((None, ""), (200, "51008"), (500, ""), (200, "50004")):
        assert "secret text" not in str(write(status, code))


async def test_pages_read_backwards_meet_without_hole_or_double() -> None:
    everything = [{"billId": str(number), "ts": str(number // 7)} for number in range(1, 431)]
    asked: list[dict[str, str]] = []

    def pages(key: str) -> Fetch:
        async def fetch(params: dict[str, str]) -> Sequence[Json]:
            asked.append(params)
            after, before = int(params.get("after", 10**9)), int(params.get("before", -1))
            return [row for row in reversed(everything) if before < int(row[key]) < after][:100]

        return fetch

    assert await rows_after(pages("billId"), "billId", "17") == everything[17:]
    assert len(asked) == 5
    shared = await rows_after(pages("ts"), "ts", "2", step=1)
    assert {row["billId"] for row in shared} == {row["billId"] for row in everything if int(row["ts"]) > 2}
    assert await rows_after(pages("billId"), "billId", "430") == []
