"""People, and the record of the roles they were given."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person who signs in. What they may do follows from the roles (groups) in `governance.access.roles`, from nothing else.

    The three times are written by the database, never by the application: who was given a role, a password or a second factor,
    or an open account after a proposal was made, does not vote on it.
    """

    credentials_changed_at = models.DateTimeField(_("password or second factor changed at"), null=True, blank=True)
    roles_changed_at = models.DateTimeField(_("roles changed at"), null=True, blank=True)
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)

    class Meta:
        db_table = "users"
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Never: nothing follows from a permission of Django's, nor from being a superuser."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        """Never, likewise."""
        return False


class RoleGrant(models.Model):
    """A role given to a person, and its end; membership without an open grant is refused by the database.

    `authorised_by` is "genesis" or "proposal:<id>". A grant is ended once and never changes otherwise.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="role_grants", verbose_name=_("person"))
    role = models.CharField(_("role"), max_length=32)
    granted_at = models.DateTimeField(_("granted at"))
    authorised_by = models.CharField(_("authorised by"), max_length=120)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revoked_by_name = models.CharField(_("revoked by"), max_length=150, blank=True, default="")
    reason = models.TextField(_("reason"))

    class Meta:
        db_table = "role_grants"
        verbose_name = _("grant of a role")
        verbose_name_plural = _("grants of roles")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role"], condition=models.Q(revoked_at__isnull=True), name="role_granted_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role}"


class GovernanceGenesis(models.Model):
    """One row: while it is open, first rows may say "genesis" as what allowed them. Closed once, by the owner role.

    The application may only read it.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    is_open = models.BooleanField(_("open"), default=True)

    class Meta:
        db_table = "governance_genesis"
        verbose_name = _("genesis")
        verbose_name_plural = _("genesis")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="governance_genesis_one_row")]

    def __str__(self) -> str:
        return "open" if self.is_open else "closed"
