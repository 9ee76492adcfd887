"""The policy of publication: how fine and how soon the public sees what would let it trade against the desk."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PublicationPolicy(models.Model):
    """One version; the newest is in force, over the past too. Rows come and stay.

    `authorised_by` is "genesis" or "proposal:<id>".
    """

    version = models.PositiveIntegerField(_("version"), unique=True)
    delay_s = models.PositiveIntegerField(_("inventory is told this late (s)"))
    inventory_step_share = models.DecimalField(
        _("inventory is rounded to this fraction of the hard limit"), max_digits=6, decimal_places=4
    )
    pnl_granularity_days = models.PositiveIntegerField(_("P&L is told by this many complete days"))
    quote_granularity_s = models.PositiveIntegerField(_("our quotes are told by this many seconds (0: live)"))
    reason = models.TextField(_("reason"))
    authorised_by = models.CharField(_("authorised by"), max_length=120)
    actor_id = models.CharField(_("actor id"), max_length=64)
    actor_name = models.CharField(_("actor"), max_length=150)
    applied_at = models.DateTimeField(_("applied at"))

    class Meta:
        db_table = "publication_policies"
        verbose_name = _("publication policy")
        verbose_name_plural = _("publication policies")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    delay_s__lte=604_800,
                    inventory_step_share__gte="0.001",
                    inventory_step_share__lte=1,
                    pnl_granularity_days__gte=1,
                    pnl_granularity_days__lte=31,
                    quote_granularity_s__lte=86_400,
                ),
                name="publication_bounds",
            )
        ]

    def __str__(self) -> str:
        return f"v{self.version}"
