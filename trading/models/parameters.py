"""Governed parameters: one current set per market, its versions in the history table; columns made from the one schema."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from trading.models.fields import money
from trading.models.registry import Market
from trading.parameters.schema import SCHEMA, ParameterSpec


def parameter_column(spec: ParameterSpec) -> models.Field:
    """The column of one declared parameter. Its label and help stay in the schema, where forms and pages read them."""
    return models.DecimalField(
        max_digits=spec.max_digits,
        decimal_places=spec.decimal_places,
        validators=[MinValueValidator(spec.minimum), MaxValueValidator(spec.maximum)],
    )


def kept_versions(table: str) -> HistoricalRecords:
    """The history of a governed table, with the actor copied as text from the row itself."""
    return HistoricalRecords(
        table_name=table,
        history_user_id_field=models.CharField(max_length=150, null=True),
        history_user_getter=_history_actor,
        history_user_setter=_set_history_actor,
    )


def hard_bounds() -> models.Q:
    """The schema's hard bounds of every parameter as one condition, so that the database refuses what lies outside."""
    condition = models.Q()
    for spec in SCHEMA:
        condition &= models.Q(**{f"{spec.name}__gte": spec.minimum, f"{spec.name}__lte": spec.maximum})
    return condition


ParameterColumns: Any = type(
    "ParameterColumns",
    (models.Model,),
    {
        "__module__": __name__,
        "__doc__": "One column per declared parameter.",
        "Meta": type("Meta", (), {"abstract": True}),
        **{spec.name: parameter_column(spec) for spec in SCHEMA},
    },
)


def _history_actor(historical: Any) -> str | None:
    return historical.history_user_id or None


def _set_history_actor(historical: Any, user: Any) -> None:
    """The actor is copied as text from the set itself: history must outlive any account."""
    historical.history_user_id = historical.actor_name


class ParameterSet(ParameterColumns):
    """The parameters in force on a market. Changed only by `trading.parameters.services.apply_version`."""

    market = models.OneToOneField(Market, models.PROTECT, related_name="parameter_set")
    version = models.PositiveIntegerField(_("version"))
    values_hash = models.CharField(_("hash of the values"), max_length=64)
    reason = models.TextField(_("reason"))
    authorised_by = models.CharField(_("authorised by"), max_length=120)
    actor_id = models.CharField(_("actor id"), max_length=64)
    actor_name = models.CharField(_("actor"), max_length=150)
    applied_at = models.DateTimeField(_("applied at"))
    history = kept_versions("parameter_sets_history")

    class Meta:
        db_table = "parameter_sets"
        verbose_name = _("parameter set")
        verbose_name_plural = _("parameter sets")
        constraints = [models.CheckConstraint(condition=hard_bounds(), name="parameter_hard_bounds")]

    def __str__(self) -> str:
        return f"{self.market_id} v{self.version}"


LIMIT_MAX: Final = Decimal(1_000_000_000_000)


class ExposureLimit(models.Model):
    """Limits of worst-case exposure beyond one market: per asset (in base units) and for the desk (in quote units).

    Both limits None: none stands. Changed only by `trading.parameters.limits.apply_limit`.
    """

    class Scope(models.TextChoices):
        ASSET = "asset", _("asset")
        DESK = "desk", _("desk")

    scope = models.CharField(_("scope"), max_length=8, choices=Scope.choices)
    key = models.CharField(_("asset id, or the desk's quote asset"), max_length=32)
    soft_limit = money(verbose_name=_("soft limit"), null=True)
    hard_limit = money(verbose_name=_("hard limit"), null=True)
    version = models.PositiveIntegerField(_("version"), default=1, db_default=1)
    reason = models.TextField(_("reason"), default="genesis", db_default="genesis")
    authorised_by = models.CharField(_("authorised by"), max_length=120, default="genesis", db_default="genesis")
    actor_id = models.CharField(_("actor id"), max_length=64, default="bootstrap", db_default="bootstrap")
    actor_name = models.CharField(_("actor"), max_length=150, default="bootstrap", db_default="bootstrap")
    applied_at = models.DateTimeField(_("applied at"), default=timezone.now, db_default=Now())
    history = kept_versions("exposure_limits_history")

    class Meta:
        db_table = "exposure_limits"
        verbose_name = _("exposure limit")
        verbose_name_plural = _("exposure limits")
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="exposure_limit_once"),
            models.CheckConstraint(
                condition=models.Q(soft_limit__isnull=True, hard_limit__isnull=True)
                | models.Q(
                    soft_limit__isnull=False,
                    soft_limit__gt=0,
                    hard_limit__isnull=False,
                    hard_limit__gte=models.F("soft_limit"),
                    hard_limit__lte=LIMIT_MAX,
                ),
                name="exposure_limit_ordered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope}:{self.key}"
