"""The ways out of the portal: e-mail by Django, Telegram by its Bot API."""

from __future__ import annotations

import asyncio
import re
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from telegram import Bot
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from governance.alerts.words import Message

TIMEOUT_S = 10.0


class DeliveryFailed(Exception):
    """It did not arrive; the message says why, without a secret."""


def send_email(address: str, message: Message) -> None:
    """Raises `DeliveryFailed`."""
    try:
        send_mail(message.subject[:200], message.body, settings.EMAIL_FROM, [address])
    except (SMTPException, OSError, ValueError) as problem:
        raise DeliveryFailed(f"{type(problem).__name__}: {problem}") from problem


def send_telegram(chat: str, message: Message) -> None:
    """Raises `DeliveryFailed`."""
    token = settings.TELEGRAM_BOT_TOKEN
    if not token:
        raise DeliveryFailed("Telegram is not configured: TELEGRAM_BOT_TOKEN is empty")
    try:
        asyncio.run(_send(token, chat, f"{message.subject}\n{message.body}"))
    except (TelegramError, OSError, ValueError) as problem:
        # The client's messages may hold the address, and that holds the token.
        text = re.sub(re.escape(token), "…", f"{type(problem).__name__}: {problem}")
        raise DeliveryFailed(text) from problem


async def _send(token: str, chat: str, text: str) -> None:
    request = HTTPXRequest(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, write_timeout=TIMEOUT_S)
    async with request:
        bot = Bot(token, base_url=f"{settings.TELEGRAM_API_URL}/bot", request=request)
        await bot.send_message(chat, text[:4000])
