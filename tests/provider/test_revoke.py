"""`manage.py revoke`: after an incident or a restore, what somebody holds is over wherever it is presented."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import SignIn, User
from clients import registration
from clients.models import AccessToken, Authorization, Client, SecurityEvent
from clients.policy import metadata_of
from common.command import whoever_runs_this
from projects import api_registration
from projects.actors import Actor
from projects.models import Api, Consent
from provider import revocation
from tests.world import ORDERS, App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]

AN_HOUR_AGO = timedelta(hours=-1)


def revoke(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("revoke", *arguments, "--format", "json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("revoke", *arguments, stdout=out)
    return out.getvalue()


class Phone:
    """What an app holds for one person, and the browser they are signed in with."""

    def __init__(self, username: str = "owner", client_id: str = "web") -> None:
        self.app, self.browser = App(client_id), Browser(username)
        answer = self.browser.tokens(client_id, scope="openid offline_access")
        self.access, self.refresh = answer["access_token"], answer["refresh_token"]
        self.code = self.browser.code(client_id, scope="openid offline_access")

    def works(self) -> set[str]:
        tried = {
            "access token": self.app.userinfo(self.access).status_code == 200,
            "refresh token": self.app.refresh(self.refresh).status_code == 200,
            "code": self.app.exchange(self.code).status_code == 200,
            "browser": self.browser.http.get("/accounts/security/").status_code == 200,
            "consent": "code=" in self.browser.authorize(self.app.client_id, scope="openid").get("Location", ""),
        }
        return {name for name, worked in tried.items() if worked}


def own_token(client_id: str = "service") -> Callable[[], bool]:
    app = App(client_id)
    token = app.token(grant_type="client_credentials").json()["access_token"]
    return lambda: bool(app.introspect(token).json()["active"])


def test_everything_of_a_person_ends_and_of_nobody_else() -> None:
    hers, his = Phone("owner"), Phone("member")
    answer = revoke("--user", "Owner@people.example")
    assert answer == {
        "dry_run": False,
        "ended": {"sign_ins": 1, "authorizations": 2, "own_tokens": 0, "consents": 1, "clients": []},
    }
    assert hers.works() == set()
    assert his.works() == {"access token", "refresh token", "code", "browser", "consent"}
    again = Browser("owner")
    assert again.authorize("web", scope="openid").status_code == 200, "they are asked anew"
    assert App("web").userinfo(again.tokens("web")["access_token"]).status_code == 200


@pytest.mark.parametrize("where", [["--client", "web"], ["--project", "acme"]])
def test_what_a_person_has_at_a_client_ends_and_nothing_else(where: list[str]) -> None:
    hers, elsewhere, his = Phone("owner"), Phone("owner", "stranger"), Phone("member")
    would = revoke("--user", "owner", *where, "--dry-run")
    assert len(hers.works()) == 5
    hers = Phone("owner")
    assert revoke("--user", "owner", *where)["ended"]["authorizations"] >= would["ended"]["authorizations"] == 2
    assert hers.works() == {"browser"}
    assert elsewhere.works() == his.works() == {"access token", "refresh token", "code", "browser", "consent"}
    assert not User.objects.exclude(tokens_not_before=None).exists()
    row = SecurityEvent.objects.get(kind="access.revoked")
    assert row.detail["person"] == User.objects.get(username="owner").sub
    again = Browser("owner")
    assert App("web").userinfo(again.tokens("web")["access_token"]).status_code == 200


def test_what_another_client_passed_on_for_a_person_ends_at_the_client_that_has_it() -> None:
    phone = Phone("owner")
    behind = Authorization.objects.filter(client__client_id="web").latest("created_at")
    passed = AccessToken.objects.create(
        digest="d" * 64,
        application=Client.objects.get(client_id="sibling"),
        authorization=behind,
        actors="sibling",
        expires=timezone.now() + timedelta(hours=1),
        resource=[],
    )
    assert revoke("--user", "owner", "--client", "sibling")["ended"]["own_tokens"] == 1
    passed.refresh_from_db()
    assert passed.revoked_at is not None
    assert len(phone.works()) == 5


def test_everything_of_a_client_ends_and_people_stay_signed_in() -> None:
    Client.objects.filter(client_id="web").update(introspection="own")
    here, sibling, own = Phone(), Phone("owner", "sibling"), own_token("web")
    revoke("--client", "web")
    assert here.works() == {"browser"}
    assert not own()
    assert sibling.works() == {"access token", "refresh token", "code", "browser"}, "the project asks again"


def test_everything_of_a_project_ends() -> None:
    here, there, own = Phone(), Phone("owner", "stranger"), own_token()
    revoke("--project", "acme")
    assert here.works() == {"browser"}
    assert not own()
    assert there.works() == {"access token", "refresh token", "code", "browser", "consent"}


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_everything_of_everybody_ends(token_format: str) -> None:
    Client.objects.update(access_token_format=token_format)
    phones, own = [Phone(), Phone("member", "stranger")], own_token()
    given = Consent.objects.count()
    assert revoke("--everything")["ended"]["consents"] == 0
    assert [phone.works() for phone in phones] == [set(), set()]
    assert not own()
    assert revoke("--everything", "--consents")["ended"]["consents"] == given
    assert Browser("owner").authorize("web", scope="openid").status_code == 200


def test_the_apps_hear_that_people_were_signed_out() -> None:
    """A row that is deleted could tell nobody."""
    Phone()
    revoke("--user", "owner")
    assert SignIn.objects.get(user__username="owner").ended_at
    assert set(Authorization.objects.values_list("ended_because", flat=True)) == {"revoked by an operator"}


# --- Since a time --------------------------------------------------------------------------------------------------


def before(action: Callable[[], Any]) -> Any:
    with time_machine.travel(timezone.now() + 2 * AN_HOUR_AGO):
        return action()


def since() -> str:
    return (datetime.now(UTC) + AN_HOUR_AGO).isoformat()


@pytest.mark.parametrize("whose", [["--user", "owner"], ["--client", "web"], ["--project", "acme"], ["--everything"]])
def test_since_a_time_what_is_older_goes_on(whose: list[str]) -> None:
    Client.objects.update(access_token_lifetime=100_000)
    Client.objects.filter(client_id="web").update(grant_types=["authorization_code", "refresh_token"])
    old = before(Phone)
    new = Phone()
    revoke(*whose, "--since", since())
    assert {"access token", "refresh token"} <= old.works()
    assert new.works() & {"access token", "refresh token", "code"} == set()


def test_since_a_time_jwts_that_clients_got_for_themselves_end_whenever_that_was() -> None:
    """They leave no row, so nobody knows which of them are older."""
    Client.objects.update(access_token_lifetime=100_000)
    opaque, jwt = Client.objects.get(client_id="service"), Client.objects.get(client_id="web")
    jwt.access_token_format = "jwt"
    jwt.save()
    old_opaque, old_jwt = before(own_token), before(lambda: own_token("web"))
    new_opaque, new_jwt = own_token(), own_token("web")
    assert revoke("--everything", "--since", since())["ended"] == {
        "sign_ins": 0,
        "authorizations": 0,
        "own_tokens": 1,
        "consents": 0,
        "clients": ["web"],
    }
    assert [old_opaque(), old_jwt(), new_opaque(), new_jwt()] == [True, False, False, False]
    opaque.refresh_from_db()
    assert opaque.tokens_not_before is None


COVERED_UP: dict[str, dict[str, Any]] = {
    "the format": {"access_token_format": "opaque"},
    "the grant": {"grant_types": ("authorization_code",)},
    "both": {"access_token_format": "opaque", "grant_types": ("authorization_code",)},
}


@pytest.mark.parametrize("what", COVERED_UP)
def test_since_a_time_a_jwt_ends_though_its_client_gets_none_any_more(what: str) -> None:
    """Whoever took it was an editor, and changed the client afterwards."""
    web, by = Client.objects.get(client_id="web"), Actor.operator("an editor")
    registration.change(web, replace(metadata_of(web), access_token_format="jwt"), by)
    SecurityEvent.objects.update(at=timezone.now() + 2 * AN_HOUR_AGO)
    token = own_token("web")
    registration.change(web, replace(metadata_of(web), **COVERED_UP[what]), by)
    assert token()
    assert revoke("--project", "acme", "--since", since())["ended"]["clients"] == ["web"]
    assert not token()


def test_since_a_time_a_jwt_ends_though_its_api_takes_none_any_more() -> None:
    api, by = Api.objects.get(identifier=ORDERS), Actor.operator("an editor")
    api_registration.change(api, replace(api_registration.metadata_of(api), token_format="jwt"), by)
    SecurityEvent.objects.update(at=timezone.now() + 2 * AN_HOUR_AGO)
    api_registration.change(api, replace(api_registration.metadata_of(api), token_format="opaque"), by)
    assert "service" in revoke("--project", "acme", "--since", since(), "--dry-run")["ended"]["clients"]


def test_an_api_that_takes_jwts_only_makes_its_callers_clients_of_that_kind() -> None:
    Api.objects.filter(project__key="acme").update(token_format="jwt")
    assert revoke("--client", "service", "--since", since(), "--dry-run")["ended"]["clients"] == ["service"]


@pytest.mark.parametrize(
    ("time", "sentence"),
    [
        ("yesterday", "--since takes a time with its zone"),
        ("2026-11-29T20:00:00", "without a zone nobody knows when that was"),
        ("2999-01-01T00:00:00Z", "lies in the future"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused(time: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        revoke("--everything", "--since", time)
    assert not SecurityEvent.objects.filter(kind="access.revoked").exists()


# --- The command ---------------------------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "One of the arguments"),
        (["--everything", "--user", "owner"], "not allowed with argument"),
        (["--api", ORDERS, "--user", "owner"], "not allowed with argument"),
        (["--everything", "--client", "web"], "not allowed with argument"),
        (["--user", "nobody-here"], "There is no account 'nobody-here'"),
        (["--client", "no\0\udcff"], "There is no client"),
        (["--project", "nothing"], "There is no project 'nothing'"),
        (["--api", "https://nothing.example"], "There is no API 'https://nothing.example'"),
        (["--api", "no\0\udcff"], "There is no API"),
        (["--api", ORDERS, "--since", "2026-11-29T20:00:00Z"], "does not go with --api"),
        (["--user", "owner", "--consents"], "goes with --everything"),
    ],
)
def test_exactly_one_known_name_is_needed(arguments: list[str], sentence: str) -> None:
    phone = Phone()
    with pytest.raises(CommandError, match=sentence):
        revoke(*arguments)
    assert len(phone.works()) == 5


def test_a_dry_run_counts_and_changes_nothing() -> None:
    phone = Phone()
    would = revoke("--user", "owner", "--dry-run")
    assert (would["dry_run"], would["ended"]["authorizations"]) == (True, 2)
    assert len(phone.works()) == 5
    assert not SecurityEvent.objects.filter(kind="access.revoked").exists()


def test_it_is_one_event_that_names_nobody() -> None:
    Phone()
    revoke("--user", "owner")
    event = SecurityEvent.objects.get(kind="access.revoked")
    who = {"by": "revoke", "run_by": whoever_runs_this()}
    assert event.detail == {"consents": True, "person": str(User.objects.get(username="owner").sub), **who}
    revoke("--client", "web")
    assert SecurityEvent.objects.latest("pk").client_id == "web"


def test_every_token_for_an_api_ends_and_nothing_else() -> None:
    scope, web = "openid offline_access orders.read", App("web")
    answer = Browser("owner").tokens("web", scope=scope, audience=ORDERS)
    elsewhere = Browser("owner").tokens("web")["access_token"]
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        assert revoke("--api", ORDERS, "--dry-run") == {"dry_run": True, "ended": {"api": ORDERS}}
        assert web.userinfo(answer["access_token"]).status_code == 200
        assert revoke("--api", f"{ORDERS}/") == {"dry_run": False, "ended": {"api": ORDERS}}
        assert web.userinfo(answer["access_token"]).status_code == 401
        assert web.userinfo(elsewhere).status_code == 200
        event = SecurityEvent.objects.get(kind="api.tokens_ended")
        assert event.detail == {"project": "acme", "identifier": ORDERS, "by": "revoke", "run_by": whoever_runs_this()}
    with time_machine.travel(timezone.now() + timedelta(seconds=10)):
        assert web.userinfo(web.refresh(answer["refresh_token"]).json()["access_token"]).status_code == 200


def test_rows_end_in_pieces_and_running_it_again_ends_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation, "PIECE", 2)
    [Browser("owner").tokens("web") for _ in range(5)]
    assert revoke("--project", "acme")["ended"]["authorizations"] == 5
    assert revoke("--project", "acme")["ended"] == {
        "sign_ins": 0,
        "authorizations": 0,
        "own_tokens": 0,
        "consents": 0,
        "clients": [],
    }


def test_it_says_what_happened_and_what_did_not() -> None:
    Browser("owner").tokens("desk")
    said = told("--project", "house")
    assert "Ended: 0 sign-ins, 1 authorizations" in said
    assert "No token that was issued before this moment works" in said
    assert "people who are signed in get new tokens without being asked" in said
    assert "Would end: 1 sign-ins" in told("--everything", "--dry-run")
    assert AccessToken.objects.filter(authorization__ended_at=None).count() == 0


@pytest.mark.parametrize(
    "name", ["\uff4fwner", "OWNER", "Owner@people.example", "owner@people\N{IDEOGRAPHIC FULL STOP}example"]
)
def test_a_person_is_named_in_any_spelling(name: str) -> None:
    phone = Phone()
    revoke("--user", name)
    assert phone.works() == set()
