"""Commands on trading states, for operators."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dcmm_portal.api_errors import ErrorSerializer, Refused
from governance.api.schema import (
    ControlCommandSerializer,
    ControlResultSerializer,
    KillCommandSerializer,
    KillResultSerializer,
)
from governance.api.views import Staff
from governance.desk.commands import StateChange, change_state, kill_scope
from trading.controls.services import ControlRefused

_STATUS = {
    "not_operator": 403,
    "second_factor": 403,
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
_ERRORS = dict.fromkeys((400, 403, 404, 409), ErrorSerializer)


class Controls(Staff, APIView):
    """Pause, reduce, kill, or resume as far as one person may."""

    throttle_scope = "controls"

    @extend_schema(
        operation_id="set_control",
        parameters=[IDEMPOTENCY_KEY],
        request=ControlCommandSerializer,
        responses={200: ControlResultSerializer, **_ERRORS},
    )
    def post(self, request: Request) -> Response:
        key = key_of(request)
        command = ControlCommandSerializer(data=request.data)
        command.is_valid(raise_exception=True)
        try:
            asked = {name: value for name, value in command.validated_data.items() if name not in ("code", "assertion")}
            result = change_state(request.user, StateChange(idempotency_key=key, **asked), command.validated_data)
        except ControlRefused as problem:
            raise _refused(problem) from problem
        return Response(asdict(result))


class Kill(Staff, APIView):
    """Close the gate, take every order off, and answer with what the venues showed in the end."""

    throttle_scope = "controls"

    @extend_schema(
        operation_id="kill",
        parameters=[IDEMPOTENCY_KEY],
        request=KillCommandSerializer,
        responses={200: KillResultSerializer, **_ERRORS},
    )
    def post(self, request: Request) -> Response:
        key = key_of(request)
        command = KillCommandSerializer(data=request.data)
        command.is_valid(raise_exception=True)
        try:
            result = kill_scope(request.user, idempotency_key=key, **command.validated_data)
        except ControlRefused as problem:
            raise _refused(problem) from problem
        return Response(KillResultSerializer(result).data)


def key_of(request: Request) -> str:
    """The idempotency key of a command. Raises `ValidationError`."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise ValidationError({"Idempotency-Key": "this header is required: 1 to 80 characters of your choice"})
    return key


def _refused(problem: ControlRefused) -> Refused:
    return Refused(str(problem), problem.code, _STATUS.get(problem.code, 409))
