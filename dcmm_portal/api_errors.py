"""One form for every error of the API: `{"code", "message", "details"?}`; nothing of the inside leaks."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.serializers import CharField, JSONField, Serializer
from rest_framework.views import exception_handler


class Refused(exceptions.APIException):
    """A command that the rules refuse; `code` names the rule."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self, message: str, code: str, status_code: int = status.HTTP_409_CONFLICT) -> None:
        super().__init__(message, code)
        self.status_code = status_code


class ErrorSerializer(Serializer[Any]):
    """The body of every error."""

    code = CharField(help_text="Coded reason, stable.")
    message = CharField(help_text="What is wrong and what to do.")
    details = JSONField(required=False, help_text="By field, for invalid input.")


def answer(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler."""
    response = exception_handler(exception, context)
    if response is None:
        return None
    if isinstance(exception, exceptions.ValidationError):
        response.data = {"code": "invalid", "message": _first(response.data), "details": response.data}
    else:
        detail = getattr(exception, "detail", None)
        code = getattr(detail, "code", None) or "not_found"
        response.data = {"code": str(code), "message": str(detail or "There is nothing at this address.")}
    return response


def _first(problems: Any, field: str = "") -> str:
    """The first problem as a sentence that names its field."""
    if isinstance(problems, dict):
        name, found = next(iter(problems.items()))
        return _first(found, "" if name == "non_field_errors" else str(name))
    if isinstance(problems, list):
        return _first(problems[0], field)
    return f"{field}: {problems}" if field else str(problems)
