"""Benchmarks: each module has `run() -> list[dict]` with name, value, unit, peer, peer_value, ratio."""
