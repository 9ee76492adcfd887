"""Second factors of people, and what was proved with them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class TotpDevice(models.Model):
    """The authenticator app of a person: its secret, sealed, and the last step whose code was used."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="totp_device", verbose_name=_("person")
    )
    sealed_secret = models.TextField(_("secret, encrypted with a key of the installation"))
    last_step = models.BigIntegerField(_("last 30-second step whose code was used; no older code is taken"))
    created_at = models.DateTimeField(_("enrolled at"))

    class Meta:
        db_table = "totp_devices"
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")


class SecurityKey(models.Model):
    """A WebAuthn credential of a person. Never deleted: what it signed stays verifiable."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="security_keys", verbose_name=_("person")
    )
    credential_id = models.CharField(_("credential id, base64url"), max_length=1400, unique=True)
    public_key = models.TextField(_("public key, COSE in base64url"))
    sign_count = models.BigIntegerField(_("signature counter last seen; 0 where the key keeps none"))
    name = models.CharField(_("name given by the person"), max_length=60)
    created_at = models.DateTimeField(_("enrolled at"))
    last_used_at = models.DateTimeField(_("last used at"), null=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True)

    class Meta:
        db_table = "security_keys"
        verbose_name = _("security key")
        verbose_name_plural = _("security keys")


class RecoveryCode(models.Model):
    """A code for the day the second factor is lost; used once, kept as a hash."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="recovery_codes", verbose_name=_("person")
    )
    code_hash = models.CharField(_("SHA-256 of the code, which has 80 random bits"), max_length=64, unique=True)
    created_at = models.DateTimeField(_("made at"))
    used_at = models.DateTimeField(_("used at"), null=True)

    class Meta:
        db_table = "recovery_codes"
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")


class StepUpProof(models.Model):
    """A fresh second factor given for one purpose about one content; good once."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="step_up_proofs", verbose_name=_("person")
    )
    purpose = models.CharField(_("what it was given for"), max_length=64)
    content_hash = models.CharField(_("SHA-256 of what it was given about"), max_length=64)
    method = models.CharField(_("totp or webauthn"), max_length=16)
    begun_at = models.DateTimeField(_("asked for at"))
    expires_at = models.DateTimeField(_("good until"))
    used_at = models.DateTimeField(_("used at"), null=True)
    proof_hash = models.CharField(
        _("SHA-256 of the signature, so that none is taken twice"), max_length=64, null=True, unique=True
    )

    class Meta:
        db_table = "step_up_proofs"
        verbose_name = _("step-up proof")
        verbose_name_plural = _("step-up proofs")
        indexes = [models.Index(fields=["person", "content_hash"], name="step_up_of_content")]
