"""The reports that were published: what each says is kept once, and never changed."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PublicReport(models.Model):
    """One day or week (Indian/Maldives), both of its days included. Append-only.

    `content` is canonical JSON and `sha256` its hash; every form of the report is made from it. `publication_version` is the
    policy that its figures follow.
    """

    class Kind(models.TextChoices):
        DAILY = "daily", _("daily")
        WEEKLY = "weekly", _("weekly")

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices)
    period_start = models.DateField(_("first day"))
    period_end = models.DateField(_("last day"))
    made_at = models.DateTimeField(_("made at"))
    content = models.TextField(_("content"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    publication_version = models.PositiveIntegerField(_("version of the publication policy"))

    class Meta:
        db_table = "public_reports"
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [models.UniqueConstraint(fields=["kind", "period_start"], name="public_report_once")]
        indexes = [models.Index(fields=["-period_end", "kind"], name="public_reports_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.period_start:%Y-%m-%d}"
