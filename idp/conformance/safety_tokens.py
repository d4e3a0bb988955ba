"""Attacks on tokens and on the endpoints that programs ask: single requests that must be refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

from idp.conformance.app import seen
from idp.conformance.check import Check
from idp.conformance.expected import access_token, alive, dead, each, granted, holds, in_use, refused
from idp.conformance.forged import by_hmac, by_key, changed_bit, header_of, unsigned
from idp.conformance.http import FORM, Answer
from idp.conformance.run import Run
from idp.conformance.safety_requests import BCP

QUERY = "IDP_LEGACY_QUERY_CREDENTIALS lets old apps send credentials in addresses."


def in_query(run: Run) -> None:
    in_use("query" not in run.unusual, QUERY)
    token = str(run.web.tokens(run.browser).get("access_token"))
    answer = run.provider.get(f"{run.provider.url('userinfo_endpoint')}?access_token={quote(token)}")
    holds(400 <= answer.status < 500, f"userinfo answered {answer.status}")


def changed(run: Run) -> None:
    token = str(run.web.tokens(run.browser).get("access_token"))
    holds(alive(run.web, token), "userinfo refuses the token itself")
    for name, one in (("shorter", token[:-1]), ("longer", f"{token}A"), ("changed", changed_bit(token))):
        dead(run.web, one, name)
        holds(run.web.introspect(one).json.get("active") is False, f"{name}: introspection does not say inactive")


def forged(run: Run) -> None:
    token = str(run.jwt.tokens(run.browser).get("access_token"))
    claims, header = run.provider.signed(token), header_of(token)
    holds(alive(run.jwt, token), "userinfo refuses the token itself")
    public = next(one for one in run.provider.keys if one.get("kid") == header.get("kid"))
    head, _body, signature = token.split(".")
    kid, typ, mine = str(header.get("kid")), str(header.get("typ")), run.scene.signing
    cases = {
        "alg none": unsigned(claims, kid=kid, typ=typ),
        "HMAC with the public key": by_hmac(claims, json.dumps(public).encode(), kid=kid, typ=typ),
        "another key under its kid": by_key(claims, mine, kid=kid, typ=typ),
        "a key in its header": by_key(claims, mine, typ=typ, jwk=mine.export_public(as_dict=True)),
        "a key elsewhere": by_key(claims, mine, typ=typ, kid="x", jku=f"https://web.{run.scene.host}/jwks.json"),
        "claims of another": f"{head}.{unsigned({**claims, 'sub': 'x'}).split('.')[1]}.{signature}",
    }
    each(cases, lambda one: dead(run.jwt, one, "it"))


def id_token(run: Run) -> None:
    dead(run.web, str(run.web.tokens(run.browser).get("id_token")), "an ID token")


def of_nobody(run: Run) -> None:
    answer = run.web.machine()
    token = access_token(answer)
    holds("id_token" not in answer.json and "refresh_token" not in answer.json, "an ID token or a refresh token")
    about = run.web.userinfo(token)
    holds(about.status != 200 or about.json.get("sub") == run.web.client_id, "userinfo of somebody")
    holds(not {"given_name", "email", "address", "phone_number"} & about.json.keys(), "claims of a person")


def refresh_widens(run: Run) -> None:
    token = str(run.web.tokens(run.browser, scope="openid offline_access").get("refresh_token"))
    refused(run.web.refresh(token, scope="openid email phone"), "invalid_scope")
    refused(run.web.refresh(token, audience=f"https://elsewhere.{run.scene.host}/"), "invalid_target")
    refused(run.web.refresh(changed_bit(token)), "invalid_grant")


def introspected_by_another(run: Run) -> None:
    token = access_token(run.web.machine())
    holds(run.web.introspect(token).json.get("active") is True, "introspection does not know the app's own token")
    answer = run.other.introspect(token)
    holds(answer.json.get("active") is False and len(answer.json) == 1, "another app learns of it")


def revoked(run: Run) -> None:
    tokens = run.web.tokens(run.browser, scope="openid offline_access")
    token, kept = str(tokens.get("access_token")), str(tokens.get("refresh_token"))
    run.other.ask("revocation_endpoint", {"token": token})
    holds(alive(run.web, token), "another app revoked it")
    answer = run.web.ask("revocation_endpoint", {"token": kept})
    holds(answer.status == 200, seen(answer))
    dead(run.web, token, "after its refresh token was revoked")
    refused(run.web.refresh(kept), "invalid_grant")


# --- Who asks --------------------------------------------------------------------------------------------------------


def authentication(run: Run) -> None:
    """A failed header is not rescued by the body, and nothing is as good as an empty secret."""
    web, grant = run.web, {"grant_type": "client_credentials"}
    in_body = {**grant, "client_id": web.client_id, "client_secret": web.secret}
    wrong = type(web)(run.provider, web.client_id, web.redirect_uri, run.unknown())
    empty = type(web)(run.provider, web.client_id, web.redirect_uri)
    unknown = type(web)(run.provider, run.unknown(), "", run.unknown())
    cases: dict[str, Callable[[], Answer]] = {
        "a wrong secret": lambda: wrong.machine(),
        "no secret": lambda: empty.machine(),
        "a wrong one in the header, the right one in the form": lambda: wrong.ask("token_endpoint", in_body),
        "two ways at once": lambda: web.ask("token_endpoint", in_body),
        "an app that nobody knows": lambda: unknown.machine(),
    }
    each(cases, lambda ask: refused(ask(), "invalid_client", "invalid_request"))
    answer = wrong.machine()
    holds(answer.status == 401, f"a wrong secret: {answer.status}")
    holds(answer.header("WWW-Authenticate").lower().startswith("basic"), "401 without a challenge")


def token_by_query(run: Run) -> None:
    in_use("query" not in run.unusual, QUERY)
    url = f"{run.provider.url('token_endpoint')}?grant_type=client_credentials"
    headers = {"Authorization": run.web.basic, "Content-Type": FORM}
    refused(run.provider.send("POST", url, headers, b""))


def grants(run: Run) -> None:
    password = {"username": run.scene.username, "password": run.unknown()}
    cases: dict[str, Callable[[], Answer]] = {
        "password": lambda: run.web.token(grant_type="password", **password),
        "one it did not register": lambda: run.app("form", by_form=True).machine(),
        "nonsense": lambda: run.web.token(grant_type="nonsense"),
    }
    each(cases, lambda ask: refused(ask(), "unsupported_grant_type", "unauthorized_client"))
    refused(run.app("signing").machine(), "invalid_client")


def not_kept(run: Run) -> None:
    answer = run.web.machine()
    granted(answer)
    holds("no-store" in answer.header("Cache-Control"), "caches may keep a token")
    holds(not answer.header("Access-Control-Allow-Credentials"), "other sites may ask with cookies")


def garbage(run: Run) -> None:
    """Whatever is sent is refused, and by the app's fault."""
    names = ("token_endpoint", "introspection_endpoint", "revocation_endpoint", "pushed_authorization_request_endpoint")
    bodies = {
        "NUL": (FORM, b"grant_type=%00"),
        "no UTF-8": (FORM, b"grant_type=%ff%fe"),
        "bytes": (FORM, b"\xff\x00\xfe"),
        "JSON": ("application/json", b'{"grant_type": "client_credentials"}'),
        "much": (FORM, b"token=" + b"x" * 100_000),
        "many": (FORM, b"&".join(b"a%d=1" % number for number in range(500))),
    }
    for name in names:
        for what, (kind, body) in bodies.items():
            headers = {"Content-Type": kind, "Authorization": run.web.basic}
            answer = run.provider.send("POST", run.provider.url(name), headers, body)
            holds(400 <= answer.status < 500, f"{what} at the {name}: {answer.status}")
        answer = run.provider.get(run.provider.url(name))
        holds(answer.status in (400, 405), f"GET at the {name}: {answer.status}")
    for what, query in (("NUL", "client_id=%00"), ("no UTF-8", "client_id=%ff"), ("nothing", "")):
        answer = run.provider.get(f"{run.provider.url('authorization_endpoint')}?{query}")
        holds(400 <= answer.status < 500, f"{what} at the authorization_endpoint: {answer.status}")


def closed(run: Run) -> None:
    """What operators use is nothing for somebody who only signs in, nor for their tokens."""
    console = run.browser.get(run.path("/admin/"))
    holds(console.status in (302, 403, 404), f"the console: {console.status}")
    token = str(run.web.tokens(run.browser).get("access_token"))
    for name, headers in (("nobody", {}), ("a person's token", {"Authorization": f"Bearer {token}"})):
        for path in ("/api/v1/projects", "/scim/v2/Users"):
            answer = run.provider.get(run.path(path), **headers)
            holds(answer.status in (401, 403, 404), f"{path} for {name}: {answer.status}")
    answer = run.provider.get(run.path("/metrics"))
    holds(answer.status in (401, 403, 404), f"/metrics: {answer.status}")


ROWS = (
    Check("safety-bearer-in-query", "RFC 9700 section 4.3.2", "An access token in an address; refused.", in_query),
    Check(
        "safety-token-changed",
        "RFC 6750 section 5.2",
        "An access token that is shorter, longer, changed by a character; 401, and inactive.",
        changed,
    ),
    Check(
        "safety-token-forged",
        "RFC 8725 section 3",
        "Six JWT access tokens that nobody here signed, with the claims of a true one; 401.",
        forged,
    ),
    Check("safety-id-token-is-no-access-token", "RFC 9068 section 5", "An ID token at userinfo; 401.", id_token),
    Check(
        "safety-app-for-itself",
        "RFC 6749 section 4.4.3",
        "Client credentials; no ID token, no refresh token, and nobody at userinfo.",
        of_nobody,
    ),
    Check(
        "safety-refresh-does-not-widen",
        "RFC 6749 section 6",
        "A refresh with scopes and an audience that were not granted, and a changed refresh token; refused.",
        refresh_widens,
    ),
    Check(
        "safety-introspection-of-another-app",
        "RFC 7662 section 4",
        "An app introspects the token of another; inactive, and nothing else.",
        introspected_by_another,
    ),
    Check(
        "safety-revocation",
        "RFC 7009 section 2.1",
        "Another app revokes a token, then its own app; it lives on, then it is over with all that came of it.",
        revoked,
    ),
    Check(
        "safety-client-authentication",
        "RFC 6749 section 2.3",
        "Wrong, missing and doubled secrets; invalid_client, with a challenge.",
        authentication,
    ),
    Check(
        "safety-token-request-in-query",
        "RFC 6749 section 2.3.1",
        "Parameters of a token request in the address; refused.",
        token_by_query,
    ),
    Check(
        "safety-grants",
        f"{BCP}2.4",
        "The password grant, one that the app did not register, and nonsense; refused by name.",
        grants,
    ),
    Check(
        "safety-tokens-are-not-kept",
        "RFC 6749 section 5.1",
        "A token answer; no-store, and no other site asks for it with cookies.",
        not_kept,
    ),
    Check(
        "safety-garbage",
        "RFC 9110 section 15.5",
        "NUL, no UTF-8, JSON, too much and too many at every endpoint; 4xx, never 5xx.",
        garbage,
    ),
    Check(
        "safety-closed-to-others",
        "OWASP ASVS 8.2.1",
        "The console, the API, SCIM and metrics asked by nobody and by a person; closed.",
        closed,
    ),
)
