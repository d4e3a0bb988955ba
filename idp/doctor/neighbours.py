"""The cache, the mail server, and this machine's disk."""

from __future__ import annotations

import secrets
import shutil
import smtplib
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.cache import caches
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection

from accounts import outbox
from common import counters
from common.memory import Memory
from common.redis_cache import RedisCache
from idp.doctor import Finding, failed, ok, warning

FULL, NEARLY_FULL = 0.02, 0.1  # of a disk that is free
SMTP = "django.core.mail.backends.smtp.EmailBackend"


def cache() -> Iterator[Finding]:
    shared = caches[counters.ALIAS]
    if isinstance(shared, Memory):
        said = "each process counts guesses for itself"
        yield (
            ok(f"{said}, which is fine for one")
            if settings.IS_LOCAL
            else warning(f"CACHE_URL is empty: {said}.", "Set CACHE_URL to a Redis that all processes share.")
        )
        return
    key, value = f"doctor-{secrets.token_hex(8)}", secrets.token_hex(8)
    try:
        shared.set(key, value, 30)
        kept = shared.get(key)
        shared.delete(key)
        policy = shared.forgets_by() if isinstance(shared, RedisCache) else ""
    except Exception as error:  # each backend has its own
        yield failed(f"It does not answer ({type(error).__name__}).", "Check CACHE_URL, and whether it runs.")
        return
    if kept != value:
        yield failed("It forgets what it was told.", "Give it memory, and the policy noeviction.")
    elif policy:
        said = f"It forgets by {policy} when it is full: codes, assertions and proofs may be used again then."
        yield warning(said, "Set its maxmemory-policy to noeviction.")
    else:
        yield ok("it answers, and all processes share it")


def mail() -> Iterator[Finding]:
    """It greets us and takes our password. Nothing is sent."""
    if settings.IDP_MAIL_BACKEND != SMTP:
        kind = settings.IDP_MAIL_BACKEND.split(".")[-2]
        said = f"no mail server: mail goes to {kind}"
        yield ok(said) if settings.IS_LOCAL else warning(f"{said}.", "Set EMAIL_URL.")
    else:
        yield _greeting(get_connection(SMTP))
    if outbox.is_late():
        yield failed("Mail has waited for ten minutes.", "Run delivermail, and read what it says.")


def _greeting(server: BaseEmailBackend) -> Finding:
    remedy = "Check EMAIL_URL, and whether this machine may connect there."
    try:
        server.open()
        server.close()
    except smtplib.SMTPAuthenticationError:
        return failed("The mail server refuses our user name or password.", remedy)
    except (OSError, smtplib.SMTPException) as error:
        return failed(f"The mail server does not greet us ({type(error).__name__}).", remedy)
    return ok("the mail server greets us; no mail was sent")


def sent_to(address: str) -> Iterator[Finding]:
    """A mail that somebody waits for, sent at once and past the outbox."""
    text = "This is a test by manage.py doctor. Nothing has to be done."
    message = EmailMessage("A test of the mail server", text, settings.DEFAULT_FROM_EMAIL, [address])
    try:
        get_connection(settings.IDP_MAIL_BACKEND).send_messages([message])
    except (OSError, smtplib.SMTPException) as error:
        yield failed(f"The mail server did not take a mail ({type(error).__name__}).", "Ask who runs the mail server.")
    else:
        yield ok("the mail server took a mail: see whether it arrives")


def disk() -> Iterator[Finding]:
    places = {Path(settings.BASE_DIR), Path(settings.STATE_DIR)}
    if connection.vendor == "sqlite" and (file := Path(str(connection.settings_dict["NAME"]))).exists():
        places.add(file.parent)
    for place in sorted(one for one in places if one.exists()):
        usage = shutil.disk_usage(place)
        said = f"{usage.free / usage.total:.0%} of the disk of {place} is free ({usage.free / 2**30:,.1f} GiB)"
        if usage.free < FULL * usage.total:
            yield failed(f"{said}.", "Make room: a database that cannot write stops every sign-in.")
        elif usage.free < NEARLY_FULL * usage.total:
            yield warning(f"{said}.", "Make room soon. Does cleartokens run every night?")
        else:
            yield ok(said)
