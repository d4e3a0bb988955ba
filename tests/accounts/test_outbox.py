"""Mail leaves the request: it waits sealed in the outbox, and `delivermail` sends it with retries."""

from __future__ import annotations

import json
import re
import smtplib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import call_command
from django.test import Client as Http
from django.urls import reverse
from django.utils import timezone

from accounts.mails import Mail
from accounts.models import User
from idp import health
from tests.idp.test_settings import value_of
from tests.silence import silent_server

pytestmark = pytest.mark.django_db
SMTP = "django.core.mail.backends.smtp.EmailBackend"


class Refusing(BaseEmailBackend):
    fault: OSError = OSError()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        raise self.fault


@pytest.fixture(autouse=True)
def _outbox(settings: Any) -> None:
    settings.EMAIL_BACKEND = "accounts.outbox.Outbox"
    settings.IDP_MAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def person() -> User:
    return User.objects.create_user("person", "person@people.example", "a long password")


def reset(person: User) -> None:
    response = Http().post(reverse("account_reset_password"), {"email": person.email})
    assert response["Location"] == reverse("account_reset_password_done")


def run(capsys: Any) -> dict[str, int]:
    """The answer of one run, and its exit status."""
    status = 0
    try:
        call_command("delivermail", "--format", "json")
    except SystemExit as ending:
        status = int(str(ending.code))
    return {**json.loads(capsys.readouterr().out), "status": status}


def outcome(**counts: int) -> dict[str, int]:
    return {**dict.fromkeys(("sent", "failed", "given_up", "status"), 0), **counts}


def test_a_mail_server_on_the_network_is_written_to_by_the_outbox_only() -> None:
    given = {"EMAIL_URL": "smtp://mail.example"}
    assert value_of("EMAIL_BACKEND", **given) == "accounts.outbox.Outbox"
    assert value_of("IDP_MAIL_BACKEND", **given) == SMTP


def test_mail_on_the_console_is_no_part_of_what_a_command_answers(capsys: Any) -> None:
    backend = value_of("EMAIL_BACKEND")
    assert backend == value_of("IDP_MAIL_BACKEND")
    get_connection(backend).send_messages([EmailMessage("Hello", "text", to=["ben@people.example"])])
    shown = capsys.readouterr()
    assert "Subject: Hello" in shown.err
    assert not shown.out


def test_a_silent_mail_server_keeps_no_page_waiting(person: User, settings: Any, capsys: Any) -> None:
    settings.IDP_MAIL_BACKEND, settings.EMAIL_TIMEOUT = SMTP, 1
    with silent_server() as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        reset(person)
        reset(person)
        assert Mail.objects.count() == 2, "no page has spoken to the mail server"
        assert run(capsys) == outcome(failed=1), "a server that is away is asked once in a run"
    assert Mail.objects.count() == 2


def test_the_link_arrives_and_leaves_nothing_behind(person: User, capsys: Any) -> None:
    reset(person)
    assert mail.outbox == []
    assert run(capsys) == outcome(sent=1)
    (message,) = mail.outbox
    assert message.to == [person.email]
    assert re.search(r"/accounts/password/reset/key/\S+", str(message.body))
    assert not Mail.objects.exists()
    assert run(capsys) == outcome()


def test_nothing_of_a_mail_is_readable_in_the_database(person: User) -> None:
    reset(person)
    kept = str(list(Mail.objects.values()))
    assert person.email not in kept
    assert "reset" not in kept


def test_a_mail_arrives_as_it_was_written(capsys: Any) -> None:
    message = EmailMultiAlternatives(
        "Grüße", "text", "a@id.example", ["b@people.example"], bcc=["c@people.example"], headers={"X-Kind": "k"}
    )
    message.attach_alternative("<p>text</p>", "text/html")
    message.send()
    assert run(capsys) == outcome(sent=1)
    (sent,) = mail.outbox
    assert isinstance(sent, EmailMultiAlternatives)
    assert (sent.subject, sent.body, sent.from_email) == ("Grüße", "text", "a@id.example")
    assert (sent.to, sent.bcc, sent.extra_headers) == (["b@people.example"], ["c@people.example"], {"X-Kind": "k"})
    assert [tuple(one) for one in sent.alternatives] == [("<p>text</p>", "text/html")]


def test_what_was_not_taken_is_tried_again_and_given_up_after_a_day(
    person: User, settings: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IDP_MAIL_BACKEND = f"{__name__}.Refusing"
    monkeypatch.setattr(Refusing, "fault", ConnectionRefusedError("no"))
    with time_machine.travel(timezone.now(), tick=True) as clock:
        reset(person)
        assert run(capsys) == outcome(failed=1)
        assert run(capsys) == outcome(), "not at once"
        clock.shift(timedelta(minutes=5))
        assert run(capsys) == outcome(failed=1)
        clock.shift(timedelta(days=1))
        assert run(capsys) == outcome(given_up=1, status=1)
    assert not Mail.objects.exists()


@pytest.mark.parametrize(
    ("fault", "becomes"),
    [
        (smtplib.SMTPRecipientsRefused({"person@people.example": (550, b"no person@people.example")}), "given_up"),
        (smtplib.SMTPRecipientsRefused({"person@people.example": (451, b"later")}), "failed"),
        (smtplib.SMTPDataError(554, "spam"), "given_up"),
        (smtplib.SMTPDataError(452, "full"), "failed"),
        (smtplib.SMTPAuthenticationError(535, "who are you"), "failed"),
        (smtplib.SMTPSenderRefused(550, b"not from person@people.example", "no-reply@id.example"), "failed"),
        (smtplib.SMTPConnectError(554, "not from your address"), "failed"),
    ],
)
def test_a_refusal_for_ever_is_told_from_one_for_now(
    person: User, settings: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch, fault: OSError, becomes: str
) -> None:
    settings.IDP_MAIL_BACKEND = f"{__name__}.Refusing"
    monkeypatch.setattr(Refusing, "fault", fault)
    reset(person)
    try:
        call_command("delivermail", "--format", "json")
    except SystemExit:
        assert becomes == "given_up"
    said = capsys.readouterr()
    assert json.loads(said.out)[becomes] == 1
    assert person.email not in said.out + said.err


def test_a_server_that_refuses_us_is_asked_with_one_mail_of_a_run(
    person: User, settings: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator mends the address we write from, and nobody's mail was lost."""
    settings.IDP_MAIL_BACKEND = f"{__name__}.Refusing"
    monkeypatch.setattr(Refusing, "fault", smtplib.SMTPSenderRefused(530, b"first sign in", "no-reply@id.example"))
    reset(person)
    reset(person)
    call_command("delivermail", "--format", "json")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"sent": 0, "failed": 1, "given_up": 0}
    assert "SMTPSenderRefused 530" in said.err
    assert Mail.objects.count() == 2


def test_a_run_with_older_secrets_than_the_servers_loses_no_mail(person: User, settings: Any, capsys: Any) -> None:
    reset(person)
    right, settings.IDP_KEY_SECRETS = settings.IDP_KEY_SECRETS, ["0" * 40]
    with time_machine.travel(timezone.now(), tick=True) as clock:
        assert run(capsys) == outcome(failed=1)
        settings.IDP_KEY_SECRETS = right
        clock.shift(timedelta(minutes=5))
        assert run(capsys) == outcome(sent=1)


def test_ready_warns_when_nobody_sends(person: User, keys: None) -> None:
    reset(person)
    assert Http().get("/healthz/ready").json()["warnings"] == []
    Mail.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    assert Http().get("/healthz/ready").json()["warnings"] == health._late_mail() != []


def test_a_mail_that_cannot_be_sent_at_all_keeps_no_other_waiting(
    settings: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A form accepts addresses that no mail server can be told of: the label is too long once it is ASCII."""
    settings.IDP_MAIL_BACKEND = SMTP
    sent: list[list[str]] = []

    class Server:
        def __init__(self, *_arguments: object, **_options: object) -> None: ...

        def sendmail(self, _sender: str, recipients: list[str], _message: bytes) -> None:
            sent.append(recipients)

        def quit(self) -> None: ...

    monkeypatch.setattr(smtplib, "SMTP", Server)
    for address in ("a@" + "\u00e4" * 60 + ".com", "person@people.example"):
        EmailMessage("Hello", "Hello", to=[address]).send()
    answer = run(capsys)
    assert (answer["sent"], answer["given_up"]) == (1, 1)
    assert sent == [["person@people.example"]]
    assert not Mail.objects.exists()
