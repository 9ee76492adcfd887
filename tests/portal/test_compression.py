"""Texts travel compressed to who takes it; nothing else does, and parts of files stay as asked."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.test import Client

STATIC = Path(__file__).resolve().parents[2] / "static"
FONT = "vendor/inter-5.3.0/inter-latin-wght-normal.woff2"


def body(answer: object) -> bytes:
    return b"".join(answer) if answer.streaming else answer.content


@pytest.mark.parametrize(
    "address", ["/definitions/", "/static/css/base.css", "/static/js/market.js", "/api/v1/schema/"]
)
def test_texts_are_compressed_for_who_takes_it(db: None, valkey: str, client: Client, address: str) -> None:
    plain, packed = client.get(address), client.get(address, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    whole, sent = body(plain), body(packed)
    assert len(sent) < len(whole) / 2
    # The form's token differs at every answer, and with it the page: its length does not.
    assert len(gzip.decompress(sent)) == len(whole)


def test_fonts_and_parts_of_files_are_not(client: Client) -> None:
    font = client.get(f"/static/{FONT}", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in font.headers and body(font) == (STATIC / FONT).read_bytes()
    part = client.get("/static/css/base.css", headers={"Accept-Encoding": "gzip", "Range": "bytes=0-299"})
    assert part.status_code == 206 and "Content-Encoding" not in part.headers
    assert body(part) == (STATIC / "css/base.css").read_bytes()[:300]
