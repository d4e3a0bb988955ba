"""Attacks on what apps prove: assertions, pushed requests, keys that tokens are bound to; and what operators end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

from jwcrypto import jwk

from common import jws
from common.json_type import Json
from idp.conformance.app import App, Params, seen
from idp.conformance.check import Check
from idp.conformance.expected import access_token, alive, dead, each, granted, holds, not_led_away, refused
from idp.conformance.forged import assertion, by_hmac, by_key, proof, unsigned
from idp.conformance.http import Answer
from idp.conformance.run import Run

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def _asserted(app: App, jwt: str) -> Answer:
    said: Params = {"client_assertion_type": ASSERTION, "client_assertion": jwt, "client_id": app.client_id}
    return app.ask("token_endpoint", {"grant_type": "client_credentials", **said})


def assertions(run: Run) -> None:
    app, key = run.app("signing"), run.scene.signing
    kid = str(key.get("kid"))

    def signed(**claims: Json) -> str:
        return by_key(assertion(app, **claims), key, kid=kid)

    good = signed()
    granted(_asserted(app, good))
    public = key.export_public().encode()
    cases: dict[str, str] = {
        "used twice": good,
        "for somebody else": signed(aud=f"https://web.{run.scene.host}"),
        "expired": signed(iat=1_000_000_000, exp=1_000_000_060),
        "of another app": signed(iss=run.web.client_id, sub=run.web.client_id),
        "without jti": signed(jti=None),
        "alg none": unsigned(assertion(app), kid=kid),
        "HMAC with the public key": by_hmac(assertion(app), public, kid=kid),
        "another key": by_key(assertion(app), jwk.JWK.generate(kty="EC", crv="P-256"), kid=kid),
    }
    each(cases, lambda one: refused(_asserted(app, one)))


def pushed(run: Run) -> None:
    web = run.web
    answer = web.push(web.request())
    holds(answer.status == 201 and answer.json.get("request_uri"), seen(answer))
    uri = str(answer.json.get("request_uri"))

    def shown(client_id: str) -> Answer:
        asked = urlencode({"client_id": client_id, "request_uri": uri})
        return run.browser.led_on(run.browser.get(f"{run.provider.url('authorization_endpoint')}?{asked}"))

    holds("code=" not in (theirs := shown(run.other.client_id)).location, "another app: a code")
    holds(theirs.status < 500, f"another app: {theirs.status}")
    holds("code" in web.back(run.browser, shown(web.client_id)), "no code of the app that pushed it")
    holds("code=" not in (again := shown(web.client_id)).location, "used twice: a code")
    holds(again.status < 500, f"used twice: {again.status}")
    refused(web.push(web.request(request_uri=uri)), "invalid_request")
    not_led_away(web.push(web.request(redirect_uri=f"https://other.{run.scene.host}/cb")))


def bound(run: Run) -> None:
    """A token that is bound to a key opens nothing without it."""
    key, web = jwk.JWK.generate(kty="EC", crv="P-256"), run.web
    at, there = run.provider.url("token_endpoint"), run.provider.url("userinfo_endpoint")
    nonce: dict[str, Json] = {}
    code = web.code(run.browser)

    def exchanged() -> Answer:
        form = {"redirect_uri": web.redirect_uri, "code_verifier": web.verifier, "code": code}
        header = proof(key, "POST", at, **nonce)
        return web.ask("token_endpoint", {"grant_type": "authorization_code", **form}, DPoP=header)

    answer = exchanged()
    if answer.json.get("error") == "use_dpop_nonce":
        nonce["nonce"] = answer.header("DPoP-Nonce")
        answer = exchanged()
    token = access_token(answer)
    holds(answer.json.get("token_type") == "DPoP", "a token that is not bound")
    ath = jws.encode(hashlib.sha256(token.encode()).digest())
    good = proof(key, "GET", there, ath=ath, **nonce)
    right = web.userinfo(token, "DPoP", DPoP=good)
    holds(right.status == 200, f"with its proof: {right.status}")
    stranger = jwk.JWK.generate(kty="EC", crv="P-256")
    cases: dict[str, Callable[[], Answer]] = {
        "as a Bearer token": lambda: web.userinfo(token),
        "without a proof": lambda: web.userinfo(token, "DPoP"),
        "a proof used twice": lambda: web.userinfo(token, "DPoP", DPoP=good),
        "a proof for another address": lambda: web.userinfo(
            token, "DPoP", DPoP=proof(key, "GET", at, ath=ath, **nonce)
        ),
        "a proof without the token": lambda: web.userinfo(token, "DPoP", DPoP=proof(key, "GET", there, **nonce)),
        "a proof of another key": lambda: web.userinfo(
            token, "DPoP", DPoP=proof(stranger, "GET", there, ath=ath, **nonce)
        ),
    }
    for name, ask in cases.items():
        holds(ask().status in (400, 401), f"{name}: userinfo answers")


# --- Once an app may not repeat a lost request any more --------------------------------------------------------------


def code_reused_later(run: Run) -> Iterator[None]:
    code = run.web.code(run.browser)
    token = access_token(run.web.exchange(code))
    holds(alive(run.web, token), "a new token that opens nothing")
    yield
    refused(run.web.exchange(code), "invalid_grant")
    dead(run.web, token, "after its code was used twice")


def refresh_reused_later(run: Run) -> Iterator[None]:
    """Of an app that cannot keep a secret: two have the same token, and nobody knows who (RFC 9700 section 4.14.2)."""
    public = run.public
    old = str(public.tokens(run.browser, scope="openid offline_access").get("refresh_token"))
    answer = public.refresh(old)
    new = str(granted(answer).get("refresh_token"))
    holds(new != old, "the same refresh token again")
    yield
    refused(public.refresh(old), "invalid_grant")
    refused(public.refresh(new), "invalid_grant")


# --- What operators end ----------------------------------------------------------------------------------------------


def disabled(run: Run) -> None:
    app = run.app("ended")
    token = str(app.tokens(run.browser, scope="openid offline_access").get("access_token"))
    kept = access_token(app.machine())
    run.disable(app.client_id)
    holds(run.soon(lambda: not alive(app, token)), "its token opens userinfo")
    refused(app.machine())
    holds(run.web.introspect(kept).json.get("active") is False, "a token of it is active")


def deactivated(run: Run) -> None:
    browser = run.new_browser()
    tokens, code = run.web.tokens(browser, scope="openid offline_access"), run.web.code(browser)
    run.deactivate()
    dead(run.web, str(tokens.get("access_token")), "its token")
    refused(run.web.refresh(str(tokens.get("refresh_token"))), "invalid_grant")
    refused(run.web.exchange(code), "invalid_grant")
    answer = run.web.begin(browser, prompt="none")
    holds("code=" not in answer.location, "its session: a code")


ROWS = (
    Check(
        "safety-client-assertions",
        "RFC 7523 section 3",
        "Eight assertions that are used twice, old, for others, forged or by another key; refused.",
        assertions,
    ),
    Check(
        "safety-pushed-requests",
        "RFC 9126 section 7",
        "A pushed request shown by another app, used twice, with another redirect URI; refused.",
        pushed,
    ),
    Check(
        "safety-bound-tokens",
        "RFC 9449 section 7",
        "A token bound to a key, without the key or with a proof that does not fit; refused.",
        bound,
    ),
)
LATER = (
    Check(
        "oidcc-codereuse-30seconds",
        "RFC 6749 section 4.1.2",
        "A code is exchanged once more, later; invalid_grant, and what came of it is over.",
        code_reused_later,
    ),
    Check(
        "safety-refresh-reuse",
        "RFC 9700 section 4.14.2",
        "A public app uses an old refresh token, later; invalid_grant, and the new one is over, too.",
        refresh_reused_later,
    ),
)
LAST = (
    Check(
        "safety-app-disabled",
        "RFC 9700 section 4.14",
        "An operator disables an app; within five seconds its tokens are over on every server asked.",
        disabled,
    ),
    Check(
        "safety-person-deactivated",
        "OpenID Connect Core 1.0 section 16.18",
        "An operator deactivates the person; token, refresh token, code and session are over at once.",
        deactivated,
    ),
)
