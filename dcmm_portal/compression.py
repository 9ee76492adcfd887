"""Texts travel compressed: pages, styles, scripts, JSON, CSV. The first view of a page on a phone halves."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

_TEXTS: Final = (
    "text/", "application/json", "application/vnd.oai.openapi", "application/javascript", "application/atom+xml", "image/svg+xml",
)  # fmt: skip


class TextCompressionMiddleware(GZipMiddleware):
    """Django's own, for texts alone: fonts, pictures and PDF are compressed already, and a part of a file must stay as asked.

    What is secret in a page differs at every answer (the CSRF token is masked), and Django adds a random length, so that sizes
    tell nothing of it.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress `response` if it is a whole text and the browser takes gzip."""
        is_text = response.headers.get("Content-Type", "").startswith(_TEXTS)
        return super().process_response(request, response) if is_text and response.status_code != 206 else response
