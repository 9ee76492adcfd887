"""Pages for errors: what happened and what to do next; JSON under /api/ in the API's one form."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import resolve

_CODES = {400: "bad_request", 403: "forbidden", 404: "not_found", 500: "server_error"}
_MESSAGES = {
    400: "The request could not be understood.",
    403: "You may not do this.",
    404: "There is nothing at this address.",
    500: "Something failed here. It is recorded; nothing you sent was half done.",
}


def _answer(request: HttpRequest, status: int) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"code": _CODES[status], "message": _MESSAGES[status]}, status=status)
    return render(request, f"{status}.html", status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 400)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 403)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _answer(request, 404)


def nowhere(request: HttpRequest) -> HttpResponse:
    """What no other address matched: with a slash more if that is one, as Django does it, else nothing."""
    path = request.path_info
    is_one = not path.endswith("/") and request.method in ("GET", "HEAD") and resolve(f"{path}/").func is not nowhere
    if is_one:
        return HttpResponsePermanentRedirect(request.get_full_path(force_append_slash=True))
    return _answer(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    """No context processor runs here: whatever failed may be what they need (the database, a session)."""
    if request.path.startswith("/api/"):
        return JsonResponse({"code": _CODES[500], "message": _MESSAGES[500]}, status=500)
    return HttpResponse(render_to_string("500.html"), status=500)
