"""Attacks on authorization requests, codes, and the pages that people answer: single requests that must be refused."""

from __future__ import annotations

from urllib.parse import urlencode, urljoin, urlsplit

from idp.conformance import Check, Wrong
from idp.conformance.app import seen
from idp.conformance.browser import asks, form_with, parameters
from idp.conformance.expected import each, error_at_app, holds, not_led_away, refused
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


# --- Pages -----------------------------------------------------------------------------------------------------------


def forged_consent(run: Run) -> None:
    """From another site, and in the browser of somebody who was not asked."""
    page = run.web.begin(run.browser, prompt="consent")
    form, address = form_with(page, "decision"), run.browser.at
    allowed = form.filled(decision="allow")
    stranger = run.provider.browser()
    for name, browser, sent in (
        ("without the token of the form", run.browser, [one for one in allowed if one[0] != "csrfmiddlewaretoken"]),
        ("in another browser", stranger, allowed),
    ):
        browser.at = address
        answer = browser.post(urljoin(address, form.action), sent)
        holds("code" not in parameters(answer.location), f"{name}: a code")
        holds(answer.status < 500, f"{name}: {answer.status}")


def denied(run: Run) -> None:
    page = run.web.begin(run.browser, prompt="consent")
    answer = run.browser.submit(page, "decision", decision="deny")
    error_at_app(run.web, answer, "access_denied")


def stays_here(run: Run) -> None:
    browser = run.browser
    for one in (f"https://{EVIL}/", f"//{EVIL}/", f"/\\{EVIL}/", f"{run.provider.origin}@{EVIL}/"):
        answer = browser.get(f"{run.path('/accounts/login/')}?{urlencode({'next': one})}")
        target = urljoin(browser.at, answer.location.replace("\\", "/")) if answer.location else run.provider.issuer
        holds(browser.is_ours(target), "a redirect to another site")


def sign_in(run: Run) -> None:
    browser = run.provider.browser()
    page = browser.led_on(browser.get(run.path("/accounts/login/")))
    wrong = browser.submit(page, "password", login=run.scene.username, password=run.unknown())
    holds(asks(wrong, "password"), f"{wrong.status} for a wrong password")
    before = dict(browser.cookies)
    run.sign_in(browser)
    new = {name for name, value in browser.cookies.items() if before.get(name) != value}
    holds(new, "no new cookie: the session that began before goes on")
    holds(not asks(browser.led_on(browser.get(run.path("/accounts/sessions/"))), "password"), "no session")


def cookies(run: Run) -> None:
    browser = run.new_browser()
    https = run.provider.issuer.startswith("https:")
    for name, flags in browser.flags.items():
        said = {one.strip().partition("=")[0] for one in flags.split(";")}
        lacks = {"httponly", "samesite", *(["secure"] if https else [])} - said
        holds(not lacks, f"a cookie without {', '.join(sorted(lacks))}")
        safe = name.startswith("__Host-" if not run.issuer_path else "__Secure-")
        holds(safe or not https or "ui_locales" in name, "a session cookie whose name other hosts can take")


def headers(run: Run) -> None:
    consent = run.web.begin(run.browser, prompt="consent")
    stranger = run.provider.browser()
    for name, page in (("consent", consent), ("sign-in", stranger.get(run.path("/accounts/login/")))):
        policy = page.header("Content-Security-Policy")
        holds(
            "default-src 'none'" in policy and "unsafe-" not in policy,
            f"{name}: a Content-Security-Policy that lets in",
        )
        holds("frame-ancestors 'none'" in policy, f"{name}: others may frame it")
        holds("no-store" in page.header("Cache-Control"), f"{name}: caches may keep it")
        holds(page.header("X-Content-Type-Options") == "nosniff", f"{name}: no nosniff")
        holds(page.header("Referrer-Policy") in ("no-referrer", "same-origin"), f"{name}: its address is told")
        if run.provider.issuer.startswith("https:"):
            holds("max-age" in page.header("Strict-Transport-Security"), f"{name}: no Strict-Transport-Security")


def host_header(run: Run) -> None:
    url = f"{run.provider.issuer}/.well-known/openid-configuration"
    for one in ({"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "http"}, {"Host": EVIL}):
        answer = run.provider.send("GET", url, one)
        holds(EVIL not in answer.text and EVIL not in answer.location, f"addresses by {next(iter(one))}")
        holds(answer.status < 500, f"{answer.status}")


def post_logout(run: Run) -> None:
    hint = str(run.web.tokens(run.browser).get("id_token"))
    browser = run.new_browser()
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": f"https://{EVIL}/"}
    answer = browser.get(f"{run.provider.url('end_session_endpoint')}?{urlencode(asked)}")
    holds(browser.is_ours(urljoin(browser.at, answer.location)), "a redirect to an address that is not registered")
    holds(answer.status < 500, f"{answer.status}")


def signed_out(run: Run) -> None:
    """What stood on the sign-in is over at once: the session, the token, and a code that was not used."""
    browser = run.new_browser()
    tokens, code, kept = run.web.tokens(browser), run.web.code(browser), dict(browser.cookies)
    asked = {
        "id_token_hint": str(tokens.get("id_token")),
        "post_logout_redirect_uri": f"https://web.{run.scene.host}/left",
    }
    answer = browser.led_on(browser.get(f"{run.provider.url('end_session_endpoint')}?{urlencode(asked)}"))
    if not answer.location:
        raise Wrong(f"no way back to the app ({seen(answer)})")
    browser.cookies = kept
    error_at_app(run.web, run.web.begin(browser, prompt="none"), "login_required")
    holds(run.web.userinfo(str(tokens.get("access_token"))).status == 401, "a token that still opens userinfo")
    refused(run.web.exchange(code), "invalid_grant")


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
    Check(
        "safety-consent-forged",
        f"{BCP}4.7",
        "The consent form without its token, and in another browser; no code.",
        forged_consent,
    ),
    Check(
        "safety-consent-denied", "RFC 6749 section 4.1.2.1", "The person denies; access_denied, and no code.", denied
    ),
    Check(
        "safety-next-stays-here",
        f"{BCP}4.11",
        "Addresses of other sites as next; the sign-in page leads to none of them.",
        stays_here,
    ),
    Check(
        "safety-sign-in",
        "OWASP ASVS 7.2.4",
        "A wrong password, then the right one; refused, then signed in with a new session.",
        sign_in,
    ),
    Check(
        "safety-cookies",
        "RFC 6265bis section 4.1.3",
        "Cookies of a sign-in; HttpOnly, SameSite, and over https Secure with a name that other hosts cannot take.",
        cookies,
    ),
    Check(
        "safety-page-headers",
        "RFC 9700 section 4.16",
        "The consent and sign-in pages; a strict Content-Security-Policy, not framed, not kept by caches.",
        headers,
    ),
    Check(
        "safety-host-header",
        "RFC 9700 section 4.13",
        "Discovery with a Host and X-Forwarded-Host of others; no address follows them.",
        host_header,
    ),
    Check(
        "safety-post-logout-redirect-uri",
        "RP-Initiated Logout 1.0 section 3",
        "A sign-out that leads to an address that is not registered; a page, and no redirect.",
        post_logout,
    ),
    Check(
        "safety-sign-out-ends",
        "Back-Channel Logout 1.0 section 2.7",
        "A sign-out; the session, the token and a code that was not used are over at once.",
        signed_out,
    ),
)
