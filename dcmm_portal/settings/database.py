"""PostgreSQL: the application role, or the owner role for migrations alone (DCMM_DB_ROLE=owner)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from dcmm_portal.environment import env


def database_from_url(url: str) -> dict[str, Any]:
    """Django's settings for a `postgresql://user:password@host:port/name` address."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django_prometheus.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE_S", 60),
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
        },
    }


DATABASE_ROLE = env.str("DCMM_DB_ROLE", "app")
DATABASES = {
    "default": database_from_url(
        env.str(
            "DATABASE_OWNER_URL" if DATABASE_ROLE == "owner" else "DATABASE_URL",
            "postgresql://dcmm_app@127.0.0.1:5432/dcmm",
        )
    )
}
