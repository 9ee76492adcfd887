"""Markdown read into plain blocks, which every rendering is made from; nothing of the source reaches a page but as text.

HTML in the source is text. A link leads to https, to an e-mail address, or to a page of the portal; an image is no part of it.

    block  {"t": "h", "level", "c"}, {"t": "p" | "quote", "c"}, {"t": "ul" | "ol", "items"}, {"t": "table", "head", "rows"},
           {"t": "code", "s"}, {"t": "rule"}
    piece  {"t": "s" | "code" | "fact", "s"}, {"t": "strong" | "em", "c"}, {"t": "a", "href", "c"}, {"t": "br"}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from disclosures.documents.facts import names_in, split
from governance.review.errors import ReviewRefused

Block = dict[str, Any]
Facts = Mapping[str, Mapping[str, Any]]
DEEPEST: Final = 12
_LINK: Final = re.compile(r"(https://[a-z0-9]|mailto:[^\s]+@|/[a-z0-9]|#[a-z0-9])", re.IGNORECASE)
_BIDI_CONTROL: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")


class _Parser(MarkdownIt):
    """Whatever looks like a link is one, so that `parse` refuses it instead of letting it stand as text."""

    def validateLink(self, url: str) -> bool:  # the library's name
        return True


def _parser() -> MarkdownIt:
    return _Parser("commonmark", {"html": False, "maxNesting": 4 * DEEPEST}).enable("table").disable("image")


def parse(text: str) -> SyntaxTreeNode:
    """Raises `ReviewRefused` for a link that leads elsewhere, an unknown placeholder, or signs that turn the writing round."""
    names_in(text)
    if _BIDI_CONTROL.search(text):
        raise ReviewRefused("bad_text", _("Signs that turn the direction of writing are not allowed."))
    tokens = _parser().parse(text)
    if any(one.level > DEEPEST for token in tokens for one in (token, *(token.children or ()))):
        raise ReviewRefused("bad_text", _("Lists, quotes or emphasis are nested too deep."))
    tree = SyntaxTreeNode(tokens)
    for node in tree.walk():
        if node.type == "link" and not _LINK.match(str(node.attrs.get("href", ""))):
            raise ReviewRefused("bad_link", _("A link leads to https://, to mailto:, or to a page here (/…)."))
    return tree


def blocks(text: str, facts: Facts, language: str) -> list[Block]:
    """The text with its facts in place. Raises `ReviewRefused` as `parse` does, and where a fact is missing."""
    return _Reader(facts, language).blocks(parse(text).children)


class _Reader:
    def __init__(self, facts: Facts, language: str) -> None:
        self._facts, self._language, self._level = facts, language, 1

    def blocks(self, nodes: list[SyntaxTreeNode]) -> list[Block]:
        return [block for node in nodes for block in self._block(node)]

    def _block(self, node: SyntaxTreeNode) -> list[Block]:
        kind = node.type
        if kind == "paragraph":
            return [self._paragraph(node)]
        if kind == "heading":
            # The document's title is the first heading of the page, and no level is left out.
            self._level = min(max(int(node.tag[1]), 2), self._level + 1, 4)
            return [{"t": "h", "level": self._level, "c": self._values_only(self._inline(node))}]
        if kind in ("bullet_list", "ordered_list"):
            items = [self.blocks(item.children) for item in node.children]
            return [{"t": "ul" if kind == "bullet_list" else "ol", "items": items}]
        if kind == "blockquote":
            return [{"t": "quote", "c": self.blocks(node.children)}]
        if kind in ("fence", "code_block"):
            return [{"t": "code", "s": node.content.rstrip("\n")}]
        if kind == "hr":
            return [{"t": "rule"}]
        return [self._table(node)] if kind == "table" else []

    def _paragraph(self, node: SyntaxTreeNode) -> Block:
        inline = self._inline(node)
        if len(inline) == 1 and inline[0]["t"] == "table":
            return dict(inline[0])
        if any(one["t"] == "table" for one in inline):
            raise ReviewRefused("bad_text", _("A placeholder of a table stands in a paragraph of its own."))
        return {"t": "p", "c": inline}

    def _table(self, node: SyntaxTreeNode) -> Block:
        rows = [[self._cell(cell) for cell in row.children] for part in node.children for row in part.children]
        return {"t": "table", "head": rows[0], "rows": rows[1:]}

    def _cell(self, node: SyntaxTreeNode) -> list[Block]:
        return self._values_only(self._inline(node))

    def _values_only(self, inline: list[Block]) -> list[Block]:
        if any(one["t"] == "table" for one in inline):
            raise ReviewRefused("bad_text", _("A placeholder of a table stands in a paragraph of its own."))
        return inline

    def _inline(self, node: SyntaxTreeNode) -> list[Block]:
        return [piece for child in node.children for piece in self._piece(child)]

    def _piece(self, node: SyntaxTreeNode) -> list[Block]:
        kind = node.type
        if kind == "inline":
            return self._inline(node)
        if kind == "text":
            return [self._fact(piece) if is_name else {"t": "s", "s": piece} for piece, is_name in split(node.content)]
        if kind in ("strong", "em"):
            return [{"t": kind, "c": self._values_only(self._inline(node))}]
        if kind == "code_inline":
            return [{"t": "code", "s": node.content}]
        if kind == "link":
            return [{"t": "a", "href": str(node.attrs["href"]), "c": self._values_only(self._inline(node))}]
        if kind == "hardbreak":
            return [{"t": "br"}]
        return [{"t": "s", "s": " " if kind == "softbreak" else node.content}]

    def _fact(self, name: str) -> Block:
        found = self._facts.get(name)
        if found is None:
            raise ReviewRefused("unknown_placeholder", _("There is no placeholder “%(name)s”.") % {"name": name})
        if "text" in found:
            return {"t": "fact", "s": found["text"]}
        head = [[{"t": "s", "s": word}] for word in found["head"][self._language]]
        rows = [[[{"t": "fact", "s": value}] for value in row] for row in found["rows"]]
        return {"t": "table", "head": head, "rows": rows}
