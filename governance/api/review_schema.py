"""What the API of review takes and gives."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.models import Proposal
from governance.review.drafting import COMMENT_MAX
from trading.controls.services import REASON_MAX, REASON_MIN


class ProposalLineSerializer(serializers.Serializer[Any]):
    """A proposal in a list."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    subject = serializers.CharField(help_text="As in parameters:dct-usdt-dex.")
    title = serializers.CharField()
    state = serializers.CharField(
        help_text="DRAFT, IN_REVIEW, CHANGES_REQUESTED, APPROVED, APPLIED, REJECTED, EXPIRED, WITHDRAWN, SUPERSEDED, CANCELLED "
        "or FAILED."
    )
    risk_class = serializers.CharField(help_text="reducing, neutral, increasing or strictest.")
    proposer_name = serializers.CharField()
    is_demo = serializers.BooleanField()
    approvals = serializers.IntegerField(help_text="Given to this revision.")
    quorum = serializers.IntegerField(help_text="Approvals that it needs.")
    created_at = serializers.DateTimeField()
    not_before = serializers.DateTimeField(allow_null=True, help_text="End of the timelock.")
    valid_until = serializers.DateTimeField(allow_null=True)
    review_due_at = serializers.DateTimeField(allow_null=True, help_text="Of a change that was applied at once.")


class InboxSerializer(serializers.Serializer[Any]):
    """What waits for the person."""

    to_vote = ProposalLineSerializer(many=True)
    to_review = ProposalLineSerializer(many=True)
    own = ProposalLineSerializer(many=True)
    coming = ProposalLineSerializer(many=True)


class ProposalSerializer(serializers.ModelSerializer[Proposal]):
    """The record of a proposal."""

    class Meta:
        model = Proposal
        fields = [
            "id", "kind", "subject", "title", "reason", "change", "base", "content_hash", "policy_version", "required",
            "risk_class", "risk_reasons", "state", "revision", "proposer_name", "created_at", "submitted_at", "decided_at",
            "scheduled_for", "not_before", "valid_until", "applied_at", "applied_by_name", "review_due_at", "reviewed_at",
            "reviewed_by_name", "failure", "superseded_by", "rolls_back_to", "preview_hash", "preview_at", "is_demo",
        ]  # fmt: skip
        read_only_fields = fields


class DiffRowSerializer(serializers.Serializer[Any]):
    """One value of a change."""

    part = serializers.CharField(help_text="The market or thing.")
    name = serializers.CharField()
    unit = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    code = serializers.CharField(help_text="riskier, safer, either, or nothing.")


class CastVoteSerializer(serializers.Serializer[Any]):
    """One vote."""

    voter_name = serializers.CharField()
    choice = serializers.CharField()
    reason = serializers.CharField()
    voted_at = serializers.DateTimeField()
    method = serializers.CharField()
    revision = serializers.IntegerField()
    content_hash = serializers.CharField()
    void = serializers.CharField(help_text="Why it does not count; empty where it does.")


class CountdownSerializer(serializers.Serializer[Any]):
    """What time does next."""

    what = serializers.CharField(help_text="applies, expires or review_due.")
    at = serializers.DateTimeField()
    seconds = serializers.FloatField()


class DetailSerializer(serializers.Serializer[Any]):
    """Everything the proposal's page shows."""

    proposal = ProposalSerializer()
    diff = DiffRowSerializer(many=True)
    votes = CastVoteSerializer(many=True)
    approvals = serializers.IntegerField()
    may_still_vote = serializers.ListField(child=serializers.CharField())
    countdown = CountdownSerializer(allow_null=True)
    is_stale = serializers.BooleanField(help_text="What it starts from is no longer in force.")
    rivals = serializers.ListField(child=serializers.IntegerField())
    preview = serializers.JSONField(allow_null=True)
    actions = serializers.ListField(child=serializers.CharField(), help_text="What you may do with it now.")


class _Reason(serializers.Serializer[Any]):
    reason = serializers.CharField(min_length=REASON_MIN, max_length=REASON_MAX)


class ProposeSerializer(_Reason):
    """A new proposal."""

    kind = serializers.CharField(max_length=32, default="parameters")
    change = serializers.JSONField(
        help_text='In the kind\'s own shape; of parameters: {"markets": {"<slug>": {"<name>": "<number as text>"}}}; of limits: '
        '{"limits": {"asset:<id>" or "desk:<quote asset>": {"hard_limit": "<number as text, or none>"}}}; of the registry: '
        '{"registry": {"market:<slug>": {"<word>": "<text>"}}, "parameters": {"<slug of a new market>": {...}}}.'
    )
    apply_at_once = serializers.BooleanField(default=False, help_text="Only for what only makes things safer.")
    replaces = serializers.IntegerField(allow_null=True, default=None, help_text="An own open proposal.")


class EditSerializer(_Reason):
    """Other content for an own open proposal."""

    change = serializers.JSONField()


class ReasonSerializer(_Reason):
    """A reason."""


class VoteSerializer(serializers.Serializer[Any]):
    """A vote with its second factor: `code`, or `assertion` of a security key."""

    choice = serializers.ChoiceField(choices=["approve", "reject", "request_changes"])
    content_hash = serializers.CharField(max_length=64, help_text="Of the content that you looked at.")
    reason = serializers.CharField(max_length=REASON_MAX, allow_blank=True, default="")
    code = serializers.CharField(max_length=16, allow_blank=True, default="")
    assertion = serializers.CharField(allow_blank=True, default="")


class ProofSerializer(serializers.Serializer[Any]):
    """A second factor, where the command asks for one."""

    code = serializers.CharField(max_length=16, allow_blank=True, default="")
    assertion = serializers.CharField(allow_blank=True, default="")


class ReviewedSerializer(_Reason):
    """A look afterwards with its second factor."""

    code = serializers.CharField(max_length=16, allow_blank=True, default="")
    assertion = serializers.CharField(allow_blank=True, default="")


class ScheduleSerializer(serializers.Serializer[Any]):
    """A later time."""

    at = serializers.DateTimeField()


class CommentSerializer(serializers.Serializer[Any]):
    """A word in the discussion."""

    text = serializers.CharField(max_length=COMMENT_MAX)


class RollBackSerializer(_Reason):
    """The version to go back to."""

    market = serializers.CharField(
        max_length=48,
        help_text="A market's slug, a limit as asset:<id> or desk:<quote asset>, publication, or jurisdiction:<country>.",
    )
    version = serializers.IntegerField(min_value=1)


class StorySerializer(serializers.Serializer[Any]):
    """The whole story; `sha256` covers the rest in canonical JSON."""

    proposal = serializers.JSONField()
    content_hash_recomputed = serializers.CharField()
    policy = serializers.JSONField(allow_null=True)
    diff = serializers.JSONField()
    votes = serializers.JSONField()
    transitions = serializers.JSONField()
    comments = serializers.JSONField()
    previews = serializers.JSONField()
    versions_made = serializers.JSONField()
    events = serializers.JSONField()
    sha256 = serializers.CharField()
