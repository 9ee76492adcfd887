"""People, roles and the records of review in the admin, to read. Roles are granted by review, not here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group

from governance import admin_access, admin_alerts
from governance.models import (
    GovernanceGenesis,
    Proposal,
    ProposalComment,
    ProposalPreview,
    ProposalTransition,
    ReviewPolicy,
    RiskDirectionRow,
    RoleGrant,
    User,
    Vote,
)
from trading.admin.records import RecordAdmin

admin.site.unregister(Group)

__all__ = ["RoleAdmin", "UserAdmin", "admin_access", "admin_alerts"]


@admin.register(User)
class UserAdmin(RecordAdmin):
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "groups")
    search_fields = ("username", "first_name", "last_name")
    # The password's hash is nobody's to read, and an address is private.
    fields = (
        "username",
        "first_name",
        "last_name",
        "is_active",
        "is_staff",
        "is_superuser",
        "groups",
        "last_login",
        "date_joined",
    )
    actions: list[Any] = []


@admin.register(Group)
class RoleAdmin(RecordAdmin):
    list_display = ("name",)
    search_fields = ("name",)
    fields = ("name",)


@admin.register(RoleGrant)
class RoleGrantAdmin(RecordAdmin):
    list_display = ("user", "role", "granted_at", "authorised_by", "revoked_at", "revoked_by_name")
    list_filter = ("role", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("user__username", "authorised_by")
    list_select_related = ("user",)
    ordering = ("-id",)


@admin.register(GovernanceGenesis)
class GovernanceGenesisAdmin(RecordAdmin):
    list_display = ("id", "is_open")


@admin.register(ReviewPolicy)
class ReviewPolicyAdmin(RecordAdmin):
    list_display = ("version", "authorised_by", "actor_name", "reason", "applied_at")
    search_fields = ("reason", "authorised_by", "actor_name")
    ordering = ("-version",)


@admin.register(Proposal)
class ProposalAdmin(RecordAdmin):
    list_display = (
        "id",
        "title",
        "kind",
        "state",
        "risk_class",
        "proposer_name",
        "created_at",
        "not_before",
        "is_demo",
    )
    list_filter = ("state", "kind", "risk_class", "is_demo")
    search_fields = ("title", "subject", "reason", "proposer_name")
    raw_id_fields = ("proposer", "superseded_by")
    ordering = ("-id",)


class _OfProposal(RecordAdmin):
    """Rows of a proposal, newest first."""

    raw_id_fields: tuple[str, ...] = ("proposal",)
    ordering = ("-id",)


@admin.register(Vote)
class VoteAdmin(_OfProposal):
    list_display = ("proposal_id", "revision", "voter_name", "choice", "method", "voted_at", "reason")
    list_filter = ("choice", "method")
    search_fields = ("voter_name", "reason", "content_hash")
    raw_id_fields = ("proposal", "voter")


@admin.register(ProposalComment)
class ProposalCommentAdmin(_OfProposal):
    list_display = ("proposal_id", "author_name", "text", "at")
    search_fields = ("author_name", "text")
    raw_id_fields = ("proposal", "author")


@admin.register(ProposalTransition)
class ProposalTransitionAdmin(_OfProposal):
    list_display = ("proposal_id", "action", "from_state", "to_state", "actor_name", "reason", "at")
    list_filter = ("action",)
    search_fields = ("actor_name", "reason")


@admin.register(ProposalPreview)
class ProposalPreviewAdmin(_OfProposal):
    list_display = ("proposal_id", "subject", "hash", "made_at")
    search_fields = ("subject", "hash")


@admin.register(RiskDirectionRow)
class RiskDirectionAdmin(RecordAdmin):
    list_display = ("parameter", "direction", "small_change")
    list_filter = ("direction",)
    search_fields = ("parameter",)
