"""The issuer has a path: everything lives below it, and only the metadata of RFC 8414 and health beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
import requests
from vestibule_verifier import IDTokenVerifier, IntrospectionVerifier, LocalVerifier, Provider

from tests.foreign.person import Person
from tests.installation import ADMIN_PASSWORD, Installation, installation
from tests.verifier.live import API
from tests.world import CHALLENGE, ORDERS, VERIFIER, WEB_CB

GOODBYE = "https://web.acme.example/goodbye"
MORE = API.replace(
    "    clients:\n", f"    clients:\n      - {{client_id: web, post_logout_redirect_uris: [{GOODBYE}]}}\n"
)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("provider"), "/auth", MORE) as made:
        yield made


@pytest.fixture
def metadata(provider: Installation) -> dict[str, Any]:
    found: dict[str, Any] = get(f"{provider.issuer}/.well-known/openid-configuration").json()
    return found


def get(address: str, **headers: str) -> requests.Response:
    return requests.get(address, headers=headers, timeout=30, allow_redirects=False)


def post(address: str, client_id: str = "web", **form: str) -> requests.Response:
    return requests.post(address, form, auth=(client_id, f"{client_id}-secret"), timeout=30, allow_redirects=False)


def authorization_request(metadata: dict[str, Any], **params: str) -> str:
    query = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": WEB_CB,
        "scope": "openid email offline_access orders.read",
        "resource": ORDERS,
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **params,
    }
    return f"{metadata['authorization_endpoint']}?{urlencode(query)}"


def signed_in(metadata: dict[str, Any]) -> tuple[Person, dict[str, Any]]:
    """The owner signed in to the app: their browser, and the app's tokens."""
    person = Person()
    person.visit(authorization_request(metadata))
    person.send(login="owner", password="owner-pw")
    answer = person.send(decision="allow") if "code=" not in person.address else person.address
    code = dict(parse_qsl(urlsplit(answer).query))["code"]
    form = {"grant_type": "authorization_code", "redirect_uri": WEB_CB, "code_verifier": VERIFIER}
    return person, post(metadata["token_endpoint"], code=code, **form).json()


def test_both_specifications_find_the_metadata_in_their_places(provider: Installation) -> None:
    """Appended to the issuer (OpenID Connect Discovery 1.0), and between its host and its path (RFC 8414)."""
    texts = {
        get(address).text
        for name in ("openid-configuration", "oauth-authorization-server")
        for address in (
            f"{provider.issuer}/.well-known/{name}",
            f"{provider.origin}/.well-known/{name}/auth",
            f"{provider.origin}/.well-known/{name}/auth/",
        )
    }
    assert len(texts) == 1
    assert f'"issuer":"{provider.issuer}"' in texts.pop()
    assert get(f"{provider.origin}/.well-known/openid-configuration").status_code == 404


def test_the_api_says_of_itself_what_it_is_where_rfc_9728_looks(provider: Installation) -> None:
    address = f"{provider.origin}/.well-known/oauth-protected-resource/auth/api/v1"
    said = get(address).json()
    assert (said["resource"], said["authorization_servers"]) == (f"{provider.issuer}/api/v1", [provider.issuer])
    challenge = get(f"{said['resource']}/projects").headers["WWW-Authenticate"]
    assert f'resource_metadata="{address}"' in challenge


def test_every_address_of_the_metadata_is_below_the_issuer_and_answers(
    provider: Installation, metadata: dict[str, Any]
) -> None:
    addresses = [value for name, value in metadata.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) >= 8
    for address in addresses:
        assert address.startswith(f"{provider.issuer}/")
        assert get(address).status_code != 404, address
        assert get(address.replace("/auth/", "/")).status_code == 404, "and not without the path"
        assert get(address.replace("/oauth2/", "/openid/")).status_code != 404


def test_somebody_signs_in_and_apps_and_apis_work(provider: Installation, metadata: dict[str, Any]) -> None:
    person, tokens = signed_in(metadata)
    assert {cookie.path for cookie in person.http.cookies} == {"/auth"}, "neighbours on the host get none"
    who = IDTokenVerifier(Provider(provider.issuer), "web", ["web"]).verify(tokens["id_token"])
    again = post(metadata["token_endpoint"], grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    access = again["access_token"]
    assert get(metadata["userinfo_endpoint"], Authorization=f"Bearer {access}").json()["sub"] == who.subject
    assert post(metadata["introspection_endpoint"], token=access).json()["iss"] == provider.issuer
    for verifier in (
        LocalVerifier(Provider(provider.issuer), ORDERS),
        IntrospectionVerifier(
            Provider(provider.issuer), ORDERS, client_id="orders-api", client_secret="orders-api-secret"
        ),
    ):
        assert verifier.verify(access, scope="orders.read").subject == who.subject
    assert post(metadata["revocation_endpoint"], token=tokens["refresh_token"]).status_code == 200
    assert post(metadata["introspection_endpoint"], token=access).json() == {"active": False}


def test_an_app_signs_people_out(metadata: dict[str, Any]) -> None:
    person, tokens = signed_in(metadata)
    query = urlencode({"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": GOODBYE})
    left = person.http.get(f"{metadata['end_session_endpoint']}?{query}", allow_redirects=False, timeout=30)
    assert left.headers["Location"] == GOODBYE
    assert urlsplit(person.visit(authorization_request(metadata))).path == "/auth/accounts/login/"


def test_every_link_of_every_page_on_the_way_stays_below_the_path(
    provider: Installation, metadata: dict[str, Any]
) -> None:
    person = Person()
    person.visit(f"{provider.issuer}/admin/")
    pages = {person.address: person.page}
    person.send(login="admin", password=ADMIN_PASSWORD)
    pages[person.address] = person.page
    assert person.address == f"{provider.issuer}/admin/"
    for path in (
        "/",
        "/accounts/security/",
        "/accounts/apps/",
        "/admin/clients/client/",
        "/nowhere",
        "/accounts/logout/",
    ):
        address = provider.issuer + path
        pages[address] = person.http.get(address, timeout=30).text
    links = {
        urljoin(address, one)
        for address, page in pages.items()
        for one in re.findall(r'(?:href|src|action)="([^"#]+)"', page)
    }
    ours = {one for one in links if one.startswith(provider.origin)}
    assert len(ours) > 20
    assert {one for one in ours if not one.startswith(f"{provider.issuer}/")} == set()
    person.visit(f"{provider.issuer}/accounts/logout/")
    assert person.send() == f"{provider.issuer}/", "signed out"
    for one in ours:
        if "/static/" in one:
            assert get(one).status_code == 200, one


@pytest.mark.parametrize("next_url", ["/", "/shop/", "/auth/../shop/", "//evil.example", "https://evil.example/auth/"])
def test_nobody_is_sent_to_a_neighbour_on_the_same_host(provider: Installation, next_url: str) -> None:
    person = Person()
    person.visit(f"{provider.issuer}/accounts/login/?{urlencode({'next': next_url})}")
    assert person.send(login="owner", password="owner-pw") == f"{provider.issuer}/"


def test_a_link_in_a_mail_begins_with_the_issuer(provider: Installation) -> None:
    person = Person()
    person.visit(f"{provider.issuer}/accounts/password/reset/")
    person.send(email="owner@people.example")
    mails = "".join(path.read_text() for path in Path(provider.mails).iterdir())
    (link,) = {*re.findall(r"http://[^\s\"<>]+/key/[^\s\"<>]+", mails)}
    assert link.startswith(f"{provider.issuer}/accounts/password/reset/key/")
    assert person.visit(link).startswith(f"{provider.issuer}/accounts/password/reset/key/")
    assert "password1" in person.page


def test_health_is_found_with_and_without_the_path(provider: Installation) -> None:
    for base in (provider.issuer, provider.origin):
        assert get(f"{base}/healthz/live").json() == {"status": "live"}
        assert get(f"{base}/healthz/ready", Host="10.0.0.7").json()["status"] == "ready"


def test_the_address_itself_leads_to_the_front_page(provider: Installation) -> None:
    assert get(provider.issuer).headers["Location"] == "/auth/"
    assert get(f"{provider.issuer}/").status_code == 200
    missing = get(provider.origin)
    assert (missing.status_code, 'href="/auth/"' in missing.text) == (404, True)
