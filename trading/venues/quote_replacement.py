"""The order in which the steps of a quote replacement go out; the same for every adapter with single requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from trading.clock import Clock
from trading.venues.interface import (
    AmendRequest,
    NotSent,
    OrderRequest,
    OutcomeUnknown,
    OwnOrder,
    QuoteStep,
    SendGuard,
    StepKind,
    StepOutcome,
    VenueError,
    VenueRejected,
)


@dataclass(slots=True)
class SentAt:
    """Filled in by the transport: our clock when the bytes left; None while they have not."""

    ns: int | None = None


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """An adapter's three writes."""

    submit: Callable[[OrderRequest, SendGuard | None, SentAt], Awaitable[OwnOrder]]
    amend: Callable[[AmendRequest, SendGuard | None, SentAt], Awaitable[OwnOrder]]
    cancel: Callable[[str, str, SentAt], Awaitable[OwnOrder]]

    async def perform(self, step: QuoteStep, market: str, guard: SendGuard | None, sent: SentAt) -> OwnOrder:
        """Do one step. Cancels are never guarded: what rests may always be taken away."""
        if step.kind is StepKind.SUBMIT and step.submit is not None:
            return await self.submit(step.submit, guard, sent)
        if step.kind is StepKind.AMEND and step.amend is not None:
            return await self.amend(step.amend, guard, sent)
        if step.kind is StepKind.CANCEL and step.cancel_client_order_id:
            if not market:
                raise NotSent("the cancel names no market and the account trades several")
            return await self.cancel(market, step.cancel_client_order_id, sent)
        raise NotSent(f"a step of kind {step.kind} without its payload")


async def amended_already(
    request: AmendRequest, fetch: Callable[[str, str], Awaitable[OwnOrder | None]], refusal: VenueRejected
) -> OwnOrder:
    """The order, when it already is what the amendment asks for; else the refusal.

    A venue refuses an amendment that changes nothing. After an answer that was lost that is not a failure.
    """
    try:
        order = await fetch(request.market, request.client_order_id)
    except VenueError:
        raise refusal from None
    if order is None or (order.price, order.size) != (request.new_price, request.new_size):
        raise refusal
    return order


def _market_of(steps: Sequence[QuoteStep], slugs: Sequence[str]) -> str:
    """The market that a replacement is about, when it can be told."""
    named = {step.market for step in steps}
    named |= {payload.market for step in steps if (payload := step.amend or step.submit) is not None}
    named -= {""}
    candidates = named or set(slugs)
    return candidates.pop() if len(candidates) == 1 else ""


async def replace_steps(
    steps: Sequence[QuoteStep], guard: SendGuard | None, entry: OrderEntry, clock: Clock, slugs: Sequence[str]
) -> Sequence[StepOutcome]:
    """Send all cancels side by side, then all amends and submits side by side; one outcome per step, in the steps' order.

    New orders wait for the cancels' answers because the balance that a cancelled order held may be what they need.
    `slugs` are the account's markets.
    """
    outcomes: dict[int, StepOutcome] = {}
    market = _market_of(steps, slugs)

    async def run(index: int, step: QuoteStep) -> None:
        sent = SentAt()
        order: OwnOrder | None = None
        error: VenueError | None = None
        try:
            order = await entry.perform(step, step.market or market, guard, sent)
        except VenueError as failure:
            error = failure
        except Exception as failure:
            # A defect of ours must not hide what may have happened at the venue.
            kind = NotSent if sent.ns is None else OutcomeUnknown
            error = kind(f"{step.kind}: {type(failure).__name__} while handling the request")
        answered_ns = None if sent.ns is None else clock.now_ns()
        outcomes[index] = StepOutcome(step, order, error, sent.ns, answered_ns)

    numbered = list(enumerate(steps))
    cancels = [pair for pair in numbered if pair[1].kind is StepKind.CANCEL]
    others = [pair for pair in numbered if pair[1].kind is not StepKind.CANCEL]
    for wave in (cancels, others):
        if len(wave) == 1:
            await run(*wave[0])
        elif wave:
            await asyncio.gather(*(run(index, step) for index, step in wave))
    return [outcomes[index] for index in range(len(steps))]
