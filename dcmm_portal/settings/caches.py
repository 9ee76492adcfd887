"""What each process keeps for itself: small figures and counters, and apart from them, so that they never push each other out,
whole answers."""

from __future__ import annotations

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "answers": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "answers",
        "OPTIONS": {"MAX_ENTRIES": 200},
    },
}
