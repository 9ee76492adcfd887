"""Addresses of review."""

from __future__ import annotations

from django.urls import path

from governance.desk.review import inbox, proposal, propose, propose_kind, versions

urlpatterns = [
    path("", inbox.show_inbox, name="review"),
    path("all/", inbox.show_all, name="review-all"),
    path("new/", propose.show_new, name="review-new"),
    path("new/<slug:kind>/", propose_kind.show_new, name="review-new-kind"),
    path("versions/<slug:market>/", versions.show, name="review-versions"),
    path("<int:proposal_id>/", proposal.show, name="review-proposal"),
    path("<int:proposal_id>/edit/", propose_kind.show_edit, name="review-edit"),
    path("<int:proposal_id>/story.json", proposal.download, name="review-story"),
    path("<int:proposal_id>/<slug:verb>/", proposal.act, name="review-act"),
]
