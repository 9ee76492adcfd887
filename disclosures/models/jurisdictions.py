"""Rules by jurisdiction: whom the public site shows a notice, and whom it does not show its figures."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

DEFAULT_COUNTRY = "default"
NOTICE_MIN, NOTICE_MAX = 10, 1500
# Plain text: no tag, no control character but a new line, nothing that turns the direction of what follows.
PLAIN = r"^[^<>\x01-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]{10,}$"


class JurisdictionRule(models.Model):
    """One version of the rule of one country; its newest is in force. Rows come and stay.

    `country` is a code of ISO 3166-1, or "default": whoever is in a country without a rule, or nobody knows where. A rule that
    does nothing ("none") has no words. `authorised_by` is "genesis" or "proposal:<id>".
    """

    class Mode(models.TextChoices):
        NONE = "none", _("nothing")
        BANNER = "banner", _("a notice")
        BLOCK = "block", _("a refusal")

    class Scope(models.TextChoices):
        SITE = "site", _("the whole public site")
        DASHBOARDS = "dashboards", _("figures about trading")
        ACKNOWLEDGEMENT = "acknowledgement", _("acceptance of documents")

    country = models.CharField(_("jurisdiction"), max_length=7)
    version = models.PositiveIntegerField(_("version"))
    mode = models.CharField(_("what happens"), max_length=6, choices=Mode.choices)
    scope = models.CharField(_("where"), max_length=15, choices=Scope.choices)
    notice_en = models.CharField(_("notice in English"), max_length=NOTICE_MAX, blank=True)
    notice_dv = models.CharField(_("notice in Dhivehi"), max_length=NOTICE_MAX, blank=True)
    reason = models.TextField(_("reason"))
    authorised_by = models.CharField(_("authorised by"), max_length=120)
    actor_id = models.CharField(_("actor id"), max_length=64)
    actor_name = models.CharField(_("actor"), max_length=150)
    applied_at = models.DateTimeField(_("applied at"))

    class Meta:
        db_table = "jurisdiction_rules"
        verbose_name = _("rule of a jurisdiction")
        verbose_name_plural = _("rules by jurisdiction")
        constraints = [
            models.UniqueConstraint(fields=["country", "version"], name="jurisdiction_version_once"),
            models.CheckConstraint(
                condition=Q(country=DEFAULT_COUNTRY) | Q(country__regex="^[A-Z]{2}$"), name="jurisdiction_country"
            ),
            models.CheckConstraint(
                condition=Q(mode="none", scope="site", notice_en="", notice_dv="")
                | Q(mode__in=["banner", "block"], notice_en__regex=PLAIN, notice_dv__regex=PLAIN),
                name="jurisdiction_words",
            ),
            models.CheckConstraint(
                condition=Q(scope__in=["site", "dashboards", "acknowledgement"]), name="jurisdiction_scope"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country} v{self.version}"
