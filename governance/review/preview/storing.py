"""Keeps a preview: one row of `proposal_previews`, append-only, not yet bound to a proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps

if TYPE_CHECKING:
    from governance.review.preview.making import MadePreview


def store(made: MadePreview) -> Any:
    """The stored row."""
    return apps.get_model("governance", "ProposalPreview").objects.create(
        subject=made.subject,
        change_hash=made.change_hash,
        body=made.body,
        hash=made.hash,
        made_at=made.made_at,
    )
