"""How many examples a property gets: few enough for every run, and more where somebody asks (DCMM_TEST_EXAMPLES=20)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("DCMM_TEST_EXAMPLES", "1"))


def examples(number: int) -> settings:
    """Nothing about time: a busy machine is no failure. No store of examples: every run is the same."""
    too_slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(
        max_examples=number * FACTOR,
        deadline=None,
        database=None,
        derandomize=FACTOR == 1,
        suppress_health_check=too_slow,
    )
