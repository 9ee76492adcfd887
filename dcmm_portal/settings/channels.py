"""Channels: live pushes through Redis' own publish/subscribe; a lost message is made good by the next snapshot."""

from dcmm_portal.environment import env

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [env.str("REDIS_URL", "redis://127.0.0.1:6379/0")], "prefix": "dcmm"},
    }
}
