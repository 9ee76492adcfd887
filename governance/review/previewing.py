"""A preview belongs to exactly one content of a proposal and goes stale; kinds that have one are registered here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from governance.access.actors import actor_of
from governance.models import Proposal, ProposalPreview, User
from governance.review.canonical import digest
from governance.review.checks import require_own
from governance.review.errors import ReviewRefused
from governance.review.once import once_on
from governance.review.policy import Policy
from governance.review.preview.limits import limits_preview
from governance.review.preview.parameters import parameters_preview

# kind → what computes its preview: change, base and time in, JSON out. A kind that is not here needs none.
Compute = Callable[[dict[str, Any], dict[str, Any], datetime], dict[str, Any]]
PREVIEWS: Final[dict[str, Compute]] = {"parameters": parameters_preview, "limits": limits_preview}


def change_hash(proposal: Proposal) -> str:
    """What a preview is about: the change and the versions it starts from."""
    return digest([proposal.change, proposal.base])


def attach_preview(person: User, proposal_id: int, *, key: str, now: datetime) -> Proposal:
    """Compute the preview of a draft and bind it to it. Raises `ReviewRefused`."""
    known = Proposal.objects.filter(pk=proposal_id).first()
    if known is None or known.kind not in PREVIEWS:
        raise ReviewRefused("no_preview", _("There is nothing to preview."))
    # May take seconds: computed before any row is locked, and bound only to the content it was computed for.
    about, body = change_hash(known), PREVIEWS[known.kind](known.change, known.base, now)

    def work(proposal: Proposal) -> Proposal:
        require_own(person, proposal)
        if proposal.state != "DRAFT":
            raise ReviewRefused("bad_state", _("Only a draft gets a preview."))
        if change_hash(proposal) != about:
            raise ReviewRefused("content_changed", _("The draft has just been changed: preview it again."))
        proposal.preview_hash, proposal.preview_at = digest(body), now
        ProposalPreview.objects.create(
            proposal=proposal, subject=proposal.subject, change_hash=about, body=body, hash=digest(body), made_at=now
        )
        proposal.save(update_fields=["preview_hash", "preview_at"])
        return proposal

    return once_on("preview", key, [], actor_of(person), now, proposal_id, work)


def require_fresh_preview(proposal: Proposal, policy: Policy, now: datetime) -> None:
    """Raises `ReviewRefused` ("no_preview", "stale_preview") for a kind that has previews."""
    if proposal.kind not in PREVIEWS:
        return
    found = proposal.previews.filter(hash=proposal.preview_hash, change_hash=change_hash(proposal)).exists()
    if proposal.preview_at is None or not found:
        raise ReviewRefused("no_preview", _("Look at the preview first."))
    if now > proposal.preview_at + timedelta(seconds=policy.preview_valid_s):
        raise ReviewRefused("stale_preview", _("The preview is too old: make it again."))
