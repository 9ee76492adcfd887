"""A Bot API on this machine: answers as Telegram does, keeps what was sent, and fails when told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

TOKEN = "123456:a-token-of-tests"


@dataclass
class Telegram:
    url: str = ""
    is_broken: bool = False
    sent: list[tuple[str, str, str]] = field(default_factory=list)

    def answer(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        asked = dict(parse_qsl(body.decode()))
        if self.is_broken:
            return 403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
        self.sent.append((path, asked["chat_id"], asked["text"]))
        message = {"message_id": 1, "date": 0, "chat": {"id": int(asked["chat_id"]), "type": "private"}, "text": "x"}
        return 200, {"ok": True, "result": message}


@contextmanager
def telegram() -> Iterator[Telegram]:
    """Running."""
    bot = Telegram()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, answer = bot.answer(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    bot.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield bot
    server.shutdown()
    server.server_close()
