"""The sandbox exchange's outside: one asyncio process per venue that speaks the TON-DEX or the OKX v5 dialect."""
