"""What one venue process runs with: command options and environment, checked once; secrets from the latter only."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trading.sandbox.catalogue import LISTINGS
from trading.sandbox.server.keys import SettingsError, secret_from_environment
from trading.sandbox.server.venue import DIALECTS

ACCOUNT = "desk"
MINIMUM_SECRET = 8


@dataclass(frozen=True, slots=True)
class Settings:
    """One process. Secrets stay out of reprs."""

    venue: str
    host: str
    port: int
    data_dir: Path
    port_file: Path | None
    replay_offset_s: float
    speed: float
    seed: int
    rate_scale: float
    markets: tuple[str, ...]  # empty: what the venue lists of itself
    funding_interval_s: int
    key_id: str
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    control_token: str = field(repr=False)
    webhook_url: str
    webhook_secret: str = field(repr=False)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options; each also has an environment variable (docs/sandbox-venue.md section 9)."""
    parser.add_argument("--venue", help="dex (TON-DEX API) or cex (OKX v5)  [SANDBOX_VENUE]")
    parser.add_argument("--host", help="address to listen on  [SANDBOX_HOST, 127.0.0.1]")
    parser.add_argument("--port", help="port, 0 = a free one  [SANDBOX_PORT, 0]")
    parser.add_argument("--data-dir", help="where the venue's ledger lives  [SANDBOX_DATA_DIR]")
    parser.add_argument("--port-file", help="file that receives the port  [SANDBOX_PORT_FILE]")
    parser.add_argument("--replay-offset-s", help="start within the record, s  [SANDBOX_REPLAY_OFFSET_S, 0]")
    parser.add_argument("--speed", help="how fast the record plays  [SANDBOX_SPEED, 1]")
    parser.add_argument("--markets", help="symbols to list, separated by commas  [SANDBOX_MARKETS]")
    parser.add_argument("--seed", help="seed of the faults' dice  [SANDBOX_SEED, 1]")
    parser.add_argument("--rate-scale", help="multiplies every rate limit, 0 = none  [SANDBOX_RATE_SCALE, 1]")


def _number(name: str, value: str, low: float, high: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise SettingsError(f"{name} must be a number between {low:g} and {high:g}, not {value!r}")
    return number


def _whole(name: str, value: str, low: int, high: int) -> int:
    number = _number(name, value, low, high)
    if number != int(number):
        raise SettingsError(f"{name} must be a whole number, not {value!r}")
    return int(number)


def _markets(value: str) -> tuple[str, ...]:
    symbols = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    for symbol in symbols:
        if symbol not in LISTINGS:
            raise SettingsError(f"--markets (SANDBOX_MARKETS) takes {', '.join(LISTINGS)}, not {symbol!r}")
    return symbols


def read_settings(options: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """Options first, then the environment, then defaults. SettingsError names what is wrong or missing."""

    def value(option: str, variable: str, default: str) -> str:
        given = options.get(option)
        return str(given) if given is not None else environ.get(variable, default)

    venue = value("venue", "SANDBOX_VENUE", "")
    if venue not in DIALECTS:
        raise SettingsError(f"--venue (SANDBOX_VENUE) must be one of {', '.join(DIALECTS)}, not {venue!r}")
    data_dir = value("data_dir", "SANDBOX_DATA_DIR", "")
    if not data_dir:
        raise SettingsError("--data-dir (SANDBOX_DATA_DIR) is required: where the venue's ledger lives")
    port_file = value("port_file", "SANDBOX_PORT_FILE", "")
    settings = Settings(
        venue=venue,
        host=value("host", "SANDBOX_HOST", "127.0.0.1"),
        port=_whole("--port (SANDBOX_PORT)", value("port", "SANDBOX_PORT", "0"), 0, 65535),
        data_dir=Path(data_dir),
        port_file=Path(port_file) if port_file else None,
        replay_offset_s=_number(
            "--replay-offset-s (SANDBOX_REPLAY_OFFSET_S)",
            value("replay_offset_s", "SANDBOX_REPLAY_OFFSET_S", "0"),
            0,
            1e9,
        ),
        speed=_number("--speed (SANDBOX_SPEED)", value("speed", "SANDBOX_SPEED", "1"), 0.01, 1000),
        seed=_whole("--seed (SANDBOX_SEED)", value("seed", "SANDBOX_SEED", "1"), 0, 2**31),
        rate_scale=_number("--rate-scale (SANDBOX_RATE_SCALE)", value("rate_scale", "SANDBOX_RATE_SCALE", "1"), 0, 1e6),
        markets=_markets(value("markets", "SANDBOX_MARKETS", "")),
        funding_interval_s=_whole(
            "SANDBOX_FUNDING_INTERVAL_S", environ.get("SANDBOX_FUNDING_INTERVAL_S", "60"), 1, 28_800
        ),
        key_id=environ.get("SANDBOX_API_KEY_ID") or "desk",
        secret=secret_from_environment(environ, "SANDBOX_API_SECRET"),
        passphrase=secret_from_environment(environ, "SANDBOX_API_PASSPHRASE"),
        control_token=secret_from_environment(environ, "SANDBOX_CONTROL_TOKEN"),
        webhook_url=environ.get("SANDBOX_WEBHOOK_URL", ""),
        webhook_secret=secret_from_environment(environ, "SANDBOX_WEBHOOK_SECRET"),
    )
    _check_secrets(settings)
    return settings


def _check_secrets(settings: Settings) -> None:
    required = [("SANDBOX_API_SECRET", settings.secret)]
    if settings.venue == "cex":
        required.append(("SANDBOX_API_PASSPHRASE", settings.passphrase))
    if settings.webhook_url:
        required.append(("SANDBOX_WEBHOOK_SECRET", settings.webhook_secret))
        if not settings.webhook_url.startswith(("http://", "https://")):
            raise SettingsError("SANDBOX_WEBHOOK_URL must be an http or https URL")
    if settings.control_token:
        required.append(("SANDBOX_CONTROL_TOKEN", settings.control_token))
    for name, secret in required:
        if not secret:
            raise SettingsError(f"{name} or {name}_FILE must be set")
        if len(secret) < MINIMUM_SECRET:
            raise SettingsError(f"{name} is too short: at least {MINIMUM_SECRET} characters")
