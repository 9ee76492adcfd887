"""The public tables of the treasury, as JSON and as CSV. Made-up data says so in each (`data`, `notice`)."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from disclosures.api.tables import TableView, described
from disclosures.transparency.series import RANGES, BadRange, asked_range
from disclosures.transparency.tables import PublicTable
from disclosures.transparency.treasury import (
    balances,
    buyback_days,
    buybacks,
    epochs,
    newest_programme,
    payouts,
    payouts_of_epoch,
    programmes,
    wallets,
)
from trading.clock import to_datetime
from trading.treasury.selectors import held_assets

DEFAULT: Final = "90d"
_RANGE: Final = [
    OpenApiParameter("range", str, enum=list(RANGES), description=f"How far back from now; default {DEFAULT}."),
    OpenApiParameter("from", OpenApiTypes.DATETIME, description="Instead of a range: from this time on."),
    OpenApiParameter(
        "to", OpenApiTypes.DATETIME, description="With `from`: up to this time, not included; default now."
    ),
]
_BALANCES: Final = [OpenApiParameter("asset", str, required=True, description="Id of the asset."), *_RANGE]
_PAYOUTS: Final = [
    OpenApiParameter("epoch", int, description="Instead of a range: every reward of this epoch."),
    *_RANGE,
]
_DAYS: Final = [OpenApiParameter("programme", str, description="Default: the one that started last."), *_RANGE]


def _range(request: Request) -> tuple[datetime | None, datetime, datetime]:
    """Since, until, now. Raises ValidationError."""
    asked, now = request.query_params, to_datetime(time.time_ns())
    since, until = asked.get("from", ""), asked.get("to", "")
    name = asked.get("range", "") or ("" if since or until else DEFAULT)
    try:
        return (*asked_range(name, since, until, now), now)
    except BadRange as problem:
        raise ValidationError({problem.field: str(problem)}) from problem


def _of_epoch(request: Request, epoch: str) -> PublicTable:
    """The rewards of the epoch. Raises ValidationError."""
    if any(request.query_params.get(name) for name in ("range", "from", "to")):
        raise ValidationError({"epoch": _("Give an epoch, or a range, not both.")})
    # More digits than a number of an epoch can have are none either.
    found = payouts_of_epoch(int(epoch)) if epoch.isascii() and epoch.isdecimal() and len(epoch) < 10 else None
    if found is None:
        raise ValidationError({"epoch": _("There is no such epoch.")})
    return found


class Wallets(TableView):
    """Every labelled wallet with its newest balances."""

    @described("treasury", "json")
    def get(self, request: Request) -> HttpResponseBase:
        return self.answer(request, wallets())


class WalletsCsv(Wallets):
    """The same as CSV."""

    form = "csv"

    @described("treasury", "csv")
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


class Balances(TableView):
    """The balances of one asset by day, of each wallet and in total."""

    @described("treasury_balances", "json", _BALANCES)
    def get(self, request: Request) -> HttpResponseBase:
        asset, known = request.query_params.get("asset", ""), held_assets()
        if asset not in known:
            told = ", ".join(known) or _("none yet")
            raise ValidationError({"asset": _("There are balances of %(names)s.") % {"names": told}})
        return self.answer(request, balances(asset, *_range(request)))


class BalancesCsv(Balances):
    """The same as CSV."""

    form = "csv"

    @described("treasury_balances", "csv", _BALANCES)
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


class Buybacks(TableView):
    """Every settled turn of the buyback programmes, skipped ones with the reason."""

    @described("buybacks", "json", _RANGE)
    def get(self, request: Request) -> HttpResponseBase:
        return self.answer(request, buybacks(*_range(request)))


class BuybacksCsv(Buybacks):
    """The same as CSV."""

    form = "csv"

    @described("buybacks", "csv", _RANGE)
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


class BuybackDays(TableView):
    """What a programme bought by day, at which price beside the independent reference."""

    @described("buyback_days", "json", _DAYS)
    def get(self, request: Request) -> HttpResponseBase:
        slug, (since, until, now) = request.query_params.get("programme", ""), _range(request)
        found = newest_programme(now, slug)
        if slug and found is None:
            raise ValidationError({"programme": _("There is no such programme.")})
        return self.answer(request, buyback_days(found, since, until, now))


class BuybackDaysCsv(BuybackDays):
    """The same as CSV."""

    form = "csv"

    @described("buyback_days", "csv", _DAYS)
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


class Programmes(TableView):
    """The terms of the buyback programmes."""

    @described("buyback_programmes", "json")
    def get(self, request: Request) -> HttpResponseBase:
        return self.answer(request, programmes())


class ProgrammesCsv(Programmes):
    """The same as CSV."""

    form = "csv"

    @described("buyback_programmes", "csv")
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


class Rewards(TableView):
    """The epochs of rewards: cap, budget, paid."""

    @described("rewards", "json", _RANGE)
    def get(self, request: Request) -> HttpResponseBase:
        since, until, _now = _range(request)
        return self.answer(request, epochs(since, until))


class RewardsCsv(Rewards):
    """The same as CSV."""

    form = "csv"

    @described("rewards", "csv", _RANGE)
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)


class Payouts(TableView):
    """Every reward with what it was computed from."""

    @described("reward_payouts", "json", _PAYOUTS)
    def get(self, request: Request) -> HttpResponseBase:
        if epoch := request.query_params.get("epoch", ""):
            return self.answer(request, _of_epoch(request, epoch))
        since, until, _now = _range(request)
        return self.answer(request, payouts(since, until))


class PayoutsCsv(Payouts):
    """The same as CSV."""

    form = "csv"

    @described("reward_payouts", "csv", _PAYOUTS)
    def get(self, request: Request) -> HttpResponseBase:
        return super().get(request)
