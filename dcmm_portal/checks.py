"""System checks of the house: the running role must be powerless over the schema."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections
from django.utils.translation import get_supported_language_variant

_QUESTION = """
    SELECT current_user,
           (SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user),
           EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = 'public' AND pg_get_userbyid(c.relowner) = current_user),
           has_schema_privilege(current_user, 'public', 'CREATE')
"""


@register(Tags.database)
def application_role_is_powerless(databases: list[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Error if the connected role owns a table, may create one, or is a superuser. Silent for migrations."""
    if not databases or settings.DATABASE_ROLE == "owner":
        return []
    problems: list[CheckMessage] = []
    for alias in databases:
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute(_QUESTION)
                user, powerful, owns, creates = cursor.fetchone()
        except DatabaseError as problem:
            problems.append(Error(f"the database does not answer: {problem}", id="dcmm_portal.E001"))
            continue
        if powerful or owns or creates:
            problems.append(
                Error(
                    f"the running role {user} owns tables, may create them, or is a superuser.",
                    hint="Point DATABASE_URL at the application role (dcmm_app); migrations use DATABASE_OWNER_URL.",
                    id="dcmm_portal.E002",
                )
            )
    return problems


@register(Tags.translation)
def languages_are_whole(**kwargs: Any) -> list[CheckMessage]:
    """Error if a language lacks its entry, its compiled catalogue, or is not written in the direction that its entry says.

    Django itself says nothing: pages would silently run the wrong way or stay English."""
    problems: list[CheckMessage] = []
    for code, _ in settings.LANGUAGES:
        info = LANG_INFO.get(code)
        if info is None or bool(info.get("bidi")) != (code in settings.LANGUAGES_BIDI):
            problems.append(Error(f"the direction of {code} is not settled.", id="dcmm_portal.E003"))
        try:
            get_supported_language_variant(code, strict=True)
        except LookupError:
            problems.append(Error(f"{code} has no compiled catalogue.", id="dcmm_portal.E004"))
    return problems
