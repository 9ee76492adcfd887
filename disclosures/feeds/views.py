"""The door of the feed."""

from __future__ import annotations

import time

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from disclosures.api.answering import kept
from disclosures.api.door import PublicView
from disclosures.feeds.changes import atom
from trading.clock import to_datetime

ATOM = "application/atom+xml; charset=utf-8"


class Feed(PublicView):
    """`/feed.xml`."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponseBase:
        root = request.build_absolute_uri("/")
        return kept(request._request, atom(to_datetime(time.time_ns()), root), ATOM)
