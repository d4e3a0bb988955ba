"""Whatever ends a token ends it everywhere at once: userinfo, introspection, refresh, and codes still under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from clients.models import Authorization, Client
from idp.accounts.models import SignIn, User
from projects.models import Consent, Project
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


def test_a_person_switched_off_by_mistake_is_switched_on_again(held: Held) -> None:
    User.objects.filter(username="owner").update(is_active=False)
    assert App("web").userinfo(held.access_token).status_code == 401
    User.objects.filter(username="owner").update(is_active=True)
    assert App("web").userinfo(held.access_token).status_code == 200


def test_tokens_issued_after_the_moment_work(held: Held) -> None:
    User.objects.update(tokens_not_before=timezone.now() - timedelta(seconds=2))
    assert App("web").userinfo(held.access_token).status_code == 200


def test_another_persons_tokens_go_on(held: Held) -> None:
    other = Browser("member").tokens("web")["access_token"]
    for name in ("the person is deactivated", "the person is deleted"):
        ENDINGS[name]()
    assert App("web").userinfo(other).status_code == 200


def test_a_sign_in_that_ends_takes_the_code_and_leaves_the_tokens(held: Held) -> None:
    SignIn.objects.update(ended_at=timezone.now())
    working = held.working()
    assert not working.pop("code")
    assert all(working.values()), working


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
