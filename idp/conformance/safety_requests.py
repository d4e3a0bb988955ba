"""Attacks on authorization requests and codes: single requests that must be refused."""

from __future__ import annotations

from urllib.parse import urlsplit

from idp.conformance.check import Check
from idp.conformance.expected import each, error_at_app, not_led_away, refused
from idp.conformance.forged import changed_bit
from idp.conformance.run import Run

BCP = "RFC 9700 section "
EVIL = "evil.invalid"


def near_misses(run: Run) -> None:
    right = run.web.redirect_uri
    host = urlsplit(right).netloc
    cases = {
        "a path below": f"{right}/below",
        "a slash more": f"{right}/",
        "a query": f"{right}?next=https://{EVIL}",
        "a fragment": f"{right}#at",
        "http": right.replace("https:", "http:"),
        "another port": right.replace(host, f"{host}:8443"),
        "a user name": right.replace(host, f"{host}@{EVIL}"),
        "a longer host": right.replace(host, f"{host}.{EVIL}"),
        "other capitals": right.replace("/cb", "/CB"),
        "a step up": f"{right}/../cb",
    }
    each(cases, lambda uri: not_led_away(run.web.begin(run.browser, redirect_uri=uri)))


def never_led_away(run: Run) -> None:
    wrong = f"https://{EVIL}/cb"
    cases: dict[str, dict[str, str | list[str] | None]] = {
        "another error": {"redirect_uri": wrong, "response_type": "token", "scope": None},
        "sent twice": {"redirect_uri": [run.web.redirect_uri, wrong]},
        "prompt=none": {"redirect_uri": wrong, "prompt": "none"},
    }
    each(cases, lambda params: not_led_away(run.web.begin(run.browser, **params)))


def pkce_plain(run: Run) -> None:
    cases: dict[str, dict[str, str | None]] = {
        "plain": {"code_challenge_method": "plain", "code_challenge": run.web.verifier},
        "no method": {"code_challenge_method": None},
        "a short challenge": {"code_challenge": "short"},
        "a challenge with padding": {"code_challenge": f"{run.web.challenge[:-1]}="},
    }
    each(cases, lambda params: error_at_app(run.web, run.web.begin(run.browser, **params), "invalid_request"))


def pkce_of_public_apps(run: Run) -> None:
    answer = run.public.begin(run.browser, code_challenge=None, code_challenge_method=None)
    error_at_app(run.public, answer, "invalid_request")


def verifier(run: Run) -> None:
    code = run.web.code(run.browser)
    cases = {"none": None, "another": "x" * 43, "a malformed one": "short"}
    each(cases, lambda one: refused(run.web.exchange(code, code_verifier=one), "invalid_grant", "invalid_request"))


def verifier_without_challenge(run: Run) -> None:
    """Somebody stripped the challenge from the request (RFC 9700 section 4.8.2)."""
    code = run.web.code(run.browser, code_challenge=None, code_challenge_method=None)
    refused(run.web.exchange(code), "invalid_grant", "invalid_request")


def response_types(run: Run) -> None:
    cases = ("token", "id_token", "code token", "code id_token", "nonsense")
    each(
        dict(zip(cases, cases, strict=True)),
        lambda one: error_at_app(run.web, run.web.begin(run.browser, response_type=one)),
    )


def repeated(run: Run) -> None:
    error_at_app(run.web, run.web.begin(run.browser, scope=["openid", "email"]), "invalid_request")
    code = run.web.code(run.browser)
    answer = run.web.token(grant_type="authorization_code", code=[code, code], redirect_uri=run.web.redirect_uri)
    refused(answer, "invalid_request")


def code_of_another(run: Run) -> None:
    code = run.web.code(run.browser)
    answer = run.other.exchange(code, redirect_uri=run.web.redirect_uri, code_verifier=run.web.verifier)
    refused(answer, "invalid_grant")


def code_elsewhere(run: Run) -> None:
    code = run.web.code(run.browser)
    cases = {"another": f"https://{EVIL}/cb", "none": None}
    each(cases, lambda uri: refused(run.web.exchange(code, redirect_uri=uri), "invalid_grant", "invalid_request"))


def code_changed(run: Run) -> None:
    code = run.web.code(run.browser)
    cases = {"shorter": code[:-1], "longer": f"{code}A", "changed": changed_bit(code), "unknown": run.unknown()}
    each(cases, lambda one: refused(run.web.exchange(one), "invalid_grant"))


ROWS = (
    Check(
        "safety-redirect-uri-near-misses",
        f"{BCP}2.1",
        "Ten redirect URIs that are nearly the registered one; a page each time, and no redirect.",
        near_misses,
    ),
    Check(
        "safety-redirect-uri-before-other-errors",
        "RFC 6749 section 4.1.2.1",
        "A redirect URI that is not registered, with other errors; a page, and no redirect.",
        never_led_away,
    ),
    Check(
        "safety-pkce-s256-only",
        "RFC 7636 section 4.3",
        "Challenges that are plain, without a method, or malformed; invalid_request.",
        pkce_plain,
    ),
    Check(
        "safety-pkce-of-public-apps",
        f"{BCP}2.1.1",
        "A public app without a challenge; invalid_request.",
        pkce_of_public_apps,
    ),
    Check(
        "safety-pkce-verifier",
        "RFC 7636 section 4.6",
        "A code with no verifier, another one, a malformed one; no tokens.",
        verifier,
    ),
    Check(
        "safety-pkce-downgrade",
        f"{BCP}4.8.2",
        "A verifier for a code whose request had no challenge; no tokens.",
        verifier_without_challenge,
    ),
    Check(
        "safety-response-types",
        f"{BCP}2.1.2",
        "Response types that bring tokens through the browser; an error to the app, and no token.",
        response_types,
    ),
    Check(
        "safety-repeated-parameters",
        "RFC 6749 section 3.1",
        "A parameter sent twice, at the authorization and the token endpoint; invalid_request.",
        repeated,
    ),
    Check(
        "safety-code-of-another-app",
        "RFC 6749 section 4.1.3",
        "A code is exchanged by another app, with its verifier; invalid_grant.",
        code_of_another,
    ),
    Check(
        "safety-code-elsewhere",
        "RFC 6749 section 4.1.3",
        "A code is exchanged with another redirect URI and with none; no tokens.",
        code_elsewhere,
    ),
    Check(
        "safety-code-changed",
        "RFC 6749 section 10.10",
        "A code that is shorter, longer, changed by a character, unknown; invalid_grant.",
        code_changed,
    ),
)
