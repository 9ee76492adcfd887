"""People."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person who signs in. What they may do follows from the roles (groups) in `governance.access.roles`, from nothing else."""

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
