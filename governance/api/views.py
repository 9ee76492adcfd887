"""The staff API: reads, for members of any staff role."""

from __future__ import annotations

import time
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from dcmm_portal.api_errors import ErrorSerializer
from governance.access.roles import STAFF_ROLES, has_role
from governance.api.asked import require_market, seconds_asked
from governance.api.schema import (
    DecisionSerializer,
    FillSerializer,
    OrderSerializer,
    ParameterVersionSerializer,
    StaffHistorySerializer,
    StatusSerializer,
)
from trading.history import DESK_SERIES, MOST_SECONDS, history_json
from trading.market_status import MarketStatus, book_json, status_json, trades_json
from trading.models import Decision, Fill, Order
from trading.parameter_versions import parameter_versions
from trading.registry.selectors import UnknownMarket
from trading.selectors import all_market_status, market_status
from trading.sentence_text import sentence

MARKET = OpenApiParameter("market", str, description="Only this market's slug.")
SECONDS = OpenApiParameter("seconds", int, description=f"How far back, 1 to {MOST_SECONDS}; default 900.")


class IsStaffMember(BasePermission):
    """A member of any staff role; a superuser without one is not."""

    message = "This is for members of the desk. Sign in as one."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return has_role(request.user, *STAFF_ROLES)


class Staff:
    """What every staff view shares."""

    permission_classes = [IsStaffMember]
    throttle_classes = [ScopedRateThrottle]
    throttle_scope = "staff"


def described(status: MarketStatus) -> dict[str, Any]:
    """A market with its sentence in the reader's language."""
    return status_json(status) | {"sentence": sentence(status.sentence_key, status.sentence_args)}


class Markets(Staff, APIView):
    """Every active market."""

    @extend_schema(operation_id="markets", responses=StatusSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response([described(status) for status in all_market_status(time.time_ns())])


class OneMarket(Staff, APIView):
    """One market with its ladder and tape."""

    @extend_schema(operation_id="market", responses={200: StatusSerializer, 404: ErrorSerializer})
    def get(self, request: Request, slug: str) -> Response:
        try:
            status = market_status(slug, time.time_ns())
        except UnknownMarket as problem:
            raise NotFound(str(problem), "unknown_market") from problem
        return Response(described(status) | {"book": book_json(status), "trades": trades_json(status)})


class History(Staff, APIView):
    """The last minutes of a market with inventory and P&L."""

    @extend_schema(
        operation_id="history",
        parameters=[SECONDS],
        responses={200: StaffHistorySerializer, 400: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        require_market(slug)
        return Response(history_json(slug, seconds_asked(request), time.time_ns(), DESK_SERIES))


@extend_schema(parameters=[MARKET])
class _OfMarket(Staff, ListAPIView):
    """A list, newest first, filtered by `market`."""

    market_field = "market__slug"

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        slug = self.request.query_params.get("market")
        if slug is None:
            return queryset
        require_market(slug)
        return queryset.filter(**{self.market_field: slug})


class Fills(_OfMarket):
    """Our fills."""

    queryset = Fill.objects.select_related("market").order_by("-executed_at", "-id")
    serializer_class = FillSerializer


class Orders(_OfMarket):
    """Our orders."""

    queryset = Order.objects.select_related("market").order_by("-created_at", "client_order_id")
    serializer_class = OrderSerializer


class Decisions(_OfMarket):
    """Decisions of the quoting cycle with every input, as `manage.py replay` recomputes them."""

    queryset = Decision.objects.order_by("-at", "-id")
    serializer_class = DecisionSerializer
    market_field = "market"


class ParameterVersions(Staff, APIView):
    """The versions of a market's parameters, newest first."""

    @extend_schema(
        operation_id="parameter_versions", responses={200: ParameterVersionSerializer(many=True), 404: ErrorSerializer}
    )
    def get(self, request: Request, slug: str) -> Response:
        require_market(slug)
        return Response(parameter_versions(slug))
