"""Addresses of review."""

from __future__ import annotations

from django.urls import path

from governance.desk.review import inbox, proposal, propose, versions

urlpatterns = [
    path("", inbox.show_inbox, name="review"),
    path("all/", inbox.show_all, name="review-all"),
    path("new/", propose.show_new, name="review-new"),
    path("versions/<slug:market>/", versions.show, name="review-versions"),
    path("<int:proposal_id>/", proposal.show, name="review-proposal"),
    path("<int:proposal_id>/edit/", propose.show_edit, name="review-edit"),
    path("<int:proposal_id>/story.json", proposal.download, name="review-story"),
    path("<int:proposal_id>/<slug:verb>/", proposal.act, name="review-act"),
]
