"""How the review engine says no."""

from __future__ import annotations


class ReviewRefused(Exception):
    """The verb was refused; `code` is for programs, the message says why and what to do. Nothing was changed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
