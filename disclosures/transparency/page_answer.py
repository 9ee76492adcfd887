"""How public pages answer: for a few seconds the browser's own copy does, then an ETag tells whether anything changed.

Pages are private to their reader (the language, who is signed in, the form's token), so that no cache between may keep them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from disclosures.api.answering import KEPT_S
from disclosures.transparency.dashboard import Asked
from disclosures.transparency.kept_answers import kept_answer
from trading.models import Market

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


def part(
    template: str, asked: Asked, market: Market, context: Callable[[], dict[str, Any]], name: str = ""
) -> SafeString:
    """A part of a page that is the same for every reader of one language; of a named range it is kept as long as it says the
    same. `name` tells it from other parts of the template."""

    def make() -> SafeString:
        return render_to_string(template, context())

    question = f"{template}:{name}:{asked.name}:{get_language()}"
    found: SafeString = kept_answer(question, market, asked.now, make) if asked.name else make()
    return found


def refused(request: HttpRequest, detail: str, choices: list[tuple[str, Any]]) -> HttpResponse:
    """A question that cannot be answered, with what can be asked instead: (address, word)."""
    return render(request, "public/refused.html", {"detail": detail, "choices": choices}, status=400)


def not_there(request: HttpRequest, detail: str) -> HttpResponse:
    """Nothing of that name; `detail` says what there is."""
    return render(request, "404.html", {"detail": detail}, status=404)
