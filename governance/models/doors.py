"""What opens a door beside a password: sessions, links by e-mail, tokens of programs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class PersonSession(models.Model):
    """A session of a person, so that there are few of them and all can be ended at once."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="portal_sessions", verbose_name=_("person")
    )
    session_key = models.CharField(_("key of the session"), max_length=40, unique=True)
    method = models.CharField(_("second factor it began with (totp, webauthn, recovery), or link"), max_length=16)
    begun_at = models.DateTimeField(_("begun at"))

    class Meta:
        db_table = "person_sessions"
        verbose_name = _("session")
        verbose_name_plural = _("sessions")


class SignInLink(models.Model):
    """A link by e-mail that signs an investor in once, within minutes."""

    email = models.EmailField(_("address it was sent to"))
    token_hash = models.CharField(_("SHA-256 of the token in the link"), max_length=64, unique=True)
    created_at = models.DateTimeField(_("sent at"))
    expires_at = models.DateTimeField(_("good until"))
    used_at = models.DateTimeField(_("used at"), null=True)

    class Meta:
        db_table = "sign_in_links"
        verbose_name = _("link to sign in")
        verbose_name_plural = _("links to sign in")


class ApiToken(models.Model):
    """A key for a person's programs: at most that person's roles, until it expires or is revoked."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="api_tokens", verbose_name=_("person")
    )
    name = models.CharField(_("what it is for"), max_length=60)
    prefix = models.CharField(_("first part of the token, by which it is found"), max_length=16, unique=True)
    secret_hash = models.CharField(
        _("SHA-256 of the secret part, which has 256 random bits; empty until its person fetches it"), max_length=64
    )
    roles = models.JSONField(_("roles it may act in, as far as the person still has them"))
    authorised_by = models.CharField(_("the proposal that allowed it"), max_length=64)
    created_at = models.DateTimeField(_("issued at"))
    expires_at = models.DateTimeField(_("good until"))
    last_used_at = models.DateTimeField(_("last used at, to the minute"), null=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True)
    revoked_by_name = models.CharField(_("revoked by"), max_length=150, blank=True)

    class Meta:
        db_table = "api_tokens"
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
