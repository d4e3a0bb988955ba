"""Whatever ends a token ends it everywhere at once: userinfo, introspection, refresh, and codes still under way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from allauth.account.adapter import get_adapter
from django.utils import timezone

from accounts.models import SignIn, User
from clients.models import Authorization, Client
from projects.models import Consent, Project
from provider.store import authorizations
from tests import console
from tests.console import insist, page
from tests.snapshot import applied
from tests.sweep import meeting
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@dataclass
class Held:
    """Everything an app holds for one person; the code is of an authorization of its own."""

    access_token: str
    refresh_token: str
    code: str

    def working(self) -> dict[str, bool]:
        app = App("web")
        introspected = app.introspect(self.access_token)
        refresh_introspected = app.introspect(self.refresh_token)
        seen_by_another = App("sibling").introspect(self.access_token)
        return {
            "userinfo": app.userinfo(self.access_token).status_code == 200,
            "introspection": introspected.status_code == 200 and introspected.json()["active"],
            "introspection of the refresh token": refresh_introspected.status_code == 200
            and refresh_introspected.json()["active"],
            "introspection by a sibling": seen_by_another.json()["active"],
            "refresh": app.refresh(self.refresh_token).status_code == 200,
            "code": app.exchange(self.code).status_code == 200,
        }


@pytest.fixture(params=["opaque", "jwt"])
def held(request: pytest.FixtureRequest) -> Held:
    Client.objects.filter(client_id="web").update(access_token_format=request.param)
    Client.objects.filter(client_id="sibling").update(introspection="project")
    browser = Browser("owner")
    answer = browser.tokens("web", scope="openid offline_access")
    return Held(answer["access_token"], answer["refresh_token"], browser.code("web", scope="openid offline_access"))


def a_moment_later() -> Any:
    return timezone.now() + timedelta(seconds=1)


ENDINGS: dict[str, Callable[[], Any]] = {
    "the person is deactivated": lambda: User.objects.filter(username="owner").update(is_active=False),
    "the person is deleted": lambda: User.objects.filter(username="owner").delete(),
    "the person's tokens end": lambda: User.objects.update(tokens_not_before=a_moment_later()),
    "the client is disabled": lambda: Client.objects.filter(client_id="web").update(enabled=False),
    "the client's tokens end": lambda: Client.objects.update(tokens_not_before=a_moment_later()),
    "the project's tokens end": lambda: Project.objects.update(tokens_not_before=a_moment_later()),
    "the consent is taken back": lambda: Consent.objects.all().delete(),
    "the authorizations end": lambda: Authorization.objects.update(ended_at=timezone.now(), ended_because="tests"),
    "the authorizations are deleted": lambda: Authorization.objects.all().delete(),
}


def test_without_an_ending_everything_works(held: Held) -> None:
    assert all(held.working().values()), held.working()


@pytest.mark.parametrize("ending", ENDINGS)
def test_it_ends_everywhere_at_once(held: Held, ending: str) -> None:
    ENDINGS[ending]()
    assert not any(held.working().values()), held.working()


# --- What was switched off and is switched on again -------------------------------------------------------------------


def by_console(name: str, pk: int, **fields: Any) -> None:
    User.objects.get_or_create(username="root", is_staff=True, is_superuser=True)
    assert insist(console.browser("root"), page(name, pk), fields).status_code == 302


def person(active: bool) -> None:
    pk = User.objects.get(username="owner").pk
    by_console("accounts_user_change", pk, is_active="on" if active else [])


def person_by_file(active: bool) -> None:
    applied(f"{{version: 1, users: [{{username: owner, is_active: {str(active).lower()}}}]}}", "person.yaml")


def person_in_code(active: bool) -> None:
    row = User.objects.get(username="owner")
    row.is_active = active
    row.save(update_fields=["is_active"])


def web(enabled: bool) -> None:
    pk = Client.objects.get(client_id="web").pk
    by_console("clients_client_change", pk, enabled="on" if enabled else [])


def of_acme(**fields: Any) -> None:
    applied(json.dumps({"version": 1, "projects": [{"id": "acme", **fields}]}), "acme.yaml")


def web_by_file(enabled: bool) -> None:
    of_acme(clients=[{"client_id": "web", "enabled": enabled}])


def acme(in_production: bool) -> None:
    status = "production" if in_production else "testing"
    by_console("projects_project_change", Project.objects.get(key="acme").pk, status=status)


def acme_by_file(in_production: bool) -> None:
    of_acme(status="production" if in_production else "testing")


def test_user(listed: bool) -> None:
    of_acme(status="testing", test_users=["owner", "member"] if listed else ["member"])


test_user.__test__ = False  # type: ignore[attr-defined]  # a switch
SWITCHES = [person, person_by_file, person_in_code, web, web_by_file, acme, acme_by_file, test_user]


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda one: one.__name__)
def test_what_is_switched_on_again_revives_nothing(switch: Callable[[bool], None]) -> None:
    """A thief who waits until the account, the client or the project is back has nothing."""
    if switch is test_user:
        switch(True)
    browser = Browser("owner")
    answer = browser.tokens("web", scope="openid offline_access")
    held = Held(answer["access_token"], answer["refresh_token"], browser.code("web", scope="openid offline_access"))
    switch(False)
    assert not any(held.working().values()), held.working()
    switch(True)
    assert not any(held.working().values()), held.working()
    assert App("web").userinfo(Browser("owner").tokens("web")["access_token"]).status_code == 200


def test_tokens_issued_after_the_moment_work(held: Held) -> None:
    User.objects.update(tokens_not_before=timezone.now() - timedelta(seconds=2))
    assert App("web").userinfo(held.access_token).status_code == 200


def test_another_persons_tokens_go_on(held: Held) -> None:
    other = Browser("member").tokens("web")["access_token"]
    for name in ("the person is deactivated", "the person is deleted"):
        ENDINGS[name]()
    assert App("web").userinfo(other).status_code == 200


def test_with_offline_access_a_sign_in_that_ends_takes_the_code_and_leaves_the_tokens(held: Held) -> None:
    SignIn.objects.update(ended_at=timezone.now())
    working = held.working()
    assert not working.pop("code")
    assert all(working.values()), working


def sign_out(browser: Browser) -> None:
    browser.http.post("/accounts/logout/")


def leave_by_an_app(browser: Browser) -> None:
    browser.http.get("/oauth2/logout", {"id_token_hint": browser.tokens("sibling")["id_token"]})


def leave_the_console(browser: Browser) -> None:
    User.objects.filter(username="owner").update(is_staff=True)
    browser.http.post("/admin/logout/")


def become_somebody_else(browser: Browser) -> None:
    browser.http.post("/accounts/switch/")


def change_the_password_elsewhere(_browser: Browser) -> None:
    person = User.objects.get(username="owner")
    get_adapter().set_password(person, "another good password")


def end_it_elsewhere(_browser: Browser) -> None:
    SignIn.objects.filter(user__username="owner").update(ended_at=timezone.now())


def forget_it(_browser: Browser) -> None:
    SignIn.objects.filter(user__username="owner").delete()


WAYS_OUT = [
    *(sign_out, leave_by_an_app, leave_the_console, become_somebody_else),
    *(change_the_password_elsewhere, end_it_elsewhere, forget_it),
]


@pytest.mark.parametrize(("way_out", "token_format"), meeting(WAYS_OUT, ["opaque", "jwt"]))
def test_without_offline_access_tokens_end_with_the_sign_in(
    way_out: Callable[[Browser], None], token_format: str
) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=token_format)
    Client.objects.filter(client_id="sibling").update(introspection="project")
    browser, app = Browser("owner"), App("web")
    token = browser.tokens("web", scope="openid email")["access_token"]
    lasting = browser.tokens("web", scope="openid offline_access")
    another = Browser("member").tokens("web")["access_token"]
    assert app.userinfo(token).status_code == 200
    way_out(browser)
    assert app.userinfo(token).status_code == 401
    assert app.introspect(token).json() == {"active": False}
    assert App("sibling").introspect(token).json() == {"active": False}
    assert app.post("/oauth2/tokeninfo", {"access_token": token}, auth=None).status_code == 400
    assert app.userinfo(lasting["access_token"]).status_code == 200
    assert app.refresh(lasting["refresh_token"]).status_code == 200
    assert app.userinfo(another).status_code == 200


def test_tokens_of_other_sign_ins_go_on_whatever_client_they_are_of() -> None:
    """The toolkit's logout deletes the person's tokens at every client."""
    leaving, staying, other = Browser("owner"), Browser("owner"), Browser("member")
    tokens = {
        (who, client): browser.tokens(client)["access_token"]
        for who, browser in (("leaving", leaving), ("staying", staying), ("other", other))
        for client in ("web", "sibling", "stranger")
    }
    leaving.http.get("/oauth2/logout", {"id_token_hint": leaving.tokens("web")["id_token"]})
    alive = {key for key, token in tokens.items() if App(key[1]).userinfo(token).status_code == 200}
    assert alive == {key for key in tokens if key[0] != "leaving"}


def test_a_token_issued_while_the_sign_in_ended_is_dead() -> None:
    browser, app = Browser("owner"), App("web")
    code = browser.code("web")
    opened = authorizations.open_code

    def open_and_leave(*code: Any, **more: Any) -> Any:
        found = opened(*code, **more)
        SignIn.objects.update(ended_at=timezone.now())
        return found

    with mock.patch.object(authorizations, "open_code", open_and_leave):
        answer = app.exchange(code)
    assert answer.status_code == 200
    assert app.userinfo(answer.json()["access_token"]).status_code == 401


def test_a_clients_own_tokens_end_with_client_and_project() -> None:
    for token_format in ("opaque", "jwt"):
        Client.objects.filter(client_id="service").update(access_token_format=token_format, introspection="own")
        token = App("service").token(grant_type="client_credentials").json()["access_token"]
        Client.objects.filter(client_id="sibling").update(introspection="project")
        assert App("sibling").introspect(token).json()["active"]
        Client.objects.filter(client_id="service").update(enabled=False)
        assert App("sibling").introspect(token).json() == {"active": False}
        Client.objects.filter(client_id="service").update(enabled=True)
        Project.objects.filter(key="acme").update(tokens_not_before=a_moment_later())
        assert App("sibling").introspect(token).json() == {"active": False}
        Project.objects.filter(key="acme").update(tokens_not_before=None)


def test_a_deleted_client_leaves_no_token_behind() -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    Client.objects.filter(client_id="service").update(access_token_format="jwt")
    jwt = App("service").token(grant_type="client_credentials").json()["access_token"]
    Client.objects.get(client_id="service").delete()
    for one in (token, jwt):
        assert App("web").userinfo(one).status_code == 401
