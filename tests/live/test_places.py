"""Places of live sockets: so many in a process, of an address, opened in a minute; refused clearly, given back, forgotten."""

from __future__ import annotations

import json
import resource
from typing import Any

import pytest

from dcmm_portal.live_sockets import places as module
from dcmm_portal.live_sockets.places import Limits, Places, Refusal, allow_open_files, limited
from trading.clock import FakeClock
from trading.metrics import SOCKETS_CONNECTED, SOCKETS_REFUSED


def places(process: int = 10, address: int = 3, opened: int = 100, clock: FakeClock | None = None) -> Places:
    return Places("tested", Limits(process, address, opened), clock or FakeClock())


def test_an_address_has_only_so_many_and_gets_them_back() -> None:
    tested = places()
    assert [tested.take("192.0.2.1") for _ in range(4)] == [None, None, None, Refusal.ADDRESS]
    assert tested.take("192.0.2.2") is None
    tested.leave("192.0.2.1")
    assert tested.take("192.0.2.1") is None


def test_a_process_has_only_so_many_and_counts_them() -> None:
    tested = places(process=4, address=1)
    before = SOCKETS_REFUSED.labels("tested", "full")._value.get()
    assert [tested.take(f"192.0.2.{n}") for n in range(5)] == [None] * 4 + [Refusal.FULL]
    assert SOCKETS_CONNECTED.labels("tested")._value.get() == 4
    assert SOCKETS_REFUSED.labels("tested", "full")._value.get() == before + 1
    tested.leave("192.0.2.0")
    assert tested.take("192.0.2.9") is None


def test_opening_and_closing_all_the_time_is_held_back_for_the_minute() -> None:
    clock = FakeClock()
    tested = places(opened=5, clock=clock)
    for _ in range(5):
        assert tested.take("192.0.2.1") is None
        tested.leave("192.0.2.1")
    assert tested.take("192.0.2.1") is Refusal.RATE
    assert tested.take("192.0.2.2") is None
    clock.advance(60)
    assert tested.take("192.0.2.1") is None


def test_ten_thousand_tries_leave_no_trace_but_their_minute() -> None:
    clock = FakeClock()
    tested = places(process=3_000, address=100_000, clock=clock)
    answers = [tested.take(f"10.0.{n // 250}.{n % 250}") for n in range(10_000)]
    assert (answers.count(None), answers.count(Refusal.FULL)) == (3_000, 7_000)
    for n in range(3_000):
        tested.leave(f"10.0.{n // 250}.{n % 250}")
    clock.advance(60)
    tested.take("192.0.2.1")
    assert (len(tested._taken), len(tested._opened), tested._total) == (1, 1, 1)


class Asked:
    """One ASGI socket with `scope`; what the server was told."""

    def __init__(self, **scope: Any) -> None:
        self.scope = {"type": "websocket", "headers": [], "client": ("192.0.2.1", 5)} | scope
        self.sent: list[Any] = []

    async def send(self, message: Any) -> None:
        self.sent.append(message)


async def reached(scope: Any, receive: Any, send: Any) -> None:
    await send("reached")


async def raising(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [((0, 9, 9), 503, "sockets_full"), ((9, 0, 9), 429, "sockets_address"), ((9, 9, 0), 429, "sockets_rate")],
)
async def test_a_refusal_is_an_http_answer_before_the_socket_is_accepted(
    limits: tuple[int, int, int], status: int, code: str
) -> None:
    asked = Asked(extensions={"websocket.http.response": {}})
    await limited(reached, places(*limits))(asked.scope, None, asked.send)
    start, body = asked.sent
    assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
    assert dict(start["headers"])[b"retry-after"] in (b"30", b"60")
    told = json.loads(body["body"])
    assert told["code"] == code and told["message"]


async def test_a_server_that_cannot_answer_closes_with_try_again_later() -> None:
    asked = Asked()
    await limited(reached, places(process=0))(asked.scope, None, asked.send)
    assert asked.sent == [{"type": "websocket.close", "code": 1013, "reason": "full"}]


async def test_a_place_is_given_back_even_by_a_socket_that_fails() -> None:
    tested = places(address=1)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await limited(raising, tested)(Asked().scope, None, None)
    asked = Asked()
    await limited(reached, tested)(asked.scope, None, asked.send)
    assert asked.sent == ["reached"]


@pytest.mark.parametrize(
    ("proxies", "headers", "client", "counted_as"),
    [
        (0, [], ("192.0.2.1", 5), "192.0.2.1"),
        # Nobody gets a second identity by writing one.
        (0, [(b"x-forwarded-for", b"203.0.113.9")], ("192.0.2.1", 5), "192.0.2.1"),
        (1, [(b"x-forwarded-for", b"203.0.113.9, 198.51.100.7")], ("192.0.2.1", 5), "198.51.100.7"),
        (
            1,
            [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", b"198.51.100.8")],
            ("192.0.2.1", 5),
            "198.51.100.8",
        ),
        (0, [], ("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (0, [], ("fe80::1%eth0", 5), "fe80::/64"),
        (1, [(b"x-forwarded-for", b"x" * 5000)], ("192.0.2.1", 5), "x" * 64),
        (0, [], None, ""),
    ],
)
async def test_whom_a_socket_counts_for(
    settings: Any, proxies: int, headers: list[Any], client: Any, counted_as: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    tested = places()

    async def held(scope: Any, receive: Any, send: Any) -> None:
        assert tested._taken == {counted_as: 1}

    await limited(held, tested)(Asked(headers=headers, client=client).scope, None, None)
    assert tested._taken == {}


def test_the_process_gets_as_many_open_files_as_it_needs_or_fewer_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    limits, asked = (1024, 4096), []
    monkeypatch.setattr(module.resource, "getrlimit", lambda which: limits)
    monkeypatch.setattr(module.resource, "setrlimit", lambda which, to: asked.append(to))
    assert allow_open_files(700) == 700 and asked == []
    assert allow_open_files(2_000) == 2_000 and asked == [(2_256, 4096)]
    assert allow_open_files(5_000) == 3_840 and asked[1] == (4_096, 4_096)
    limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    assert allow_open_files(5_000) == 5_000


@pytest.mark.parametrize("name", ["SOCKETS_MAX", "SOCKETS_PER_ADDRESS", "SOCKETS_OPENED_PER_MIN"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "9999999"])
def test_a_limit_that_makes_no_sense_stops_the_start(name: str, value: str) -> None:
    import os
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", "import dcmm_portal.settings.channels"],
        env=os.environ | {name: value}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0 and name in done.stderr


def test_refused_tries_keep_nobody_of_their_address_out() -> None:
    tested = places(address=2, opened=5)
    assert [tested.take("192.0.2.1") for _ in range(2)] == [None, None]
    assert {tested.take("192.0.2.1") for _ in range(1_000)} == {Refusal.ADDRESS}
    tested.leave("192.0.2.1")
    assert tested.take("192.0.2.1") is None


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("::ffff:192.0.2.7", "192.0.2.7"), ("::ffff:c000:207", "192.0.2.7"), ("64:ff9b::192.0.2.7", "192.0.2.7"),
        ("64:ff9b:1::192.0.2.7", "64:ff9b:1::/64"), ("::1", "::/64"), ("192.0.2.7", "192.0.2.7"),
    ],
)  # fmt: skip
async def test_an_address_written_as_another_kind_counts_for_itself(address: str, counted_as: str) -> None:
    tested = places()

    async def held(scope: Any, receive: Any, send: Any) -> None:
        assert tested._taken == {counted_as: 1}

    await limited(held, tested)(Asked(client=(address, 5)).scope, None, None)


@pytest.mark.parametrize(
    ("allowed", "places_of"), [(5_500, (5_000, 500)), (1_000, (500, 500)), (768, (384, 384)), (3, (2, 1)), (1, (1, 1))]
)
def test_places_are_never_fewer_than_one_of_each(allowed: int, places_of: tuple[int, int]) -> None:
    from dcmm_portal.sockets import shared

    assert shared(allowed) == places_of
