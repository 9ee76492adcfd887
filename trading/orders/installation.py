"""Which installation of the portal this is: four characters in every client order id, the same in all of its processes.

Two copies on one venue account share neither database nor Redis, so that the account's orders are all that one sees of the
other. The name is derived, not stored: from the database cluster's own identifier, which a dump or a template does not carry
along, and the database's name. A standby that is promoted stays the same installation, as it should. `INSTALLATION_ID` tells
apart what these can't.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from django.conf import settings
from django.db import DatabaseError, connection, transaction

LENGTH = 4
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def installation_tag(cluster: str, database: str, configured: str) -> str:
    """Four of 0-9, a-z. Two installations meet in one by chance once in 1.7 million: then the orders' rows tell them apart."""
    number = int.from_bytes(sha256(f"{cluster}|{database}|{configured}".encode()).digest()[:8])
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def this_installation() -> str:
    """Ours. Asks PostgreSQL once in a process; raises DatabaseError while it can't be asked."""
    return _asked(str(connection.settings_dict["NAME"]), settings.INSTALLATION_ID)


@cache
def _asked(database: str, configured: str) -> str:
    connection.ensure_connection()
    return installation_tag(_cluster(), database, configured)


def _cluster() -> str:
    """The cluster's identifier, drawn when it was made; where a host does not let us see it, its address."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
            return str(cursor.fetchone()[0])
    except DatabaseError as problem:
        if getattr(problem.__cause__, "sqlstate", "") != "42501":  # anything but "permission denied" may pass
            raise
        return f"{connection.settings_dict['HOST']}:{connection.settings_dict['PORT']}"
