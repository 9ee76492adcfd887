"""Every Redis key, Lua script and stream of trading; no other room speaks to Redis about trading."""
