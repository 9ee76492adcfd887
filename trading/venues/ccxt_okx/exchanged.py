"""One call through ccxt: what goes with it, and what the venue answered. Known without loading ccxt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

QUEUE_LIMIT = 10_000
SUBSCRIBED: Any = {"event": "subscribe"}  # among the rows: from here on they are of a new subscription

ENVELOPE_CODES = frozenset({"0", "1", "2"})


@dataclass(slots=True)
class Exchanged:
    """`code` is the envelope's, or the first failed row's; "" when the answer is not in OKX's own form.

    `told_ns`: the venue's clock when it handled the request, None if it did not say.
    """

    expires_ms: int | None = None
    status: int | None = None
    retry_after: str = ""
    code: str = ""
    message: str = ""
    told_ns: int | None = None

    def note(self, status: Any, headers: Any, response: Any) -> None:
        """Take in an answer, whoever wrote it."""
        self.status = status
        names = {str(name).lower(): value for name, value in (headers or {}).items()}
        self.retry_after = str(names.get("retry-after", ""))
        self.code = self.message = ""
        self.told_ns = None
        if not isinstance(response, dict) or not _is_code(response.get("code")):
            return
        self.code, self.message = response["code"], str(response.get("msg", ""))
        self.told_ns = told_ns(response)
        data = response.get("data")
        for row in data if isinstance(data, list) else ():
            if isinstance(row, dict) and str(row.get("sCode", "0")) not in ("0", ""):
                self.code, self.message = str(row.get("sCode")), str(row.get("sMsg", ""))
                return


def _is_code(value: object) -> bool:
    """OKX's codes are strings: 0, 1, 2, and numbers of five digits. A gateway's `{"code": 403}` is none."""
    if not isinstance(value, str):
        return False
    return value in ENVELOPE_CODES or (len(value) == 5 and value.isascii() and value.isdigit())


def told_ns(message: Mapping[str, Any]) -> int | None:
    """The `ts` of the message's first row, ns; None where there is none."""
    data = message.get("data")
    row = data[0] if isinstance(data, list) and data else None
    stamp = row.get("ts") if isinstance(row, dict) else None
    if not isinstance(stamp, str) or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 16:
        return None
    return int(stamp) * 1_000_000


_current: ContextVar[Exchanged | None] = ContextVar("okx_exchanged", default=None)


def current_exchange() -> Exchanged | None:
    """The call that the running code serves, if any."""
    return _current.get()


@contextmanager
def exchanging(exchanged: Exchanged) -> Iterator[Exchanged]:
    """Around a call of the client: its hooks fill `exchanged` in."""
    token = _current.set(exchanged)
    try:
        yield exchanged
    finally:
        _current.reset(token)
