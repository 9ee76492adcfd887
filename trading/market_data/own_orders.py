"""What the venue tells of the account's orders, into the hot state: ours, those placed by hand, those of another copy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

import structlog
from django.db import Error as DatabaseProblem

from trading import metrics
from trading.clock import Clock, to_datetime
from trading.hot_state.foreign import read_occupied
from trading.hot_state.market import HotClient
from trading.hot_state.orders import apply_venue_order, read_ours
from trading.orders.foreign import Apart, note_by_hand, note_other_copy, record_by_hand, record_other_copy, tell_apart
from trading.orders.installation import this_installation
from trading.venues.interface import OrderState, OwnOrder

log = structlog.get_logger(__name__)


class AskDatabase(Protocol):
    """Runs a blocking function on the service's database thread; raises what it raises."""

    def __call__(self, work: Callable[[], Any]) -> Awaitable[Any]: ...


class OwnOrders:
    """One account's. `told` is given whatever stream and audit bring, in any order and again and again."""

    def __init__(self, account: str, client: HotClient, clock: Clock, ask_database: AskDatabase) -> None:
        self._account, self._client, self._clock = account, client, clock
        self._ask = ask_database

    async def told(self, orders: Sequence[OwnOrder]) -> None:
        """Take them in. Only an open order that the hot state does not hold as ours is asked for in PostgreSQL."""
        unknown = [one for one in await self._not_held(orders) if one.state is OrderState.OPEN]
        apart = await self._apart(unknown)
        now_ns = self._clock.now_ns()
        others = {order.client_order_id for order in (*apart.by_hand, *apart.of_another_copy)}
        for order in orders:
            if order.client_order_id not in others:
                await apply_venue_order(self._client, order.market, order, now_ns)
        await self._note(apart, now_ns)

    async def _not_held(self, orders: Sequence[OwnOrder]) -> list[OwnOrder]:
        found: list[OwnOrder] = []
        for slug in sorted({order.market for order in orders}):
            here = {order.client_order_id: order for order in orders if order.market == slug}
            held = await read_ours(self._client, slug, here)
            found += [order for name, order in here.items() if name not in held]
        return found

    async def _apart(self, orders: Sequence[OwnOrder]) -> Apart:
        if not orders:
            return Apart((), (), ())
        try:
            return await self._ask(partial(tell_apart, orders))
        except DatabaseProblem as problem:
            # Nothing can be sent while PostgreSQL is away; counted as ours, they are in nobody's way, and asked for again.
            log.warning("orders_not_told_apart", account=self._account, problem=type(problem).__name__)
            return Apart(tuple(orders), (), ())

    async def _note(self, apart: Apart, now_ns: int) -> None:
        """Tell of what is not ours, in the hot state first: what must not be lost is that it exists."""
        now = to_datetime(now_ns)
        try:
            news = await note_by_hand(self._client, self._account, apart.by_hand, now_ns)
            if news:
                await self._ask(partial(record_by_hand, self._account, news, now))
            if apart.of_another_copy:
                mine = await self._ask(this_installation)
                name, is_news = await note_other_copy(
                    self._client, self._account, apart.of_another_copy, mine, now_ns
                )  # fmt: skip
                if is_news:
                    orders = apart.of_another_copy
                    await self._ask(partial(record_other_copy, self._account, name, orders, now))
        except DatabaseProblem as problem:
            log.warning("foreign_orders_not_recorded", account=self._account, problem=type(problem).__name__)

    async def note_free(self) -> None:
        """After a look at all that rests: whether the account is ours alone again."""
        occupied = await read_occupied(self._client, self._account, self._clock.now_ns())
        metrics.ACCOUNT_IN_USE.labels(self._account).set(0 if occupied is None else 1)
