"""For every check a fault that it is there for. A check that cannot fail is worth nothing."""

from __future__ import annotations

from dataclasses import replace

from idp.conformance.http import Answer, Request
from idp.conformance.run import Run
from tests.idp.conformance.here import (
    Fault,
    Pairs,
    Send,
    allowing,
    answering,
    as_json,
    asked,
    doing_nothing,
    granting,
    ignoring,
    leading_away,
    path_of,
    reading,
    refusing,
    taking_for,
    telling,
    without_header,
)

AUTHORIZE, TOKEN, USERINFO = "/oauth2/authorize", "/oauth2/token", "/oauth2/userinfo"
EVIL = "https://evil.invalid/"


def adding(name: str, value: str) -> Fault:
    """It assumes a parameter that was not sent."""
    return reading(AUTHORIZE, lambda pairs: pairs if name in dict(pairs) else [*pairs, (name, value)])


def each_once(pairs: Pairs) -> Pairs:
    return list(dict(pairs).items())


def status(path: str, number: int, method: str = "") -> Fault:
    def change(request: Request, answer: Answer) -> Answer:
        return Answer(number) if request.method == (method or request.method) else answer

    return answering(path, change)


def no_token_in_form(request: Request, answer: Answer) -> Answer:
    return answer if "Authorization" in request.headers else Answer(401)


def no_secret_in_form(request: Request, answer: Answer) -> Answer:
    return as_json({"error": "invalid_client"}, 401) if "client_secret" in dict(asked(request)) else answer


def broken_signature(_request: Request, answer: Answer) -> Answer:
    """The signature is that of something else."""
    token = str(answer.json.get("id_token", ""))
    head, body, proof = token.split(".") if token.count(".") == 2 else ("", "", "")
    return replace(answer, body=as_json({**answer.json, "id_token": f"{head}.{body}.{proof[::-1]}"}).body)


def refusing_order(request: Request, answer: Answer) -> Answer:
    return Answer(400) if dict(asked(request)).get("scope", "").startswith("email") else answer


def lenient_consent(_request: Request, answer: Answer) -> Answer:
    return Answer(302, (("Location", f"{EVIL}cb?code=x"),)) if answer.status == 403 else answer


def open_redirect(request: Request, answer: Answer) -> Answer:
    to = dict(asked(request)).get("next", "")
    return Answer(302, (("Location", to),)) if request.method == "GET" and to else answer


def any_password(request: Request, answer: Answer) -> Answer:
    return Answer(302, (("Location", "/"),)) if request.method == "POST" and answer.status == 200 else answer


def cookies_for_scripts(_request: Request, answer: Answer) -> Answer:
    headers = tuple((name, value.replace("HttpOnly; ", "")) for name, value in answer.headers)
    return replace(answer, headers=headers)


def by_host(request: Request, answer: Answer) -> Answer:
    evil = request.headers.get("X-Forwarded-Host", "")
    return replace(answer, body=answer.body.replace(b"localhost:8000", evil.encode())) if evil else answer


def token_of_query(request: Request, send: Send) -> Answer:
    """It reads the token of an address."""
    found = dict(asked(request)).get("access_token", "")
    if not (found and path_of(request).endswith(USERINFO) and request.method == "GET"):
        return send(request)
    return send(replace(request, target=USERINFO, headers={**request.headers, "Authorization": f"Bearer {found}"}))


def breaking(_request: Request, answer: Answer) -> Answer:
    return Answer(500) if 400 <= answer.status < 500 else answer


def pages_without_policy(request: Request, send: Send) -> Answer:
    return without_header(path_of(request), "Content-Security-Policy")(request, send)


def used_again(_request: Request, answer: Answer) -> Answer:
    return Answer(302, (("Location", "https://web.invalid/cb?code=x"),)) if answer.status == 400 else answer


def left(run: Run) -> Fault:
    return doing_nothing("/oauth2/logout", Answer(302, (("Location", f"https://web.{run.scene.host}/left"),)))


LENIENT_TOKEN, LENIENT_USERINFO = granting(TOKEN), granting(USERINFO, {"sub": "x"})
ALLOWING, LEADING_AWAY = allowing(AUTHORIZE), leading_away(AUTHORIZE)
FAULTS: dict[str, Fault] = {
    "oidcc-server": ignoring(AUTHORIZE, "nonce"),
    "oidcc-response-type-missing": adding("response_type", "code"),
    "oidcc-idtoken-signature": answering(TOKEN, broken_signature),
    "oidcc-userinfo-get": telling(USERINFO, sub="another"),
    "oidcc-userinfo-post-header": status(USERINFO, 405, "POST"),
    "oidcc-userinfo-post-body": answering(USERINFO, no_token_in_form),
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": adding("nonce", "made-up"),
    "oidcc-scope-profile": telling(USERINFO, name=None),
    "oidcc-scope-email": telling(USERINFO, email_verified=False),
    "oidcc-scope-address": telling(USERINFO, email="somebody@else.invalid"),
    "oidcc-scope-phone": telling(USERINFO, phone_number=None),
    "oidcc-scope-all": telling(USERINFO, address=None),
    "oidcc-alternate-happy-flow": answering(AUTHORIZE, refusing_order),
    "oidcc-claims-essential": ignoring(AUTHORIZE, "claims"),
    "oidcc-refresh-token": LENIENT_TOKEN,
    "oidcc-display-page": refusing(AUTHORIZE, "display"),
    "oidcc-display-popup": refusing(AUTHORIZE, "display"),
    "oidcc-prompt-login": ignoring(AUTHORIZE, "prompt"),
    "oidcc-prompt-none-not-logged-in": ALLOWING,
    "oidcc-prompt-none-logged-in": taking_for(AUTHORIZE, "prompt", "login"),
    "oidcc-max-age-1": ignoring(AUTHORIZE, "max_age"),
    "oidcc-max-age-10000": taking_for(AUTHORIZE, "max_age", "0"),
    "oidcc-ensure-request-with-unknown-parameter-succeeds": refusing(AUTHORIZE, "extra"),
    "oidcc-id-token-hint": refusing(AUTHORIZE, "id_token_hint"),
    "oidcc-login-hint": refusing(AUTHORIZE, "login_hint"),
    "oidcc-ui-locales": refusing(AUTHORIZE, "ui_locales"),
    "oidcc-claims-locales": refusing(AUTHORIZE, "claims_locales"),
    "oidcc-ensure-request-with-acr-values-succeeds": refusing(AUTHORIZE, "acr_values"),
    "oidcc-codereuse": LENIENT_TOKEN,
    "oidcc-ensure-registered-redirect-uri": LEADING_AWAY,
    "oidcc-ensure-post-request-succeeds": status(AUTHORIZE, 405, "POST"),
    "oidcc-server-client-secret-post": answering(TOKEN, no_secret_in_form),
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": ignoring(AUTHORIZE, "request_uri"),
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": ignoring(AUTHORIZE, "request"),
    "oidcc-ensure-request-object-with-redirect-uri": LEADING_AWAY,
    "oidcc-ensure-request-with-valid-pkce-succeeds": refusing(AUTHORIZE, "code_challenge"),
    "safety-redirect-uri-near-misses": LEADING_AWAY,
    "safety-redirect-uri-before-other-errors": LEADING_AWAY,
    "safety-pkce-s256-only": ignoring(AUTHORIZE, "code_challenge", "code_challenge_method"),
    "safety-pkce-of-public-apps": ALLOWING,
    "safety-pkce-verifier": LENIENT_TOKEN,
    "safety-pkce-downgrade": LENIENT_TOKEN,
    "safety-response-types": ALLOWING,
    "safety-repeated-parameters": reading(AUTHORIZE, each_once),
    "safety-code-of-another-app": LENIENT_TOKEN,
    "safety-code-elsewhere": LENIENT_TOKEN,
    "safety-code-changed": LENIENT_TOKEN,
    "safety-consent-forged": answering("/oauth2/consent", lenient_consent),
    "safety-consent-denied": taking_for("/oauth2/consent", "decision", "allow"),
    "safety-next-stays-here": answering("/accounts/login/", open_redirect),
    "safety-sign-in": answering("/accounts/login/", any_password),
    "safety-cookies": answering("/accounts/login/", cookies_for_scripts),
    "safety-page-headers": pages_without_policy,
    "safety-host-header": answering("/openid-configuration", by_host),
    "safety-post-logout-redirect-uri": doing_nothing("/oauth2/logout", Answer(302, (("Location", EVIL),))),
    "safety-bearer-in-query": token_of_query,
    "safety-token-changed": LENIENT_USERINFO,
    "safety-token-forged": LENIENT_USERINFO,
    "safety-id-token-is-no-access-token": LENIENT_USERINFO,
    "safety-app-for-itself": telling(TOKEN, id_token="x"),
    "safety-refresh-does-not-widen": LENIENT_TOKEN,
    "safety-introspection-of-another-app": telling("/oauth2/introspect", active=True),
    "safety-revocation": doing_nothing("/oauth2/revoke", as_json({})),
    "safety-client-authentication": LENIENT_TOKEN,
    "safety-token-request-in-query": LENIENT_TOKEN,
    "safety-grants": LENIENT_TOKEN,
    "safety-tokens-are-not-kept": without_header(TOKEN, "Cache-Control"),
    "safety-garbage": answering("/oauth2/introspect", breaking),
    "safety-closed-to-others": status("/metrics", 200),
    "safety-client-assertions": LENIENT_TOKEN,
    "safety-pushed-requests": answering(AUTHORIZE, used_again),
    "safety-bound-tokens": LENIENT_USERINFO,
    "oidcc-codereuse-30seconds": LENIENT_TOKEN,
    "safety-refresh-reuse": LENIENT_TOKEN,
    "safety-app-disabled": LENIENT_USERINFO,
    "safety-person-deactivated": LENIENT_USERINFO,
}
OF_DISCOVERY: dict[str, tuple[str, list[str]]] = {
    "oidcc-discovery-endpoint-verification": ("response_types_supported", ["token"]),
    "oidcc-idtoken-unsigned": ("id_token_signing_alg_values_supported", ["RS256", "none"]),
}
OF_THE_RUN = {"safety-sign-out-ends": left}
