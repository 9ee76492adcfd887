"""Commands on trading states, for operators."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dcmm_portal.api_errors import ErrorSerializer, Refused
from governance.api.schema import ControlCommandSerializer, ControlResultSerializer
from governance.api.views import Staff
from governance.desk.commands import StateChange, change_state
from trading.controls.services import ControlRefused

_STATUS = {
    "not_operator": 403,
    "unknown_scope": 404,
    "bad_state": 400,
    "bad_key": 400,
    "no_reason": 400,
    "long_reason": 400,
}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, required=True,
    description="1 to 80 characters of your choice; the same key never does the same command twice.",
)  # fmt: skip


class Controls(Staff, APIView):
    """Pause, reduce, kill, or resume as far as one person may."""

    throttle_scope = "controls"

    @extend_schema(
        operation_id="set_control",
        parameters=[IDEMPOTENCY_KEY],
        request=ControlCommandSerializer,
        responses={
            200: ControlResultSerializer,
            400: ErrorSerializer,
            403: ErrorSerializer,
            404: ErrorSerializer,
            409: ErrorSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            raise ValidationError({"Idempotency-Key": "this header is required: 1 to 80 characters of your choice"})
        command = ControlCommandSerializer(data=request.data)
        command.is_valid(raise_exception=True)
        try:
            result = change_state(request.user, StateChange(idempotency_key=key, **command.validated_data))
        except ControlRefused as problem:
            raise Refused(str(problem), problem.code, _STATUS.get(problem.code, 409)) from problem
        body = {"scope": result.scope, "state": result.state, "version": result.version, "repeated": result.repeated}
        return Response(body)
