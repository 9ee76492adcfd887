"""What browsers may do with every page: our own files only, nothing inline, nothing framed, no camera, no place.

The admin's theme needs inline styles and evaluates expressions (Alpine), so that it has a wider policy, under its own path alone.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"
_COMMON = {
    "default-src": "'none'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "manifest-src": "'self'",
}
_NOBODY = (
    "accelerometer", "autoplay", "bluetooth", "camera", "display-capture", "geolocation", "gyroscope", "hid", "magnetometer",
    "microphone", "midi", "payment", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
_OURSELVES = ("publickey-credentials-create", "publickey-credentials-get")
PERMISSIONS = ", ".join([*(f"{name}=()" for name in _NOBODY), *(f"{name}=(self)" for name in _OURSELVES)])


def _policy(**sources: str) -> str:
    directives = _COMMON | {name.replace("_", "-"): value for name, value in sources.items()}
    return "; ".join(f"{name} {value}" for name, value in directives.items())


STRICT = _policy(script_src="'self'", style_src="'self'")
ADMIN = _policy(script_src="'self' 'unsafe-inline' 'unsafe-eval'", style_src="'self' 'unsafe-inline'")


class ContentPolicyMiddleware:
    """Adds the headers to every answer that has none of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return _with_policy(request, self.get_response(request))


def _with_policy(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    policy = ADMIN if request.path.startswith("/admin/") else STRICT
    response.headers.setdefault(HEADER, policy)
    response.headers.setdefault("Permissions-Policy", PERMISSIONS)
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    return response
