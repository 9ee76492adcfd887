"""Signing in: how long sessions last, under which name security keys know us, how mail leaves."""

from environs import validate

from dcmm_portal.environment import DATA_DIR, env

_PORT = env.int("PORT", 8000)
# What mails say our address is; never taken from a request, whose Host its sender chooses.
PUBLIC_URL = env.str("PUBLIC_URL", f"http://localhost:{_PORT}").rstrip("/")
# A security key answers to a name, never to an IP address: on one machine that name is localhost.
WEBAUTHN_RP_ID = env.str("WEBAUTHN_RP_ID", "localhost")
WEBAUTHN_ORIGINS: list[str] = env.list("WEBAUTHN_ORIGINS", [f"http://localhost:{_PORT}"])

SESSION_IDLE_S = env.int("SESSION_IDLE_S", 7_200, validate=validate.Range(min=60))
SESSION_ABSOLUTE_S = env.int("SESSION_ABSOLUTE_S", 43_200, validate=validate.Range(min=60))
SESSIONS_MAX = env.int("SESSIONS_MAX", 5, validate=validate.Range(min=1))
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_S
PASSWORD_RESET_TIMEOUT = 3_600

EMAIL_HOST = env.str("EMAIL_HOST", "")
EMAIL_PORT = env.int("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 10
EMAIL_FROM = env.str("EMAIL_FROM", "portal@localhost")
# Without a mail server, mails are files: enough for the demonstration, and nothing leaves the machine.
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "mail"

# Telegram is off without a token. Like every secret it may stand in a file instead.
_TOKEN_FILE = env.path("TELEGRAM_BOT_TOKEN_FILE", None)
TELEGRAM_BOT_TOKEN = _TOKEN_FILE.read_text().strip() if _TOKEN_FILE else env.str("TELEGRAM_BOT_TOKEN", "")
TELEGRAM_API_URL = env.str("TELEGRAM_API_URL", "https://api.telegram.org").rstrip("/")
