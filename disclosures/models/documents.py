"""Documents for the public: drafts that change, and what was published, said about it and accepted, which does not.

What time and later rows make of a published version (superseded, withdrawn, expired) is read, never written onto it.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class DisclosureDraft(models.Model):
    """A text in work. `content` has the shape of `disclosures.documents.content`; `authors` are the user names of everybody who
    wrote it, none of whom may approve it."""

    kind = models.CharField(_("kind"), max_length=40)
    content = models.JSONField(_("content"))
    authors = models.JSONField(_("authors"), default=list)
    note = models.TextField(_("note"), blank=True, default="")
    revision = models.IntegerField(_("revision"), default=1)
    proposal = models.OneToOneField(
        "governance.Proposal",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="disclosure_draft",
        verbose_name=_("proposal"),
    )
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        db_table = "disclosure_drafts"
        verbose_name = _("draft of a disclosure")
        verbose_name_plural = _("drafts of disclosures")

    def __str__(self) -> str:
        return f"{self.kind}: draft {self.pk}"


class DisclosureVersion(models.Model):
    """A published version. `content` is canonical JSON and `sha256` its hash, as approved; the database checks both."""

    kind = models.CharField(_("kind"), max_length=40)
    version = models.IntegerField(_("version"))
    content = models.TextField(_("content"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    published_at = models.DateTimeField(_("published at"))
    effective_until = models.DateTimeField(_("effective until"), null=True, blank=True)
    review_due_on = models.DateField(_("review due on"))
    authorised_by = models.CharField(_("authorised by"), max_length=40, unique=True)
    author_name = models.CharField(_("author"), max_length=150)
    approver_name = models.CharField(_("approved by"), max_length=300)
    pdf_en = models.BinaryField(_("PDF, English"))
    pdf_dv = models.BinaryField(_("PDF, Dhivehi"))

    class Meta:
        db_table = "disclosure_versions"
        verbose_name = _("disclosure")
        verbose_name_plural = _("disclosures")
        constraints = [models.UniqueConstraint(fields=["kind", "version"], name="disclosure_version_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"


class DisclosureNotice(models.Model):
    """What was said about a published version afterwards: that it is withdrawn, or corrected in a point."""

    class What(models.TextChoices):
        WITHDRAWAL = "withdrawal", _("withdrawal")
        CORRECTION = "correction", _("correction")

    version = models.ForeignKey(DisclosureVersion, models.PROTECT, related_name="notices", verbose_name=_("disclosure"))
    what = models.CharField(_("what"), max_length=12, choices=What.choices)
    text_en = models.TextField(_("text, English"))
    text_dv = models.TextField(_("text, Dhivehi"))
    authorised_by = models.CharField(_("authorised by"), max_length=40, unique=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        db_table = "disclosure_notices"
        verbose_name = _("notice about a disclosure")
        verbose_name_plural = _("notices about disclosures")
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=models.Q(what="withdrawal"), name="disclosure_withdrawn_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.what}"


class DisclosureAcknowledgement(models.Model):
    """An investor read and accepted a version."""

    version = models.ForeignKey(
        DisclosureVersion, models.PROTECT, related_name="acknowledgements", verbose_name=_("disclosure")
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="acknowledgements", verbose_name=_("person")
    )
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    at = models.DateTimeField(_("at"))

    class Meta:
        db_table = "disclosure_acknowledgements"
        verbose_name = _("acknowledgement")
        verbose_name_plural = _("acknowledgements")
        constraints = [models.UniqueConstraint(fields=["version", "person"], name="disclosure_acknowledged_once")]

    def __str__(self) -> str:
        return f"{self.version}: {self.person_id}"
