"""The Foundation's modules for a basic provider: the code flow, its ID token, and what userinfo tells."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit

from common import jws
from idp.conformance.app import seen
from idp.conformance.browser import parameters
from idp.conformance.check import Check
from idp.conformance.expected import holds
from idp.conformance.http import FORM, Answer, Object
from idp.conformance.run import Run

CORE = "OpenID Connect Core 1.0 section "
PROFILE = {"name", "given_name", "family_name"}
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}


def discovery(run: Run) -> None:
    said = run.provider.metadata
    holds(said.get("issuer") == run.provider.issuer, "another issuer")
    for name in ENDPOINTS:
        url = urlsplit(run.provider.url(name))
        at = f"{url.scheme}://{url.netloc}"
        holds(at == run.provider.origin and not url.fragment, f"a {name} that is not of this issuer")
    for name, value in (
        ("response_types_supported", "code"),
        ("id_token_signing_alg_values_supported", "RS256"),
        ("scopes_supported", "openid"),
        ("claims_supported", "sub"),
        ("code_challenge_methods_supported", "S256"),
    ):
        holds(run.provider.supports(name, value), f"{name} without {value}")
    subjects = said.get("subject_types_supported")
    holds(isinstance(subjects, list) and set(subjects) <= {"public", "pairwise"}, "other subject_types_supported")
    kids = [str(one.get("kid")) for one in run.provider.keys]
    holds(kids and len(set(kids)) == len(kids), "keys that are missing or have the same kid")
    holds(not any(PRIVATE & one.keys() for one in run.provider.keys), "private parts of keys")


def server(run: Run) -> None:
    tokens = run.web.tokens(run.browser)
    userinfo(run, tokens)


def userinfo(run: Run, tokens: Object, answer: Answer | None = None) -> Object:
    """What it tells, checked as every module does."""
    answer = answer or run.web.userinfo(str(tokens.get("access_token")))
    holds(answer.status == 200, f"userinfo: {answer.status}")
    holds(answer.header("Content-Type").startswith("application/json"), "another content type")
    claims = run.provider.signed(str(tokens.get("id_token")))
    holds(answer.json.get("sub") == claims.get("sub"), "another sub than the ID token has")
    return answer.json


def signature(run: Run) -> None:
    token = str(run.web.tokens(run.browser).get("id_token"))
    run.provider.signed(token)
    parts = jws.parts(token)
    holds(parts is not None and parts.algorithm == "RS256", "another algorithm than the app registered")


def unsigned(run: Run) -> None:
    for name in ("id_token_signing_alg_values_supported", "request_object_signing_alg_values_supported"):
        holds(not run.provider.supports(name, "none"), f"{name} with none")


def by_get(run: Run) -> None:
    userinfo(run, run.web.tokens(run.browser))


def by_post_header(run: Run) -> None:
    tokens = run.web.tokens(run.browser)
    headers = {"Authorization": f"Bearer {tokens.get('access_token')}"}
    userinfo(run, tokens, run.provider.send("POST", run.provider.url("userinfo_endpoint"), headers, b""))


def by_post_body(run: Run) -> None:
    tokens = run.web.tokens(run.browser)
    body = urlencode({"access_token": str(tokens.get("access_token"))}).encode()
    headers = {"Content-Type": FORM}
    userinfo(run, tokens, run.provider.send("POST", run.provider.url("userinfo_endpoint"), headers, body))


def without_nonce(run: Run) -> None:
    run.web.tokens(run.browser, nonce=None)


def told_for(run: Run, scope: str) -> Object:
    return userinfo(run, run.web.tokens(run.browser, scope=f"openid {scope}"))


def has(claims: Object, wanted: set[str], others: set[str]) -> None:
    missing, more = wanted - claims.keys(), others & claims.keys()
    holds(not missing, f"no {', '.join(sorted(missing))}")
    holds(not more, f"{', '.join(sorted(more))}, which nobody asked for")


def profile(run: Run) -> None:
    has(told_for(run, "profile"), PROFILE, {"email", "address", "phone_number"})


def email(run: Run) -> None:
    claims = told_for(run, "email")
    has(claims, {"email", "email_verified"}, {"name", "address", "phone_number"})
    holds(claims.get("email_verified") is True, "an address that is not verified")


def address(run: Run) -> None:
    has(told_for(run, "address"), {"address"}, {"name", "email", "phone_number"})


def phone(run: Run) -> None:
    has(told_for(run, "phone"), {"phone_number"}, {"name", "email", "address"})


def everything(run: Run) -> None:
    has(told_for(run, "profile email address phone"), {*PROFILE, "email", "address", "phone_number"}, set())


def another_order(run: Run) -> None:
    userinfo(run, run.web.tokens(run.browser, scope="email openid"))


def essential(run: Run) -> None:
    asked = json.dumps({"userinfo": {"name": {"essential": True}}})
    has(userinfo(run, run.web.tokens(run.browser, claims=asked)), {"name"}, {"email", "address", "phone_number"})


def no_response_type(run: Run) -> None:
    answer = run.web.begin(run.browser, response_type=None)
    errors = {"invalid_request", "unsupported_response_type"}
    if answer.status == 400 and answer.json.get("error") in errors:
        return
    holds(answer.location.startswith(run.web.redirect_uri), seen(answer))
    found = parameters(answer.location)
    holds(found.get("error") in errors and "code" not in found, "a code, or no error")
    holds(found.get("state") == run.web.state, "an error without the state that was sent")


def refresh(run: Run) -> None:
    first = run.web.tokens(run.browser, scope="openid offline_access")
    answer = run.web.refresh(str(first.get("refresh_token")))
    holds(answer.status == 200, seen(answer))
    was = run.provider.signed(str(first.get("id_token")))
    now = run.web.id_token(answer.json, nonce=_nonce(run, answer.json))
    for name in ("iss", "sub", "aud", "auth_time"):
        holds(was.get(name) == now.get(name), f"another {name} in the new ID token")
    holds(run.web.userinfo(str(answer.json.get("access_token"))).status == 200, "a new access token that opens nothing")
    theirs = run.other.refresh(str(first.get("refresh_token")))
    holds(theirs.status == 400 and theirs.json.get("error") == "invalid_grant", f"of another app: {seen(theirs)}")


def _nonce(run: Run, tokens: Object) -> str | None:
    """In the ID token of a refresh it may be left out (Core 12.2)."""
    return run.web.nonce if run.provider.signed(str(tokens.get("id_token"))).get("nonce") else None


ROWS = (
    Check(
        "oidcc-discovery-endpoint-verification",
        "OpenID Connect Discovery 1.0 section 4.2",
        "Discovery and its keys are read: every endpoint is of this issuer, and keys have no private part.",
        discovery,
    ),
    Check("oidcc-server", f"{CORE}3.1", "A whole code flow; the ID token is checked and userinfo asked.", server),
    Check(
        "oidcc-response-type-missing",
        f"{CORE}3.1.2.1",
        "A request without response_type; the app gets an error with its state, and no code.",
        no_response_type,
    ),
    Check(
        "oidcc-idtoken-signature",
        f"{CORE}3.1.3.7",
        "The ID token is verified with the published key that it names; it is signed by RS256.",
        signature,
    ),
    Check(
        "oidcc-idtoken-unsigned", f"{CORE}3.1.3.7", "Discovery is read: the algorithm none is not offered.", unsigned
    ),
    Check("oidcc-userinfo-get", f"{CORE}5.3.1", "Userinfo by GET; it answers the sub of the ID token.", by_get),
    Check("oidcc-userinfo-post-header", f"{CORE}5.3.1", "Userinfo by POST with a header; it answers.", by_post_header),
    Check(
        "oidcc-userinfo-post-body",
        "RFC 6750 section 2.2",
        "Userinfo by POST with the token in the form; it answers.",
        by_post_body,
    ),
    Check(
        "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
        f"{CORE}3.1.2.1",
        "A request without nonce; it succeeds, and the ID token has none.",
        without_nonce,
    ),
    Check(
        "oidcc-scope-profile", f"{CORE}5.4", "The scope profile; userinfo tells the name, and nothing else.", profile
    ),
    Check("oidcc-scope-email", f"{CORE}5.4", "The scope email; userinfo tells the address and that it is true.", email),
    Check("oidcc-scope-address", f"{CORE}5.4", "The scope address; userinfo tells it, and nothing else.", address),
    Check("oidcc-scope-phone", f"{CORE}5.4", "The scope phone; userinfo tells the number, and nothing else.", phone),
    Check("oidcc-scope-all", f"{CORE}5.4", "All of these scopes; userinfo tells all of it.", everything),
    Check(
        "oidcc-alternate-happy-flow",
        f"{CORE}3.1",
        "A flow with its scopes in another order; it succeeds.",
        another_order,
    ),
    Check(
        "oidcc-claims-essential",
        f"{CORE}5.5",
        "The claims parameter asks for the name; userinfo tells it, and nothing else.",
        essential,
    ),
    Check(
        "oidcc-refresh-token",
        f"{CORE}12.2",
        "A refresh token is used, then by another app; an ID token of the same person, then invalid_grant.",
        refresh,
    ),
)
