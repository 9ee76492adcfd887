"""The feed over a real Valkey that dies, comes back, and stands still."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from channels.layers import channel_layers

from dcmm_portal.embedded import valkey as embedded
from dcmm_portal.supervisor.launch import free_port
from disclosures.live import feed
from disclosures.live import hub as hub_module
from disclosures.live.hub import PublicHub
from disclosures.live.listener import Listener
from tests.live.parts import SLUGS, FakeOutlet, reading, settled, told
from tests.support.servers import wait_until
from trading.clock import SystemClock
from trading.events.live import GROUP


class OwnValkey:
    """A Valkey of this test alone, on one port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = ""
        self._folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        config = embedded.write_config(self._folder / "valkey", self._folder / "secrets", self.port, durable=False)
        self.url = embedded.url(self._folder / "secrets", self.port)
        self.process = subprocess.Popen(embedded.server_command(config), stdout=subprocess.DEVNULL)
        wait_until(lambda: embedded.answers(self.url), 30, "Valkey")

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def down(self) -> None:
        self.send(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(10)


@pytest.fixture
def own(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnValkey]:
    server = OwnValkey(tmp_path)
    server.up()
    config = {"hosts": [server.url], "prefix": "own"}
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": config}
    }
    for module, name, value in (
        (feed, "SILENT_AFTER_S", 0.5), (feed, "SUBSCRIBE_WITHIN_S", 0.5), (hub_module, "FIRST_PAUSE_S", 0.05),
        (hub_module, "LONGEST_PAUSE_S", 0.1),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    yield server
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)


@pytest.fixture
async def outlet(own: OwnValkey) -> AsyncIterator[FakeOutlet]:
    hub, made = PublicHub(SystemClock(), read=reading), FakeOutlet()
    listener = Listener(made)
    await hub.join(listener)
    yield made
    await hub.close()


async def push(mid: str) -> None:
    """What the live push does, on a connection of its own."""
    layer = channel_layers.make_backend("default")
    await layer.group_send(GROUP, told(mid=mid))
    await layer.flush()


async def heard(outlet: FakeOutlet, kind: str, value: str, mid: str | None = None) -> None:
    """Until a message of the kind says so (of a market: its price; of a state: which); pushes `mid` meanwhile."""
    for _ in range(400):
        await settled(20)
        for message in outlet.told:
            if message["type"] == kind and value in (message.get("state"), message.get("status", {}).get("mid")):
                return
        if mid is not None:
            await push(mid)
    raise AssertionError(f"{kind} {value} was not told: {outlet.kinds}")


async def test_it_is_one_subscription_to_the_group(own: OwnValkey, outlet: FakeOutlet) -> None:
    import redis

    await heard(outlet, "market", "0.26", mid="0.26")
    client = redis.Redis.from_url(own.url)
    hub = PublicHub(SystemClock(), read=reading)
    listeners = [Listener(FakeOutlet()) for _ in range(20)]
    for listener in listeners:
        await hub.join(listener)
    await settled()
    # The fixture's and this one's: one each, however many listen.
    assert client.pubsub_numsub("own__group__trading.markets") == [(b"own__group__trading.markets", 2)]
    await hub.close()
    await settled()
    assert client.pubsub_numsub("own__group__trading.markets") == [(b"own__group__trading.markets", 1)]
    client.close()


async def test_a_valkey_that_dies_is_told_and_heard_again(own: OwnValkey, outlet: FakeOutlet) -> None:
    await heard(outlet, "market", "0.26", mid="0.26")
    own.down()
    await heard(outlet, "state", "old")
    own.up()
    outlet.got.clear()
    await heard(outlet, "market", "0.27", mid="0.27")
    assert outlet.kinds[:3] == [("state", None), ("snapshot", SLUGS[0]), ("snapshot", SLUGS[1])]
    assert outlet.told[0]["state"] == "live"


async def test_a_valkey_that_stands_still_is_told_and_heard_again(own: OwnValkey, outlet: FakeOutlet) -> None:
    await heard(outlet, "market", "0.26", mid="0.26")
    own.send(signal.SIGSTOP)
    try:
        await heard(outlet, "state", "old")
    finally:
        own.send(signal.SIGCONT)
    await heard(outlet, "market", "0.27", mid="0.27")
    await heard(outlet, "state", "live")


async def test_a_push_that_died_is_told(own: OwnValkey, outlet: FakeOutlet) -> None:
    await heard(outlet, "market", "0.26", mid="0.26")
    await heard(outlet, "state", "old")
    assert json.dumps(outlet.told[-1]) == '{"type": "state", "market": null, "state": "old"}'


@pytest.mark.parametrize(
    ("url", "prefix"), [("redis://h:1/3", "dcmm3"), ("redis://:p@h:1/0", "dcmm0"), ("redis://h:1", "dcmm0")]
)
def test_two_installations_on_one_server_do_not_hear_each_other(url: str, prefix: str) -> None:
    code = "from dcmm_portal.settings.channels import CHANNEL_LAYERS as c; print(c['default']['CONFIG']['prefix'])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"REDIS_URL": url}, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == prefix


async def test_a_feed_lost_a_thousand_times_leaves_nothing_on_the_loop(own: OwnValkey) -> None:
    loop = asyncio.get_running_loop()
    close = loop.close
    for _ in range(3):
        heard_of = feed.messages()
        waiting = asyncio.ensure_future(anext(heard_of))
        await settled()
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        await heard_of.aclose()
    # channels_redis wraps it anew for every layer that it makes itself.
    assert loop.close == close
