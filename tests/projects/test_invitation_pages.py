"""The way behind the link of an invitation: who invites to what is seen first, and it is accepted once."""

from __future__ import annotations

import html
import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.test import Client as Http
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountEvent, SignIn, User
from projects import inviting
from projects.actors import Actor
from projects.events import SecurityEvent
from projects.invitation import Invitation
from projects.inviting import Wanted, invite
from projects.models import ConsentScreen, Member, Project
from tests.accounts.authenticators import SecurityKey
from tests.world import Response

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
GUEST, PASSWORD = "guest@new.example", "correct horse battery staple"
PAGE = "/accounts/invitation/"
HOME = "https://acme.example/"


@pytest.fixture
def acme() -> Project:
    return Project.objects.get(key="acme")


def link_to(email: str, role: str = "editor", who: str = "owner", project: str | None = "acme") -> str:
    """A mail with this link, of which only a digest is kept."""
    by = Actor.person(User.objects.get(username=who)) if who else Actor.operator("invite")
    row = invite(Wanted(email=email, role=role), Project.objects.get(key=project) if project else None, by)
    token = "t" + str(row.pk).replace("-", "_")
    Invitation.objects.filter(pk=row.pk).update(digest=inviting.digest_of(token))
    return reverse("invitation_link", args=[token])


def opened(http: Http, link: str) -> str:
    answer = http.get(link)
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    return html.unescape(http.get(PAGE).content.decode())


def signed_in(name: str) -> Http:
    http = Http()
    http.force_login(User.objects.get(username=name))
    return http


def role_of(user: User, project: str = "acme") -> str:
    return str(getattr(Member.objects.filter(user=user, project__key=project).first(), "role", ""))


def kinds() -> list[str]:
    found = SecurityEvent.objects.filter(kind__regex="^(invitation|member)").order_by("pk")
    return list(found.values_list("kind", flat=True))


# --- Somebody new --------------------------------------------------------------------------------------------------


def test_a_newcomer_sees_who_invites_and_comes_with_a_password(client: Http) -> None:
    link = link_to(GUEST)
    page = opened(client, link)
    for words in ("Olive Owner invites you to Acme", "Editor: apps", GUEST):
        assert words in page
    assert not User.objects.filter(email=GUEST).exists(), "looking makes nothing"
    answer = client.post(PAGE, {"password1": PASSWORD})
    assert answer["Location"] == reverse("invitation_done")
    user = User.objects.get(email=GUEST)
    assert user.email_verified
    assert user.check_password(PASSWORD)
    assert role_of(user) == "editor"
    assert SignIn.objects.get(user=user).amr == ["pwd"]
    assert client.get(answer["Location"])["Location"] == reverse("account_apps")
    assert kinds()[-2:] == ["member.added", "invitation.accepted"]
    event = SecurityEvent.objects.get(kind="invitation.accepted")
    assert (event.sub, event.detail["inviter"]) == (user.sub, User.objects.get(username="owner").sub)
    assert not Invitation.objects.exists()


def test_it_works_although_sign_up_is_closed_and_although_addresses_must_be_verified(
    client: Http, settings: Any
) -> None:
    settings.IDP_SIGNUP_OPEN, settings.ACCOUNT_EMAIL_VERIFICATION = False, "mandatory"
    opened(client, link_to(GUEST, role="", who="", project=None))
    client.post(PAGE, {"password1": PASSWORD})
    assert client.get("/").wsgi_request.user.is_authenticated


@pytest.mark.any_database
@pytest.mark.parametrize("password", ["", "short", "password", GUEST, "12345678901"])
def test_a_weak_password_makes_nothing_and_is_asked_for_again(client: Http, password: str) -> None:
    opened(client, link_to(GUEST))
    page = client.post(PAGE, {"password1": password})
    assert page.status_code == 200
    assert 'aria-invalid="true"' in page.content.decode()
    assert not User.objects.filter(email=GUEST).exists()
    assert Invitation.objects.exists()


def passkey_of(page: str) -> str:
    options = json.loads(page.partition('id="js_data" type="application/json">')[2].partition("</script>")[0])
    somebody = User.objects.create(username="key")
    key = SecurityKey(somebody)
    somebody.delete()
    assert options["creation_options"]["publicKey"]["user"]["name"] == GUEST
    return key.enrolment(options["creation_options"])


def test_a_newcomer_comes_with_a_passkey(client: Http) -> None:
    page = opened(client, link_to(GUEST))
    handle = client.session["first_passkey_handle"]
    answer = client.post(PAGE, {"credential": passkey_of(page)})
    assert answer["Location"] == f"{reverse('mfa_view_recovery_codes')}?next=%2Faccounts%2Finvitation%2Fdone%2F"
    user = User.objects.get(email=GUEST)
    assert (user.has_usable_password(), bytes(user.passkey_handle or b"").hex()) == (False, handle)
    assert {one.type for one in Authenticator.objects.filter(user=user)} == {"webauthn", "recovery_codes"}
    row = SignIn.objects.get(user=user)
    assert (row.amr, row.acr) == (["swk", "mfa"], "aal2")
    assert client.get(answer["Location"]).status_code == 200
    assert role_of(user) == "editor"
    assert {"email.verified", "factor.webauthn_added"} <= set(
        AccountEvent.objects.filter(sub=user.sub).values_list("kind", flat=True)
    )


@pytest.mark.any_database
@pytest.mark.parametrize("sent", ["", "x", "{}", "[]", '{"response": {"clientDataJSON": 1}}', "[" * 5000])
def test_a_damaged_passkey_makes_nothing(client: Http, sent: str) -> None:
    opened(client, link_to(GUEST))
    assert client.post(PAGE, {"credential": sent}).status_code == 200
    assert not User.objects.filter(email=GUEST).exists()


def test_a_passkey_for_another_challenge_makes_nothing(client: Http) -> None:
    page = opened(client, link_to(GUEST))
    sent = passkey_of(page)
    client.get(PAGE)  # and a challenge of its own
    assert client.post(PAGE, {"credential": sent}).status_code == 200
    assert not User.objects.filter(email=GUEST).exists()


# --- Somebody who has an account -----------------------------------------------------------------------------------


def test_who_has_an_account_signs_in_to_it_and_accepts() -> None:
    link, http = link_to("outsider@people.example", role="viewer"), Http()
    page = opened(http, link)
    assert "You have an account with this address" in page
    assert "password1" not in page
    http.post(PAGE, {"password1": PASSWORD})
    assert User.objects.filter(email="outsider@people.example").count() == 1
    answer = http.post(reverse("account_login"), {"login": "outsider", "password": "outsider-pw", "next": PAGE})
    assert answer["Location"] == PAGE
    assert "Accept the invitation" in http.get(PAGE).content.decode()
    assert not User.objects.get(username="outsider").email_verified
    assert http.post(PAGE, {"accept": ""})["Location"] == reverse("invitation_done")
    user = User.objects.get(username="outsider")
    assert role_of(user) == "viewer"
    assert user.email_verified, "whoever holds the link has its mailbox"


def test_another_persons_address_is_accepted_by_nobody_else() -> None:
    http = signed_in("member")
    page = opened(http, link_to("outsider@people.example"))
    assert "You are signed in as <bdi><strong>member</strong></bdi>" in page
    assert "belongs to another account" in page
    assert 'name="accept"' not in page
    http.post(PAGE, {"accept": ""})
    assert Invitation.objects.exists()
    assert http.post(PAGE, {"leave": ""})["Location"] == PAGE
    assert "You have an account with this address" in http.get(PAGE).content.decode()


def test_an_address_of_nobody_is_accepted_by_whoever_is_signed_in_and_that_is_said() -> None:
    http = signed_in("outsider")
    page = opened(http, link_to(GUEST, role="viewer"))
    assert "Accept as outsider" in page
    http.post(PAGE, {"accept": ""})
    user = User.objects.get(username="outsider")
    assert role_of(user) == "viewer"
    assert not EmailAddress.objects.filter(email=GUEST).exists()


def test_or_they_sign_out_and_make_a_new_account() -> None:
    http = signed_in("outsider")
    opened(http, link_to(GUEST))
    http.post(PAGE, {"leave": ""})
    http.post(PAGE, {"password1": PASSWORD})
    assert role_of(User.objects.get(email=GUEST)) == "editor"
    assert role_of(User.objects.get(username="outsider")) == ""


@pytest.mark.parametrize(("has", "given", "then"), [("viewer", "editor", "editor"), ("owner", "viewer", "owner")])
def test_a_member_keeps_a_greater_role(acme: Project, has: str, given: str, then: str) -> None:
    outsider = User.objects.get(username="outsider")
    Member.objects.create(project=acme, user=outsider, role=has)
    http = signed_in("outsider")
    opened(http, link_to("outsider@people.example", role=given))
    http.post(PAGE, {"accept": ""})
    assert role_of(outsider) == then


# --- Once, and not for ever ----------------------------------------------------------------------------------------


def test_the_link_works_once(client: Http) -> None:
    link = link_to(GUEST)
    opened(client, link)
    client.post(PAGE, {"password1": PASSWORD})
    assert client.post(PAGE, {"accept": ""})["Location"] == reverse("invitation_done"), "a second click"
    assert Http().get(link).status_code == 404
    assert "no longer works" in Http().get(link).content.decode()


def test_a_browser_that_has_opened_it_finds_it_taken_back_and_too_old(client: Http) -> None:
    opened(client, link_to(GUEST))
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert client.post(PAGE, {"password1": PASSWORD}).status_code == 404
    opened(client, link_to(GUEST))
    Invitation.objects.all().delete()
    assert client.post(PAGE, {"password1": PASSWORD}).status_code == 404
    assert not User.objects.filter(email=GUEST).exists()


def test_who_may_not_invite_any_more_lets_nobody_in(client: Http) -> None:
    opened(client, link_to(GUEST, who="member"))
    Member.objects.filter(user__username="member").delete()
    assert client.post(PAGE, {"password1": PASSWORD}).status_code == 404
    assert not User.objects.filter(email=GUEST).exists()


def test_somebody_else_was_quicker_with_the_address(client: Http) -> None:
    opened(client, link_to(GUEST))
    User.objects.create_user("quick", GUEST, PASSWORD)
    page = client.post(PAGE, {"password1": PASSWORD})
    assert "You have an account with this address" in page.content.decode()
    assert User.objects.filter(email=GUEST).count() == 1


@pytest.mark.parametrize("address", [PAGE, reverse("invitation_done"), f"{PAGE}nonsense/", f"{PAGE}%00/"])
def test_without_an_invitation_there_is_nothing(client: Http, address: str) -> None:
    assert client.get(address).status_code in (302, 400, 404)
    assert not client.session.get("_auth_user_id")


def test_looking_at_the_link_accepts_nothing_and_no_form_of_another_site_does() -> None:
    http = Http(enforce_csrf_checks=True)
    link = link_to(GUEST)
    assert http.head(link).status_code == 302
    http.get(link)
    assert http.post(PAGE, {"password1": PASSWORD}).status_code == 403
    assert http.post(link).status_code in (403, 405)
    assert Invitation.objects.exists()


# --- And then ------------------------------------------------------------------------------------------------------


def done(http: Http) -> Response:
    return http.get(reverse("invitation_done"))


def test_they_land_at_the_home_page_of_the_project(client: Http) -> None:
    ConsentScreen.objects.filter(project__key="acme").update(homepage_uri=HOME)
    opened(client, link_to(GUEST))
    client.post(PAGE, {"password1": PASSWORD})
    assert f'content="0; url={HOME}"' in done(client).content.decode()


def test_nobody_is_sent_to_a_script(client: Http) -> None:
    ConsentScreen.objects.filter(project__key="acme").update(homepage_uri="javascript:alert(1)")
    opened(client, link_to(GUEST))
    client.post(PAGE, {"password1": PASSWORD})
    assert done(client)["Location"] == reverse("account_apps")


def test_a_member_who_may_not_enter_the_console_yet_reads_who_opens_it(client: Http) -> None:
    opened(client, link_to(GUEST))
    client.post(PAGE, {"password1": PASSWORD})
    there = client.get(done(client)["Location"]).content.decode()
    assert "You have accepted the invitation." in there
    assert "A superuser still has to let you into the console." in there


def test_a_member_who_may_enter_the_console_lands_there(client: Http) -> None:
    opened(client, link_to(GUEST))
    client.post(PAGE, {"password1": PASSWORD})
    User.objects.filter(email=GUEST).update(is_staff=True)
    project = Project.objects.get(key="acme")
    assert done(client)["Location"] == reverse("admin:projects_project_overview", args=[project.pk])
    Member.objects.filter(user__email=GUEST).delete()
    assert done(client)["Location"] == reverse("account_apps"), "of an invitation that brings no role"
