"""Leaving for good: everything of a person stops at once, and nobody is left without an owner."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import AccountEvent, AccountEventKind, SignIn, User
from clients.models import AccessToken, Authorization, RefreshToken, SecurityEvent
from projects.models import Consent, Member, Project, Role
from tests.accounts.second_steps import enrol
from tests.world import ORDERS, App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]

URL = "/accounts/delete/"


@pytest.fixture
def outsider() -> User:
    return User.objects.get(username="outsider")


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def exists(person: User) -> bool:
    return User.objects.filter(pk=person.pk).exists()


def test_the_page_says_what_goes_and_what_stays(outsider: User) -> None:
    page = signed_in(outsider).get(URL).content.decode()
    for words in ("outsider", "every token they have", "in this and all other browsers", "log of security events"):
        assert words in page
    assert exists(outsider)


def test_everything_of_theirs_stops_at_once(outsider: User) -> None:
    enrol(outsider)
    elsewhere, here = Browser("outsider"), signed_in(outsider)
    tokens = elsewhere.tokens("web", scope="openid offline_access orders.read", resource=ORDERS)
    unused_code = elsewhere.code("web", scope="openid offline_access orders.read", resource=ORDERS)
    web = App("web")
    assert web.introspect(tokens["access_token"]).json()["active"]
    response = here.post(URL)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert web.introspect(tokens["access_token"]).json() == {"active": False}
    assert web.userinfo(tokens["access_token"]).status_code == 401
    assert web.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert web.exchange(unused_code).json()["error"] == "invalid_grant"
    for client in (here, elsewhere.http):
        assert not client.get("/").wsgi_request.user.is_authenticated
    for model in (Authorization, AccessToken, RefreshToken, Consent, SignIn):
        assert not model._default_manager.exists()
    assert not exists(outsider)


def test_a_signed_access_token_dies_with_its_person(outsider: User) -> None:
    Project.objects.get(key="acme").apis.filter(identifier=ORDERS).update(token_format="jwt")
    tokens = Browser("outsider").tokens("web", scope="openid orders.read", resource=ORDERS)
    assert tokens["access_token"].count(".") == 2
    assert App("web").introspect(tokens["access_token"]).json()["active"]
    signed_in(outsider).post(URL)
    assert App("web").introspect(tokens["access_token"]).json() == {"active": False}


def test_the_log_stays_by_sub_and_without_a_name(outsider: User) -> None:
    SecurityEvent.objects.create(kind="token.cross_client", client_id="web", sub=str(outsider.sub))
    about = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=User.objects.get(username="owner"),
        content_type=about,
        object_id=str(outsider.pk),
        object_repr="outsider",
        action_flag=2,
        change_message="e-mail: a → outsider@people.example",
    )
    signed_in(outsider).post(URL)
    assert AccountEvent.objects.get(kind=AccountEventKind.DELETED).sub == str(outsider.sub)
    assert SecurityEvent.objects.filter(sub=str(outsider.sub)).exists()
    kept = [AccountEvent.objects.all(), SecurityEvent.objects.filter(sub=str(outsider.sub)), LogEntry.objects.all()]
    assert "outsider" not in str([list(rows.values()) for rows in kept])


def test_the_person_is_told_by_mail(outsider: User) -> None:
    signed_in(outsider).post(URL)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["outsider@people.example"], "Your account at Vestibule was deleted")
    assert "If it was not you, tell whoever manages" in sent.body
    assert "reset your password" not in sent.body


def test_only_somebody_who_just_proved_who_they_are_can_delete(outsider: User) -> None:
    client = signed_in(outsider)
    SignIn.objects.update(auth_time="2020-01-01T00:00:00Z")
    assert client.post(URL)["Location"] == URL
    page = client.get(URL)["Location"]
    assert page == f"{reverse('account_reauthenticate')}?{urlencode({'next': URL})}"
    response = client.post(page, {"password": "outsider-pw", "next": URL})
    assert response["Location"] == URL
    assert exists(outsider), "the form that came too late is not sent again"
    assert client.get(URL).status_code == 200
    assert client.post(URL)["Location"] == "/"
    assert not exists(outsider)


def test_a_link_deletes_nothing_and_strangers_sign_in(client: Client, outsider: User) -> None:
    assert client.post(URL)["Location"].startswith("/accounts/login/")
    assert signed_in(outsider).get(URL).status_code == 200
    assert exists(outsider)


def test_the_only_owner_of_a_project_hands_it_over_first() -> None:
    owner = User.objects.get(username="owner")
    client = signed_in(owner)
    assert "only owner of “Acme”" in client.get(URL).content.decode()
    assert client.post(URL).status_code == 409
    assert exists(owner)
    member = User.objects.get(username="member")
    Member.objects.filter(user=member).update(role=Role.OWNER)
    User.objects.filter(pk=member.pk).update(is_active=False)
    assert client.post(URL).status_code == 409, "somebody who cannot sign in owns nothing"
    User.objects.filter(pk=member.pk).update(is_active=True)
    assert client.post(URL).status_code == 302
    assert not exists(owner)


def test_the_last_superuser_stays(outsider: User) -> None:
    User.objects.filter(pk=outsider.pk).update(is_superuser=True, is_staff=True)
    client = signed_in(outsider)
    assert "last superuser" in client.get(URL).content.decode()
    assert client.post(URL).status_code == 409
    User.objects.filter(username="member").update(is_superuser=True)
    assert client.post(URL).status_code == 302


def test_the_author_of_the_consoles_history_stays(outsider: User) -> None:
    LogEntry.objects.create(user=outsider, object_repr="x", action_flag=2)
    assert signed_in(outsider).post(URL).status_code == 409
    assert LogEntry.objects.exists()


def test_the_next_account_of_the_same_name_is_another_person(outsider: User) -> None:
    signed_in(outsider).post(URL)
    again = User.objects.create_user("outsider", "outsider@people.example")
    assert again.sub != outsider.sub
    page = signed_in(again).get("/accounts/activity/").content.decode()
    assert "Account deleted" not in page
