"""Who asks: the peer's own address, or what the proxies we were told to trust wrote down. Nothing else is believed."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The address of the client; with TRUSTED_PROXIES = n, the n-th from the end of X-Forwarded-For. "" if not known."""
    return address_told(str(request.META.get("REMOTE_ADDR", "")), request.headers.get("X-Forwarded-For", ""))


def address_told(peer: str, forwarded_for: str) -> str:
    """The same of a peer's address and the text of its X-Forwarded-For, for what is no HTTP request."""
    told = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    if not settings.TRUSTED_PROXIES or not told:
        return peer
    return told[-min(settings.TRUSTED_PROXIES, len(told))]


def is_this_machine(request: HttpRequest) -> bool:
    """True if the peer and the name it asked for are this machine's own and no proxy left a trace."""
    traces = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")
    host = request.headers.get("Host", "").strip()
    name = host[: host.find("]") + 1] if host.startswith("[") else host.split(":")[0]
    is_asked_locally = name == "localhost" or _is_loopback(name.strip("[]"))
    is_direct = not any(trace in request.headers for trace in traces)
    return _is_loopback(str(request.META.get("REMOTE_ADDR", ""))) and is_asked_locally and is_direct


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
