"""How the public doors answer: the bytes, an ETag over them, and how long anybody may keep them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response

from disclosures.api.csv_form import as_csv
from disclosures.transparency.tables import PublicTable

KEPT_S = 15
CSV = "text/csv; charset=utf-8"
JSON = "application/json"


def table_answer(request: HttpRequest, table: PublicTable, form: str) -> HttpResponseBase:
    """The table as `form`, "json" or "csv"."""
    return written_answer(request, written(table, form), form)


def written(table: PublicTable, form: str) -> tuple[bytes, str]:
    """The table in that form, and what it is called as a file."""
    name = "-".join(str(part) for part in (table.about.get("market"), table.name, table.about.get("metric")) if part)
    if form == "csv":
        return as_csv(table).encode(), name
    return json.dumps(table.as_json(), separators=(",", ":")).encode(), name


def written_answer(request: HttpRequest, body: tuple[bytes, str], form: str) -> HttpResponseBase:
    """What `written` gave, as an answer."""
    if form == "csv":
        return kept(request, body[0], CSV, {"Content-Disposition": f'attachment; filename="{body[1]}.csv"'})
    return kept(request, body[0], JSON)


def kept(
    request: HttpRequest, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
) -> HttpResponseBase:
    """`body`, or 304 where the asker has it already."""
    answer = HttpResponse(body, content_type=content_type)
    for name, value in (headers or {}).items():
        answer[name] = value
    answer["Cache-Control"] = f"public, max-age={KEPT_S}"
    answer["X-Content-Type-Options"] = "nosniff"
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    answer["ETag"] = etag
    found: Any = get_conditional_response(request, etag=etag, response=answer)
    return found or answer
