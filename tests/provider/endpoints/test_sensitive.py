"""A sensitive scope is marked where it is asked for, and whoever allows it hears of it by mail."""

from __future__ import annotations

from collections.abc import Callable
from smtplib import SMTPException
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from accounts.models import User
from clients.models import Authorization, Client
from projects.models import Api, ApiScope, ConsentScreen, Project
from tests.world import BILLING, ISSUER, ORDERS, Browser, Response, redirected

pytestmark = [pytest.mark.django_db]
Allow = Callable[..., Response]


@pytest.fixture(autouse=True)
def _changing_orders_is_sensitive(world: None) -> None:
    ApiScope.objects.filter(name="orders.write").update(sensitive=True)


@pytest.fixture
def person() -> Browser:
    return Browser("owner")


@pytest.fixture
def allow(django_capture_on_commit_callbacks: Any) -> Allow:
    """Ask and answer, with what follows the commit."""

    def go(person: Browser, client_id: str = "web", ticked: list[str] | None = None, **params: Any) -> Response:
        with django_capture_on_commit_callbacks(execute=True):
            page = person.authorize(client_id, **params)
            if page.status_code == 200:
                page = person.answer(page) if ticked is None else person.answer(page, scope=ticked)
        return page

    return go


def told() -> list[mail.EmailMessage]:
    """The mails about something sensitive."""
    return [one for one in mail.outbox if "sensitive" in one.subject]


def test_it_is_marked_and_ticked_like_the_others(person: Browser) -> None:
    page = person.authorize("web", scope="openid orders.read orders.write").content.decode()
    for name, marked in (("orders.read", False), ("orders.write", True)):
        line = page.partition(f'name="scope" value="{name}"')[2].partition("</label>")[0]
        assert line.startswith(" checked")
        assert ("Sensitive" in line) is marked


def test_who_allows_it_gets_a_mail(person: Browser, allow: Allow) -> None:
    ConsentScreen.objects.filter(project__key="acme").update(app_name="Acme shopping")
    allow(person, scope="openid email orders.write", audience=ORDERS)
    (message,) = mail.outbox
    assert message.to == ["owner@people.example"]
    assert message.subject == "Acme shopping may now use sensitive data of yours"
    assert "You allowed Acme shopping:\n\n- Change your orders\n" in message.body
    assert f"{ISSUER}/accounts/apps/" in message.body
    assert "UTC" in message.body
    assert "See your e-mail address" not in message.body
    assert "&" not in message.body


def test_the_link_begins_with_the_issuer_whatever_the_host_header_says(
    person: Browser, allow: Allow, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    person.http.defaults["HTTP_HOST"] = "evil.example"
    allow(person, scope="openid orders.write")
    assert "evil.example" not in f"{mail.outbox[0].body}{mail.outbox[0].subject}"


@pytest.mark.parametrize("scope", ["openid email", "openid orders.read"])
def test_nobody_is_bothered_about_anything_else(person: Browser, allow: Allow, scope: str) -> None:
    allow(person, scope=scope)
    assert told() == []


def test_what_was_left_out_or_denied_is_not_told(person: Browser, allow: Allow) -> None:
    allow(person, scope="openid orders.write", ticked=[])
    person.answer(person.authorize("web", scope="openid orders.write"), "deny")
    assert told() == []


def test_it_is_told_once(person: Browser, allow: Allow) -> None:
    for params in ({}, {}, {"prompt": "consent"}, {"include_granted_scopes": "true"}):
        assert redirected(allow(person, scope="openid orders.write", **params))["code"]
    assert len(mail.outbox) == 1


def test_an_app_that_shares_no_consent_is_told_of_each_time(person: Browser, allow: Allow) -> None:
    Client.objects.filter(client_id="native").update(scope="openid orders.write")
    for _ in range(2):
        allow(person, "native", scope="openid orders.write")
    assert len(mail.outbox) == 2


def test_first_party_projects_tell_nobody(person: Browser, allow: Allow) -> None:
    Project.objects.filter(key="acme").update(consent_mode="implicit")
    allow(person, scope="openid orders.write")
    assert mail.outbox == []


def test_an_address_nobody_proved_to_own_hears_nothing(allow: Allow) -> None:
    member = Browser("member")
    assert not User.objects.get(username="member").email_verified
    assert redirected(allow(member, scope="openid orders.write"))["code"]
    assert mail.outbox == []


class Broken(EmailBackend):
    fault: Exception = SMTPException()

    def send_messages(self, messages: Any) -> int:
        raise self.fault


@pytest.mark.parametrize("fault", [SMTPException("no"), OSError("gone"), ValueError("header"), RuntimeError("bug")])
def test_a_failing_mail_server_stops_nobody(person: Browser, allow: Allow, settings: Any, fault: Exception) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Broken"
    Broken.fault = fault
    assert redirected(allow(person, scope="openid orders.write"))["code"]
    assert Authorization.objects.exists()


def test_names_write_no_lines_of_their_own(person: Browser, allow: Allow) -> None:
    ConsentScreen.objects.filter(project__key="acme").update(app_name="Acme\r\nBcc: all@people.example\n\n<b>")
    ApiScope.objects.filter(name="orders.write").update(description="Change\n\nReset your password at evil.example")
    allow(person, scope="openid orders.write")
    (message,) = mail.outbox
    assert message.subject.startswith("Acme Bcc: all@people.example <b> may")
    assert message.bcc == []
    assert "- Change Reset your password at evil.example\n" in message.body


# --- What was allowed before, at another API -----------------------------------------------------------------------


def test_a_new_api_says_what_was_allowed_before_and_works_there_too(person: Browser, allow: Allow) -> None:
    """The consent holds scopes and audiences: what is allowed may be used wherever access works."""
    billing = Api.objects.get(identifier=BILLING)
    ApiScope.objects.create(api=billing, name="orders.read", description="See every invoice", sensitive=True)
    allow(person, scope="openid orders.read", audience=ORDERS)
    assert told() == []
    page = person.authorize("web", scope="openid", audience=BILLING)
    assert "What you allowed before works there too: <bdi>See every invoice</bdi>" in page.content.decode()
    allow(person, scope="openid", audience=BILLING)
    assert "- Billing: See every invoice; Orders: See your orders\n" in told()[0].body


def test_what_was_allowed_since_the_page_was_shown_has_to_be_on_it(person: Browser) -> None:
    billing = Api.objects.get(identifier=BILLING)
    ApiScope.objects.create(api=billing, name="orders.read", description="See every invoice")
    page = person.authorize("web", scope="openid", audience=BILLING)
    person.code("web", scope="openid orders.read", audience=ORDERS)
    answer = person.answer(page)
    assert answer["Location"].startswith("/oauth2/authorize?")
    again = person.http.get(answer["Location"])
    assert "See every invoice" in again.content.decode()
    assert redirected(person.answer(again))["code"]


# --- The first time ------------------------------------------------------------------------------------------------

NEW = "Acme may now use your account at Vestibule"


def test_the_first_app_of_a_project_is_told_of_in_the_words_of_the_page_and_the_next_is_not(
    person: Browser, allow: Allow
) -> None:
    allow(person, scope="openid email orders.read", audience=ORDERS)
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["owner@people.example"], NEW)
    assert "- See your e-mail address\n- See your orders\n" in message.body
    assert f"{ISSUER}/accounts/apps/" in message.body
    allow(person, scope="openid email profile")
    allow(person, "sibling", scope="openid email")
    assert len(mail.outbox) == 1


def test_something_sensitive_is_told_of_instead(person: Browser, allow: Allow) -> None:
    allow(person, scope="openid orders.write")
    assert [one.subject for one in mail.outbox] == ["Acme may now use sensitive data of yours"]


def test_who_turned_it_off_hears_of_sensitive_things_alone(person: Browser, allow: Allow) -> None:
    User.objects.filter(username="owner").update(muted_mails=["app_access"])
    allow(person, scope="openid email")
    assert mail.outbox == []
    allow(person, scope="openid orders.write")
    assert len(told()) == 1
