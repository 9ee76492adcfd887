"""Proposals, votes, and everything that happened to them; the versions of the review policy."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.models.access import User


class ReviewPolicy(models.Model):
    """One version of the rules of review; the newest is in force. Rows come and stay.

    `authorised_by` is "genesis" or "proposal:<id>"; `body` is what `governance.review.policy` reads.
    """

    version = models.PositiveIntegerField(_("version"), unique=True)
    body = models.JSONField(_("rules"))
    body_hash = models.CharField(_("hash of the rules"), max_length=64)
    reason = models.TextField(_("reason"))
    authorised_by = models.CharField(_("authorised by"), max_length=120)
    actor_id = models.CharField(_("actor id"), max_length=64)
    actor_name = models.CharField(_("actor"), max_length=150)
    applied_at = models.DateTimeField(_("applied at"))

    class Meta:
        db_table = "review_policies"
        verbose_name = _("review policy")
        verbose_name_plural = _("review policies")

    def __str__(self) -> str:
        return f"v{self.version}"


class ProposalState(models.TextChoices):
    """Where a proposal is; what leads from one to the next stands in `governance.review.states`."""

    DRAFT = "DRAFT", _("draft")
    IN_REVIEW = "IN_REVIEW", _("in review")
    CHANGES_REQUESTED = "CHANGES_REQUESTED", _("changes requested")
    APPROVED = "APPROVED", _("approved")
    APPLIED = "APPLIED", _("applied")
    REJECTED = "REJECTED", _("rejected")
    EXPIRED = "EXPIRED", _("expired")
    WITHDRAWN = "WITHDRAWN", _("withdrawn")
    SUPERSEDED = "SUPERSEDED", _("superseded")
    CANCELLED = "CANCELLED", _("cancelled by the guardian")
    FAILED = "FAILED", _("failed")


class RiskClass(models.TextChoices):
    """What a change does to risk; strictness rises downwards."""

    REDUCING = "reducing", _("reducing")
    NEUTRAL = "neutral", _("neutral")
    INCREASING = "increasing", _("increasing")
    STRICTEST = "strictest", _("strictest")


class Proposal(models.Model):
    """A change somebody wants, from its draft to its end.

    `content_hash` covers kind, subject, change, base and policy version: it is what a vote is about. Content changes only in a
    draft, with the next `revision`. `required` is what the policy of that moment asks for.
    """

    kind = models.CharField(_("kind"), max_length=32)
    subject = models.CharField(_("subject"), max_length=200)
    title = models.CharField(_("title"), max_length=200)
    reason = models.TextField(_("reason"))
    change = models.JSONField(_("change"))
    base = models.JSONField(_("version and hash of what is changed, by part"))
    content_hash = models.CharField(_("hash of the content"), max_length=64)
    policy_version = models.PositiveIntegerField(_("version of the review policy"))
    required = models.JSONField(_("what the policy asks for"))
    risk_class = models.CharField(_("risk class"), max_length=10, choices=RiskClass.choices)
    risk_reasons = models.JSONField(_("reasons of the risk class"), default=list)
    state = models.CharField(_("state"), max_length=17, choices=ProposalState.choices, default=ProposalState.DRAFT)
    revision = models.PositiveIntegerField(_("revision"), default=1)
    proposer = models.ForeignKey(User, models.PROTECT, related_name="proposals", verbose_name=_("proposer"))
    proposer_name = models.CharField(_("proposer"), max_length=150)
    created_at = models.DateTimeField(_("made at"))
    submitted_at = models.DateTimeField(_("submitted at"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    scheduled_for = models.DateTimeField(_("scheduled for"), null=True, blank=True)
    not_before = models.DateTimeField(_("not applied before"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    applied_at = models.DateTimeField(_("applied at"), null=True, blank=True)
    applied_by_name = models.CharField(_("applied by"), max_length=150, blank=True, default="")
    review_due_at = models.DateTimeField(_("review due at"), null=True, blank=True)
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)
    reviewed_by_name = models.CharField(_("reviewed by"), max_length=150, blank=True, default="")
    failure = models.TextField(_("why it failed"), blank=True, default="")
    superseded_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="supersedes", verbose_name=_("superseded by")
    )
    rolls_back_to = models.CharField(_("version it goes back to"), max_length=200, null=True, blank=True)
    preview_hash = models.CharField(_("hash of the preview"), max_length=64, blank=True, default="")
    preview_at = models.DateTimeField(_("preview made at"), null=True, blank=True)
    is_demo = models.BooleanField(_("made for the demonstration"), default=False)

    class Meta:
        db_table = "proposals"
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        indexes = [
            models.Index(fields=["state", "-id"], name="proposals_state"),
            models.Index(fields=["subject", "-id"], name="proposals_subject"),
            models.Index(fields=["proposer", "-id"], name="proposals_proposer"),
            models.Index(
                fields=["review_due_at"],
                condition=models.Q(review_due_at__isnull=False, reviewed_at__isnull=True),
                name="proposals_review_due",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=ProposalState.values) & models.Q(risk_class__in=RiskClass.values),
                name="proposal_words",
            ),
            models.CheckConstraint(condition=models.Q(revision__gte=1), name="proposal_revision_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.title}"


class VoteChoice(models.TextChoices):
    """What a vote can say; "reviewed" is said once a reducing change has been looked at afterwards."""

    APPROVE = "approve", _("approve")
    REJECT = "reject", _("reject")
    REQUEST_CHANGES = "request_changes", _("request changes")
    REVIEWED = "reviewed", _("reviewed")


class Vote(models.Model):
    """One person's word on one revision of a proposal, about exactly the content of that hash. Never changed or deleted."""

    class Method(models.TextChoices):
        TOTP = "totp", _("code of the second factor")
        WEBAUTHN = "webauthn", _("security key")
        PASSWORD = "password", _("password")

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="votes", verbose_name=_("proposal"))
    revision = models.PositiveIntegerField(_("revision"))
    voter = models.ForeignKey(User, models.PROTECT, related_name="votes", verbose_name=_("voter"))
    voter_name = models.CharField(_("voter"), max_length=150)
    choice = models.CharField(_("choice"), max_length=15, choices=VoteChoice.choices)
    content_hash = models.CharField(_("hash of the content"), max_length=64)
    reason = models.TextField(_("reason"), blank=True, default="")
    voted_at = models.DateTimeField(_("voted at"))
    method = models.CharField(_("how it was confirmed"), max_length=8, choices=Method.choices)
    assertion = models.JSONField(_("signed assertion"), null=True, blank=True)

    class Meta:
        db_table = "votes"
        verbose_name = _("vote")
        verbose_name_plural = _("votes")
        constraints = [
            models.UniqueConstraint(fields=["proposal", "revision", "voter"], name="vote_once_per_revision"),
            models.CheckConstraint(
                condition=models.Q(choice__in=VoteChoice.values)
                & models.Q(method__in=["totp", "webauthn", "password"]),
                name="vote_words",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id}: {self.voter_name} {self.choice}"


class ProposalComment(models.Model):
    """A word in the discussion of a proposal. Never changed or deleted."""

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="comments", verbose_name=_("proposal"))
    author = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("author"))
    author_name = models.CharField(_("author"), max_length=150)
    text = models.TextField(_("text"))
    at = models.DateTimeField(_("written at"))

    class Meta:
        db_table = "proposal_comments"
        verbose_name = _("comment")
        verbose_name_plural = _("comments")

    def __str__(self) -> str:
        return f"{self.proposal_id}: {self.author_name}"


class ProposalTransition(models.Model):
    """One step of a proposal, written in the transaction that made it. `from_state` is empty where it was made."""

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="transitions", verbose_name=_("proposal"))
    from_state = models.CharField(_("from"), max_length=17, blank=True, default="")
    to_state = models.CharField(_("to"), max_length=17)
    action = models.CharField(_("action"), max_length=32)
    actor_id = models.CharField(_("actor id"), max_length=64)
    actor_name = models.CharField(_("actor"), max_length=150)
    reason = models.TextField(_("reason"), blank=True, default="")
    revision = models.PositiveIntegerField(_("revision"))
    at = models.DateTimeField(_("at"))

    class Meta:
        db_table = "proposal_transitions"
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")

    def __str__(self) -> str:
        return f"{self.proposal_id}: {self.from_state} → {self.to_state}"


class ProposalPreview(models.Model):
    """What a change would have done, computed before its submission; `proposal` is empty until it belongs to one."""

    proposal = models.ForeignKey(
        Proposal, models.PROTECT, null=True, blank=True, related_name="previews", verbose_name=_("proposal")
    )
    subject = models.CharField(_("subject"), max_length=200)
    change_hash = models.CharField(_("hash of the change"), max_length=64, db_index=True)
    body = models.JSONField(_("preview"))
    hash = models.CharField(_("hash of the preview"), max_length=64)
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        db_table = "proposal_previews"
        verbose_name = _("preview")
        verbose_name_plural = _("previews")

    def __str__(self) -> str:
        return f"{self.subject} {self.hash[:12]}"


class RiskDirectionRow(models.Model):
    """Which change of a parameter is riskier, for the database's own judgement; made from the parameter schema.

    `small_change` is the fraction up to which a change of a parameter that is risky either way counts as small.
    """

    parameter = models.CharField(_("parameter"), max_length=64, primary_key=True)
    direction = models.CharField(_("riskier"), max_length=24)
    small_change = models.DecimalField(_("small change, as a fraction"), max_digits=6, decimal_places=4)

    class Meta:
        db_table = "risk_directions"
        verbose_name = _("risk direction")
        verbose_name_plural = _("risk directions")

    def __str__(self) -> str:
        return f"{self.parameter}: {self.direction}"
