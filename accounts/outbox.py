"""Mail leaves the request: it is written down here, and `manage.py delivermail` sends it.

So a mail server that is silent, slow or gone keeps no page waiting, and a mail is not lost because the server was away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from accounts.mails import Mail
from common import clock, sealing

PURPOSE = "mail"
KEPT = timedelta(days=1)  # afterwards nobody waits for it
# Longer than a try can take, so that no mail is sent twice at once.
PAUSE = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(hours=1)
LATE = timedelta(minutes=10)  # waiting longer means that nobody sends, or nobody takes
REFUSED_FOR_EVER = 500  # SMTP's codes from here on (RFC 5321 section 4.2.1)


class State(Enum):
    SENT = "sent"
    FAILED = "failed"  # will be tried again
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Attempt:
    """The outcome of one mail. The problem names nobody."""

    state: State
    problem: str = ""
    server_is_away: bool = False


class Outbox(BaseEmailBackend):
    """Django's mail backend: it writes every mail down instead of sending it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        expires_at = clock.now() + KEPT
        rows = [Mail(sealed=sealing.seal(PURPOSE, _packed(one)), expires_at=expires_at) for one in email_messages]
        return len(Mail.objects.bulk_create(rows))


def is_late() -> bool:
    """Whether a mail has waited for so long that something must be wrong."""
    return Mail.objects.filter(created_at__lt=clock.now() - LATE).exists()


def deliver(should_stop: Callable[[], bool], report: Callable[[Attempt], None]) -> None:
    """Send what is due, until nothing is left, the server is away, or `should_stop` says so."""
    while not should_stop() and (mail := _claim_next()) is not None:
        attempt = _deliver_one(mail)
        if attempt.state != State.FAILED:
            mail.delete()
        report(attempt)
        if attempt.server_is_away:
            return


def _claim_next() -> Mail | None:
    """The mail that has waited longest, counted as tried and due again later: a run that is killed loses nothing."""
    now = clock.now()
    with transaction.atomic():
        due = Mail.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at")
        mail = due.select_for_update(skip_locked=True).first()
        if mail is not None:
            mail.next_attempt_at = now + min(PAUSE * 2 ** min(mail.attempts, 10), LONGEST_PAUSE)
            mail.attempts += 1
            mail.save(update_fields=["attempts", "next_attempt_at"])
    return mail


def _deliver_one(mail: Mail) -> Attempt:
    if mail.expires_at < clock.now():
        return Attempt(State.GIVEN_UP, "The mail server did not take it for a day.")
    try:
        message = _unpacked(sealing.unseal(PURPOSE, mail.sealed))
    except sealing.Unreadable as error:  # perhaps only by this process: its secrets may be older than the servers'
        return Attempt(State.FAILED, str(error))
    try:
        get_connection(settings.IDP_MAIL_BACKEND).send_messages([message])
    except OSError as error:  # those of smtplib too
        return _failure(error)
    except Exception as error:  # an address that no protocol can carry: it must not keep the mails behind it waiting
        return Attempt(State.GIVEN_UP, f"It cannot be sent as it is: {type(error).__name__}.")
    return Attempt(State.SENT)


def _failure(error: OSError) -> Attempt:
    """What became of it. The texts of mail servers repeat addresses, so only their codes are told.

    A refusal of this mail may be for ever. One of our address, name or password concerns every mail, and an operator
    can mend it.
    """
    codes = [code for code, _text in error.recipients.values()] if isinstance(error, SMTPRecipientsRefused) else []
    if isinstance(error, SMTPDataError):
        codes = [error.smtp_code]
    if not codes:
        code = f" {error.smtp_code}" if isinstance(error, SMTPResponseException) else ""
        problem = f"The mail server cannot be used: {type(error).__name__}{code}."
        return Attempt(State.FAILED, problem, server_is_away=True)
    problem = f"The mail server refused it: {', '.join(map(str, codes))}."
    return Attempt(State.GIVEN_UP if min(codes) >= REFUSED_FOR_EVER else State.FAILED, problem)


def _packed(message: EmailMessage) -> str:
    if message.attachments:
        raise ValueError("The outbox keeps no attachments.")
    names = ("subject", "body", "from_email")
    told: dict[str, object] = {name: str(getattr(message, name)) for name in names}
    told |= {"to": message.to, "cc": message.cc, "bcc": message.bcc, "reply_to": message.reply_to}
    alternatives = message.alternatives if isinstance(message, EmailMultiAlternatives) else []
    return json.dumps({**told, "headers": message.extra_headers, "alternatives": [tuple(one) for one in alternatives]})


def _unpacked(text: str) -> EmailMultiAlternatives:
    return EmailMultiAlternatives(**json.loads(text))
