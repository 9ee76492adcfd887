"""Where somebody goes on after signing in: a page of this portal, or nowhere in particular."""

from __future__ import annotations

from django.utils.http import url_has_allowed_host_and_scheme

LONGEST = 300


def way_back(wanted: str) -> str:
    """`wanted` where it is the path of a page here; "" for another host, another scheme, or what no page's address looks like."""
    is_here = wanted.startswith("/") and len(wanted) <= LONGEST and wanted.isascii() and wanted.isprintable()
    return wanted if is_here and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else ""
