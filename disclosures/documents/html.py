"""Blocks as HTML: every text escaped where it is written, and the whole cleaned once more by a library of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import Any, Final

import nh3
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import override

from disclosures.documents.blocks import Block, Facts, blocks

_TAGS: Final = {
    "h2", "h3", "h4", "p", "ul", "ol", "li", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "strong",
    "em", "a", "br", "hr", "bdi", "div",
}  # fmt: skip
_ATTRIBUTES: Final = {"a": {"href"}, "bdi": {"dir"}, "th": {"scope"}, "div": {"class", "tabindex"}, "pre": {"dir"}}


def html_of(content: Mapping[str, Any], facts: Facts, language: str) -> SafeString:
    """The text of one language. Raises `ReviewRefused` where it cannot be rendered."""
    with override(language):
        written = "".join(_block(block) for block in blocks(content["text"][language], facts, language))
    # Safe: every text in it was escaped, and what the list above does not name was taken out again.
    return SafeString(clean(written))


def clean(written: str) -> str:
    """HTML with nothing but what documents are made of."""
    return nh3.clean(
        written,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"https", "mailto"},
        link_rel="noopener nofollow",
    )


@lru_cache(maxsize=64)
def html_of_published(sha256: str, content: str, language: str) -> SafeString:
    """As `html_of`, of what cannot change: kept in the process."""
    body = json.loads(content)
    return html_of(body, body["facts"], language)


def _block(block: Block) -> str:
    kind = block["t"]
    if kind == "p":
        return f"<p>{_line(block['c'])}</p>"
    if kind == "h":
        return f"<h{block['level']}>{_line(block['c'])}</h{block['level']}>"
    if kind in ("ul", "ol"):
        items = "".join(f"<li>{''.join(map(_block, item))}</li>" for item in block["items"])
        return f"<{kind}>{items}</{kind}>"
    if kind == "quote":
        return f"<blockquote>{''.join(map(_block, block['c']))}</blockquote>"
    if kind == "code":
        return f'<pre dir="ltr"><code>{escape(block["s"])}</code></pre>'
    return "<hr>" if kind == "rule" else _table(block)


def _table(block: Block) -> str:
    head = "".join(f'<th scope="col">{_line(cell)}</th>' for cell in block["head"])
    rows = "".join(f"<tr>{''.join(f'<td>{_line(cell)}</td>' for cell in row)}</tr>" for row in block["rows"])
    if not block["rows"]:
        return f"<p>{escape(nothing_recorded())}</p>"
    return (
        f'<div class="wide-table" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def nothing_recorded() -> str:
    """In place of a table without rows."""
    return _("Nothing of this kind is recorded in the system.")


def _line(pieces: list[Block]) -> str:
    return "".join(map(_piece, pieces))


def _piece(piece: Block) -> str:
    kind = piece["t"]
    if kind == "s":
        return escape(piece["s"])
    if kind == "fact":
        return f'<bdi dir="ltr">{escape(piece["s"])}</bdi>'
    if kind == "code":
        return f'<bdi dir="ltr"><code>{escape(piece["s"])}</code></bdi>'
    if kind == "a":
        return f'<a href="{escape(piece["href"])}">{_line(piece["c"])}</a>'
    return "<br>" if kind == "br" else f"<{kind}>{_line(piece['c'])}</{kind}>"
