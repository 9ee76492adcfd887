"""The first version of the review policy."""

from __future__ import annotations

from typing import Any

HOUR_S, DAY_S = 3600, 86_400
DEMO_TIMELOCK_S = 60


def starting_policy(timelock_s: int = HOUR_S) -> dict[str, Any]:
    """The rules a portal starts with: an hour between approval and effect; the demonstration waits a minute."""
    two_people = {"quorum": 2, "roles": ["approver"], "timelock_s": timelock_s, "valid_s": DAY_S}
    a_month_at_most = {"quorum": 1, "roles": ["compliance"], "timelock_s": 0, "valid_s": 30 * DAY_S}
    one_more = {"quorum": 1, "roles": ["approver"], "timelock_s": 0, "valid_s": 1800}
    strictest = {"class": "strictest"}
    return {
        "version_of_format": 1,
        "classes": {
            "reducing": {"quorum": 0, "timelock_s": 0, "valid_s": DAY_S, "review_within_s": DAY_S},
            "neutral": {"quorum": 1, "roles": ["approver"], "timelock_s": 0, "valid_s": 3 * DAY_S},
            "increasing": two_people,
            "strictest": dict(two_people),
        },
        "kinds": {
            "control": one_more,
            "control_kill": dict(one_more),
            "document": a_month_at_most,
            "policy": dict(strictest),
            "role_grant": dict(strictest),
            "credentials": dict(strictest),
            "token": dict(strictest),
        },
        "small_change": 0.05,
        "drift_window_s": 7 * DAY_S,
        "guardian_role": "compliance",
        "preview_valid_s": 1800,
        "in_review_valid_s": 14 * DAY_S,
    }
