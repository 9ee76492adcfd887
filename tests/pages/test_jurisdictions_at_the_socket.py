"""Rules by jurisdiction at the public socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.db import connections

from disclosures.jurisdictions import sockets
from disclosures.jurisdictions.whereabouts import countries_of_socket
from tests.pages.socket import Socket
from tests.pages.test_jurisdictions import rule
from tests.review.clock import database_time_kept
from tests.review.desk import Desk, open_desk


def scope_of(*headers: tuple[bytes, bytes], **cookies: str) -> dict[str, Any]:
    return {"headers": list(headers), "cookies": cookies}


def test_a_socket_is_placed_as_a_request_is(settings: Any) -> None:
    settings.TRUSTED_PROXIES, settings.COUNTRY_HEADER = 1, "CF-IPCountry"
    through = (b"x-forwarded-for", b"203.0.113.7")
    assert countries_of_socket(scope_of((b"cf-ipcountry", b"MV"), through)) == ("MV",)
    assert countries_of_socket(scope_of((b"cf-ipcountry", b"IN"), (b"cf-ipcountry", b"MV"), through)) == ("IN", "MV")
    assert countries_of_socket(scope_of((b"cf_ipcountry", b"IN"), through)) == ("",)
    assert countries_of_socket(scope_of((b"cf-ipcountry", b"IN"))) == ("",)
    assert countries_of_socket(scope_of(through, dcmm_country="MV")) == ("", "MV")
    settings.TRUSTED_PROXIES = 0
    assert countries_of_socket(scope_of((b"cf-ipcountry", b"IN"), through)) == ("",)


@pytest.fixture
async def fresh_threads() -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def committed_desk(committed_db: None, fresh_threads: None, valkey: str) -> Iterator[Desk]:
    cache.clear()
    sockets.forget_rules()
    with database_time_kept():
        yield open_desk()
    sockets.forget_rules()


def socket(*headers: tuple[bytes, bytes]) -> Socket:
    from dcmm_portal.asgi import application

    return Socket(application, "/ws/public/", [(b"origin", b"http://localhost"), (b"host", b"localhost"), *headers])


async def told_a_snapshot(of: Socket) -> None:
    async with asyncio.timeout(5):
        while (await of.told())["type"] != "snapshot":
            pass


async def test_the_public_socket_is_closed_with_a_code(
    committed_desk: Desk, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.TRUSTED_PROXIES, settings.COUNTRY_HEADER = 1, "CF-IPCountry"
    monkeypatch.setattr("disclosures.live.hub.PING_EVERY_S", 0.05)
    monkeypatch.setattr("disclosures.live.hub.LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(sockets, "KEPT_S", 0.0)
    maldives = ((b"cf-ipcountry", b"MV"), (b"x-forwarded-for", b"203.0.113.7"))
    before = socket(*maldives)
    assert await before.connect()
    await told_a_snapshot(before)
    await sync_to_async(rule)(committed_desk, "MV", "block")
    after = socket(*maldives)
    assert await after.connect()
    assert (await after.receive_output(5)) == {"type": "websocket.close", "code": 4451}
    # The one that was open is closed at the next ping.
    async with asyncio.timeout(5):
        while (message := await before.receive_output(5))["type"] != "websocket.close":
            pass
    assert message["code"] == 4451
    elsewhere = socket((b"cf-ipcountry", b"IN"), (b"x-forwarded-for", b"203.0.113.7"))
    assert await elsewhere.connect()
    await told_a_snapshot(elsewhere)
    await elsewhere.disconnect()
    said = socket((b"cf-ipcountry", b"IN"), (b"x-forwarded-for", b"203.0.113.7"), (b"cookie", b"dcmm_country=MV"))
    assert await said.connect()
    assert (await said.receive_output(5)) == {"type": "websocket.close", "code": 4451}
