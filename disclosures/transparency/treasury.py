"""The treasury as the public sees it: wallets, balances, buybacks, rewards. What is made up for the demonstration says so in
every table, for every door: `about` holds it, and an installation has rows of one sort only (trading/sql/treasury.sql)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import TruncDate

from dcmm_portal.maldives import MALDIVES
from disclosures.transparency.publication import publication_in_force
from disclosures.transparency.rollups.calendar import DAY, day_bounds, day_of
from disclosures.transparency.series import MOST_POINTS
from disclosures.transparency.tables import Cell, PublicTable
from trading.market_status import iso, text
from trading.models import (
    Buyback,
    BuybackProgramme,
    RewardEpoch,
    RewardPayout,
    TreasuryBalance,
    TreasuryDeclaration,
    TreasuryWallet,
)

# In English for programs; pages say it in the reader's language.
DEMO_NOTICE: Final = "Demonstration data: no treasury is connected."
MOST_ROWS: Final = 1_500
_PRICE: Final = Decimal("0.000000001")
_CHAIN: Final = "Balances of the labelled wallets."
_TURNS: Final = "The turns of the buyback programmes, written before an order is sent and settled once."
_EPOCHS: Final = "The epochs of rewards and what each paid."


def is_demo() -> bool:
    """Whether this installation's treasury is made up."""
    return TreasuryDeclaration.objects.filter(is_demo=True).exists()


def _table(
    name: str,
    source: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    as_of: datetime | None,
    **about: Cell,
) -> PublicTable:
    """`name` is before a hyphen the key of its definition."""
    told: dict[str, Cell] = {"data": "none"}
    if (declared := TreasuryDeclaration.objects.first()) is not None:
        told = {"data": "demonstration", "notice": DEMO_NOTICE} if declared.is_demo else {"data": "real"}
    policy, key = publication_in_force(), name.partition("-")[0]
    return PublicTable(name, key, source, tuple(columns), rows, policy, as_of, told | about)


def wallets() -> PublicTable:
    """Every wallet with the newest balance of each asset; a wallet of which none is known has one row without."""
    newest: dict[int, list[TreasuryBalance]] = {}
    order = ("wallet_id", "asset_id", "-observed_at")
    for balance in TreasuryBalance.objects.order_by(*order).distinct("wallet_id", "asset_id"):
        newest.setdefault(balance.wallet_id, []).append(balance)
    rows: list[tuple[Cell, ...]] = []
    for wallet in TreasuryWallet.objects.order_by("pk"):
        who = (wallet.slug, wallet.label, wallet.address, wallet.network, wallet.purpose, iso(wallet.retired_at))
        rows += [
            (*who, one.asset_id, text(one.amount), iso(one.observed_at), one.source, one.block_seqno)
            for one in newest.get(wallet.pk, ())
        ] or [(*who, None, None, None, None, None)]
    columns = (
        "wallet", "label", "address", "network", "purpose", "retired_at", "asset", "amount", "observed_at", "source",
        "block_seqno",
    )  # fmt: skip
    as_of = max((one.observed_at for each in newest.values() for one in each), default=None)
    return _table("treasury", _CHAIN, columns, rows, as_of)


def held_assets() -> list[str]:
    """Ids of the assets of which a balance is known."""
    found = TreasuryBalance.objects.order_by("asset_id").values_list("asset_id", flat=True).distinct()
    return list(found)


def balances(asset: str, since: datetime | None, until: datetime, now: datetime) -> PublicTable:
    """The last balance of each complete day (Maldives), of each wallet and in total; None where none was observed that day."""
    observed = TreasuryBalance.objects.filter(asset_id=asset)
    limits = observed.aggregate(first=Min("observed_at"), last=Max("observed_at"))
    holders = list(TreasuryWallet.objects.filter(balances__asset_id=asset).distinct().order_by("pk"))
    days = _days(limits["first"], since, until, now)
    found: dict[date, dict[int, Decimal]] = {}
    if days:
        within = observed.filter(observed_at__gte=day_bounds(days[0])[0], observed_at__lt=day_bounds(days[-1])[1])
        daily = within.annotate(day=TruncDate("observed_at", tzinfo=MALDIVES))
        last = daily.order_by("wallet_id", "day", "-observed_at").distinct("wallet_id", "day")
        for wallet_id, day, amount in last.values_list("wallet_id", "day", "amount"):
            found.setdefault(day, {})[wallet_id] = amount
    rows = []
    for day in days:
        told = [found.get(day, {}).get(wallet.pk) for wallet in holders]
        known = [amount for amount in told if amount is not None]
        total = sum(known, Decimal(0)) if holders and len(known) == len(told) else None
        rows.append((day.isoformat(), day.isoformat(), text(total), *(text(amount) for amount in told)))
    columns = ("first_day", "last_day", "total", *(wallet.slug for wallet in holders))
    return _table("treasury-balances", _CHAIN, columns, rows, limits["last"], asset=asset, unit=asset, **_span(days))


def _days(first: datetime | None, since: datetime | None, until: datetime, now: datetime) -> list[date]:
    """The complete days that are asked for, from the first of which anything is known; the last `MOST_POINTS` of them."""
    if first is None:
        return []
    begin = day_of(max(first, since) if since else first)
    # A day that is not over would change without a restatement.
    end = min(day_of(until), day_of(now) - DAY)
    count = min((end - begin).days + 1, MOST_POINTS)
    return [end - timedelta(days=back) for back in range(count - 1, -1, -1)]


def _span(days: Sequence[date]) -> dict[str, Cell]:
    if not days:
        return {}
    return {"bucket": "day", "from": iso(day_bounds(days[0])[0]), "to": iso(day_bounds(days[-1])[1])}


def programmes() -> PublicTable:
    """The buyback programmes with their terms, newest first."""
    rows = [
        (
            one.slug, one.purpose, one.market.slug, one.wallet.slug, text(one.execution_cap_quote), text(one.day_cap_quote),
            text(one.total_cap_quote), one.interval_s, text(one.volume_share), one.status, iso(one.starts_at), iso(one.ends_at),
            one.version, one.authorised_by,
        )
        for one in BuybackProgramme.objects.select_related("market", "wallet").order_by("-starts_at", "-pk")
    ]  # fmt: skip
    columns = (
        "programme", "purpose", "market", "wallet", "execution_cap_quote", "day_cap_quote", "total_cap_quote", "interval_s",
        "volume_share", "status", "starts_at", "ends_at", "version", "authorised_by",
    )  # fmt: skip
    return _table("buybacks-programmes", "The buyback programmes.", columns, rows, None)


def _settled() -> Any:
    """What is on its way is told when it is settled: an order that rests could be traded against."""
    return Buyback.objects.exclude(outcome="submitted")


def buybacks(since: datetime | None, until: datetime) -> PublicTable:
    """Every settled turn, newest first, at most `MOST_ROWS`; skipped ones with the reason."""
    wanted = _settled().filter(at__lte=until).select_related("programme__market")
    if since is not None:
        wanted = wanted.filter(at__gte=since)
    rows = [
        (
            iso(one.at), one.programme.slug, one.programme.market.slug, one.venue, one.outcome, one.reason, text(one.size),
            text(one.price), text(one.reference_price), text(one.cost), one.reference, iso(one.settled_at),
        )
        for one in wanted.order_by("-at", "-pk")[:MOST_ROWS]
    ]  # fmt: skip
    columns = (
        "at", "programme", "market", "venue", "outcome", "reason", "size_base", "price", "reference_price", "cost_quote",
        "reference", "settled_at",
    )  # fmt: skip
    as_of = _settled().aggregate(last=Max("settled_at"))["last"]
    return _table("buybacks", _TURNS, columns, rows, as_of)


def buyback_days(
    programme: BuybackProgramme | None, since: datetime | None, until: datetime, now: datetime
) -> PublicTable:
    """By complete day (Maldives): bought, paid, average price and independent reference by size, turns that bought nothing."""
    turns = _settled().filter(programme=programme) if programme else Buyback.objects.none()
    limits = turns.aggregate(first=Min("at"), last=Max("settled_at"))
    days = _days(limits["first"], since, until, now)
    by_day: dict[date, list[Buyback]] = {}
    if days:
        for turn in turns.filter(at__gte=day_bounds(days[0])[0], at__lt=day_bounds(days[-1])[1]):
            by_day.setdefault(day_of(turn.at), []).append(turn)
    rows = [(day.isoformat(), day.isoformat(), *_day_of_buybacks(by_day.get(day, ()))) for day in days]
    columns = (
        "first_day",
        "last_day",
        "bought_base",
        "paid_quote",
        "average_price",
        "reference_price",
        "nothing_bought",
    )
    about: dict[str, Cell] = {"programme": programme.slug, "market": programme.market.slug} if programme else {}
    return _table("buybacks-days", _TURNS, columns, rows, limits["last"], **about, **_span(days))


def _day_of_buybacks(turns: Iterable[Buyback]) -> tuple[Cell, ...]:
    sums = {name: Decimal(0) for name in ("size", "cost", "priced", "referred")}
    skipped = 0
    for turn in turns:
        if turn.size is None or turn.price is None or turn.cost is None or turn.reference_price is None:
            skipped += 1
            continue
        sums["size"] += turn.size
        sums["cost"] += turn.cost
        sums["priced"] += turn.size * turn.price
        sums["referred"] += turn.size * turn.reference_price
    size = sums["size"]
    means = [(sums[name] / size).quantize(_PRICE) if size else None for name in ("priced", "referred")]
    return text(size), text(sums["cost"]), text(means[0]), text(means[1]), str(skipped)


def newest_programme(slug: str = "") -> BuybackProgramme | None:
    """The programme of that name, or the newest one; None where there is none."""
    found = BuybackProgramme.objects.select_related("market", "wallet").order_by("-starts_at", "-pk")
    return (found.filter(slug=slug) if slug else found).first()


def epochs(since: datetime | None, until: datetime) -> PublicTable:
    """The epochs that overlap the range, oldest first, with what each paid of its budget and cap."""
    wanted = _overlapping(since, until).annotate(paid=Sum("payouts__amount"), participants=Count("payouts"))
    rows = [
        (
            iso(one.starts_at), iso(one.ends_at), one.number, one.asset_id, text(one.cap), text(one.budget),
            text(one.paid or Decimal(0)), one.participants, iso(one.computed_at),
        )
        for one in wanted.order_by("starts_at", "pk")
    ]  # fmt: skip
    columns = ("starts_at", "ends_at", "number", "asset", "cap", "budget", "paid", "participants", "computed_at")
    as_of = RewardEpoch.objects.aggregate(last=Max("computed_at"))["last"]
    return _table("rewards", _EPOCHS, columns, rows, as_of)


def payouts(since: datetime | None, until: datetime) -> PublicTable:
    """Every reward of those epochs with what it was computed from, newest epoch first, at most `MOST_ROWS`."""
    wanted = RewardPayout.objects.filter(epoch__in=_overlapping(since, until)).select_related("epoch")
    rows = [
        (
            one.epoch.number, one.participant, text(one.uptime_share), text(one.depth_quote), text(one.tightness_share),
            text(one.adverse_selection_quote), text(one.score), one.epoch.asset_id, text(one.amount), iso(one.paid_at),
            one.reference,
        )
        for one in wanted.order_by("-epoch__number", "-amount", "pk")[:MOST_ROWS]
    ]  # fmt: skip
    columns = (
        "epoch", "participant", "uptime_share", "depth_quote", "tightness_share", "adverse_selection_quote", "score", "asset",
        "amount", "paid_at", "reference",
    )  # fmt: skip
    as_of = RewardPayout.objects.aggregate(last=Max("paid_at"))["last"]
    return _table("rewards-payouts", _EPOCHS, columns, rows, as_of)


def _overlapping(since: datetime | None, until: datetime) -> Any:
    return RewardEpoch.objects.filter(Q(ends_at__gt=since) if since else Q(), starts_at__lte=until)
