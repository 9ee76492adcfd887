"""Many rows into one table by COPY, inside the current transaction: what a batch writes, at a fraction of an INSERT's cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection


class NotInTransaction(RuntimeError):
    """Rows were to be written outside the transaction of the change they belong to."""


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write `rows` (values in the order of `columns`) into `table`. All or nothing, as any statement.

    Raises Django's database errors, and `NotInTransaction`. Defaults, checks, unique keys and triggers hold as for INSERT.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction("copy_rows() must run inside transaction.atomic()")
    quote = connection.ops.quote_name
    names = ", ".join(quote(column) for column in columns)
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {quote(table)} ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
