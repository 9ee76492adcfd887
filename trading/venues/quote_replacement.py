"""The order in which the steps of a quote replacement go out; the same for every adapter with single requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from trading.clock import Clock
from trading.venues.interface import (
    OutcomeUnknown,
    OwnOrder,
    QuoteStep,
    SendGuard,
    StepKind,
    StepOutcome,
    VenueError,
)


@dataclass(slots=True)
class SentAt:
    """Filled in by the transport: our clock when the bytes left; None while they have not."""

    ns: int | None = None


Perform = Callable[[QuoteStep, SendGuard | None, SentAt], Awaitable[OwnOrder]]


async def replace_steps(
    steps: Sequence[QuoteStep], guard: SendGuard | None, perform: Perform, clock: Clock
) -> Sequence[StepOutcome]:
    """Send all cancels side by side, then all amends and submits side by side; one outcome per step, in the steps' order.

    Cancels are never guarded: what rests may always be taken away. New orders wait for the cancels' answers because the
    balance that a cancelled order held may be what they need.
    """
    outcomes: dict[int, StepOutcome] = {}

    async def run(index: int, step: QuoteStep) -> None:
        sent = SentAt()
        step_guard = None if step.kind is StepKind.CANCEL else guard
        order: OwnOrder | None = None
        error: VenueError | None = None
        try:
            order = await perform(step, step_guard, sent)
        except VenueError as failure:
            error = failure
        except Exception as failure:
            # Our own defect must not hide what may have happened at the venue.
            error = OutcomeUnknown(f"{step.kind}: {type(failure).__name__} while handling the request")
        answered_ns = clock.now_ns() if sent.ns is not None else None
        outcomes[index] = StepOutcome(step, order, error, sent.ns, answered_ns)

    numbered = list(enumerate(steps))
    for wave in (
        [pair for pair in numbered if pair[1].kind is StepKind.CANCEL],
        [pair for pair in numbered if pair[1].kind is not StepKind.CANCEL],
    ):
        if len(wave) == 1:
            await run(*wave[0])
        elif wave:
            await asyncio.gather(*(run(index, step) for index, step in wave))
    return [outcomes[index] for index in range(len(steps))]
