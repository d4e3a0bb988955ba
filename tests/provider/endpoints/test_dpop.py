"""DPoP at our endpoints (RFC 9449, rules D1 to D14): who shows a proof gets tokens that nobody else can use."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client as Http

from clients.models import AccessToken, Client, RefreshToken
from common import clock, jws
from provider import dpop_nonces
from provider.grants import GRANTS
from provider.protocol.errors import TemporarilyUnavailable
from provider.store import replay
from tests.provider.proving import KINDS, TOKEN, Holder
from tests.world import CHALLENGE, ISSUER, REDIRECTS, App, Browser, Response, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
USERINFO = "/oauth2/userinfo"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def holder() -> Holder:
    return Holder()


def change(client_id: str, **fields: Any) -> None:
    Client.objects.filter(client_id=client_id).update(**fields)


def own_token(holder: Holder, client_id: str = "service", **sent: Any) -> Response:
    return holder.asks(App(client_id), grant_type="client_credentials", **sent)


def persons_tokens(holder: Holder, client_id: str = "web", **asked: Any) -> dict[str, Any]:
    """The whole code flow, with a proof at its end."""
    code = Browser("owner").code(client_id, **asked)
    answer = App(client_id).exchange_with(code, HTTP_DPOP=holder.proof())
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def is_refused(response: Response, error: str, status: int = 400) -> bool:
    """With a nonce for the next proof, whatever was wrong with this one (D6)."""
    assert (response.status_code, response.json()["error"]) == (status, error), response.content
    return dpop_nonces.is_known(response["DPoP-Nonce"])


# --- The token endpoint ----------------------------------------------------------------------------------------------


def test_no_proof_is_signed_with_rs256() -> None:
    """F3, and for every client: nobody has to begin with it."""
    assert is_refused(own_token(Holder.with_key_for("RS256")), "invalid_dpop_proof")


@pytest.mark.parametrize("algorithm", [one for one in KINDS if one != "RS256"], ids=lambda one: f"D1 {one}")
def test_a_proof_binds_the_token_of_the_client_itself(algorithm: str) -> None:
    answer = own_token(Holder.with_key_for(algorithm))
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    assert dpop_nonces.is_known(answer["DPoP-Nonce"])


def test_ed25519_has_two_names() -> None:
    """RFC 9864; and neither stands for a key of another kind."""
    holder = Holder.with_key_for("EdDSA")
    header, claims, _signature = holder.proof().split(".")
    said = json.loads(jws.decode(header) or b"")
    renamed = jws.encode(json.dumps({**said, "alg": "Ed25519"}).encode())
    signature = holder.key.get_op_key("sign").sign(f"{renamed}.{claims}".encode())
    assert own_token(holder, proof=f"{renamed}.{claims}.{jws.encode(signature)}").status_code == 200
    other = Holder()
    header = jws.encode(json.dumps({**said, "alg": "Ed25519", "jwk": other.public}).encode())
    proof = ".".join([header, *other.proof().split(".")[1:]])
    assert is_refused(own_token(other, proof=proof), "invalid_dpop_proof")


@pytest.mark.parametrize("token_format", ["opaque", "jwt"], ids=lambda one: f"D9 {one}")
def test_introspection_says_what_a_token_is_bound_to(holder: Holder, token_format: str) -> None:
    change("service", access_token_format=token_format)
    token = own_token(holder).json()["access_token"]
    told = App("service").introspect(token).json()
    assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": holder.jkt})
    if token_format == "jwt":
        assert claims_of(token)["cnf"] == {"jkt": holder.jkt}
    unbound = App("service").introspect(App("service").token(grant_type="client_credentials").json()["access_token"])
    assert unbound.json()["token_type"] == "Bearer"
    assert "cnf" not in unbound.json()


@pytest.mark.parametrize("name", ["typ", "alg", "jwk", "jti", "htm", "htu", "iat"], ids=lambda one: f"D14 {one}")
def test_a_proof_without_one_of_its_members_is_refused(holder: Holder, name: str) -> None:
    if name == "alg":
        good = holder.proof().split(".")
        proof = ".".join([_without("alg", good[0]), *good[1:]])
    else:
        left_out: dict[str, Any] = {name: None}
        proof = holder.proof(**left_out)
    assert is_refused(own_token(holder, proof=proof), "invalid_dpop_proof")
    assert not AccessToken.objects.exists()


def _without(name: str, part: str) -> str:
    header = json.loads(jws.decode(part) or b"")
    del header[name]
    return jws.encode(json.dumps(header).encode())


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"typ": "JWT"}, "invalid_dpop_proof"),
        ({"htm": "GET"}, "invalid_dpop_proof"),
        ({"htm": "post"}, "invalid_dpop_proof"),
        ({"htu": f"{ISSUER}{USERINFO}"}, "invalid_dpop_proof"),
        ({"htu": "http://testserver/oauth2/token"}, "invalid_dpop_proof"),
        ({"iat": 1}, "invalid_dpop_proof"),
        ({"nonce": "x"}, "use_dpop_nonce"),
        ({"nonce": 7}, "invalid_dpop_proof"),
    ],
    ids=["D1 typ", "D4 another method", "D4 case", "D3 another endpoint", "D3 the Host header", "F13", "D6", "G9"],
)
def test_a_proof_of_something_else_is_refused(holder: Holder, other: dict[str, Any], error: str) -> None:
    assert is_refused(own_token(holder, proof=holder.proof(**other)), error)


@pytest.mark.parametrize(
    "url", [f"{ISSUER}/openid/token", f"{TOKEN}/", f"{TOKEN}?x", "HTTP://LOCALHOST:8000/oauth2/token"]
)
def test_every_spelling_of_the_endpoint_is_the_endpoint(holder: Holder, url: str) -> None:
    """D3."""
    assert own_token(holder, proof=holder.proof(url)).status_code == 200


@pytest.mark.parametrize("part", ["private", "symmetric", "short", "P-384", "text", "another"])
def test_the_key_is_public_strong_and_the_one_that_signed(holder: Holder, part: str) -> None:
    """D1 (CVE-2026-54431)."""
    jwk = {
        "private": json.loads(holder.key.export_private()),
        "symmetric": {"kty": "oct", "k": "c2VjcmV0"},
        "short": {"kty": "RSA", "n": "wQ", "e": "AQAB"},
        "P-384": {**holder.public, "crv": "P-384"},
        "text": "x",
        "another": Holder().public,
    }[part]
    proof = holder.signed({"typ": "dpop+jwt", "jwk": jwk}, holder.claims())
    assert is_refused(own_token(holder, proof=proof), "invalid_dpop_proof")


def test_a_key_that_nests_deeper_than_can_be_written_is_no_fault_of_ours(holder: Holder) -> None:
    """G9: what can be read is not always what can be written."""
    deep = json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": {**holder.public, "x5c": 0}})
    header = jws.encode(deep.replace('"x5c": 0', f'"x5c": {"[" * 300}{"]" * 300}').encode())
    proof = ".".join([header, *holder.proof().split(".")[1:]])
    assert is_refused(own_token(holder, proof=proof), "invalid_dpop_proof")


def test_two_proofs_are_none(holder: Holder) -> None:
    """D2: the server joins two headers with a comma."""
    for between in (",", ", "):
        assert is_refused(own_token(holder, proof=between.join([holder.proof(), holder.proof()])), "invalid_dpop_proof")
    assert is_refused(own_token(holder, proof=""), "invalid_dpop_proof"), "an empty header is no proof either"


def test_a_proof_works_once(holder: Holder) -> None:
    """D5: for its key; another one may use the same name."""
    proof = holder.proof(jti="same")
    assert own_token(holder, proof=proof).status_code == 200
    assert is_refused(own_token(holder, proof=proof), "invalid_dpop_proof")
    assert is_refused(own_token(holder, proof=holder.proof(jti="same")), "invalid_dpop_proof")
    other = Holder()
    assert own_token(other, proof=other.proof(jti="same")).status_code == 200


def test_a_refused_request_uses_no_proof_up(holder: Holder) -> None:
    proof = holder.proof()
    assert own_token(holder, proof=proof, resource="https://api.unknown.example").status_code == 400
    assert own_token(holder, proof=proof).status_code == 200


def test_what_cannot_be_remembered_is_not_accepted(holder: Holder, monkeypatch: Any) -> None:
    """D5: another process would accept it again."""

    def away(*_use: object) -> bool:
        raise TemporarilyUnavailable("It is away.")

    monkeypatch.setattr(replay, "first_use", away)
    answer = own_token(holder)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert not AccessToken.objects.exists()


TYPES = ["authorization_code", "refresh_token", "client_credentials"]


@pytest.mark.parametrize("grant_type", TYPES, ids=lambda one: f"D7 G4 {one}")
def test_a_client_whose_tokens_are_bound_gets_none_without_a_proof(holder: Holder, grant_type: str) -> None:
    sent = {
        "authorization_code": {"code": Browser("owner").code("web")},
        "refresh_token": {"refresh_token": persons_tokens(holder, scope="openid offline_access")["refresh_token"]},
        "client_credentials": {},
    }[grant_type]
    change("web", dpop_bound_access_tokens=True)
    before = AccessToken.objects.count()
    redirect = {"redirect_uri": "https://web.acme.example/cb", "code_verifier": "v" * 43} if "code" in sent else {}
    asked = {"grant_type": grant_type, **sent, **redirect}
    assert is_refused(App("web").token(**asked), "invalid_dpop_proof")
    assert AccessToken.objects.count() == before
    answer = holder.asks(App("web"), **asked)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP"), "and nothing was used up by that"


@pytest.mark.parametrize("grant_type", GRANTS, ids=lambda one: f"D7 G4 {one}")
@pytest.mark.parametrize(
    ("field", "error"),
    [
        ("dpop_bound_access_tokens", "invalid_dpop_proof"),
        ("tls_client_certificate_bound_access_tokens", "invalid_request"),
    ],
)
def test_no_row_of_the_table_can_leave_it_out(grant_type: str, field: str, error: str) -> None:
    """Before anything that was presented is opened."""
    change("web", grant_types=list(GRANTS), **{field: True})
    needed = dict.fromkeys(GRANTS[grant_type].needs, "x")
    refused = App("web").token(grant_type=grant_type, **needed)
    assert (refused.status_code, refused.json()["error"]) == (400, error)
    change("web", **{field: False})
    assert App("web").token(grant_type=grant_type, **needed).json().get("error") != error or grant_type not in TYPES


@pytest.mark.parametrize("field", ["dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"])
@pytest.mark.parametrize("response_type", ["token", "id_token token", "code token", "code id_token token"])
def test_nothing_unbound_comes_through_the_browser(settings: Any, field: str, response_type: str) -> None:
    """G4: whoever answers for a grant is not the only one who mints."""
    settings.IDP_LEGACY_RESPONSE_TYPES = True
    change("web", response_types=["code", response_type], **{field: True})
    asked = Browser("owner").authorize("web", response_type=response_type)
    told = dict(parse_qsl(urlsplit(asked["Location"]).fragment))
    assert told["error"] == "unauthorized_client"
    assert not AccessToken.objects.exists()
    assert Browser("owner").code("web")


# --- Refresh tokens --------------------------------------------------------------------------------------------------


def test_a_public_client_refreshes_with_the_same_key_only(holder: Holder) -> None:
    """D8."""
    token = persons_tokens(holder, "spa", scope="openid offline_access")["refresh_token"]
    assert RefreshToken.objects.get().cnf == {"jkt": holder.jkt}
    for wrong in (
        App("spa").refresh(token),
        Holder().asks(App("spa"), grant_type="refresh_token", refresh_token=token),
    ):
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    following = holder.asks(App("spa"), grant_type="refresh_token", refresh_token=token).json()["refresh_token"]
    again = holder.asks(App("spa"), grant_type="refresh_token", refresh_token=token).json()["refresh_token"]
    assert following == again, "who lost the answer gets the same one"
    assert App("spa").refresh(following).status_code == 400, "what follows is bound as well"
    assert holder.asks(App("spa"), grant_type="refresh_token", refresh_token=following).status_code == 200


def test_a_public_client_that_begins_to_show_proofs_is_bound_from_then_on(holder: Holder) -> None:
    token = Browser("owner").tokens("spa", scope="openid offline_access")["refresh_token"]
    following = holder.asks(App("spa"), grant_type="refresh_token", refresh_token=token).json()["refresh_token"]
    assert App("spa").refresh(following).status_code == 400


def test_a_confidential_client_may_change_its_key(holder: Holder) -> None:
    """D8."""
    token = persons_tokens(holder, scope="openid offline_access")["refresh_token"]
    assert App("web").introspect(token).json().get("cnf") is None
    answer = Holder().asks(App("web"), grant_type="refresh_token", refresh_token=token)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    assert App("web").refresh(token).json()["token_type"] == "Bearer"


# --- dpop_jkt --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", ["web", "spa"], ids=lambda one: f"D11 F12 {one}")
def test_a_code_is_for_the_key_that_the_request_named(holder: Holder, client_id: str) -> None:
    code = Browser("owner").code(client_id, dpop_jkt=holder.jkt)
    app = App(client_id)
    for wrong in (app.exchange(code), app.exchange_with(code, HTTP_DPOP=Holder().proof())):
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert app.exchange_with(code, HTTP_DPOP=holder.proof()).json()["token_type"] == "DPoP"


def test_a_thumbprint_that_is_none_is_refused_at_once() -> None:
    """D11."""
    assert redirected(Browser("owner").authorize("web", dpop_jkt="x"))["error"] == "invalid_request"


PAR = f"{ISSUER}/oauth2/par"
ASKED = {"response_type": "code", "redirect_uri": REDIRECTS["web"], "scope": "openid", "state": "s", "nonce": "n"}
ASKED |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def push(proof: str | None, **more: str) -> Response:
    headers = {} if proof is None else {"HTTP_DPOP": proof}
    return App("web").post("/oauth2/par", {**ASKED, **more}, **headers)


@pytest.mark.parametrize("named", [True, False], ids=["F12 by both", "F12 by its proof"])
def test_a_pushed_request_is_bound_to_the_key_of_its_proof(holder: Holder, named: bool) -> None:
    """D11."""
    answer = push(holder.proof(PAR), **({"dpop_jkt": holder.jkt} if named else {}))
    assert answer.status_code == 201, answer.content
    assert dpop_nonces.is_known(answer["DPoP-Nonce"])
    browser = Browser("owner")
    query = {"client_id": "web", "request_uri": answer.json()["request_uri"]}
    page = browser.http.get("/oauth2/authorize", query)
    code = redirected(browser.answer(page))["code"]
    for wrong in (App("web").exchange(code), App("web").exchange_with(code, HTTP_DPOP=Holder().proof())):
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert App("web").exchange_with(code, HTTP_DPOP=holder.proof()).json()["token_type"] == "DPoP"


def test_a_pushed_request_and_its_proof_name_one_key(holder: Holder) -> None:
    """D11, F12; and the proof is of that endpoint, and works once."""
    assert is_refused(push(Holder().proof(PAR), dpop_jkt=holder.jkt), "invalid_dpop_proof")
    assert is_refused(push(holder.proof()), "invalid_dpop_proof")
    used = holder.proof(PAR)
    assert push(used, scope="unknown").status_code == 400, "which uses it up no more than any refused request does"
    assert push(used).status_code == 201
    assert is_refused(push(used), "invalid_dpop_proof")
    assert push(None, dpop_jkt="x").json()["error"] == "invalid_request"


# --- Nonces ----------------------------------------------------------------------------------------------------------


def test_a_nonce_is_demanded_where_the_deployment_says_so(holder: Holder, settings: Any) -> None:
    """D6."""
    settings.IDP_DPOP_NONCE_REQUIRED = True
    refused = own_token(holder)
    assert is_refused(refused, "use_dpop_nonce")
    answer = own_token(holder, proof=holder.proof(nonce=refused["DPoP-Nonce"]))
    assert answer.status_code == 200
    token = answer.json()["access_token"]
    refused = holder.shows(token)
    assert is_refused(refused, "use_dpop_nonce", 401)
    assert refused["WWW-Authenticate"].startswith('DPoP error="use_dpop_nonce"')
    proof = holder.proof(f"{ISSUER}{USERINFO}", "GET", token, nonce=refused["DPoP-Nonce"])
    assert holder.shows(token, proof).status_code == 200


def test_nonces_are_of_this_window_and_the_one_before(monkeypatch: Any, settings: Any) -> None:
    """D6: by the clock that all nodes share, under a secret that they share; an old secret is still known."""
    now = clock.seconds()
    monkeypatch.setattr(clock, "seconds", lambda: now)
    nonce = dpop_nonces.fresh()
    assert dpop_nonces.is_known(nonce)
    monkeypatch.setattr(clock, "seconds", lambda: now + dpop_nonces.WINDOW)
    assert dpop_nonces.is_known(nonce)
    assert dpop_nonces.fresh() != nonce
    monkeypatch.setattr(clock, "seconds", lambda: now + 2 * dpop_nonces.WINDOW)
    assert not dpop_nonces.is_known(nonce)
    monkeypatch.setattr(clock, "seconds", lambda: now)
    settings.IDP_KEY_SECRETS = ["n" * 40, *settings.IDP_KEY_SECRETS]
    assert dpop_nonces.is_known(nonce)
    assert dpop_nonces.fresh() != nonce
    settings.IDP_KEY_SECRETS = ["n" * 40]
    assert not dpop_nonces.is_known(nonce)
    assert not dpop_nonces.is_known("")
    assert not dpop_nonces.is_known("\u00e9")


def test_a_script_of_any_origin_reads_the_nonce(holder: Holder) -> None:
    answer = own_token(holder)
    assert "DPoP-Nonce" in answer["Access-Control-Expose-Headers"]
    assert "DPoP-Nonce" not in App("service").token(grant_type="client_credentials"), "nobody else gets one"


# --- Protected resources ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_a_bound_token_needs_its_scheme_its_proof_and_its_key(holder: Holder, token_format: str) -> None:
    """D10, F15."""
    change("web", access_token_format=token_format)
    token = persons_tokens(holder)["access_token"]
    assert holder.shows(token).status_code == 200
    assert holder.shows(token, scheme="dpop").status_code == 200, "the name of a scheme has no case"
    url = f"{ISSUER}{USERINFO}"
    for proof in (
        None,
        "",
        holder.proof(url, "GET"),
        holder.proof(url, "GET", "another"),
        holder.proof(url, "POST", token),
    ):
        headers: dict[str, Any] = {"HTTP_DPOP": proof} if proof is not None else {}
        assert is_refused(
            Http().get(USERINFO, HTTP_AUTHORIZATION=f"DPoP {token}", **headers), "invalid_dpop_proof", 401
        )
    thief = Holder()
    assert is_refused(thief.shows(token), "invalid_token", 401)
    assert is_refused(holder.shows(token, scheme="Bearer"), "invalid_token", 401)
    for plain in (App("web").userinfo(token), Http().post(USERINFO, f"access_token={token}", content_type=FORM)):
        assert (plain.status_code, plain.json()["error"]) == (401, "invalid_token")


def test_a_proof_at_a_resource_works_once(holder: Holder) -> None:
    """D5."""
    token = persons_tokens(holder)["access_token"]
    proof = holder.proof(f"{ISSUER}{USERINFO}", "GET", token)
    assert holder.shows(token, proof).status_code == 200
    assert is_refused(holder.shows(token, proof), "invalid_dpop_proof", 401)


def test_an_unbound_token_is_no_dpop_token(holder: Holder) -> None:
    token = Browser("owner").tokens("web")["access_token"]
    assert is_refused(holder.shows(token), "invalid_token", 401)
    assert holder.shows(token, scheme="Bearer").status_code == 200, "a proof beside it changes nothing"


def test_challenges_name_the_scheme_that_was_used_or_both(holder: Holder) -> None:
    """D12."""
    algs = 'algs="ES256 PS256 EdDSA Ed25519"'
    assert Http().get(USERINFO)["WWW-Authenticate"] == f'Bearer realm="vestibule", DPoP {algs}'
    unknown = Http().get(USERINFO, HTTP_AUTHORIZATION="DPoP x")["WWW-Authenticate"]
    assert unknown.startswith('DPoP error="invalid_token", error_description="')
    assert unknown.endswith(f'", {algs}')
    assert Http().get(USERINFO, HTTP_AUTHORIZATION="DPoP ")["WWW-Authenticate"] == f"DPoP {algs}"


def test_tokeninfo_tells_the_holder_alone(holder: Holder) -> None:
    """D10."""
    path = "/oauth2/tokeninfo"
    token = persons_tokens(holder)["access_token"]
    assert holder.shows(token, path=path).json()["azp"] == "web"
    for refused in (
        Http().post(path, f"access_token={token}", content_type=FORM),
        Http().get(path, HTTP_AUTHORIZATION=f"Bearer {token}"),
        Holder().shows(token, path=path),
    ):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_token")
    no_proof = Http().get(path, HTTP_AUTHORIZATION=f"DPoP {token}")
    assert is_refused(no_proof, "invalid_dpop_proof", 401)
    assert no_proof["WWW-Authenticate"].startswith("DPoP error=")


def test_in_a_query_it_is_nobodys(holder: Holder, settings: Any) -> None:
    settings.IDP_TOKENINFO_QUERY = True
    token = persons_tokens(holder)["access_token"]
    assert Http().get(f"/oauth2/tokeninfo?access_token={token}").status_code == 400


def test_revoking_needs_no_proof(holder: Holder) -> None:
    """RFC 9449 asks for none: the client authenticates."""
    token = own_token(holder).json()["access_token"]
    assert App("service").post("/oauth2/revoke", {"token": token}).status_code == 200
    assert App("service").introspect(token).json() == {"active": False}
