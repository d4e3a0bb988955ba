"""The page of a person in the console: everything is seen there, and ended so that it stays ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import SignIn, User
from clients.models import Authorization, Client, SecurityEvent
from projects.models import Consent, Project, ProjectRole, RoleGrant
from projects.sectors import told_sub
from provider.admin.person import ACTS
from tests.accounts.second_steps import enrol, sent_on
from tests.console import browser, client, page
from tests.world import Browser, Response

pytestmark = pytest.mark.usefixtures("console")
REQUEST = {"scope": "openid email orders.read", "redirect_uri": "https://web.acme.example/cb"}
LATER = timedelta(seconds=301)


def person(username: str = "person") -> User:
    return User.objects.get(username=username)


def looked_at(username: str = "person") -> str:
    return browser("root").get(page("accounts_user_person", person(username).pk)).content.decode()


def address(act: str, of: str = "", username: str = "person") -> str:
    query = f"?of={of}" if of else ""
    return page("accounts_user_person_act", person(username).pk, act) + query


def do(act: str, of: str = "", *, username: str = "person", by: str = "root") -> Response:
    """Open the question, and say yes to it."""
    http, where = browser(by), address(act, of, username)
    assert http.get(where).status_code == 200
    return http.post(where, follow=True)


def told() -> tuple[str, dict[str, Any]]:
    """The last event of the log, which names who did it."""
    event = SecurityEvent.objects.latest("at", "pk")
    assert event.sub == person("root").sub
    return event.kind, event.detail


def history() -> str:
    return LogEntry.objects.latest("action_time", "pk").get_change_message()


@pytest.fixture
def app() -> Browser:
    """Somebody who allowed Acme something."""
    visitor = Browser("person")
    SignIn.objects.filter(user=person()).update(user_agent="X11; Linux Firefox/140.0", address="192.0.2.7")
    assert visitor.answer(visitor.authorize("web", **REQUEST)).status_code == 303
    return visitor


# --- Who may look, and do -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["owner", "editor", "viewer", "outsider", "nobody"])
def test_people_are_for_superusers_only(username: str, app: Browser) -> None:
    """An owner of the project whose app somebody uses sees nothing of them here, either."""
    http = browser(username)
    assert http.get(page("accounts_user_person", person().pk)).status_code == 403
    for act in ACTS:
        for answer in (http.get(address(act, "acme")), http.post(address(act, "acme"))):
            assert answer.status_code == 403, act
    assert Authorization.objects.filter(ended_at=None).exists()
    assert person().is_active


def test_who_is_nobody_has_no_page() -> None:
    http = browser("root")
    assert http.get(page("accounts_user_person", 0)).status_code in (302, 404)
    assert http.get(page("accounts_user_person", "x")).status_code in (302, 404)
    assert http.get(address("dance")).status_code == 404
    assert http.post(page("accounts_user_person", person().pk)).status_code == 405


def test_a_session_alone_does_nothing(app: Browser) -> None:
    """A session that somebody has taken shows the page, and ends nothing."""
    enrol(person())
    http = browser("root")
    SignIn.objects.filter(user=person("root")).update(auth_time=timezone.now() - LATER)
    assert http.get(page("accounts_user_person", person().pk)).status_code == 200
    for act in ACTS:
        for answer in (http.get(address(act, "acme")), http.post(address(act, "acme"))):
            assert sent_on(answer)[1] == address(act, "acme"), act
    assert Authorization.objects.filter(ended_at=None).exists()
    assert Authenticator.objects.filter(user=person()).exists()


# --- What it shows --------------------------------------------------------------------------------------------------


def test_it_shows_who_it_is_and_what_apps_may_do(app: Browser) -> None:
    text = looked_at()
    assert person().sub in text
    assert "person@people.example" in text
    assert "Not verified" in text
    assert "3 permissions" in text
    assert "See your orders" in text
    assert "Acme web" in text
    assert "Firefox on Linux" in text
    assert "192.0.2.7" in text


def test_somebody_who_did_nothing_yet_has_a_page() -> None:
    text = looked_at("nobody")
    assert "No app has access to this account." in text
    assert "Not signed in anywhere." in text
    assert "Sign out everywhere" not in text


def test_what_a_pairwise_project_knows_them_by_is_said(app: Browser) -> None:
    acme = Project.objects.get(key="acme")
    assert "Known there as" not in looked_at()
    Project.objects.filter(pk=acme.pk).update(subject_type="pairwise", subject_salt="s" * 43)
    acme.refresh_from_db()
    assert told_sub(person().sub, acme) in looked_at()


def test_their_roles_and_the_projects_they_manage_are_there() -> None:
    role = ProjectRole.objects.create(project=Project.objects.get(key="other"), name="reader")
    RoleGrant.objects.create(role=role, user=person("owner"))
    text = looked_at("owner")
    assert "manages it as Owner" in text
    assert "reader" in text


def test_the_list_and_the_search_lead_to_the_page() -> None:
    where = page("accounts_user_person", person().pk)
    assert f'href="{where}' in browser("root").get(page("accounts_user_changelist")).content.decode()
    assert where in browser("root").get(page("search"), {"q": "person@people.example"}).content.decode()


def test_more_apps_cost_no_more_statements(app: Browser) -> None:
    """However many projects somebody allowed something."""

    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert http.get(where).status_code == 200
        return len(seen)

    http, where = browser("root"), page("accounts_user_person", person().pk)
    statements()
    before = statements()
    for number in range(5):
        project = Project.objects.create(key=f"p{number}", name=f"Project {number}")
        one = Client.objects.create(
            project=project, name=f"App {number}", client_id=f"app-{number}", client_type="confidential"
        )
        consent = Consent.objects.create(user=person(), project=project, scopes=["openid"], audiences=[])
        Authorization.objects.create(client=one, user=person(), auth_time=timezone.now(), consent=consent)
        SignIn.objects.create(user=person(), user_agent="Firefox/1.0 Linux")
    assert statements() == before
    assert "Project 4" in looked_at()


# --- Apps -----------------------------------------------------------------------------------------------------------


def test_removed_access_stays_removed(app: Browser) -> None:
    """The consent and the authorizations together: the next visit is asked for everything anew."""
    assert "code=" in app.authorize("web", **REQUEST)["Location"], "as long as it is allowed nobody is asked"
    assert "Acme has no access any more: 2 authorizations ended." in do("remove", "acme").content.decode()
    assert not Authorization.objects.filter(ended_at=None).exists()
    assert app.authorize("web", **REQUEST).status_code == 200
    text = looked_at()
    assert "No app has access to this account." in text
    assert "Access ended by an administrator" in text, "the last that happened is below"
    kind, detail = told()
    assert (kind, detail["person"], detail["project"]) == ("access.revoked", person().sub, "acme")
    assert history() == "Removed the access of Acme."


def test_the_question_names_what_ends(app: Browser) -> None:
    text = browser("root").get(address("remove", "acme")).content.decode()
    assert "Remove the access of Acme?" in text
    assert "1 authorization ends." in text
    assert "What this person allowed is forgotten" in text
    assert "Acme web" in text
    assert "Nobody is asked in this project" not in text
    Project.objects.update(consent_mode="implicit")
    assert "Nobody is asked in this project" in browser("root").get(address("remove", "acme")).content.decode()


@pytest.mark.parametrize(("act", "of"), [("remove", "other"), ("remove", "none"), ("remove-guest", "1/acme")])
def test_what_is_not_there_cannot_be_removed(act: str, of: str, app: Browser) -> None:
    for answer in (browser("root").get(address(act, of), follow=True), browser("root").post(address(act, of))):
        assert answer.status_code in (200, 302)
    assert Authorization.objects.filter(ended_at=None).exists()
    assert not SecurityEvent.objects.filter(kind="access.revoked").exists()


def test_only_this_project_loses_it(app: Browser) -> None:
    foreign = Authorization.objects.create(client=client("foreign"), user=person(), auth_time=timezone.now())
    do("remove", "acme")
    foreign.refresh_from_db()
    assert foreign.ended_at is None


def test_the_access_of_others_stays(app: Browser) -> None:
    theirs = Authorization.objects.create(client=client(), user=person("owner"), auth_time=timezone.now())
    do("remove", "acme")
    theirs.refresh_from_db()
    assert theirs.ended_at is None


def test_a_guest_app_loses_what_it_has_at_one_project() -> None:
    Project.objects.filter(key="acme").update(guest_apps="any")
    guest = Client.objects.create(
        project=None,
        client_id="https://guest.example/app.json",
        name="Guest",
        client_type="public",
        grant_types=["authorization_code"],
        redirect_uris="https://guest.example/cb",
        registration_source=Client.RegistrationSource.CIMD,
    )
    acme = Project.objects.get(key="acme")
    row = Authorization.objects.create(
        client=guest, user=person(), project=acme, auth_time=timezone.now(), offline=True, scopes=["orders.read"]
    )
    assert "Guest at Acme" in looked_at()
    do("remove-guest", f"{guest.pk}/acme")
    row.refresh_from_db()
    assert row.ended_at is not None
    assert told()[0] == "authorization.ended"


# --- Sign-ins -------------------------------------------------------------------------------------------------------


def test_one_browser_is_signed_out(app: Browser) -> None:
    other = Browser("person")
    row = SignIn.objects.get(user=person(), address="192.0.2.7")
    assert "Firefox on Linux is signed out." in do("sign-out", str(row.pk)).content.decode()
    assert [one.http.get("/accounts/profile/").status_code for one in (app, other)] == [302, 200]
    assert told() == ("sign_in.ended", {"person": person().sub, "all": False})


@pytest.mark.parametrize("of", ["", "nonsense", "00000000-0000-4000-8000-000000000000"])
def test_a_sign_in_that_is_nobodys_is_not_ended(of: str, app: Browser) -> None:
    assert browser("root").post(address("sign-out", of)).status_code == 302
    assert app.http.get("/accounts/profile/").status_code == 200


def test_the_sign_in_of_another_is_not_ended_from_here(app: Browser) -> None:
    row = SignIn.objects.get(user=person(), ended_at=None)
    browser("root").post(address("sign-out", str(row.pk), "owner"))
    assert app.http.get("/accounts/profile/").status_code == 200


def test_all_browsers_are_signed_out(app: Browser) -> None:
    other = Browser("person")
    do("sign-out-everywhere")
    assert [one.http.get("/accounts/profile/").status_code for one in (app, other)] == [302, 302]
    assert told() == ("sign_in.ended", {"person": person().sub, "all": True})
    assert history() == "Signed out everywhere."


# --- The account ----------------------------------------------------------------------------------------------------


def test_second_steps_are_removed_and_whoever_had_them_is_signed_out(app: Browser) -> None:
    enrol(person())
    assert "set up" in looked_at()
    do("second-steps")
    assert not Authenticator.objects.filter(user=person()).exists()
    assert app.http.get("/accounts/profile/").status_code == 302
    assert told()[1]["changed"] == ["second_steps"]
    assert history() == "Removed the second steps."


def test_a_mail_for_a_new_password_is_sent_and_names_no_browser(
    mailoutbox: list[EmailMessage], django_capture_on_commit_callbacks: Any
) -> None:
    EmailAddress.objects.filter(user=person()).update(verified=True)
    mailoutbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        do("reset-mail")
    (mail,) = mailoutbox
    assert mail.to == ["person@people.example"]
    assert "/accounts/password/reset/key/" in str(mail.body)
    assert "Whoever manages your accounts" in str(mail.body)
    assert "127.0.0.1" not in str(mail.body)
    assert told() == ("person.reset_mail_sent", {"person": person().sub})


def test_who_has_no_address_gets_no_mail() -> None:
    assert "Send reset mail" not in looked_at("owner")
    assert browser("root").get(address("reset-mail", username="owner")).status_code == 302


def test_somebody_deactivated_loses_everything_for_good(app: Browser) -> None:
    do("deactivate")
    assert not person().is_active
    assert app.http.get("/accounts/profile/").status_code == 302
    assert told()[1] == {"person": person().sub, "changed": ["is_active"], "is_active": False}
    do("activate")
    assert person().is_active
    assert "No app has access" not in looked_at(), "the consent stays: they are not asked again for it"
    assert told()[1]["is_active"] is True


def test_nobody_deactivates_themselves() -> None:
    http = browser("root")
    asked = http.get(address("deactivate", username="root")).content.decode()
    assert "You cannot remove this from yourself." in asked
    assert 'type="submit" class="default"' not in asked
    http.post(address("deactivate", username="root"))
    assert person("root").is_active
