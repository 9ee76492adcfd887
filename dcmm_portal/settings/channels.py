"""Channels: live pushes through Redis' own publish/subscribe; a lost message is made good by the next snapshot."""

from urllib.parse import urlsplit

from environs import validate

from dcmm_portal.environment import env

_REDIS_URL = env.str("REDIS_URL", "redis://127.0.0.1:6379/0")
# Redis' channels know no databases: without the number in its name, two installations on one server would hear each other.
_PREFIX = f"dcmm{urlsplit(_REDIS_URL).path.strip('/') or '0'}"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [_REDIS_URL], "prefix": _PREFIX},
    }
}

# Live sockets of one web process, of one address at one time, and opened by one address within a minute.
SOCKETS_MAX = env.int("SOCKETS_MAX", 5_000, validate=validate.Range(min=1, max=100_000))
SOCKETS_PER_ADDRESS = env.int("SOCKETS_PER_ADDRESS", 200, validate=validate.Range(min=1, max=100_000))
SOCKETS_OPENED_PER_MIN = env.int("SOCKETS_OPENED_PER_MIN", 600, validate=validate.Range(min=1, max=1_000_000))
