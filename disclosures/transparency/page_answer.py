"""How public pages answer: for a few seconds the browser's own copy does, then an ETag tells whether anything changed.

Pages are private to their reader (the language, who is signed in, the form's token), so that no cache between may keep them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from disclosures.api.answering import KEPT_S
from disclosures.transparency.public_market import FIGURES_KEPT_S

# Masked anew at every answer; it stands for the same secret, which is hashed instead.
_TOKEN: Final = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')


def page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponseBase:
    """The page, or 304 where the browser has it already."""
    answer = render(request, template, context)
    secret = str(request.META.get("CSRF_COOKIE", ""))
    hashed = hashlib.sha256(_TOKEN.sub(b"", answer.content) + secret.encode())
    answer["ETag"] = f'"{hashed.hexdigest()[:32]}"'
    is_known = request.user.is_authenticated
    answer["Cache-Control"] = "private, no-cache" if is_known else f"private, max-age={KEPT_S}"
    patch_vary_headers(answer, ("Cookie", "Accept-Language"))
    found: Any = get_conditional_response(request, etag=answer["ETag"], response=answer)
    return found or answer


def part(name: str, template: str, context: Callable[[], dict[str, Any]]) -> SafeString:
    """A part of a page that is the same for every reader of one language, kept for some seconds by this process; `name` tells it
    from every other, and holds the version of the policy that it follows. Empty: not kept."""
    key = f"public-part:{name}:{get_language()}"
    kept: SafeString | None = cache.get(key) if name else None
    if kept is None:
        kept = render_to_string(template, context())
        if name:
            cache.set(key, kept, FIGURES_KEPT_S)
    return kept


def refused(request: HttpRequest, detail: str, choices: list[tuple[str, Any]]) -> HttpResponse:
    """A question that cannot be answered, with what can be asked instead: (address, word)."""
    return render(request, "public/refused.html", {"detail": detail, "choices": choices}, status=400)


def not_there(request: HttpRequest, detail: str) -> HttpResponse:
    """Nothing of that name; `detail` says what there is."""
    return render(request, "404.html", {"detail": detail}, status=404)
