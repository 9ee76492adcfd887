"""`migrate`, then the grants of the application role: both by the owner role."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connection

from dcmm_portal.database_grants import UndeclaredTable, apply_grants


class Command(MigrateCommand):
    """Refuses to run as anything but the owner of the schema."""

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'")
            user, owner = cursor.fetchone()
        if user != owner:
            raise CommandError(
                f"migrations run as {owner}, the owner of the schema, not as {user}: "
                "set DCMM_DB_ROLE=owner (and DATABASE_OWNER_URL, unless the embedded server is used)."
            )
        super().handle(*args, **options)
        if options.get("app_label") or options.get("check_unapplied") or options.get("plan"):
            return
        try:
            with connection.cursor() as cursor:
                apply_grants(cursor)
        except UndeclaredTable as problem:
            raise CommandError(str(problem)) from problem
