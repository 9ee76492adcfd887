"""Newest-first pages equal what sorting the whole history gives."""

from __future__ import annotations

import random

from trading.sandbox.server.newest_first import last_key, page


def test_pages_equal_a_sorted_history() -> None:
    dice = random.Random(5)
    for _ in range(300):
        keys = sorted(dice.sample(range(1, 400), dice.randrange(0, 120)))
        odd_only = dice.random() < 0.3
        after = dice.choice([None, dice.randrange(0, 420)])
        before = dice.choice([None, dice.randrange(0, 420)])
        limit = dice.choice([1, 3, 20, 100])

        def rows_after(key: int, count: int, keys: list[int] = keys) -> list[int]:
            return [k for k in keys if k > key][:count]

        newest = last_key(lambda key, read=rows_after: bool(read(key, 1)), 0)
        assert newest >= (keys[-1] if keys else 0)
        got = page(
            rows_after,
            lambda k: k,
            lambda k, odd=odd_only: not odd or k % 2 == 1,
            newest=newest,
            after=after,
            before=before,
            limit=limit,
        )
        wanted = [k for k in reversed(keys) if (after is None or k < after) and (before is None or k > before)]
        wanted = [k for k in wanted if not odd_only or k % 2 == 1]
        assert got == wanted[:limit]


def test_the_last_key_is_found_in_few_probes() -> None:
    probes = []

    def exists_after(key: int) -> bool:
        probes.append(key)
        return key < 1_234_567

    assert last_key(exists_after, 0) == 1_234_567
    assert len(probes) < 60
