"""The live push and the sockets: what changed is told, each audience in its own form; strangers are turned away."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.test import Client

from governance.access.roles import Role
from tests.pages import stage
from tests.pages.socket import Socket
from tests.support.demo import declare_two_markets
from trading.clock import FakeClock
from trading.events.live import GROUP, LivePush, history_point, market_message
from trading.hot_state.connection import async_client
from trading.hot_state.market import read_history
from trading.selectors import market_status

ORIGIN = [(b"origin", b"http://localhost"), (b"host", b"localhost")]


@pytest.fixture
async def fresh_threads() -> AsyncIterator[None]:
    """Connections of the threads that async code uses end with the test: its database does too."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def committed_desk(committed_db: None, fresh_threads: None, valkey: str) -> None:
    from django.core.cache import cache

    cache.clear()
    declare_two_markets(datetime.now(UTC))
    for slug in (stage.DEX, stage.CEX):
        stage.hot_market(slug, time.time_ns())


def _cookie(user: object) -> list[tuple[bytes, bytes]]:
    client = Client()
    stage.sign_in(client, user)
    return [(b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())]


def _socket(path: str, headers: list[tuple[bytes, bytes]]) -> Socket:
    from dcmm_portal.asgi import application

    return Socket(application, path, headers)


async def test_the_public_socket_starts_with_a_snapshot_and_follows_changes(committed_desk: None) -> None:
    socket = _socket("/ws/public/", ORIGIN)
    assert await socket.connect()
    first = [await socket.told() for _ in range(2)]
    assert [(message["type"], message["market"]) for message in first] == [
        ("snapshot", stage.DEX),
        ("snapshot", stage.CEX),
    ]
    assert first[0]["status"]["bid"] == "0.236464"
    await sync_to_async(stage.hot_market)(stage.DEX, time.time_ns(), mid=Decimal("0.2400"))
    status = await sync_to_async(market_status)(stage.DEX, time.time_ns())
    await get_channel_layer().group_send(GROUP, market_message(status))
    told = await socket.told()
    assert (told["type"], told["market"], told["status"]["mid"]) == ("market", stage.DEX, "0.24")
    body = json.dumps(told)
    assert "203500" not in body
    assert "unrealised" not in body
    await socket.disconnect()


async def test_the_desk_socket_is_for_staff_roles(committed_desk: None) -> None:
    nobody = await sync_to_async(stage.person)("nobody", is_superuser=True)
    for headers in (ORIGIN, ORIGIN + await sync_to_async(_cookie)(nobody)):
        socket = _socket("/ws/desk/", headers)
        await socket.connect()
        closed = await socket.receive_output(3)
        assert (closed["type"], closed["code"]) == ("websocket.close", 4403)


async def test_the_desk_socket_tells_everything_in_the_readers_language(committed_desk: None) -> None:
    person = await sync_to_async(stage.person)("auditor", Role.AUDITOR)
    socket = _socket("/ws/desk/?lang=en", ORIGIN + await sync_to_async(_cookie)(person))
    assert await socket.connect()
    message = await socket.told()
    assert (message["type"], message["market"]) == ("snapshot", stage.DEX)
    assert message["sentence"].startswith("Quoting both sides: 1000 at 0.236464")
    assert message["status"]["inventory"] == "203500"
    assert [row[0] for row in message["book"]["bids"] if row[2] != "0"] == ["0.236464"]
    fills = await socket.told()
    assert (fills["type"], fills["market"], fills["fills"]) == ("fills", stage.DEX, [])
    await socket.disconnect()


async def test_who_finds_no_place_is_told_to_come_later(committed_desk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from dcmm_portal import sockets
    from dcmm_portal.live_sockets.places import Limits

    nobody = await sync_to_async(stage.person)("auditor", Role.AUDITOR)
    cookie = await sync_to_async(_cookie)(nobody)
    monkeypatch.setattr(sockets.PUBLIC_PLACES, "limits", Limits(1, 100, 1_000_000))
    first, second = _socket("/ws/public/", ORIGIN), _socket("/ws/public/", ORIGIN)
    assert await first.connect()
    await second.send_input({"type": "websocket.connect"})
    assert await second.receive_output(5) == {"type": "websocket.close", "code": 1013, "reason": "full"}
    # A crowd of visitors takes no place of the desk.
    desk = _socket("/ws/desk/", ORIGIN + cookie)
    assert await desk.connect()
    await desk.disconnect()
    await first.disconnect()
    third = _socket("/ws/public/", ORIGIN)
    assert await third.connect()
    await third.disconnect()


async def test_public_sockets_read_no_session_and_have_no_channel(
    committed_desk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.auth.get_user", None)
    monkeypatch.setattr("channels_redis.pubsub.RedisPubSubLoopLayer.group_discard", None)
    sockets = [_socket("/ws/public/", [*ORIGIN, (b"cookie", b"sessionid=x")]) for _ in range(3)]
    for socket in sockets:
        assert await socket.connect()
    layer = get_channel_layer()
    assert layer.channels == {}
    for socket in sockets:
        await socket.disconnect()


def test_a_full_collection_does_not_search_what_was_loaded() -> None:
    code = "import django, gc; django.setup(); import dcmm_portal.asgi; print(gc.get_freeze_count())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert int(done.stdout) > 50_000, done.stderr


async def test_another_sites_page_gets_no_socket(committed_desk: None) -> None:
    socket = _socket("/ws/public/", [(b"origin", b"https://elsewhere.example"), (b"host", b"localhost")])
    assert not await socket.connect()


async def test_what_a_client_sends_does_not_end_its_socket(committed_desk: None) -> None:
    socket = _socket("/ws/public/", ORIGIN)
    await socket.connect()
    await socket.send({"type": "anything"})
    assert (await socket.told())["type"] == "snapshot"
    await socket.disconnect()


@pytest.mark.parametrize(
    ("frame", "code"), [({"text": "{bad"}, "not_json"), ({"text": "[" * 4000}, "not_json"), ({"bytes": b"\xff"}, "not_text"),
                        ({"text": ""}, "not_json")],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/ws/public/", "/ws/desk/"])
async def test_nonsense_is_answered_and_the_socket_lives(
    committed_desk: None, path: str, frame: dict[str, object], code: str
) -> None:
    person = await sync_to_async(stage.person)("auditor", Role.AUDITOR)
    socket = _socket(path, ORIGIN + await sync_to_async(_cookie)(person))
    assert await socket.connect()
    await socket.send_input({"type": "websocket.receive"} | frame)
    told = await _told_of(socket, "error")
    assert told == {"type": "error", "market": None, "code": code}
    await socket.send({"still": "here"})
    await socket.disconnect()


async def test_a_flood_of_nonsense_and_a_huge_message_close_the_socket(committed_desk: None) -> None:
    for frames, code in (([{"text": "{bad"}] * 11, 4400), ([{"text": '"' + "x" * 5000 + '"'}], 1009)):
        socket = _socket("/ws/public/", ORIGIN)
        assert await socket.connect()
        for frame in frames:
            await socket.send_input({"type": "websocket.receive"} | frame)
        assert await _closed(socket) == code


async def test_the_desk_socket_ends_with_the_session(committed_desk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign-out, a new password, expiry and a lost role each end it."""
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    from governance import consumers

    monkeypatch.setattr(consumers, "ROLE_CHECK_EVERY_S", 0.1)

    def sign_out(client: Client) -> None:
        client.post("/accounts/sign-out/")

    def new_password(client: Client) -> None:
        person = stage.User.objects.get(username="new_password")
        person.set_password("another-long-password-8")
        person.save()

    def expiry(client: Client) -> None:
        Session.objects.filter(pk=client.cookies["sessionid"].value).update(expire_date=timezone.now())

    def lost_role(client: Client) -> None:
        stage.User.objects.get(username="lost_role").groups.clear()

    for ending in (sign_out, new_password, expiry, lost_role):
        person, client = await sync_to_async(stage.person)(ending.__name__, Role.AUDITOR), Client()
        await sync_to_async(stage.sign_in)(client, person)
        cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
        socket = _socket("/ws/desk/", [*ORIGIN, (b"cookie", cookie)])
        assert await socket.connect()
        await _told_of(socket, "fills")
        await sync_to_async(ending)(client)
        assert await _closed(socket) == 4403, ending.__name__


async def _told_of(socket: Socket, kind: str) -> object:
    while (message := await socket.told())["type"] != kind:
        pass
    return message


async def _closed(socket: Socket) -> int:
    while (message := await socket.receive_output(5))["type"] != "websocket.close":
        pass
    return int(message["code"])


async def test_only_changes_are_pushed_and_quiet_markets_repeated(committed_desk: None) -> None:
    clock, client = FakeClock(time.time_ns()), async_client()
    push = LivePush(get_channel_layer(), client, clock)

    async def statuses() -> tuple[object, ...]:
        return (await sync_to_async(market_status)(stage.DEX, clock.now_ns()),)

    assert await push.tell(await statuses()) == 1
    clock.advance(0.25)
    assert await push.tell(await statuses()) == 0
    await sync_to_async(stage.put_position)(stage.DEX, "204500", "48365", "12.5")
    assert await push.tell(await statuses()) == 1
    clock.advance(2.0)
    assert await push.tell(await statuses()) == 1
    await client.aclose()


async def test_history_gets_one_point_a_second(committed_desk: None) -> None:
    clock, client = FakeClock(time.time_ns()), async_client()
    push = LivePush(get_channel_layer(), client, clock)
    status = await sync_to_async(market_status)(stage.DEX, clock.now_ns())
    for _ in range(9):
        await push.keep((status,))
        clock.advance(0.25)
    points = await read_history(client, stage.DEX, 0)
    assert len(points) == 3
    assert points[0].bid == Decimal("0.236464")
    assert points[0].inventory == history_point(status, 0).inventory == 203_500
    await client.aclose()


async def test_the_push_outlives_a_failed_round_and_stops_when_told(committed_desk: None, monkeypatch: object) -> None:
    from django.db import OperationalError

    from trading.events import live

    real, calls = live.read_statuses, []

    def sometimes(now_ns: int) -> object:
        calls.append(now_ns)
        if len(calls) == 1:
            raise OperationalError("gone")
        return real(now_ns)

    monkeypatch.setattr(live, "read_statuses", sometimes)
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    stop = asyncio.Event()
    running = asyncio.create_task(live.run(stop))
    message = await asyncio.wait_for(layer.receive(channel), 5)
    assert message["market"] == stage.DEX
    stop.set()
    await asyncio.wait_for(running, 5)
    assert len(calls) >= 2


def test_status_as_json_has_the_promised_keys(alive: dict, settings: object, tmp_path: Path, capsys: object) -> None:
    import os

    settings.DATA_DIRECTORY = tmp_path
    (tmp_path / "runtime").mkdir()
    dead = 2**22 - 1
    recorded = [{"name": "web", "pid": os.getpid(), "up": True}, {"name": "worker-1", "pid": dead, "up": True}]
    (tmp_path / "runtime" / "processes.json").write_text(json.dumps(recorded))
    call_command("status", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert answer["processes"] == [
        {"name": "web", "pid": os.getpid(), "up": True},
        {"name": "worker-1", "pid": dead, "up": False},
    ]
    market = answer["markets"][0]
    keys = "slug venue state mid bid ask inventory realised_pnl unrealised_pnl open_orders fills feed_age_s parameter_version"
    assert set(keys.split()) <= set(market)
    assert (market["venue"], market["realised_pnl"], market["fills"]) == ("dex", "12.48", 37)


@pytest.mark.parametrize("body", ["", "{", "{}", '[{"name": 1}]'])
def test_status_survives_an_unreadable_record_of_processes(
    alive: dict, settings: object, tmp_path: Path, capsys: object, body: str
) -> None:
    settings.DATA_DIRECTORY = tmp_path
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "processes.json").write_text(body)
    call_command("status")
    shown = capsys.readouterr().out
    assert "make run" in shown
    assert "0.236464" in shown


def test_status_without_a_database_says_what_to_do(db: None, monkeypatch: object) -> None:
    from django.db import OperationalError

    def gone(now_ns: int) -> object:
        raise OperationalError("secret address")

    monkeypatch.setattr("trading.management.commands.status.all_market_status", gone)
    with pytest.raises(CommandError, match="make run") as caught:
        call_command("status")
    assert "secret" not in str(caught.value)
