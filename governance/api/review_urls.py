"""Addresses of review in the API."""

from __future__ import annotations

from django.urls import path

from governance.api import review

urlpatterns = [
    path("", review.Proposals.as_view(), name="api-proposals"),
    path("inbox/", review.Inbox.as_view(), name="api-review-inbox"),
    path("rollback/", review.RollBack.as_view(), name="api-roll-back"),
    path("<int:proposal_id>/", review.OneProposal.as_view(), name="api-proposal"),
    path("<int:proposal_id>/story/", review.Story.as_view(), name="api-story"),
    path("<int:proposal_id>/preview/", review.MakePreview.as_view(), name="api-preview"),
    path("<int:proposal_id>/submit/", review.Submit.as_view(), name="api-submit"),
    path("<int:proposal_id>/apply-at-once/", review.ApplyAtOnce.as_view(), name="api-apply-at-once"),
    path("<int:proposal_id>/vote/", review.CastVote.as_view(), name="api-vote"),
    path("<int:proposal_id>/reviewed/", review.Reviewed.as_view(), name="api-reviewed"),
    path("<int:proposal_id>/withdraw/", review.Withdraw.as_view(), name="api-withdraw"),
    path("<int:proposal_id>/cancel/", review.Cancel.as_view(), name="api-cancel"),
    path("<int:proposal_id>/schedule/", review.Schedule.as_view(), name="api-schedule"),
    path("<int:proposal_id>/comment/", review.Comment.as_view(), name="api-comment"),
]
