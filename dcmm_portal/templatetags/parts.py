"""Parts of pages that enclose others: written once in templates/parts, described in docs/look.md."""

from __future__ import annotations

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_block_tag
def card(content: str, title: str = "", name: str = "", kind: str = "") -> SafeString:
    """A panel; with `title` and `name` (unique on the page) a named region. `kind`: narrow, or a class of the page's own."""
    return render_to_string("parts/card.html", {"content": content, "title": title, "name": name, "kind": kind})


@register.simple_block_tag
def banner(content: str, kind: str = "info", is_alert: bool = False) -> SafeString:
    """What concerns the whole page or form. `kind`: info, warning, error or success; `is_alert` is read aloud at once."""
    return render_to_string("parts/banner.html", {"content": content, "kind": kind, "is_alert": is_alert})


@register.simple_block_tag
def wide_table(content: str, label: str) -> SafeString:
    """Around a table that may be wider than a phone: it scrolls in its own box, from the keyboard too, its first column stays."""
    return render_to_string("parts/wide_table.html", {"content": content, "label": label})
