"""Attacks that once worked: each test is one of them, from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import Client as Http
from django.utils import timezone
from jwcrypto import jwk, jws

from accounts.models import User
from clients.identifiers import redirect_uri_matches
from clients.models import AudienceEntry, Authorization, Client, Grant, SigningKey
from clients.models.keys import KeyState
from idp.configuration import apply
from projects import matcher
from projects.models import Consent, Project
from provider.authentication_method import Credentials
from provider.authorization_request import confirm
from provider.endpoints import authorize
from provider.keys import keyring
from provider.protocol.request import AuthorizationRequest
from provider.store import authorizations
from provider.store.authorizations import Minted
from tests.console import browser, page, problems, project, send
from tests.provider.endpoints.forging import signed_by
from tests.world import FOREIGN, ISSUER, ORDERS, REDIRECTS, SECRETS, App, Browser, claims_of, header_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
ROOT = Path(__file__).resolve().parents[2]


# --- A client named like an audience: its own tokens would be tokens for that audience -----------------------------


@pytest.mark.parametrize(
    "client_id", ["urn:acme:queue", "https://api.acme.example", f"{ORDERS}/7", ISSUER, "HTTPS://x", "x-y.z+1:"]
)
def test_an_editor_cannot_name_a_client_like_an_address(console: None, client_id: str) -> None:
    fields = {"project": project("other").pk, "name": "Impostor", "client_id": client_id}
    answer = send(browser("both"), page("clients_client_add"), {**fields, "grant_types": ["client_credentials"]})
    assert "must not begin like an address" in problems(answer)["client_id"][0]
    assert not Client.objects.filter(client_id=client_id).exists()


def test_a_client_cannot_take_the_name_of_an_audience(world: None) -> None:
    web = Client.objects.get(client_id="web")
    AudienceEntry.objects.create(client=web, value="queue")
    impostor = Client(client_id="queue", project=Project.objects.get(key="other"), client_type="confidential")
    with pytest.raises(ValidationError, match="name this as an audience already"):
        impostor.full_clean()


def test_an_audience_cannot_take_the_name_of_a_client(world: None) -> None:
    web = Client.objects.get(client_id="web")
    with pytest.raises(ValidationError, match="the ID of a client"):
        AudienceEntry(client=web, value="stranger").full_clean(exclude=["canonical"])


# --- A scope's name means what each API says of it: nobody's words hide another's -----------------------------------

HARMLESS, GRAVE = "See your nickname", "Delete all your reports for ever"
OWN = "https://evil.example/api"
SPOOF = f"""
version: 1
projects:
  - id: other
    apis: [{{identifier: {FOREIGN}, shared: public, scopes: {{reports.delete: {GRAVE}}}}}]
  - id: evil
    name: Evil
    apis: [{{identifier: {OWN}, name: AAA, scopes: {{reports.delete: {HARMLESS}}}}}]
    clients:
      - client_id: evil
        client_name: Evil
        client_secret: evil-secret
        grant_types: [authorization_code]
        redirect_uris: ["https://evil.example/cb"]
        scope: openid reports.delete
        audience: [{FOREIGN}, {OWN}]
"""


@pytest.fixture
def evil(world: None, monkeypatch: Any) -> Browser:
    """Somebody who is led to an app whose project took over the name of another project's scope."""
    apply(SPOOF, path="spoof.yaml")
    monkeypatch.setitem(SECRETS, "evil", "evil-secret")
    monkeypatch.setitem(REDIRECTS, "evil", "https://evil.example/cb")
    return Browser("owner")


def asked(response: Any) -> str:
    """What the consent page asks, without what it says was allowed already."""
    return str(response.content.decode()).partition("Already allowed")[0]


def test_a_scope_of_two_apis_is_shown_in_the_words_of_both(evil: Browser) -> None:
    shown = asked(evil.authorize("evil", scope="openid reports.delete", audience=[FOREIGN, OWN]))
    assert HARMLESS in shown
    assert GRAVE in shown


def test_a_scope_allowed_for_one_api_is_asked_again_for_another(evil: Browser) -> None:
    evil.code("evil", scope="openid reports.delete", audience=OWN)
    page = evil.authorize("evil", scope="openid reports.delete", audience=FOREIGN)
    assert GRAVE in asked(page)
    token = App("evil").exchange(redirected(evil.answer(page, scope=[]))["code"]).json()
    assert token["scope"] == "openid"


def test_a_scope_is_shown_in_the_words_of_apis_that_were_allowed_before(evil: Browser) -> None:
    evil.code("evil", scope="openid", audience=FOREIGN)
    assert GRAVE in asked(evil.authorize("evil", scope="openid reports.delete", audience=OWN))


def test_a_scope_allowed_for_one_api_is_told_where_another_uses_its_name_unasked(evil: Browser) -> None:
    evil.code("evil", scope="openid reports.delete", audience=OWN)
    assert GRAVE in asked(evil.authorize("evil", scope="openid", audience=FOREIGN))


@pytest.mark.parametrize("before", [FOREIGN, None])
def test_what_comes_along_or_is_a_default_brings_its_words(evil: Browser, before: str | None) -> None:
    if before:
        evil.code("evil", scope="openid", audience=before)
        more = {"include_granted_scopes": "true", "audience": OWN}
    else:
        Client.objects.get(client_id="evil").audience_entries.update(default=True)
        more = {}
    assert GRAVE in asked(evil.authorize("evil", scope="openid reports.delete", **more))


def test_the_page_of_what_was_allowed_has_the_words_of_both(evil: Browser) -> None:
    evil.code("evil", scope="openid", audience=FOREIGN)
    evil.code("evil", scope="openid reports.delete", audience=OWN)
    shown = evil.http.get("/accounts/apps/evil/").content.decode()
    assert HARMLESS in shown
    assert GRAVE in shown


# --- A key that retired long ago signs nothing any more, whoever got hold of it -------------------------------------


def test_a_retired_key_makes_no_tokens_once_none_of_its_own_can_be_alive(world: None) -> None:
    Browser("owner").tokens("web")
    key = SigningKey.objects.get(algorithm="ES256", state=KeyState.ACTIVE)
    keyring.activate(SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT))
    now = int(time.time())
    sub, authorization = str(User.objects.get(username="owner").sub), Authorization.objects.get()
    claims: dict[str, object] = {"iss": ISSUER, "sub": sub, "aud": "web", "client_id": "web", "scope": "openid email"}
    claims |= {"iat": now, "nbf": now, "exp": now + 3600, "jti": f"{authorization.pk}.forged"}
    forged = jws.JWS(json.dumps(claims))
    private = jwk.JWK.from_json(keyring.decrypt(key.private_jwk))
    forged.add_signature(private, None, json.dumps({"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}), None)
    token = str(forged.serialize(compact=True))
    assert App("web").userinfo(token).status_code == 200, "it is still published: tokens it signed may be alive"
    SigningKey.objects.filter(pk=key.pk).update(believed_until=timezone.now())
    assert App("web").userinfo(token).status_code == 401
    assert App("web").introspect(token).json() == {"active": False}


def test_an_editor_brings_no_retired_key_back(console: None, keys: None) -> None:
    """Its end followed what any client is set to: ten years, typed into a form, made a stolen key good again."""
    key = SigningKey.objects.get(algorithm="ES256", state=KeyState.ACTIVE)
    stolen = jwk.JWK.from_json(keyring.decrypt(key.private_jwk))
    year = timedelta(days=365)
    ends = int((timezone.now() + 2 * year).timestamp())
    claims = {"iss": ISSUER, "sub": "web", "aud": "web", "client_id": "web", "scope": "openid", "exp": ends}
    claims |= {"iat": int(time.time()), "nbf": int(time.time()), "jti": "forged"}
    backdated = signed_by(stolen, {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}, claims)
    web = Client.objects.filter(client_id="web")
    web.update(access_token_lifetime=3 * 365 * 86_400)  # by a superuser: else nobody believes a JWT of two years
    assert App("web").introspect(backdated).json()["active"] is True
    web.update(access_token_lifetime=3600)
    keyring.activate(SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT))
    web.update(access_token_lifetime=3 * 365 * 86_400)
    with time_machine.travel(timezone.now() + year):
        address = page("clients_client_change", Client.objects.get(client_id="web").pk)
        assert "id_token_lifetime" in problems(send(browser("editor"), address, {"id_token_lifetime": "315360000"}))
        web.update(id_token_lifetime=315_360_000)
        assert key.kid not in Http().get("/.well-known/jwks.json").content.decode()
        assert App("web").introspect(backdated).json() == {"active": False}


@pytest.mark.parametrize(("lifetime", "seconds"), [(3600, 86_400), (604_800, 604_800)])
def test_a_jwt_for_longer_than_its_client_could_get_is_signed_by_a_thief(
    world: None, lifetime: int, seconds: int
) -> None:
    """An editor gives a day at most, a superuser more. What was shortened since ends nobody's token within a day."""
    Client.objects.filter(client_id="web").update(access_token_lifetime=lifetime)
    key = SigningKey.objects.get(algorithm="ES256", state=KeyState.ACTIVE)
    stolen, now = jwk.JWK.from_json(keyring.decrypt(key.private_jwk)), int(time.time())
    claims = {"iss": ISSUER, "sub": "web", "aud": "web", "client_id": "web", "scope": "", "iat": now, "nbf": now}
    header = {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}
    longest, longer = (
        signed_by(stolen, header, {**claims, "exp": now + end, "jti": "j"}) for end in (seconds, seconds + 1)
    )
    assert App("web").introspect(longest).json()["active"]
    assert App("web").introspect(longer).json() == {"active": False}
    assert App("web").userinfo(longer).status_code == 401


def test_an_id_token_for_longer_than_that_is_too(world: None) -> None:
    key = SigningKey.objects.get(algorithm="RS256", state=KeyState.ACTIVE)
    stolen, honest = jwk.JWK.from_json(keyring.decrypt(key.private_jwk)), Browser("owner").tokens("web")["id_token"]
    claims = claims_of(honest)
    for seconds, status in ((86_400, 200), (86_401, 400)):
        longer = signed_by(stolen, header_of(honest), {**claims, "exp": claims["iat"] + seconds})
        assert App("web").post("/oauth2/tokeninfo", {"id_token": longer}, auth=None).status_code == status


# --- What is ended while a request is under way ---------------------------------------------------------------------


@pytest.mark.parametrize("access_token_format", ["opaque", "jwt"])
def test_ending_tokens_ends_those_of_a_refresh_under_way(
    world: None, monkeypatch: Any, access_token_format: str
) -> None:
    Client.objects.filter(client_id="desk").update(access_token_format=access_token_format)
    first = Browser("owner").tokens("desk", scope="openid offline_access")["refresh_token"]
    issue = authorizations.issue

    def ended_first(*args: Any, **kwargs: Any) -> None:
        User.objects.filter(username="owner").update(tokens_not_before=timezone.now())
        issue(*args, **kwargs)

    monkeypatch.setattr(authorizations, "issue", ended_first)
    answer = App("desk").refresh(first).json()
    monkeypatch.undo()
    assert App("desk").userinfo(answer["access_token"]).status_code == 401
    assert App("desk").refresh(answer["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("change", [{"enabled": False}, {"redirect_uris": "https://web.acme.example/new"}])
def test_a_client_changed_while_a_code_is_made_gets_a_page_and_no_code(
    world: None, monkeypatch: Any, change: dict[str, Any]
) -> None:
    person = Browser("owner")
    shown = person.authorize("web")

    def changed_first(*args: Any) -> AuthorizationRequest:
        Client.objects.filter(client_id="web").update(**change)
        return confirm(*args)

    monkeypatch.setattr(authorize, "confirm", changed_first)
    assert person.answer(shown).status_code == 400
    assert not Grant.objects.exists()


def ask_for_a_default_audience() -> None:
    AudienceEntry.objects.filter(client__client_id="web", value=ORDERS).update(default=True)


def ask_people_from_now_on() -> None:
    Project.objects.filter(key="house").update(consent_mode="explicit")


def in_the_very_moment(monkeypatch: Any, change: Callable[[], None]) -> None:
    """After it was found that nothing is missing, and before the code is issued.

    What a process remembers may be half a second old then; what is issued is not. An editor who waits for people to
    come by could make each of them allow more, without a page, for good.
    """
    finish = authorize.finish

    def changed_first(*args: Any, **kwargs: Any) -> HttpResponse:
        change()
        return finish(*args, **kwargs)

    monkeypatch.setattr(authorize, "finish", changed_first)


def allowed() -> list[tuple[list[str], list[str]]]:
    return list(Consent.objects.values_list("scopes", "audiences"))


def test_nobody_gives_a_default_audience_they_were_never_asked_for(world: None, monkeypatch: Any) -> None:
    person = Browser("owner")
    person.tokens("web", scope="openid")
    before = allowed()
    in_the_very_moment(monkeypatch, ask_for_a_default_audience)
    assert redirected(person.authorize("web", scope="openid"))["code"]
    assert allowed() == before
    assert Authorization.objects.latest("created_at").audiences == []
    assert 'class="card consent"' in person.authorize("web", scope="openid").content.decode()


def test_nobody_is_left_unasked_by_a_project_that_asks_from_now_on(world: None, monkeypatch: Any) -> None:
    person = Browser("owner")
    person.tokens("desk", scope="openid")
    codes = set(Grant.objects.values_list("pk"))
    in_the_very_moment(monkeypatch, ask_people_from_now_on)
    answer = person.authorize("desk", scope="openid")
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (303, "/oauth2/authorize")
    assert set(Grant.objects.values_list("pk")) == codes
    assert allowed() == []
    assert 'class="card consent"' in person.http.get(answer["Location"]).content.decode()


def test_consent_deleted_in_the_very_moment_is_asked_anew(world: None, monkeypatch: Any) -> None:
    person = Browser("owner")
    shown = person.authorize("web")
    get_or_create = Consent.objects.get_or_create

    def deleted_at_once(**kwargs: Any) -> Any:
        row, created = get_or_create(**kwargs)
        Consent.objects.filter(pk=row.pk).delete()
        return row, created

    monkeypatch.setattr(Consent.objects, "get_or_create", deleted_at_once)
    answer = person.answer(shown)
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (303, "/oauth2/authorize")
    assert not Grant.objects.exists()


# --- Limits of columns ----------------------------------------------------------------------------------------------


def test_an_address_with_an_endless_host_is_refused_in_words(console: None) -> None:
    fields = {"project": project().pk, "name": "Long", "identifier": "https://" + "a" * 2040}
    answer = send(browser("editor"), page("projects_api_add"), fields)
    assert problems(answer)["identifier"] == ["The host of an audience is missing or malformed."]


# --- A loopback address with another port is still only a loopback address ------------------------------------------


@pytest.mark.parametrize(
    "authority",
    ["[::1].evil.example", "evil.example[::1]", "[::1]evil", "me@[::1]", "[::1]\n", "[::1]:99999", "[::1]:x"],
)
def test_nothing_around_a_loopback_address_makes_it_another_host(authority: str) -> None:
    assert redirect_uri_matches("http://[::1]/cb", "http://[::1]:4711/cb")
    assert not redirect_uri_matches("http://[::1]/cb", f"http://{authority}/cb")


@pytest.mark.parametrize(
    "asked",
    [
        *("HTTP://127.0.0.1:1/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:080/cb", "http://127.0.0.1:1/cb?"),
        *("http://127.0.0.1:1/cb#", "http://127.0.0.1:123456/cb", "http://127.0.0.1:1cb", "http://127.0.0.1:1/CB"),
    ],
)
def test_only_the_port_of_a_loopback_address_may_differ(asked: str) -> None:
    """RFC 8252 section 7.3."""
    assert redirect_uri_matches("http://127.0.0.1/cb", "http://127.0.0.1:1/cb")
    assert redirect_uri_matches("http://127.0.0.1:7/cb", "http://127.0.0.1/cb")
    assert not redirect_uri_matches("http://127.0.0.1/cb", asked)


# --- A long allowlist must not make everybody's requests slow ---------------------------------------------------------


def test_a_request_reads_each_entry_of_a_long_allowlist_once(world: None) -> None:
    web = Client.objects.get(client_id="web")
    values = [f"{ORDERS}/{number}" for number in range(300)]
    AudienceEntry.objects.bulk_create(
        AudienceEntry(client=web, value=value, canonical=value, default=True) for value in values
    )
    matcher.parse.cache_clear()
    assert App("web").token(grant_type="client_credentials").status_code == 200
    assert matcher.parse.cache_info().misses < 2 * len(values), "comparing every entry with every other is 90,000"


# --- Secrets in places where somebody prints an object --------------------------------------------------------------


def test_credentials_and_tokens_are_not_in_what_objects_say_of_themselves() -> None:
    held = (Credentials("web", "s3cret", by_header=True), Minted("s3cret", 60, "s3cret", stored=True))
    assert all("s3cret" not in repr(one) for one in held)


# --- Settings that would start, and fail or give way at the first request -------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IDP_TRUSTED_PROXIES", "proxy.internal"),
        ("IDP_TRUSTED_PROXIES", "10.0.0.0/8,10.0.0.256"),
        ("IDP_KEY_SECRETS", "," * 40),
        ("IDP_KEY_SECRETS", f"{'k' * 32},short"),
        ("IDP_REFRESH_GRACE_SECONDS", "-1"),
        ("IDP_REFRESH_GRACE_SECONDS", "9" * 15),
        ("SECRET_KEY", "s" * 31),
        ("DEBUG", "true"),
        ("IDP_ISSUER", "http://id.example.com"),
        ("IDP_ISSUER", "https://id.example.com?a=b"),
        ("IDP_ISSUER", "https://user@id.example.com"),
        ("IDP_ISSUER", "ftp://id.example.com"),
        ("IDP_ISSUER", "https://"),
    ],
)
def test_a_setting_nobody_can_work_with_stops_the_start(name: str, value: str) -> None:
    code, told = start(**{name: value})
    assert code != 0
    assert "ImproperlyConfigured" in told
    assert name in told


def test_proxies_may_be_listed_with_spaces() -> None:
    assert start(IDP_TRUSTED_PROXIES="10.0.0.0/8, 127.0.0.1") == (0, "")


def start(**settings: str) -> tuple[int, str]:
    """Read the settings in a process of their own; its exit code, and the last line of its complaint."""
    good = {"IDP_ISSUER": "https://id.example.com", "SECRET_KEY": "s" * 40, "IDP_KEY_SECRETS": "k" * 40}
    command = [sys.executable, "-c", "import idp.settings"]
    run = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **good, **settings}, capture_output=True, text=True, check=False
    )
    return run.returncode, (run.stderr.splitlines() or [""])[-1]
