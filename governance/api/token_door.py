"""`Authorization: Bearer <token>`: the door of people's programs. No cookie, hence no form's token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from governance.access.tokens import authenticate
from governance.models import User


class TokenAuthentication(BaseAuthentication):
    """The token's person in the token's roles; a wrong token is told, not taken for nobody."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        """None when no token was sent. Raises `AuthenticationFailed`."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        person = authenticate(token.strip(), datetime.now(UTC))
        if person is None:
            raise AuthenticationFailed("this token is not known, has expired or was revoked", "bad_token")
        return person, "token"

    def authenticate_header(self, request: Request) -> str:
        """What a 401 names."""
        return self.keyword


class TokenScheme(OpenApiAuthenticationExtension):
    """How the description of the API names it."""

    target_class = "governance.api.token_door.TokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A bearer token."""
        return {"type": "http", "scheme": "bearer"}
