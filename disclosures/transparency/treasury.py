"""The treasury as the public sees it: wallets, balances, buybacks, rewards. What is made up for the demonstration says so in
every table, for every door: `about` holds it, and an installation has rows of one sort only (trading/sql/treasury.sql)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Max, Min, Q, QuerySet, Sum

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
from trading.treasury.selectors import daily_balances, holders, newest_balances

# In English for programs; pages say it in the reader's language.
DEMO_NOTICE: Final = "Demonstration data: no treasury is connected."
MOST_ROWS: Final = 1_500
# Of one epoch that is asked for by its number.
MOST_OF_EPOCH: Final = 20_000
# A turn is written at most this much after its time (trading/sql/treasury.sql).
_WRITTEN_WITHIN: Final = timedelta(minutes=1)
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
    for balance in newest_balances():
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


def balances(asset: str, since: datetime | None, until: datetime, now: datetime) -> PublicTable:
    """The last balance of each complete day (Maldives), of each wallet and in total; None where none was observed that day.

    The total is of the wallets that stood when the day ended: registered, and not yet retired.
    """
    limits = TreasuryBalance.objects.filter(asset_id=asset).aggregate(first=Min("observed_at"), last=Max("observed_at"))
    holding = holders(asset)
    days = _days(limits["first"], since, until, day_of(now) - DAY)
    begins = day_bounds(days[0])[0] if days else now
    found = daily_balances(asset, [wallet.pk for wallet in holding], begins, len(days))
    rows = []
    for number, day in enumerate(days):
        told = {wallet: found.get((wallet.pk, number)) for wallet in holding}
        standing = [amount for wallet, amount in told.items() if _stands(wallet, day_bounds(day)[1])]
        known = [amount for amount in standing if amount is not None]
        total = sum(known, Decimal(0)) if known and len(known) == len(standing) else None
        rows.append((day.isoformat(), day.isoformat(), text(total), *(text(amount) for amount in told.values())))
    columns = ("first_day", "last_day", "total", *(wallet.slug for wallet in holding))
    return _table("treasury-balances", _CHAIN, columns, rows, limits["last"], asset=asset, unit=asset, **_span(days))


def _stands(wallet: TreasuryWallet, at: datetime) -> bool:
    return wallet.registered_at < at and (wallet.retired_at is None or wallet.retired_at >= at)


def _days(first: datetime | None, since: datetime | None, until: datetime, last: date) -> list[date]:
    """The days up to `last` that are asked for (`until` not included), from the first of which anything is known; the last
    `MOST_POINTS` of them. `last` is over and told: a day that is not would change without a restatement."""
    if first is None:
        return []
    begin = day_of(max(first, since) if since else first)
    end = min(day_of(until - timedelta(microseconds=1)), last)
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


def _told(now: datetime) -> QuerySet[Buyback]:
    """What is on its way is told when it is settled, since an order that rests could be traded against; and every turn as late as
    the policy says, since why it bought nothing tells of quotes and inventory."""
    return Buyback.objects.exclude(outcome="submitted").filter(settled_at__lte=publication_in_force().until(now))


def _last_told_day(programme: BuybackProgramme, now: datetime) -> date:
    """The last day (Maldives) of which every turn of the programme is told."""
    until = publication_in_force().until(now)
    held_back = programme.buybacks.filter(Q(outcome="submitted") | Q(settled_at__gt=until)).aggregate(first=Min("at"))
    over = min(until, now - _WRITTEN_WITHIN)
    return day_of(over if held_back["first"] is None else min(over, held_back["first"])) - DAY


def buybacks(since: datetime | None, until: datetime, now: datetime) -> PublicTable:
    """Every turn that is told before `until`, newest first, at most `MOST_ROWS` (`left_off`: whether there are older ones);
    skipped ones with the reason."""
    wanted = _told(now).filter(Q(at__gte=since) if since else Q(), at__lt=until).select_related("programme__market")
    found, left_off = _newest(wanted.order_by("-at", "-pk"), MOST_ROWS)
    rows = [
        (
            iso(one.at), one.programme.slug, one.programme.market.slug, one.venue, one.outcome, one.reason, text(one.size),
            text(one.price), text(one.reference_price), text(one.cost), one.reference, iso(one.settled_at),
        )
        for one in found
    ]  # fmt: skip
    columns = (
        "at", "programme", "market", "venue", "outcome", "reason", "size_base", "price", "reference_price", "cost_quote",
        "reference", "settled_at",
    )  # fmt: skip
    as_of = _told(now).aggregate(last=Max("settled_at"))["last"]
    return _table("buybacks", _TURNS, columns, rows, as_of, left_off=left_off)


def _newest(wanted: QuerySet[Any], most: int) -> tuple[list[Any], bool]:
    """At most so many rows, and whether there are more."""
    found = list(wanted[: most + 1])
    return found[:most], len(found) > most


def buyback_days(
    programme: BuybackProgramme | None, since: datetime | None, until: datetime, now: datetime
) -> PublicTable:
    """By complete day (Maldives): bought, paid, average price and independent reference by size, turns that bought nothing.

    Days on or after that of a turn that is not told yet are not told either: a day that was told stays.
    """
    turns = _told(now).filter(programme=programme) if programme else Buyback.objects.none()
    limits = turns.aggregate(first=Min("at"), last=Max("settled_at"))
    days = _days(limits["first"], since, until, _last_told_day(programme, now)) if programme else []
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


def newest_programme(now: datetime, slug: str = "") -> BuybackProgramme | None:
    """The programme of that name, or the one that started last (where none has, the next to start); None where there is none."""
    found = BuybackProgramme.objects.select_related("market", "wallet")
    if slug:
        return found.filter(slug=slug).first()
    started = found.filter(starts_at__lte=now).order_by("-starts_at", "-pk").first()
    return started or found.order_by("starts_at", "pk").first()


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
    """Every reward of the epochs that overlap the range with what it was computed from, newest epoch first, at most `MOST_ROWS`
    (`left_off` says whether there are more)."""
    return _payouts(RewardPayout.objects.filter(epoch__in=_overlapping(since, until)), MOST_ROWS)


def payouts_of_epoch(number: int) -> PublicTable | None:
    """The rewards of one epoch, at most `MOST_OF_EPOCH`; None where there is no such epoch."""
    epoch = RewardEpoch.objects.filter(number=number).first()
    return None if epoch is None else _payouts(RewardPayout.objects.filter(epoch=epoch), MOST_OF_EPOCH, epoch=number)


def _payouts(wanted: QuerySet[RewardPayout], most: int, **about: Cell) -> PublicTable:
    order = ("-epoch__number", "-amount", "pk")
    found, left_off = _newest(wanted.select_related("epoch").order_by(*order), most)
    rows = [
        (
            one.epoch.number, one.participant, text(one.uptime_share), text(one.depth_quote), text(one.tightness_share),
            text(one.adverse_selection_quote), text(one.score), one.epoch.asset_id, text(one.amount), iso(one.paid_at),
            one.reference,
        )
        for one in found
    ]  # fmt: skip
    columns = (
        "epoch", "participant", "uptime_share", "depth_quote", "tightness_share", "adverse_selection_quote", "score", "asset",
        "amount", "paid_at", "reference",
    )  # fmt: skip
    as_of = RewardPayout.objects.aggregate(last=Max("paid_at"))["last"]
    return _table("rewards-payouts", _EPOCHS, columns, rows, as_of, left_off=left_off, **about)


def _overlapping(since: datetime | None, until: datetime) -> QuerySet[RewardEpoch]:
    return RewardEpoch.objects.filter(Q(ends_at__gt=since) if since else Q(), starts_at__lt=until)
