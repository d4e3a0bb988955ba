"""Attacks on the pages that people answer, and on their session: single requests that must be refused."""

from __future__ import annotations

from urllib.parse import urlencode, urljoin

from idp.conformance import Wrong
from idp.conformance.app import seen
from idp.conformance.browser import asks, form_with, parameters
from idp.conformance.check import Check
from idp.conformance.expected import error_at_app, holds, refused
from idp.conformance.run import Run
from idp.conformance.safety_requests import BCP, EVIL


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
