"""The running role must be powerless over the schema: a system check, and asked at the first connection of each process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from django.utils.translation import get_supported_language_variant

_QUESTION = """
    SELECT current_user,
           (SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user),
           EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = 'public' AND pg_get_userbyid(c.relowner) = current_user),
           has_schema_privilege(current_user, 'public', 'CREATE')
"""
_HINT = "Point DATABASE_URL at the application role (dcmm_app); migrations use DATABASE_OWNER_URL."
# Of manage.py, all that the owner of the schema is for; everything else runs as the application.
OWNERS_COMMANDS: Final = frozenset({"bootstrap", "migrate", "prepare", "showmigrations"})
# Aliases whose role was found powerless by this process.
_asked: set[str] = set()


def runs_as_owner() -> bool:
    """This process is one of the owner's commands, and was told to be (DCMM_DB_ROLE=owner)."""
    program, command = Path(sys.argv[0]).name, next(iter(sys.argv[1:]), "")
    return settings.DATABASE_ROLE == "owner" and program == "manage.py" and command in OWNERS_COMMANDS


def refuse_to_run_as_owner() -> None:
    """Raises `ImproperlyConfigured` at the start of every other process that is told to be the owner."""
    if settings.DATABASE_ROLE == "owner" and not runs_as_owner():
        commands = ", ".join(sorted(OWNERS_COMMANDS))
        raise ImproperlyConfigured(f"DCMM_DB_ROLE=owner is for manage.py {commands} alone: start this without it.")


def _powerful_role(connection: Any) -> str | None:
    """The connected role if it owns a table, may create one, or is a superuser. Raises `DatabaseError`."""
    with connection.cursor() as cursor:
        cursor.execute(_QUESTION)
        user, *powers = cursor.fetchone()
    return user if any(powers) else None


def _text(user: str) -> str:
    return f"the running role {user} owns tables, may create them, or is a superuser."


@receiver(connection_created, dispatch_uid="refuse_powerful_role")
def refuse_powerful_role(connection: Any, **kwargs: Any) -> None:
    """No process runs as the owner, whatever its environment names: it gets no connection.

    Raises `ImproperlyConfigured`. Silent for the owner's own commands.
    """
    if runs_as_owner() or connection.alias in _asked:
        return
    if user := _powerful_role(connection):
        connection.close()
        raise ImproperlyConfigured(f"{_text(user)} {_HINT}")
    _asked.add(connection.alias)


@register(Tags.database)
def application_role_is_powerless(databases: list[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Error if the connected role owns a table, may create one, or is a superuser. Silent for migrations."""
    if not databases or runs_as_owner():
        return []
    problems: list[CheckMessage] = []
    for alias in databases:
        try:
            user = _powerful_role(connections[alias])
        except ImproperlyConfigured as problem:
            problems.append(Error(str(problem), hint=_HINT, id="dcmm_portal.E002"))
            continue
        except DatabaseError as problem:
            problems.append(Error(f"the database does not answer: {problem}", id="dcmm_portal.E001"))
            continue
        if user is not None:
            problems.append(Error(_text(user), hint=_HINT, id="dcmm_portal.E002"))
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
