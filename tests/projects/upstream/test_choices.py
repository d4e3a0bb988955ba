"""Google, Microsoft Entra and GitHub: where each differs from any other OpenID provider."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client as Http

from accounts.models import SignIn, User
from projects.upstream import github, oidc, registration
from projects.upstream.models import Connector
from tests.projects.upstream.elsewhere import BY, KEY, Visitor, asked, connector
from tests.projects.upstream.fake import WELL_KNOWN, Provider
from tests.projects.upstream.test_oidc import REQUEST as APP
from tests.projects.upstream.test_oidc import refused_as, returned, visited, waiting_in
from tests.world import Response

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
OTHER_TENANT = "11111111-86f1-41af-91ab-2d7cd011db47"
OBJECT = "00000000-0000-0000-66f3-3332eca7ea81"


def link(uid: str) -> None:
    SocialAccount.objects.create(user=User.objects.get(username="owner"), provider=KEY, uid=uid)


# --- Google ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def google(world: None, fake: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setattr(oidc, "GOOGLE", fake.issuer)
    connector("", kind="google", domains=("corp.example",))
    return fake


def test_google_is_one_issuer_and_signs_people_in_by_its_sub(google: Provider) -> None:
    link("24400320")
    del google.documents[WELL_KNOWN]["authorization_response_iss_parameter_supported"]
    assert visited(google, iss=None).status_code == 302
    assert SignIn.objects.get().connector == KEY


def test_google_is_told_of_the_domain_and_is_not_asked_for_what_it_does_not_know(google: Provider) -> None:
    visitor = Visitor("")
    page = visitor.here.post("/accounts/login/", {"login": "ada@corp.example"})
    assert "hd=corp.example" in page.content.decode().replace("&amp;", "&")
    waiting = waiting_in(visitor.here.get("/oauth2/authorize", {**APP, "prompt": "login"}))
    assert asked(visitor.begin(next_url=waiting))["prompt"] == "select_account"


@pytest.mark.parametrize(
    ("hd", "opens"),
    [
        ("people.example", True),
        ("People.example", True),
        (None, False),
        ("corp.example", False),
        (["people.example"], False),
    ],
)
def test_u2_google_vouches_for_addresses_of_its_workspace_customers_only(
    google: Provider, hd: object, opens: bool
) -> None:
    """Anybody makes an account there with an address of any domain: it is verified once."""
    Connector.objects.update(owns_domains=["people.example"])
    google.claims = {"email": "owner@people.example", "email_verified": True, "hd": hd}
    assert visited(google).status_code == (302 if opens else 403)
    assert SocialAccount.objects.filter(user__username="owner").exists() is opens


# --- Microsoft Entra ------------------------------------------------------------------------------------------------


@pytest.fixture
def entra(world: None, fake: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setattr(oidc, "ENTRA", fake.origin)
    fake.issuer = f"{fake.origin}/{TENANT}/v2.0"
    fake.documents[f"/{TENANT}/v2.0{WELL_KNOWN}"] = {**fake.documents[WELL_KNOWN], "issuer": fake.issuer}
    fake.claims = {"oid": OBJECT, "tid": TENANT, "sub": "pairwise"}
    connector("", kind="entra", tenant=TENANT)
    return fake


def test_entra_people_are_known_by_their_object_id(entra: Provider) -> None:
    link(OBJECT)
    assert visited(entra).status_code == 302
    assert SignIn.objects.get().user.username == "owner"
    assert "/userinfo" not in [path for path, _form, _headers in entra.asked]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"}, "another_issuer"),
        ({"tid": OTHER_TENANT}, "another_issuer"),
        ({"tid": None}, "another_issuer"),
        ({"oid": None}, "malformed"),
        ({"oid": 7}, "malformed"),
    ],
)
def test_entra_people_of_another_tenant_are_other_people(entra: Provider, claims: dict[str, Any], reason: str) -> None:
    link(OBJECT)
    entra.claims |= claims
    refused_as(visited(entra), reason, 502 if reason == "malformed" else 403)


@pytest.mark.parametrize(
    ("claims", "opens"),
    [
        ({"xms_edov": True}, True),
        ({"xms_edov": 1}, True),
        ({}, False),
        ({"email_verified": True}, False),
        ({"xms_edov": False, "email_verified": True}, False),
        ({"xms_edov": "0"}, False),
    ],
)
def test_u2_an_address_of_entra_is_proved_only_if_the_owner_of_its_domain_is(
    entra: Provider, claims: dict[str, Any], opens: bool
) -> None:
    """Administrators of a tenant write any address into it."""
    Connector.objects.update(owns_domains=["people.example"])
    entra.claims |= {"email": "owner@people.example", **claims}
    assert visited(entra).status_code == (302 if opens else 403)
    assert SocialAccount.objects.filter(user__username="owner").exists() is opens


ENTRA_SESSION = "007e3899-e104-731f-b675-0617c1f2dd72"


def signed_out_there(**query: Any) -> Response:
    """As a frame of Entra's page asks: without a cookie."""
    return Http().get(f"/accounts/from/{KEY}/logout", query)


def test_entra_tells_by_the_id_of_the_session_that_somebody_signed_out(entra: Provider) -> None:
    link(OBJECT)
    entra.claims |= {"sid": ENTRA_SESSION}
    visited(entra)
    visited_again(entra, "another")
    answer = signed_out_there(sid=ENTRA_SESSION)
    assert (answer.status_code, answer.content) == (200, b"")
    assert "no-store" in answer["Cache-Control"]
    assert SignIn.objects.filter(ended_at=None).count() == 1
    assert signed_out_there(sid="another", iss=entra.issuer).status_code == 200
    assert not SignIn.objects.filter(ended_at=None).exists()


def visited_again(entra: Provider, sid: str) -> None:
    entra.claims |= {"sid": sid}
    visited(entra)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"sid": "unknown"}, 200),
        ({}, 400),
        ({"sid": ""}, 400),
        ({"sid": [ENTRA_SESSION, ENTRA_SESSION]}, 400),
        ({"sid": ENTRA_SESSION, "iss": "https://login.microsoftonline.com/other/v2.0"}, 400),
        ({"iss": "https://login.microsoftonline.com/other/v2.0"}, 400),
    ],
)
def test_entra_ends_no_session_that_it_does_not_name(entra: Provider, query: dict[str, Any], status: int) -> None:
    link(OBJECT)
    visited_again(entra, ENTRA_SESSION)
    assert signed_out_there(**query).status_code == status
    assert SignIn.objects.filter(ended_at=None).count() == 1
    assert Http().post(f"/accounts/from/{KEY}/logout", {"sid": ENTRA_SESSION}).status_code == 405


# --- GitHub ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(world: None, fake: Provider) -> Provider:
    """A GitHub Enterprise Server."""
    fake.documents |= {
        "/login/oauth/access_token": {"access_token": "gho", "token_type": "bearer"},
        "/api/v3/user": {"id": 583231, "login": "octocat", "name": "Octo Cat"},
        "/api/v3/user/emails": [
            {"email": "old@people.example", "primary": False, "verified": True},
            {"email": "owner@people.example", "primary": True, "verified": True},
        ],
    }
    connector(fake.issuer, kind="github")
    return fake


def came_from(hub: Provider) -> Response:
    visitor = Visitor("")
    location = visitor.begin()
    request = asked(location)
    assert location.startswith(f"{hub.issuer}/login/oauth/authorize?")
    assert (request["code_challenge_method"], request["scope"]) == ("S256", "read:user user:email")
    assert "nonce" not in request
    return returned(hub, visitor, f"{location}&nonce=code", iss=None)


def test_github_people_are_known_by_their_number(hub: Provider) -> None:
    link("583231")
    assert came_from(hub).status_code == 302
    row = SignIn.objects.get()
    assert (row.user.username, row.amr) == ("owner", ["federated"])
    [form] = [form for path, form, _headers in hub.asked if path == "/login/oauth/access_token"]
    assert form["code_verifier"]
    assert form["client_secret"]


@pytest.mark.parametrize(
    ("documents", "reason", "status"),
    [
        ({"/login/oauth/access_token": {"error": "bad_verification_code"}}, "malformed", 502),
        ({"/login/oauth/access_token": {"access_token": "line\nend"}}, "malformed", 502),
        ({"/api/v3/user": {"login": "octocat"}}, "malformed", 502),
        ({"/api/v3/user": {"id": True}}, "malformed", 502),
        ({"/api/v3/user": None}, "not_redeemed", 502),
        ({"/api/v3/user/emails": None}, "not_redeemed", 502),
        ({"/api/v3/user/emails": {}}, "unknown", 403),
        ({"/api/v3/user/emails": [7, {"primary": True}]}, "unknown", 403),
        ({"/api/v3/user/emails": [{"email": "owner@people.example", "primary": True}]}, "unknown", 403),
    ],
)
def test_what_github_leaves_out_opens_nobodys_account(
    hub: Provider, documents: dict[str, Any], reason: str, status: int
) -> None:
    hub.documents |= documents
    refused_as(came_from(hub), reason, status)


def test_u2_github_owns_no_domain_and_its_verified_address_opens_nobodys_account(hub: Provider) -> None:
    row = Connector.objects.get()
    owning = replace(registration.metadata_of(row), owns_domains=("people.example",))
    assert [one.field for one in registration.problems(owning, BY, row)] == ["owns_domains"]
    Connector.objects.update(owns_domains=["people.example"])  # from before
    refused_as(came_from(hub), "unknown", 403)
    assert not SocialAccount.objects.exists()


def test_github_never_asks_anew_so_it_is_not_asked_to(hub: Provider) -> None:
    visitor = Visitor("")
    waiting = waiting_in(visitor.here.get("/oauth2/authorize", {**APP, "prompt": "login"}))
    answer = visitor.here.post(f"/accounts/from/{KEY}/", {"next": waiting})
    assert answer.status_code == 403
    assert b"You were not asked again" in answer.content


def test_the_usual_github_is_github() -> None:
    us = oidc.Party("", "us", "", "https://idp.example/accounts/from/hub/callback", kind="github")
    assert github.begin(us, "state", oidc.NO_WISH).startswith("https://github.com/login/oauth/authorize?client_id=us&")
