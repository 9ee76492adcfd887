"""How long to wait before the next attempt: doubling, bounded, jittered, never giving up."""

from __future__ import annotations

import random


class Backoff:
    """Pauses in seconds: `first_s`, doubling to `longest_s`, each times a random factor in [0.5, 1). `reset` after success."""

    def __init__(self, rng: random.Random, first_s: float = 0.1, longest_s: float = 10.0) -> None:
        self._rng = rng
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    def next_s(self) -> float:
        """The pause before the next attempt."""
        pause_s = self._next_s * (0.5 + self._rng.random() / 2)
        self._next_s = min(self._next_s * 2, self._longest_s)
        return pause_s

    def reset(self) -> None:
        """The attempt succeeded: start small again."""
        self._next_s = self._first_s
