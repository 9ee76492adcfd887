"""Channels: live pushes through Redis' own publish/subscribe; a lost message is made good by the next snapshot."""

from environs import validate

from dcmm_portal.environment import env

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [env.str("REDIS_URL", "redis://127.0.0.1:6379/0")], "prefix": "dcmm"},
    }
}

# Live sockets of one web process, of one address at one time, and opened by one address within a minute.
SOCKETS_MAX = env.int("SOCKETS_MAX", 5_000, validate=validate.Range(min=1, max=100_000))
SOCKETS_PER_ADDRESS = env.int("SOCKETS_PER_ADDRESS", 200, validate=validate.Range(min=1, max=100_000))
SOCKETS_OPENED_PER_MIN = env.int("SOCKETS_OPENED_PER_MIN", 600, validate=validate.Range(min=1, max=1_000_000))
