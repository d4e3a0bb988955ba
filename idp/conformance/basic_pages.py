"""The Foundation's modules for a basic provider: who is asked, what is shown, and hints that change nothing."""

from __future__ import annotations

from idp.conformance.app import seen
from idp.conformance.basic_flow import CORE
from idp.conformance.browser import asks
from idp.conformance.check import Check
from idp.conformance.expected import error_at_app, holds, in_use, not_led_away, refused
from idp.conformance.forged import unsigned_request
from idp.conformance.http import Object
from idp.conformance.run import Run

PAR = "Every request is pushed here (require_pushed_authorization_requests)."


def auth_time(run: Run, tokens: Object) -> int:
    found = run.provider.signed(str(tokens.get("id_token"))).get("auth_time")
    holds(isinstance(found, int), "an ID token without auth_time")
    return found if isinstance(found, int) else 0


def display_page(run: Run) -> None:
    run.web.tokens(run.browser, display="page")


def display_popup(run: Run) -> None:
    run.web.tokens(run.browser, display="popup")


def _proved_again(run: Run, **params: str) -> None:
    """A second flow in which the password has to be given once more."""
    browser = run.new_browser()
    first = auth_time(run, run.web.tokens(browser))
    run.wait_for_next_second()
    if "max_age" in params:
        run.wait_for_next_second()
    page = run.web.begin(browser, **params)
    holds(page.status == 200 and asks(page, "password"), f"no page that asks for the password ({seen(page)})")
    found = run.web.back(browser, run.prove_again(browser, page))
    answer = run.web.exchange(found.get("code", ""))
    holds(answer.status == 200, seen(answer))
    run.web.id_token(answer.json, nonce=run.web.nonce)
    holds(auth_time(run, answer.json) > first, "an auth_time that is not later")


def prompt_login(run: Run) -> None:
    _proved_again(run, prompt="login")


def max_age_1(run: Run) -> None:
    _proved_again(run, max_age="1")


def not_logged_in(run: Run) -> None:
    browser = run.provider.browser()
    error_at_app(run.web, run.web.begin(browser, prompt="none"), "login_required", "interaction_required")


def logged_in(run: Run) -> None:
    first = run.web.tokens(run.browser)
    second = run.web.tokens(run.browser, prompt="none")
    holds(auth_time(run, first) == auth_time(run, second), "another auth_time")


def max_age_10000(run: Run) -> None:
    first = run.web.tokens(run.browser)
    holds(auth_time(run, first) == auth_time(run, run.web.tokens(run.browser, max_age="10000")), "another auth_time")


def unknown_parameter(run: Run) -> None:
    run.web.tokens(run.browser, extra="foobar")


def id_token_hint(run: Run) -> None:
    hint = str(run.web.tokens(run.browser).get("id_token"))
    run.web.tokens(run.browser, prompt="none", id_token_hint=hint)


def login_hint(run: Run) -> None:
    run.web.tokens(run.browser, login_hint="somebody@else.invalid")


def ui_locales(run: Run) -> None:
    run.web.tokens(run.browser, ui_locales="se")


def claims_locales(run: Run) -> None:
    run.web.tokens(run.browser, claims_locales="se")


def acr_values(run: Run) -> None:
    run.web.tokens(run.browser, acr_values="1 2")


def post_request(run: Run) -> None:
    in_use(run.provider.metadata.get("require_pushed_authorization_requests") is not True, PAR)
    browser = run.browser
    answer = browser.post(run.provider.url("authorization_endpoint"), run.web.request())
    found = run.web.back(browser, browser.led_on(answer))
    holds("code" in found, "no code")


def request_uri(run: Run) -> None:
    holds(run.provider.metadata.get("request_uri_parameter_supported") is False, "discovery says it is supported")
    in_use(run.provider.metadata.get("require_pushed_authorization_requests") is not True, PAR)
    answer = run.web.begin(run.browser, request_uri=f"https://web.{run.scene.host}/request.jwt")
    error_at_app(run.web, answer, "request_uri_not_supported", "invalid_request_uri", "invalid_request")


def request_object(run: Run) -> None:
    holds(not run.provider.supports("request_object_signing_alg_values_supported", "none"), "none is offered")
    answer = run.web.begin(run.browser, request=unsigned_request(run.web, nonce="another", state="another"))
    error_at_app(run.web, answer, "request_not_supported", "invalid_request_object", "invalid_request")


def request_object_with_redirect_uri(run: Run) -> None:
    """A registered address inside does not rescue one outside that is not."""
    wrong = f"https://web.{run.scene.host}/not-registered"
    inside = unsigned_request(run.web, redirect_uri=run.web.redirect_uri)
    answer = run.web.begin(run.browser, redirect_uri=wrong, request=inside)
    not_led_away(answer)


def registered_redirect_uri(run: Run) -> None:
    not_led_away(run.web.begin(run.browser, redirect_uri=f"https://web.{run.scene.host}/not-registered"))


def secret_post(run: Run) -> None:
    app = run.app("form", by_form=True)
    app.tokens(run.browser)


def pkce(run: Run) -> None:
    run.web.tokens(run.browser)


def codereuse(run: Run) -> None:
    code = run.web.code(run.browser)
    first = run.web.exchange(code)
    holds(first.status == 200, f"the first time: {seen(first)}")
    refused(run.web.exchange(code), "invalid_grant")


ROWS = (
    Check("oidcc-display-page", f"{CORE}3.1.2.1", "A request with display=page; it succeeds.", display_page),
    Check("oidcc-display-popup", f"{CORE}3.1.2.1", "A request with display=popup; it succeeds.", display_popup),
    Check(
        "oidcc-prompt-login",
        f"{CORE}3.1.2.1",
        "Somebody signed in comes with prompt=login; the password is asked once more, and auth_time is later.",
        prompt_login,
    ),
    Check(
        "oidcc-prompt-none-not-logged-in",
        f"{CORE}3.1.2.6",
        "A browser in which nobody is signed in comes with prompt=none; the app gets login_required.",
        not_logged_in,
    ),
    Check(
        "oidcc-prompt-none-logged-in",
        f"{CORE}3.1.2.1",
        "Somebody signed in comes with prompt=none; no page is shown, and auth_time stays.",
        logged_in,
    ),
    Check(
        "oidcc-max-age-1",
        f"{CORE}3.1.2.1",
        "Somebody who signed in longer ago comes with max_age=1; the password is asked once more.",
        max_age_1,
    ),
    Check(
        "oidcc-max-age-10000", f"{CORE}3.1.2.1", "Somebody signed in comes with max_age=10000; no page.", max_age_10000
    ),
    Check(
        "oidcc-ensure-request-with-unknown-parameter-succeeds",
        f"{CORE}3.1.2.1",
        "A request with a parameter that nobody knows; it succeeds.",
        unknown_parameter,
    ),
    Check("oidcc-id-token-hint", f"{CORE}3.1.2.1", "An ID token as id_token_hint; it succeeds.", id_token_hint),
    Check("oidcc-login-hint", f"{CORE}3.1.2.1", "A login_hint of somebody else; it succeeds.", login_hint),
    Check("oidcc-ui-locales", f"{CORE}3.1.2.1", "A language in ui_locales that is not there; it succeeds.", ui_locales),
    Check(
        "oidcc-claims-locales",
        f"{CORE}5.2",
        "A language in claims_locales that is not there; it succeeds.",
        claims_locales,
    ),
    Check(
        "oidcc-ensure-request-with-acr-values-succeeds",
        f"{CORE}3.1.2.1",
        "Levels in acr_values that are not there; it succeeds.",
        acr_values,
    ),
    Check("oidcc-codereuse", "RFC 6749 section 4.1.2", "A code is exchanged twice; invalid_grant then.", codereuse),
    Check(
        "oidcc-ensure-registered-redirect-uri",
        "RFC 6749 section 3.1.2.4",
        "A redirect URI that is not registered; a page, and no redirect.",
        registered_redirect_uri,
    ),
    Check("oidcc-ensure-post-request-succeeds", f"{CORE}3.1.2.1", "The request by POST; it succeeds.", post_request),
    Check(
        "oidcc-server-client-secret-post",
        "RFC 6749 section 2.3.1",
        "A flow of an app that sends its secret in the form; it succeeds.",
        secret_post,
    ),
    Check(
        "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
        f"{CORE}6.2",
        "A request_uri of the app's own site; refused by name, and not fetched.",
        request_uri,
    ),
    Check(
        "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
        f"{CORE}6.1",
        "A request object that nobody signed; refused by name.",
        request_object,
    ),
    Check(
        "oidcc-ensure-request-object-with-redirect-uri",
        f"{CORE}6.1",
        "A registered redirect URI in a request object, another one outside; a page, and no redirect.",
        request_object_with_redirect_uri,
    ),
    Check(
        "oidcc-ensure-request-with-valid-pkce-succeeds",
        "RFC 7636 section 4",
        "A flow with S256; it succeeds.",
        pkce,
    ),
)
