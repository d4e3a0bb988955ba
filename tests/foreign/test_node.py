"""openid-client and oauth4webapi, the libraries of JavaScript, against this provider: the programs in node/."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from accounts.models import User
from clients.models import AudienceEntry, Client
from projects.models import Api
from provider.protocol.exchange import ACCESS_TOKEN, ID_TOKEN
from provider.protocol.facts import TOKEN_EXCHANGE
from tests.foreign.person import connect, sign_in_and_allow
from tests.foreign_keys import KEYS, public
from tests.provider.assertions import registered
from tests.provider.devices import BOX, TV, add_devices
from tests.world import ORDERS, REDIRECTS, SECRETS

pytestmark = [pytest.mark.foreign, pytest.mark.node, pytest.mark.django_db(transaction=True)]
PROGRAMS = Path(__file__).with_name("node")
SCOPE = "openid profile email offline_access orders.read"
AFTER_LOGOUT = "https://web.acme.example/bye"


@pytest.fixture(autouse=True)
def allowlist(issuer: str) -> None:
    """The single page app may ask for tokens for the API as well; the web app exchanges tokens."""
    web = Client.objects.get(client_id="web")
    web.grant_types.append(TOKEN_EXCHANGE)
    web.save()
    AudienceEntry.objects.create(client=Client.objects.get(client_id="spa"), value=ORDERS)


def run(program: str, issuer: str, client_id: str, **more: Any) -> dict[str, Any]:
    """Run a program; where it sends a browser, somebody signs in and allows. Answers what it found."""
    asked = {
        "issuer": issuer,
        "client_id": client_id,
        "client_secret": SECRETS.get(client_id),
        "redirect_uri": REDIRECTS[client_id],
        "scope": SCOPE,
        "resource": ORDERS,
        **more,
    }
    return answered(program, asked, sign_in_and_allow)


def answered(program: str, asked: dict[str, Any], visit: Callable[[str], str | None]) -> dict[str, Any]:
    """What a program found, after somebody visited the address that it said; it hears where they ended."""
    command = ["node", "--require", str(PROGRAMS / "webcrypto.cjs"), str(PROGRAMS / program)]
    with subprocess.Popen(
        command,
        env={"PATH": os.environ["PATH"], "ASKED": json.dumps(asked)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            address = process.stdout.readline()
            assert address, f"{program} ended before it sent anybody anywhere"
            output, _none = process.communicate(f"{visit(json.loads(address)) or ''}\n", timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(output)
    return found


@pytest.mark.parametrize("client_id", [TV, BOX])
def test_openid_client_connects_a_device(issuer: str, client_id: str) -> None:
    add_devices()
    asked = {"issuer": issuer, "client_id": client_id, "client_secret": SECRETS.get(client_id), "scope": SCOPE}
    found = answered("openid_client_device.mjs", {**asked, "resource": ORDERS}, connect)
    sub = str(User.objects.get(username="owner").sub)
    assert (found["claims"]["sub"], found["userinfo"]["sub"], found["refreshed"]) == (sub, sub, sub)
    assert (found["claims"]["aud"], found["scope"]) == (client_id, SCOPE)
    assert found["again"] == {"code": "OAUTH_RESPONSE_BODY_ERROR", "status": 400, "error": "invalid_grant"}


def check(found: dict[str, Any], issuer: str, client_id: str) -> None:
    """What every relying party finds. The library has checked signatures, iss, aud, nonce, state and times."""
    sub = str(User.objects.get(username="owner").sub)
    assert (found["claims"]["iss"], found["claims"]["aud"], found["claims"]["sub"]) == (issuer, client_id, sub)
    assert found["userinfo"]["sub"] == sub
    assert (found["userinfo"]["email"], found["userinfo"]["given_name"]) == ("owner@people.example", "Olive")
    assert found["scope"].split() == SCOPE.split()
    challenge = {"code": "OAUTH_WWW_AUTHENTICATE_CHALLENGE", "scheme": "bearer"}
    assert found["userinfo_after"] == {**challenge, "status": 401, "error": "invalid_token"}
    refused = {"code": "OAUTH_RESPONSE_BODY_ERROR", "status": 400, "error": "invalid_grant"}
    assert (found["refresh_after"], found["code_again"]) == (refused, refused)
    if client_id in SECRETS:
        looked = found["introspection"]
        assert (looked["active"], looked["sub"], looked["client_id"]) == (True, sub, client_id)
        assert looked["aud"] == ORDERS
        assert found["introspection_after"]["active"] is False
        assert found["exchanged"] == {"type": ACCESS_TOKEN, "scope": "orders.read", "aud": f"{ORDERS}/7"}
        assert found["exchange_refused"] == {**refused, "error": "invalid_target"}


@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_openid_client_signs_somebody_in(metadata: dict[str, Any], client_id: str) -> None:
    Client.objects.filter(client_id=client_id).update(post_logout_redirect_uris=AFTER_LOGOUT)
    found = run("openid_client.mjs", metadata["issuer"], client_id, post_logout_redirect_uri=AFTER_LOGOUT)
    check(found, metadata["issuer"], client_id)
    if client_id in SECRETS:
        # The library takes ID tokens for its own client only; docs/integrate.md says how to ask for others.
        assert found["sibling"] == {"code": "OAUTH_JWT_CLAIM_COMPARISON_FAILED"}
    address = urlsplit(found["end_session"])
    assert address._replace(query="").geturl() == metadata["end_session_endpoint"]
    assert parse_qs(address.query).keys() == {"id_token_hint", "post_logout_redirect_uri", "client_id", "state"}
    signed_out = requests.get(found["end_session"], headers={"Accept": "text/html"}, allow_redirects=False, timeout=30)
    assert signed_out.headers["Location"].startswith(f"{AFTER_LOGOUT}?state="), "nobody is signed in in this browser"


@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_oauth4webapi_signs_somebody_in_and_checks_the_token_at_its_api(issuer: str, client_id: str) -> None:
    Api.objects.filter(identifier=ORDERS).update(token_format="jwt")
    Client.objects.filter(client_id=client_id).update(id_token_signed_response_alg="ES256")
    found = run("oauth4webapi.mjs", issuer, client_id)
    check(found, issuer, client_id)
    assert (found["access"]["aud"], found["access"]["client_id"]) == (ORDERS, client_id)
    assert found["access"]["sub"] == found["claims"]["sub"]
    assert found["userinfo"]["signed"] is False
    if client_id in SECRETS:
        assert found["signed_introspection"] == found["introspection"]
        assert found["exchanged_id_token"] == {"type": "n_a", "issued": ID_TOKEN}


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "RS256"])
@pytest.mark.parametrize("program", ["openid_client.mjs", "oauth4webapi.mjs"])
def test_a_key_in_place_of_the_secret(metadata: dict[str, Any], program: str, algorithm: str) -> None:
    """`private_key_jwt`, at the token endpoint, introspection and revocation."""
    Api.objects.filter(identifier=ORDERS).update(token_format="jwt")
    Client.objects.filter(client_id="web").update(id_token_signed_response_alg="ES256")
    registered("web", public(KEYS[algorithm], kid="one"), post_logout_redirect_uris=AFTER_LOGOUT)
    key = {**KEYS[algorithm].export_private(as_dict=True), "kid": "one", "alg": algorithm}
    found = run(program, metadata["issuer"], "web", private_jwk=key, post_logout_redirect_uri=AFTER_LOGOUT)
    check(found, metadata["issuer"], "web")


def test_oauth4webapi_checks_signed_userinfo(issuer: str) -> None:
    Api.objects.filter(identifier=ORDERS).update(token_format="jwt")
    Client.objects.filter(client_id="web").update(userinfo_signed_response_alg="ES256")
    assert run("oauth4webapi.mjs", issuer, "web")["userinfo"]["signed"] is True


@pytest.mark.parametrize("client_id", ["web", "spa"])
@pytest.mark.parametrize(
    ("program", "way"),
    [
        *(("openid_client_ways.mjs", way) for way in ("par", "par jarm", "par form_post", "jar ", "jar par jarm")),
        *(("oauth4webapi_ways.mjs", way) for way in ("par", "par jarm", "jar ", "jar par jarm")),
    ],
)
def test_requests_are_pushed_and_signed_and_answers_signed_and_posted(
    issuer: str, program: str, way: str, client_id: str
) -> None:
    Client.objects.filter(client_id=client_id).update(jwks={"keys": [public(KEYS["ES256"], kid="mine")]})
    key = {**KEYS["ES256"].export_private(as_dict=True), "kid": "mine"}
    found = run(program, issuer, client_id, way=way, key=key)
    assert found["sub"] == str(User.objects.get(username="owner").sub)
    assert found["scope"].split() == SCOPE.split()
    expected = ["client_id", "request_uri"] if "par" in way else ["client_id", "request"]
    assert sorted(found["parameters"]) == expected


def check_bound(found: dict[str, Any], client_id: str) -> None:
    """Code, refresh, client credentials and userinfo, for the holder of the key and for nobody else."""
    refused = {"code": "OAUTH_RESPONSE_BODY_ERROR", "status": 400, "error": "invalid_grant"}
    assert found["code_of_another"] == refused
    assert found["userinfo"]["sub"] == found["userinfo_again"]["sub"] == found["sub"]
    stolen = {"code": "OAUTH_WWW_AUTHENTICATE_CHALLENGE", "status": 401, "error": "invalid_token"}
    assert found["userinfo_of_another"] == {**stolen, "scheme": "dpop"}
    assert found["userinfo_as_bearer"] == {**stolen, "scheme": "bearer"}
    assert set(found["types"]) == {"dpop"}
    if client_id in SECRETS:
        assert found["introspection"]["cnf"] == {"jkt": found["thumbprint"]}
        assert found["introspection"]["token_type"] == "DPoP"
    else:
        assert found["refresh_of_another"] == refused


@pytest.mark.parametrize("program", ["openid_client_dpop.mjs", "oauth4webapi_dpop.mjs"])
@pytest.mark.parametrize("client_id", ["web", "spa"])
@pytest.mark.parametrize("nonce_required", [False, True], ids=["nonce optional", "nonce demanded"])
def test_tokens_are_bound_to_a_key(
    issuer: str, program: str, client_id: str, nonce_required: bool, settings: Any
) -> None:
    settings.IDP_DPOP_NONCE_REQUIRED = nonce_required
    Client.objects.filter(client_id=client_id).update(dpop_bound_access_tokens=True)
    found = run(program, issuer, client_id)
    check_bound(found, client_id)
    assert not {"PS256", "Ed25519"} & found.keys()
    if "nonces" in found:
        assert (found["nonces"] > 0) is nonce_required
