"""Apps register themselves in a project (RFC 7591) and manage that (RFC 7592). Tests carry the ids of our rules."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client as Http
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clients import initial_tokens, registration, self_registered
from clients.models import Authorization, Client, InitialAccessToken, RegistrationAccess, SecurityEvent
from clients.policy import metadata_of
from clients.self_registration import MADE_HERE, MEMBERS
from projects import quotas
from projects.models import Project
from tests.clients.test_self_registration import anything
from tests.provider.registering import CALLBACK, REGISTER, ROOT, WEB, Registrar, initial_token, place_of, refusal
from tests.world import BILLING, ORDERS, VERIFIER, App, Browser, basic, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
PUBLIC = {**WEB, "token_endpoint_auth_method": "none", "redirect_uris": ["http://localhost:3334/callback"]}


@pytest.fixture(autouse=True)
def _switched_on(settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "tokens"


@pytest.fixture
def app(world: None) -> Registrar:
    """Whoever has an initial access token of the project."""
    return Registrar(initial_token(scope="openid email offline_access orders.read", audience=(ORDERS,)))


def tokens_of(made: dict[str, Any], redirect_uri: str = CALLBACK, **asked: Any) -> dict[str, Any]:
    """The whole code flow of an app that registered itself."""
    person = Browser("owner")
    page = person.authorize(made["client_id"], redirect_uri=redirect_uri, **asked)
    code = redirected(person.answer(page))["code"]
    sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": VERIFIER}
    auth = basic(made["client_id"], made["client_secret"]) if "client_secret" in made else ""
    answer = App(made["client_id"]).post(
        "/oauth2/token", {**sent, **({} if auth else {"client_id": made["client_id"]})}, auth=auth
    )
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


# --- Registering -----------------------------------------------------------------------------------------------------


def test_r2_the_answer_is_201_with_all_that_is_registered_and_for_no_cache(app: Registrar) -> None:
    answer = app.register({**WEB, "grant_types": ["authorization_code", "refresh_token"]})
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        201,
        "application/json",
        "no-store",
    )
    made = answer.json()
    assert made["client_secret_expires_at"] == 0
    assert made["grant_types"] == ["authorization_code", "refresh_token"]
    assert (made["scope"], made["redirect_uris"]) == ("openid email offline_access orders.read", [CALLBACK])
    assert made["registration_client_uri"] == f"http://localhost:8000{place_of(made)}"
    assert abs(made["client_id_issued_at"] - timezone.now().timestamp()) < 10


def test_an_app_that_registered_itself_signs_people_in_and_gets_what_its_project_opened(app: Registrar) -> None:
    made = app.made()
    tokens = tokens_of(made, scope="openid orders.read", audience=ORDERS)
    assert claims_of(tokens["id_token"])["aud"] == made["client_id"]
    assert tokens["scope"] == "openid orders.read"
    refused = redirected(Browser("owner").authorize(made["client_id"], redirect_uri=CALLBACK, audience=BILLING))
    assert refused["error"] == "invalid_target"


def test_r6_an_app_on_a_device_gets_the_code_at_the_port_it_has(app: Registrar) -> None:
    made = app.made(PUBLIC)
    assert made["application_type"] == "native"
    assert "refresh_token" not in tokens_of(made, "http://localhost:52011/callback", scope="openid")


def test_r14_an_app_without_a_secret_gets_none_and_has_to_use_pkce(app: Registrar) -> None:
    made = app.made(PUBLIC)
    assert {"client_secret", "client_secret_expires_at"}.isdisjoint(made)
    asked = {"redirect_uri": PUBLIC["redirect_uris"][0], "code_challenge": None, "code_challenge_method": None}
    assert redirected(Browser("owner").authorize(made["client_id"], **asked))["error"] == "invalid_request"


def test_pkce_is_demanded_unless_the_token_was_made_for_apps_that_have_none(app: Registrar) -> None:
    without: dict[str, Any] = {"redirect_uri": CALLBACK, "code_challenge": None, "code_challenge_method": None}
    strict = Browser("owner").authorize(app.made()["client_id"], **without)
    assert redirected(strict)["error"] == "invalid_request"
    lenient = Registrar(initial_token(require_pkce=False))
    assert Browser("owner").authorize(lenient.made()["client_id"], **without).status_code == 200
    for values, pkce in ((WEB, False), (PUBLIC, True)):
        made = lenient.made(values)
        assert Client.objects.get(client_id=made["client_id"]).require_pkce is pkce


def test_r12_it_has_no_rights_but_those_of_its_token_and_nobody_vouches_for_it(app: Registrar) -> None:
    made = app.made({**WEB, "introspection": "all", "audience": [BILLING], "access_token_lifetime": 10**8})
    client = Client.objects.get(client_id=made["client_id"])
    found = metadata_of(client)
    assert (found.introspection, [one.value for one in found.audience]) == ("none", [ORDERS])
    assert (found.access_token_lifetime, client.home.key) == (3600, "acme")
    assert client.registration_source == Client.RegistrationSource.DCR
    assert App("web").token(grant_type="client_credentials", audience=made["client_id"]).status_code == 400
    asks = {"grant_type": "client_credentials"}
    answer = App(made["client_id"]).post("/oauth2/token", asks, auth=basic(made["client_id"], made["client_secret"]))
    assert refusal(answer) == (400, "unauthorized_client")


def test_r12_in_a_project_that_asks_nobody_people_are_asked_all_the_same() -> None:
    made = Registrar(initial_token("house")).made()
    assert Browser("owner").authorize("desk").status_code == 302
    assert Browser("owner").authorize(made["client_id"], redirect_uri=CALLBACK).status_code == 200


def test_r13_a_software_statement_is_not_approved(app: Registrar) -> None:
    statements: list[Any] = ["eyJhbGciOiJub25lIn0.e30.", 7, {}]
    for statement in statements:
        assert refusal(app.register({**WEB, "software_statement": statement})) == (400, "unapproved_software_statement")
    assert app.register({**WEB, "software_statement": None}).status_code == 201


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"redirect_uris": ["https://new.example/cb#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://*.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://new.example/cb"]}, "invalid_redirect_uri"),
        ({}, "invalid_redirect_uri"),
        ({**WEB, "grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({**WEB, "token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({**WEB, "jwks": {"keys": []}, "jwks_uri": "https://10.1.2.3/jwks"}, "invalid_client_metadata"),
        ({**WEB, "initiate_login_uri": "http://new.example/login"}, "invalid_client_metadata"),
        ({**WEB, "client_name": "x" * 256}, "invalid_client_metadata"),
        ({**WEB, "client_name": "x\0y"}, "invalid_client_metadata"),
        ({**WEB, "contacts": "me"}, "invalid_client_metadata"),
        ([], "invalid_client_metadata"),
        ("[", "invalid_client_metadata"),
        (" ", "invalid_client_metadata"),
        (b"\xff", "invalid_client_metadata"),
        ('{"client_name": "\\ud800"}', "invalid_client_metadata"),
        ('{"client_name": NaN}', "invalid_client_metadata"),
        ("[" * 5000, "invalid_client_metadata"),
        ('{"jwks":' * 2000, "invalid_client_metadata"),
    ],
)
def test_r6_each_refusal_has_its_code(app: Registrar, values: Any, error: str) -> None:
    assert refusal(app.register(values)) == (400, error)
    assert InitialAccessToken.objects.get().used == 0, "what is refused uses nothing up"


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(values=st.dictionaries(st.sampled_from([*MEMBERS, *MADE_HERE, "client_id"]), anything, max_size=6))
def test_nothing_that_is_sent_is_a_failure_of_ours(app: Registrar, values: dict[str, Any]) -> None:
    answer = app.register({**WEB, **values})
    assert answer.status_code in (201, 400, 401)
    if answer.status_code == 201:
        assert app.change(answer.json(), values).status_code in (200, 400)


# --- JSON, whatever the answer; browsers of any origin ---------------------------------------------------------------


def test_r1_every_refusal_is_json_for_no_cache_and_for_any_origin(app: Registrar, settings: Any) -> None:
    nobody, somebody = Registrar(), Registrar("not-a-token")
    answers = {
        "no token": (nobody.register(), 401),
        "no such token": (somebody.register(), 401),
        "another scheme": (nobody.register(HTTP_AUTHORIZATION="Basic dDp1"), 401),
        "a method": (nobody.send("get", REGISTER), 405),
        "a method there": (nobody.send("post", f"{REGISTER}/web", WEB), 405),
        "too large": (app.register(" " * 70_000), 413),
        "a form": (app.register(content_type="application/x-www-form-urlencoded"), 415),
        "no type": (app.register(content_type=""), 415),
        "wrong": (app.register({}), 400),
        "no client": (somebody.send("get", f"{REGISTER}/nobody", token="x"), 401),
    }
    settings.IDP_DYNAMIC_REGISTRATION = "off"
    answers["off"] = (app.register(), 403)
    for why, (answer, status) in answers.items():
        assert answer.status_code == status, why
        assert answer["Content-Type"] == "application/json", why
        assert answer.json()["error_description"], why
        assert answer["Cache-Control"] == "no-store", why
        assert answer["Access-Control-Allow-Origin"] == "*", why
        assert ("WWW-Authenticate" in answer) == (status == 401), why


def test_r1_a_browser_may_ask_before_it_sends(app: Registrar) -> None:
    for path, methods in ((REGISTER, "POST"), (f"{REGISTER}/x", "GET, PUT, DELETE")):
        answer = app.http.options(path, HTTP_ORIGIN="https://inspector.example")
        assert (answer.status_code, answer["Access-Control-Allow-Methods"]) == (204, methods)
        assert answer["Access-Control-Allow-Headers"] == "Authorization, *"
        assert "Access-Control-Allow-Credentials" not in answer


def test_r1_programs_are_told_in_english_whatever_the_language_of_a_browser(app: Registrar) -> None:
    answer = app.send(
        "put", place_of(made := app.made()), {}, made["registration_access_token"], HTTP_ACCEPT_LANGUAGE="ar"
    )
    assert answer.json()["error_description"].isascii()
    assert "?" not in answer.json()["error_description"]
    wrong = {"client_id": made["client_id"], "redirect_uris": ["https://x.example/#"]}
    answer = app.send("put", place_of(made), wrong, made["registration_access_token"], HTTP_ACCEPT_LANGUAGE="ar")
    assert "fragment" in answer.json()["error_description"]


def test_a_slash_at_the_end_is_no_difference_and_both_prefixes_answer(app: Registrar) -> None:
    for path in (f"{REGISTER}/", "/openid/register"):
        assert app.send("post", path, WEB, app.token).status_code == 201
    made = app.made()
    assert app.send("get", f"{place_of(made)}/", token=made["registration_access_token"]).status_code == 200


# --- Initial access tokens -------------------------------------------------------------------------------------------


def test_a_token_works_as_often_as_it_may() -> None:
    app = Registrar(initial_token(most=2))
    assert [app.register().status_code for _ in range(3)] == [201, 201, 401]


def test_a_token_works_until_it_expires_or_is_revoked() -> None:
    app = Registrar(initial_token(days=1))
    with time_machine.travel(timezone.now() + timedelta(days=1, seconds=1), tick=True):
        assert refusal(app.register()) == (401, "invalid_token")
    made = app.made()
    assert initial_tokens.revoke(InitialAccessToken.objects.get(), ROOT)
    assert not initial_tokens.revoke(InitialAccessToken.objects.get(), ROOT)
    assert refusal(app.register()) == (401, "invalid_token")
    assert app.look(made).status_code == 200, "apps that are there stay"


def test_tokens_are_kept_as_digests_and_events_tell_of_them_without(app: Registrar) -> None:
    made = app.made()
    rows = [*InitialAccessToken.objects.values(), *RegistrationAccess.objects.values(), *SecurityEvent.objects.values()]
    for secret in (app.token, made["registration_access_token"], made["client_secret"]):
        assert secret not in str(rows)
    kinds = SecurityEvent.objects.filter(client_id=made["client_id"]).values_list("kind", flat=True)
    assert set(kinds) == {"client.created", "client.secret_generated"}


def test_r11_a_project_has_no_more_clients_than_it_may(app: Registrar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "CLIENTS", Project.objects.get(key="acme").clients.count() + 1)
    app.made()
    assert refusal(app.register()) == (400, "invalid_client_metadata")


# --- Managing (RFC 7592) ---------------------------------------------------------------------------------------------


def test_r7_reading_shows_the_registration_and_keeps_the_token(app: Registrar) -> None:
    made = app.made()
    for _ in range(2):
        answer = app.look(made)
        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
        seen = answer.json()
    assert seen == {name: made[name] for name in made if name not in ("client_secret", "client_secret_expires_at")}


def test_r7_head_is_answered_as_reading_and_changes_nothing(app: Registrar) -> None:
    """Whatever body comes with it (RFC 9110 section 9.3.2)."""
    made = app.made()
    authorized: Any = {"HTTP_AUTHORIZATION": f"Bearer {made['registration_access_token']}"}
    answer = app.http.head(place_of(made), **authorized)
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        200,
        "application/json",
        "no-store",
    )
    body = json.dumps({"client_id": made["client_id"], **WEB, "client_name": "Renamed"})
    app.http.generic("HEAD", place_of(made), body, "application/json", **authorized)
    assert app.look(made).json()["client_name"] == WEB["client_name"]


def test_r7_an_update_rotates_the_token(app: Registrar) -> None:
    made = app.made()
    changed = app.change(made, {**WEB, "client_name": "Renamed"}).json()
    assert changed["client_name"] == "Renamed"
    assert changed["registration_access_token"] != made["registration_access_token"]
    assert "client_secret" not in changed, "it has it already"
    assert refusal(app.look(made)) == (401, "invalid_token")
    assert app.look(changed).json()["client_name"] == "Renamed"


def test_r7_an_update_that_is_refused_changes_nothing(app: Registrar) -> None:
    made = app.made()
    assert refusal(app.change(made, {"redirect_uris": ["https://new.example/#"]})) == (400, "invalid_redirect_uri")
    assert app.look(made).json()["redirect_uris"] == [CALLBACK]


def test_r8_an_update_replaces_everything_and_what_is_left_out_has_its_default(app: Registrar) -> None:
    made = app.made({**WEB, "scope": "email", "contacts": ["me@new.example"], "userinfo_signed_response_alg": "ES256"})
    changed = app.change(made, {"redirect_uris": [f"{CALLBACK}/2"]}).json()
    assert changed["redirect_uris"] == [f"{CALLBACK}/2"]
    assert {"contacts", "userinfo_signed_response_alg", "client_name"}.isdisjoint(changed)
    assert changed["scope"] == "openid email offline_access orders.read"


@pytest.mark.parametrize("name", MADE_HERE)
def test_r8_what_is_made_here_is_not_sent_back(app: Registrar, name: str) -> None:
    made = app.made()
    assert refusal(app.change(made, {**WEB, name: 0})) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("client_id", ["web", "", None, 7])
def test_r8_an_update_names_the_client_it_is_for(app: Registrar, client_id: Any) -> None:
    made = app.made()
    assert refusal(app.change(made, {**WEB, "client_id": client_id})) == (400, "invalid_client_metadata")


def test_r8_todays_bounds_hold_and_what_others_decided_stays(app: Registrar) -> None:
    made = app.made()
    client = Client.objects.get(client_id=made["client_id"])
    owners = metadata_of(client).changed(
        {"access_token_lifetime": 60, "audience": (), "require_pushed_authorization_requests": True}
    )
    registration.change(client, owners, ROOT)
    InitialAccessToken.objects.update(scope="openid")
    changed = app.change(made, {**WEB, "scope": "openid orders.read", "audience": [BILLING]}).json()
    assert changed["scope"] == "openid"
    found = metadata_of(Client.objects.get(pk=client.pk))
    assert (found.access_token_lifetime, found.audience) == (60, ())


def test_r8_an_app_that_was_switched_off_does_not_switch_itself_on(app: Registrar) -> None:
    made = app.made()
    client = Client.objects.get(client_id=made["client_id"])
    registration.change(client, metadata_of(client).changed({"enabled": False}), ROOT)
    changed = app.change(made, {**WEB, "enabled": True, "held": False})
    assert changed.status_code == 200
    assert not Client.objects.get(pk=client.pk).enabled


def test_r14_whoever_begins_to_keep_a_secret_is_told_one_and_whoever_stops_has_none(app: Registrar) -> None:
    made = app.made(PUBLIC)
    confidential = app.change(made, WEB).json()
    assert confidential["client_secret"]
    public = app.change(confidential, PUBLIC).json()
    assert "client_secret" not in public
    assert not Client.objects.get(client_id=made["client_id"]).secrets.filter(slot__isnull=False).exists()


def test_r9_after_a_deletion_everything_of_it_is_over(app: Registrar) -> None:
    made = app.made()
    tokens = tokens_of(made)
    answer = app.delete(made)
    assert (answer.status_code, answer.content) == (204, b"")
    assert App("web").userinfo(tokens["access_token"]).status_code == 401
    assert not Authorization.objects.filter(ended_at=None, client__client_id=made["client_id"]).exists()
    for again in (app.look(made), app.delete(made), app.change(made, WEB)):
        assert refusal(again) == (401, "invalid_token")
    gone = App(made["client_id"]).post(
        "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": "x"}, auth=basic(made["client_id"], "x")
    )
    assert refusal(gone) == (401, "invalid_client")


@pytest.mark.parametrize("meanwhile", ["changed", "deleted"])
def test_r7_of_two_updates_at_once_one_is_told_that_its_token_is_over(
    app: Registrar, meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = app.made()
    found, other = self_registered.find, Registrar(http=Http())

    def find_and_wait(client_id: str, token: str) -> RegistrationAccess | None:
        monkeypatch.setattr(self_registered, "find", found)
        access = found(client_id, token)
        assert (other.delete(made) if meanwhile == "deleted" else other.change(made, WEB)).status_code < 300
        return access

    monkeypatch.setattr(self_registered, "find", find_and_wait)
    assert refusal(app.change(made, {**WEB, "client_name": "Too late"})) == (401, "invalid_token")
    assert not Client.objects.filter(name="Too late").exists()


def test_r9_a_token_is_for_its_own_client_alone(app: Registrar) -> None:
    one, other = app.made(), app.made()
    for client_id in (other["client_id"], "web", "nobody", "%00"):
        answer = app.send("get", f"{REGISTER}/{client_id}", token=one["registration_access_token"])
        assert refusal(answer) == (401, "invalid_token")
    assert refusal(app.look(one, token=app.token)) == (401, "invalid_token")


def test_apps_that_are_there_are_managed_though_no_others_are_let_in(app: Registrar, settings: Any) -> None:
    made = app.made()
    settings.IDP_DYNAMIC_REGISTRATION = "off"
    assert app.look(made).status_code == 200
    assert app.delete(made).status_code == 204
