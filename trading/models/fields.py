"""Column kinds that several rooms share."""

from __future__ import annotations

from typing import Any

from django.db import models


def money(**kwargs: Any) -> models.DecimalField:
    """A price, quantity or amount: 38 digits, 18 of them decimals, so that no venue's precision is cut."""
    return models.DecimalField(max_digits=38, decimal_places=18, **kwargs)
