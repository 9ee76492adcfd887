"""ccxt's OKX client, unmodified, doing on the CEX dialect what the DEX adapter does on its own: two amends side by side."""

from __future__ import annotations

import asyncio
import statistics
import time


async def median_of_two_amends(venue: dict[str, str], rounds: int) -> float:
    """Median in milliseconds of amending a bid and an ask side by side, both acknowledged."""
    import ccxt.async_support

    client = ccxt.async_support.okx(
        {
            "apiKey": venue["key_id"],
            "secret": venue["secret"],
            "password": venue["passphrase"],
            "enableRateLimit": False,
            "urls": {"api": {"rest": venue["base_url"]}},
        }
    )
    try:
        await client.load_markets()
        symbol = "GRAM/USDT"
        orders = [
            await client.create_order(symbol, "limit", side, 10, price, {"clOrdId": f"bench{side}"})
            for side, price in (("buy", 1.4905), ("sell", 1.5095))
        ]
        times = []
        for number in range(rounds):
            offset = 0.0001 * (1 + number % 2)
            began_ns = time.perf_counter_ns()
            await asyncio.gather(
                client.edit_order(orders[0]["id"], symbol, "limit", "buy", 10, 1.4905 - offset),
                client.edit_order(orders[1]["id"], symbol, "limit", "sell", 10, 1.5095 + offset),
            )
            times.append((time.perf_counter_ns() - began_ns) / 1e6)
        return statistics.median(times)
    finally:
        await client.close()
