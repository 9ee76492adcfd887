"""A proxy in front of the real venue that replaces answers and stream messages on demand: the malformed venue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from tests.venues.stage import Stage, adapter_for
from trading.venues.credentials import Credential


class TamperingProxy:
    """Passes everything on; `body` replaces answers to private requests, `message` each stream message of data."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.body: bytes | None = None
        self.status = 200  # of such an answer
        self.executes = False  # whether the venue gets the request all the same
        self.message: str | None = None
        self.base_url = ""
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._stream(request)
        assert self._session is not None
        url = URL(self.upstream + request.raw_path, encoded=True)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection")}
        private = any(name.lower() in ("tdx-key", "ok-access-key") for name in headers)
        tampers = private and self.body is not None
        if tampers and not self.executes:
            return self._replaced()
        async with self._session.request(request.method, url, headers=headers, data=await request.read()) as answer:
            if tampers:
                return self._replaced()
            return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")

    def _replaced(self) -> web.Response:
        headers = {"Retry-After": "0.45"} if self.status == 429 else {}
        return web.Response(body=self.body, status=self.status, headers=headers, content_type="application/json")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        ours = web.WebSocketResponse()
        await ours.prepare(request)
        async with self._session.ws_connect(self.upstream + request.raw_path) as theirs:

            async def up() -> None:
                async for message in ours:
                    await theirs.send_str(message.data)

            async def down() -> None:
                async for message in theirs:
                    await ours.send_str(message.data if self.message is None else self.message)

            tasks = {asyncio.create_task(up()), asyncio.create_task(down())}
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await ours.close()
        return ours


@asynccontextmanager
async def tampered(stage: Stage) -> AsyncIterator[tuple[TamperingProxy, Any]]:
    """The proxy, and an adapter (not opened) that goes through it."""
    proxy = TamperingProxy(stage.venue.base_url)
    await proxy.start()
    credential = Credential(stage.venue.key_id, stage.venue.secret, stage.venue.passphrase)
    adapter = adapter_for(stage.dialect, proxy.base_url, credential, timeout_s=1.0)
    try:
        yield proxy, adapter
    finally:
        for recorder in stage.recorders:
            await recorder.stop()
        await adapter.close()
        await proxy.stop()
