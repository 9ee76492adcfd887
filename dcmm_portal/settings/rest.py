"""The REST API and its description."""

from django.core.exceptions import ImproperlyConfigured
from environs import validate

from dcmm_portal.environment import env

# How many proxies in front write X-Forwarded-For; what clients write there themselves is never believed.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=validate.Range(min=0, max=10))
# The header in which those proxies name the visitor's country (ISO 3166-1, as CF-IPCountry does); "" where none does. A name that
# says "country" only: no header that browsers send themselves.
COUNTRY_HEADER = env.str(
    "COUNTRY_HEADER", "", validate=validate.Regexp(r"(?i)(|[a-z][a-z0-9-]{0,40}country[a-z0-9-]{0,40})\Z")
)
if COUNTRY_HEADER and TRUSTED_PROXIES == 0:
    raise ImproperlyConfigured(
        "COUNTRY_HEADER is believed of proxies alone: say with TRUSTED_PROXIES how many there are."
    )

REST_FRAMEWORK = {
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "governance.api.token_door.TokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 100,
    "COERCE_DECIMAL_TO_STRING": True,
    "EXCEPTION_HANDLER": "dcmm_portal.api_errors.answer",
    "DEFAULT_THROTTLE_RATES": {
        "public": env.str("API_PUBLIC_RATE", "240/min"),
        "files": env.str("API_FILES_RATE", "30/min"),
        "staff": env.str("API_STAFF_RATE", "600/min"),
        "controls": env.str("API_CONTROLS_RATE", "30/min"),
    },
}
SPECTACULAR_SETTINGS = {
    "TITLE": "DCMM portal",
    "DESCRIPTION": (
        "What the market maker does and why. Money, prices and sizes are strings of plain digits; times are ISO 8601 in UTC."
    ),
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {},
}
