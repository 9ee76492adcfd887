"""The public API: the same figures as the public page, for programs. No account needed; throttled."""

from __future__ import annotations

import time

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from dcmm_portal.api_errors import ErrorSerializer
from disclosures.api.door import PublicView
from disclosures.api.schema import PublicHistorySerializer, PublicMarketSerializer
from disclosures.transparency.public_market import public_history, public_json, public_market, public_markets
from governance.api.asked import DEFAULT_HISTORY_S, require_market, seconds_asked
from trading.history import MOST_SECONDS
from trading.registry.selectors import UnknownMarket

SECONDS = OpenApiParameter(
    "seconds", int, description=f"How far back, 1 to {MOST_SECONDS}; default {DEFAULT_HISTORY_S}."
)


class PublicMarkets(PublicView):
    """Every active market."""

    @extend_schema(operation_id="public_markets", responses=PublicMarketSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response([public_json(market) for market in public_markets(time.time_ns())])


class PublicMarket(PublicView):
    """One market."""

    @extend_schema(operation_id="public_market", responses={200: PublicMarketSerializer, 404: ErrorSerializer})
    def get(self, request: Request, slug: str) -> Response:
        try:
            return Response(public_json(public_market(slug, time.time_ns())))
        except UnknownMarket as problem:
            raise NotFound(str(problem), "unknown_market") from problem


class PublicHistory(PublicView):
    """The last minutes of a market: reference price and our quotes, a point a second (thinned over long windows)."""

    @extend_schema(
        operation_id="public_history",
        parameters=[SECONDS],
        responses={200: PublicHistorySerializer, 400: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        require_market(slug)
        return Response(public_history(slug, seconds_asked(request), time.time_ns()))
