"""A small desk for tests of pages: the demonstration's markets, people, and hot state written as the real processes write it."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import redis
from django.test import Client

from disclosures.models import RollupDay, RollupProgress
from disclosures.transparency.rollups.calendar import day_bounds, day_of
from governance.access.roles import Role
from governance.access.sealing import seal, unseal
from governance.access.sessions import Marks, put_marks
from governance.access.totp import STEP_S, code_at, step_of
from governance.models import PersonSession, TotpDevice, User
from trading.hot_state import keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client
from trading.hot_state.values import (
    CycleStatus,
    HistoryPoint,
    HotDepth,
    HotLevel,
    HotOrder,
    HotPosition,
    HotTrade,
    MarketView,
)
from trading.models import Fill, Market, MarketMinute, MmState, Position
from trading.venues.interface import MarketInfo, VenueKind

DEX, CEX = "dct-usdt-dex", "gram-usdt-cex"
MIDS = {DEX: Decimal("0.236512"), CEX: Decimal("1.8240")}
TICKS = {DEX: Decimal("0.000001"), CEX: Decimal("0.0001")}
SIZES = {DEX: Decimal(1000), CEX: Decimal(100)}
PASSWORD = "a-long-test-password-7"
TOTP_SECRET = b"12345678901234567890"
SECOND_NS = 1_000_000_000


def person(name: str, *roles: Role, is_superuser: bool = False, password: str | None = None) -> User:
    """A staff user in `roles`; without a password (its hash takes time) one can only be signed in by the test."""
    from django.contrib.auth.models import Group

    user = User.objects.create_user(name, password=password, is_staff=True, is_superuser=is_superuser)
    for role in roles:
        user.groups.add(Group.objects.get(name=role.value))
    return user


def sign_in(client: Client, person: User, method: str = "totp") -> Client:
    """Begin a session of `person` as the second step of signing in does, without the two steps."""
    client.force_login(person)
    session = client.session
    put_marks(session, Marks(method, time.time(), time.time()))
    session.save()
    PersonSession.objects.create(
        person=person, session_key=session.session_key, method=method, begun_at=datetime.now(UTC)
    )
    return client


def enrol(person: User, secret: bytes = TOTP_SECRET) -> User:
    """Give the person an authenticator app whose secret the test knows."""
    TotpDevice.objects.create(person=person, sealed_secret=seal(secret), last_step=0, created_at=datetime.now(UTC))
    return person


def next_code(person: User) -> str:
    """A code of the person's app that was not used yet; at most the next step's, which is taken already."""
    device = TotpDevice.objects.get(person=person)
    step = max(step_of(datetime.now(UTC)), device.last_step + 1)
    return code_at(unseal(device.sealed_secret), datetime.fromtimestamp(step * STEP_S, UTC))


def view(slug: str, now_ns: int, mid: Decimal | None = None, levels: int = 40, proof_age_s: float = 0.2) -> MarketView:
    """A two-sided book around `mid` whose sizes depend on nothing but the slug and the mid."""
    middle = MIDS[slug] if mid is None else mid
    chance, tick = random.Random(f"{slug}{middle}"), TICKS[slug]
    step = tick * 12

    def side(direction: int) -> tuple[HotLevel, ...]:
        return tuple(
            HotLevel(
                (middle + direction * (step * 2 + step * n)).quantize(tick),
                (SIZES[slug] * Decimal(str(round(chance.uniform(0.4, 4.5), 2)))).quantize(Decimal("0.01")),
            )
            for n in range(levels)
        )

    bids, asks = side(-1), side(1)
    trades = tuple(
        HotTrade(f"t{n}", "buy" if n % 3 else "sell", middle + tick * n, SIZES[slug], now_ns - n * SECOND_NS)
        for n in range(5)
    )
    return MarketView(
        slug=slug, published_ns=now_ns, book_seq=1, book_changed_ns=now_ns, book_ok=True, bids=bids, asks=asks,
        ext_bid=bids[0].price, ext_ask=asks[0].price, reference=middle, reference_source="book", reference_age_s=0.1,
        rolling_mid=middle, proof_age_s=proof_age_s, sigma_raw=0.00012, sigma_effective=0.00012, regime="normal", is_warm=True,
        vol_samples=300, clock_skew_ms=3.0, venue_ns=now_ns, trades=trades,
        depth=tuple(
            HotDepth(pct, *(SIZES[slug] * middle * factor for factor in (20 * pct, 24 * pct, pct, pct)), pct < 2)
            for pct in (Decimal("0.5"), Decimal(1), Decimal(2))
        ),
    )  # fmt: skip


def put_view(market: MarketView) -> None:
    sync_client().set(keys.market_view(market.slug), encode(market))


def put_orders(slug: str, orders: Iterable[HotOrder]) -> None:
    """Replace the market's own orders."""
    sync_client().delete(keys.open_orders(slug))
    add_orders(slug, orders)


def add_orders(slug: str, orders: Iterable[HotOrder]) -> None:
    """More own orders beside those there are."""
    for order in orders:
        sync_client().hset(keys.open_orders(slug), order.client_order_id, encode(order))


def order(slug: str, side: str, price: Decimal, size: Decimal, now_ns: int, status: str = "LIVE") -> HotOrder:
    return HotOrder(
        client_order_id=f"m1{side[0]}0e1c{price}".replace(".", ""), venue_order_id="v", side=side, level=0, epoch=1, price=price,
        size=size, filled=Decimal(0), status=status, deadline_ns=0, updated_ns=now_ns,
    )  # fmt: skip


def put_quotes(slug: str, market: MarketView, now_ns: int) -> tuple[Decimal, Decimal]:
    """Our bid and ask at the third level of each side, and a cycle that says so; returns their prices."""
    bid, ask = market.bids[2].price, market.asks[2].price
    put_orders(slug, [order(slug, "buy", bid, SIZES[slug], now_ns), order(slug, "sell", ask, SIZES[slug], now_ns)])
    args = {"bid": str(bid), "bid_size": str(SIZES[slug]), "ask": str(ask), "ask_size": str(SIZES[slug])}
    put_cycle(slug, now_ns, "quoting", "quoting", args)
    return bid, ask


def put_cycle(slug: str, now_ns: int, outcome: str, key: str, args: dict[str, str] | None = None) -> None:
    status = CycleStatus(
        slug=slug, at_ns=now_ns, cycle_id=f"{slug}-1", outcome=outcome,
        reason="" if outcome == "quoting" else key, state="active",
        sentence_key=key, sentence_args=args or {},
    )  # fmt: skip
    sync_client().set(keys.cycle(slug), encode(status))


def put_position(slug: str, q: str, cost_basis: str, realised: str, fills: int = 0) -> None:
    position = HotPosition(
        slug=slug, ledger_seq=fills, q=Decimal(q), cost_basis=Decimal(cost_basis), realised=Decimal(realised),
        cash_flow=Decimal(realised) - Decimal(cost_basis), fees=Decimal("0.42"), fills=fills,
    )  # fmt: skip
    sync_client().set(keys.position(slug), encode(position))


def put_info(slug: str, account: str) -> None:
    info = MarketInfo(
        market=slug, venue_symbol=slug, kind=VenueKind.ORDER_BOOK, base="x", quote="usdt", tick=TICKS[slug],
        lot_step=Decimal("0.01"), min_size=Decimal(1), min_notional=Decimal(1), maker_fee=Decimal("0.0001"),
        taker_fee=Decimal("0.0005"), fee_in_received_asset=False, price_band=None, max_open_orders=None,
    )  # fmt: skip
    sync_client().hset(keys.market_info(account), slug, encode(info))


def put_history(slug: str, now_ns: int, points: int = 900, inventory: Decimal | None = None) -> None:
    """A point a second up to now, the mid a seeded walk that ends at the market's mid."""
    chance = random.Random(slug)
    walk = [0.0]
    for _ in range(points - 1):
        walk.append(walk[-1] + chance.gauss(0, 0.00006))
    mid, half = MIDS[slug], MIDS[slug] * Decimal("0.00035")
    client: redis.Redis = sync_client()
    with client.pipeline(transaction=False) as pipe:
        for n, offset in enumerate(walk):
            at_ns = now_ns - (points - n) * SECOND_NS
            price = (mid * Decimal(str(1 + offset - walk[-1]))).quantize(TICKS[slug])
            held = (
                inventory if inventory is not None else SIZES[slug] * (200 + Decimal(round(6 * math.sin(n / 140), 2)))
            )
            shift = -half * (held / SIZES[slug] - 200) / 12
            point = HistoryPoint(
                at_ns=at_ns, mid=price, bid=(price + shift - half).quantize(TICKS[slug]),
                ask=(price + shift + half).quantize(TICKS[slug]), inventory=held, realised=Decimal(n) / 90,
                unrealised=((held - 200 * SIZES[slug]) * (price - mid)).quantize(Decimal("0.0001")), state="ACTIVE",
            )  # fmt: skip
            pipe.xadd(keys.history(slug), {b"p": encode(point)}, id=f"{at_ns // 1_000_000}-0")
        pipe.execute()


def hot_market(slug: str, now_ns: int, *, mid: Decimal | None = None) -> tuple[Decimal, Decimal]:
    """One market alive: book, quotes, position, rules; returns our bid and ask."""
    put_info(slug, "dex-desk" if slug == DEX else "cex-desk")
    market = view(slug, now_ns, mid)
    put_view(market)
    put_position(slug, *(("203500", "48128.5", "12.48") if slug == DEX else ("19760", "36042.6", "-1.93")), 37)
    return put_quotes(slug, market, now_ns)


def add_fills(slug: str, count: int, now: datetime) -> None:
    """Fills every 20 s back from `now`, sides in turn."""
    market = Market.objects.get(slug=slug)
    price = MIDS[slug]
    Fill.objects.bulk_create(
        Fill(
            market=market, venue="dex", account="dex-desk", symbol=slug, trade_id=f"T{n}", order_id=f"O{n}",
            side="sell" if n % 2 else "buy", price=price * Decimal("0.9997" if n % 2 == 0 else "1.0003"), size=SIZES[slug],
            fee=Decimal("0.0236"), fee_asset="usdt", parameter_version=1, mid_at_fill=price, source="stream", ledger_seq=n + 1,
            executed_at=now - timedelta(seconds=20 * n), booked_at=now,
        )
        for n in range(count)
    )  # fmt: skip


def add_minutes(slug: str, minutes: int, now: datetime, two_sided: int = 58) -> None:
    """The last `minutes` complete minutes with 60 cycles each."""
    market, this = Market.objects.get(slug=slug), now.replace(second=0, microsecond=0)
    MarketMinute.objects.bulk_create(
        MarketMinute(market=market, minute=this - timedelta(minutes=n + 1), cycles=60, two_sided=two_sided, one_sided=1)
        for n in range(minutes)
    )


def add_day_ends(slug: str, totals: list[str], now: datetime) -> None:
    """One snapshot at 23:59 of each of the last days, oldest first, whose realised P&L is the given total."""
    market = Market.objects.get(slug=slug)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    MmState.objects.bulk_create(
        MmState(
            market=market, at=midnight - timedelta(days=len(totals) - 1 - n, minutes=1), ledger_seq=n, state="ACTIVE",
            inventory=0, realised=Decimal(total), unrealised=0, open_orders=2, body={},
        )
        for n, total in enumerate(totals)
    )  # fmt: skip


def add_rolled_days(slug: str, profits: list[str], now: datetime) -> None:
    """Closed days up to yesterday in the Maldives with nothing held, oldest first, and their P&L."""
    market, today = Market.objects.get(slug=slug), day_of(now)
    for n, profit in enumerate(reversed(profits), start=1):
        start, end = day_bounds(today - timedelta(days=n))
        RollupDay.objects.create(
            market=market, day=today - timedelta(days=n), starts_at=start, ends_at=end, cash_flow_quote=Decimal(profit)
        )
    RollupProgress.objects.update_or_create(pk=1, defaults={"closed_until": now, "rolled_at": now})


def committed_position(slug: str, q: str, cost_basis: str, realised: str, now: datetime) -> None:
    """The PostgreSQL row alone, as after a loss of Redis."""
    Position.objects.update_or_create(
        market=Market.objects.get(slug=slug),
        defaults={"q": q, "cost_basis": cost_basis, "realised": realised, "fills": 5, "updated_at": now},
    )
