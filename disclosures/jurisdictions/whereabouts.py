"""In which country a visitor may be: what a proxy that is trusted says, and what the visitor says.

The proxy's header is believed only where it is configured, and only in a request that came through as many proxies as are trusted
(`TRUSTED_PROXIES`, as for addresses). What a visitor says is believed without proof, because it can only make things stricter:
the rule of what the proxy says, or of nobody knows where, holds besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest

from disclosures.jurisdictions.countries import COUNTRIES

COOKIE: Final = "dcmm_country"
COOKIE_AGE_S: Final = 31_536_000
UNKNOWN: Final = ""


def told_countries(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What the trusted proxy's header says, `headers` by any case of their names. Several values, as of a client that sent its
    own beside the proxy's, are all of them; what is no country is unknown."""
    name = settings.COUNTRY_HEADER
    value = headers.get(name) if name and settings.TRUSTED_PROXIES > 0 else None
    proxies = [part for part in (headers.get("X-Forwarded-For") or "").split(",") if part.strip()]
    if value is None or len(proxies) < settings.TRUSTED_PROXIES:
        return (UNKNOWN,)
    return tuple(dict.fromkeys(known_country(part) for part in value.split(",")))


def declared_country(cookies: Mapping[str, Any]) -> str:
    """What the visitor said; "" where nothing, or nothing that is a country."""
    return known_country(str(cookies.get(COOKIE, "")))


def known_country(text: str) -> str:
    """The country's code, or "" where it is none."""
    code = text.strip().upper()
    return code if code in COUNTRIES else UNKNOWN


def countries_of(headers: Mapping[str, str], cookies: Mapping[str, Any]) -> tuple[str, ...]:
    """Everywhere a visitor may be; "" for nobody knows where. A saying of the visitor's comes besides, never instead."""
    declared = declared_country(cookies)
    return tuple(dict.fromkeys((*told_countries(headers), *((declared,) if declared else ()))))


def countries_of_request(request: HttpRequest) -> tuple[str, ...]:
    return countries_of(request.headers, request.COOKIES)


def countries_of_socket(scope: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a socket's handshake, read as a request is: several headers of one name are one, and a name with an underscore none."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in scope.get("headers", ()):
        name, value = raw_name.decode("latin1").lower(), raw_value.decode("latin1")
        if "_" not in name:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    return countries_of(_AnyCase(joined), scope.get("cookies", {}))


class _AnyCase(dict[str, str]):
    """Lower-case names, asked for in any case."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)
