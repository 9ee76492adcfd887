"""API credentials of venue accounts: from the environment or a file that the environment names, from nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class MissingCredential(Exception):
    """Something is not configured; the message names the variable to set, never a value."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What signs the requests of one account. Only the key id is ever shown."""

    key_id: str
    secret: str = field(repr=False)
    passphrase: str = field(repr=False, default="")


def variable_prefix(account_slug: str) -> str:
    """`dex-desk` → `VENUE_DEX_DESK`."""
    return "VENUE_" + account_slug.upper().replace("-", "_")


def read_secret(name: str, environ: Mapping[str, str] | None = None) -> str:
    """The value of NAME, or the stripped content of the file that NAME_FILE names; empty when neither is set.

    Raises `MissingCredential` when the file can't be read or is empty: a secret that was meant to be there is not.
    """
    source = os.environ if environ is None else environ
    path = source.get(f"{name}_FILE", "")
    if not path:
        return source.get(name, "").strip()
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MissingCredential(f"{name}_FILE names a file that can't be read ({type(error).__name__})") from None
    if not value:
        raise MissingCredential(f"{name}_FILE names an empty file")
    return value


def read_credential(
    account_slug: str, *, passphrase: bool = False, environ: Mapping[str, str] | None = None
) -> Credential:
    """The credential of an account; with `passphrase` one is required. Raises `MissingCredential` naming what is not set."""
    prefix = variable_prefix(account_slug)
    key_id = read_secret(f"{prefix}_KEY_ID", environ)
    secret = read_secret(f"{prefix}_SECRET", environ)
    phrase = read_secret(f"{prefix}_PASSPHRASE", environ)
    wanted = {"KEY_ID": key_id, "SECRET": secret}
    if passphrase:
        wanted["PASSPHRASE"] = phrase
    missing = [f"{prefix}_{name}" for name, value in wanted.items() if not value]
    if missing:
        names = ", ".join(missing)
        raise MissingCredential(f"account {account_slug} has no credential: set {names} (or the same name with _FILE)")
    return Credential(key_id, secret, phrase)


def read_webhook_secret(account_slug: str, environ: Mapping[str, str] | None = None) -> str:
    """The secret that signs the account's webhooks; empty when none is configured (then no webhook is believed)."""
    return read_secret(f"{variable_prefix(account_slug)}_WEBHOOK_SECRET", environ)
