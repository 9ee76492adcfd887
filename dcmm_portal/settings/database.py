"""PostgreSQL: the application role, or the owner role for migrations alone (DCMM_DB_ROLE=owner)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from dcmm_portal.environment import env

# What stands between us and the server: nothing, or a pooler that gives every transaction another of its connections.
POOLERS = ("", "transaction")
# Of an address' query: how the server proves who it is. Everything else is ours to set.
TLS_OPTIONS = frozenset({"sslmode", "sslrootcert"})


class BadDatabaseSetting(ValueError):
    """A setting of the database cannot be used; the message names it, never the address."""


def checked_pooler(word: str) -> str:
    """DATABASE_POOLER, checked. Raises `BadDatabaseSetting`."""
    if word not in POOLERS:
        raise BadDatabaseSetting("DATABASE_POOLER is empty or: transaction")
    return word


def database_from_url(url: str, pooler: str = "") -> dict[str, Any]:
    """Django's settings for a `postgresql://user:password@host:port/name?sslmode=verify-full&sslrootcert=file` address.

    Behind a transaction `pooler` a connection costs little and an idle one is taken from the others: by default each request ends
    its own. Raises `BadDatabaseSetting`.
    """
    parts = urlsplit(url)
    tls = dict(parse_qsl(parts.query))
    if unknown := sorted(tls.keys() - TLS_OPTIONS):
        raise BadDatabaseSetting(f"the database's address may carry {sorted(TLS_OPTIONS)}, not {unknown}")
    return {
        "ENGINE": "django_prometheus.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE_S", 0 if pooler else 60),
        "CONN_HEALTH_CHECKS": True,
        # No session state is relied on, so that a transaction pooler may stand between.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        # A peer gone without a word is noticed within ten seconds; how long a statement may take is the role's setting.
        "OPTIONS": {
            "connect_timeout": 5,
            "prepare_threshold": None,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            **tls,
        },
    }


DATABASE_ROLE = env.str("DCMM_DB_ROLE", "app")
DATABASE_POOLER = checked_pooler(env.str("DATABASE_POOLER", ""))
DATABASES = {
    "default": database_from_url(
        env.str(
            "DATABASE_OWNER_URL" if DATABASE_ROLE == "owner" else "DATABASE_URL",
            "postgresql://dcmm_app@127.0.0.1:5432/dcmm",
        ),
        DATABASE_POOLER,
    )
}
