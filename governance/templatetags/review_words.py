"""Codes of review in words, in templates."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from governance.desk.review import words
from governance.review.voting import WHY_NOT

register = template.Library()
register.filter("risk_reason", words.risk_reason)
register.filter("action_word", words.action_word)
register.filter("kind_word", words.kind_word)
register.filter("what_next", words.what_next)


@register.filter
def why_not(code: str) -> str:
    """Why a person may not vote; "" where there is nothing to say."""
    return _(WHY_NOT[code]) if code in WHY_NOT else ""
