"""Trading states, locks, named gates, and the epochs of quoting leases."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class StateChoices(models.TextChoices):
    """Strictness rises downwards; `trading.risk.states` holds the rule, this only the words."""

    ACTIVE = "ACTIVE", _("active")
    REDUCING = "REDUCING", _("reducing only")
    PAUSED = "PAUSED", _("paused")
    HALTED = "HALTED", _("halted")


class TradingControl(models.Model):
    """What people set: one row for the desk (`scope` = "desk") and one per market (`scope` = the market's slug)."""

    scope = models.CharField(_("desk, or a market's slug"), max_length=48, unique=True)
    state = models.CharField(_("state"), max_length=8, choices=StateChoices.choices)
    reason = models.TextField(_("reason"))
    actor_id = models.CharField(_("actor id"), max_length=64)
    actor_name = models.CharField(_("actor"), max_length=150)
    changed_at = models.DateTimeField(_("changed at"))
    version = models.PositiveIntegerField(_("version"), default=1)
    authorised_by = models.CharField(
        _("what allowed the end of a kill"), max_length=64, blank=True, default="", db_default=""
    )

    class Meta:
        db_table = "trading_controls"
        verbose_name = _("trading control")
        verbose_name_plural = _("trading controls")

    def __str__(self) -> str:
        return f"{self.scope}: {self.state}"


class Lock(models.Model):
    """A state imposed by a rule or a person on a scope until lifted or `until`; the strictest of all that are active holds."""

    scope = models.CharField(_("desk, or a market's slug"), max_length=48, db_index=True)
    state = models.CharField(_("state imposed"), max_length=8, choices=StateChoices.choices)
    rule = models.CharField(_("rule (coded), or 'person'"), max_length=48)
    reason = models.TextField(_("reason"))
    imposed_at = models.DateTimeField(_("imposed at"))
    imposed_by = models.CharField(_("imposed by"), max_length=150)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)
    lifted_by = models.CharField(_("lifted by"), max_length=150, blank=True, default="")
    lift_reason = models.TextField(_("reason for lifting"), blank=True, default="")
    authorised_by = models.CharField(_("what allowed lifting it"), max_length=64, blank=True, default="", db_default="")

    class Meta:
        db_table = "locks"
        verbose_name = _("lock")
        verbose_name_plural = _("locks")
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "rule"], condition=models.Q(lifted_at__isnull=True), name="lock_active_once_per_rule"
            )
        ]

    def __str__(self) -> str:
        return f"{self.scope}: {self.rule}"


class ResumeRequest(models.Model):
    """How an operator asked to end what only two people may end, and an approver decided, before proposals did that: a history.

    `rule` is the rule of the lock to lift, or "kill" for a control that stood at HALTED; `control_version` is the version of
    the scope's control when it was asked. The database refuses every new row and every change.
    """

    class Outcome(models.TextChoices):
        PENDING = "PENDING", _("pending")
        CONFIRMED = "CONFIRMED", _("confirmed")
        REFUSED = "REFUSED", _("refused")
        LAPSED = "LAPSED", _("lapsed")

    scope = models.CharField(_("desk, or a market's slug"), max_length=48, db_index=True)
    rule = models.CharField(_("rule of the lock, or 'kill'"), max_length=48)
    lock = models.ForeignKey(Lock, models.PROTECT, null=True, related_name="+", verbose_name=_("lock"))
    control_version = models.PositiveIntegerField(_("version of the control"))
    reason = models.TextField(_("reason"))
    asked_by_id = models.CharField(_("asked by (id)"), max_length=64)
    asked_by_name = models.CharField(_("asked by"), max_length=150)
    asked_at = models.DateTimeField(_("asked at"))
    expires_at = models.DateTimeField(_("expires at"))
    outcome = models.CharField(_("outcome"), max_length=9, choices=Outcome.choices, default=Outcome.PENDING)
    decided_by_id = models.CharField(_("decided by (id)"), max_length=64, blank=True, default="")
    decided_by_name = models.CharField(_("decided by"), max_length=150, blank=True, default="")
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decision_reason = models.TextField(_("reason of the decision"), blank=True, default="")

    class Meta:
        db_table = "resume_requests"
        verbose_name = _("request to resume")
        verbose_name_plural = _("requests to resume")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(asked_by_id="") & ~models.Q(decided_by_id=models.F("asked_by_id")),
                name="resume_by_two_people",
            ),
            models.CheckConstraint(
                condition=models.Q(outcome="PENDING", decided_by_id="", decided_at__isnull=True)
                | (~models.Q(outcome="PENDING") & ~models.Q(decided_by_id="") & models.Q(decided_at__isnull=False)),
                name="resume_decided_whole",
            ),
            models.CheckConstraint(
                condition=~models.Q(outcome="CONFIRMED") | models.Q(decided_at__lt=models.F("expires_at")),
                name="resume_confirmed_in_time",
            ),
            models.CheckConstraint(
                condition=models.Q(rule="kill", lock__isnull=True)
                | (~models.Q(rule="kill") & models.Q(lock__isnull=False)),
                name="resume_of_kill_or_lock",
            ),
            models.UniqueConstraint(
                fields=["scope", "rule"], condition=models.Q(outcome="PENDING"), name="resume_pending_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope}: {self.rule}, {self.outcome}"


class NamedGate(models.Model):
    """Something that upper rooms must allow before trading may loosen; a missing gate is closed."""

    name = models.CharField(_("name"), max_length=64, unique=True)
    is_open = models.BooleanField(_("open"), default=False)
    reason = models.TextField(_("reason"))
    changed_at = models.DateTimeField(_("changed at"))
    changed_by = models.CharField(_("changed by"), max_length=150)

    class Meta:
        db_table = "named_gates"
        verbose_name = _("named gate")
        verbose_name_plural = _("named gates")

    def __str__(self) -> str:
        return self.name


class LeaseEpoch(models.Model):
    """Who was given which epoch of which market's lease; the number itself comes from the sequence `lease_epoch_seq`."""

    epoch = models.BigIntegerField(_("epoch"), primary_key=True)
    market = models.CharField(_("market"), max_length=48, db_index=True)
    owner = models.CharField(_("process"), max_length=120)
    granted_at = models.DateTimeField(_("granted at"))

    class Meta:
        db_table = "lease_epochs"
        verbose_name = _("lease epoch")
        verbose_name_plural = _("lease epochs")

    def __str__(self) -> str:
        return f"{self.market} e{self.epoch}"
