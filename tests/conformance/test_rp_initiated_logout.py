"""RP-Initiated Logout OP, the 11 modules of the OpenID Foundation's plan. Each begins with a whole authorization."""

from __future__ import annotations

import re
import sys
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client as Http

from clients.models import Client
from tests.conformance.modules import unmatched
from tests.world import ISSUER, Browser, Response, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
MODULES = [
    "oidcc-rp-initiated-logout-discovery-endpoint-verification",
    "oidcc-rp-initiated-logout",
    "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri",
    "oidcc-rp-initiated-logout-modified-id-token-hint",
    "oidcc-rp-initiated-logout-no-id-token-hint",
    "oidcc-rp-initiated-logout-no-params",
    "oidcc-rp-initiated-logout-no-post-logout-redirect-uri",
    "oidcc-rp-initiated-logout-no-state",
    "oidcc-rp-initiated-logout-only-state",
    "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri",
    "oidcc-rp-initiated-logout-bad-id-token-hint",
]
OUT = "https://rp.certification.example/post_logout_redirect"


def test_every_module_has_its_test() -> None:
    assert unmatched(MODULES, sys.modules[__name__]) == set()


class Suite:
    """The suite's relying party after a sign-in, and the person's browser."""

    def __init__(self) -> None:
        self.metadata = Http().get("/.well-known/openid-configuration").json()
        self.browser = Browser("owner")
        self.id_token = str(self.browser.tokens("web")["id_token"])

    def end_session(self, **params: Any) -> Response:
        """What the module sends; None leaves a parameter of the usual request out."""
        usual = {"id_token_hint": self.id_token, "post_logout_redirect_uri": OUT, "state": "the-state"}
        sent = {name: value for name, value in {**usual, **params}.items() if value is not None}
        return self.browser.http.get(self.metadata["end_session_endpoint"].removeprefix(ISSUER), sent)

    def confirm(self, page: Response) -> Response:
        """The person at the screen presses the button."""
        action = re.search(r'<form method="post" action="([^"]*)"', page.content.decode())
        assert action
        return self.browser.http.post(action[1].replace("&amp;", "&"))

    @property
    def still_signed_in(self) -> bool:
        """How the suite finds out: an authorization request with prompt=none."""
        answer = redirected(self.browser.authorize("web", prompt="none"))
        assert "code" in answer or answer["error"] == "login_required"
        return "code" in answer


@pytest.fixture
def suite() -> Suite:
    Client.objects.filter(client_id="web").update(post_logout_redirect_uris=OUT)
    return Suite()


def error_screen(response: Response) -> bool:
    shown = response.status_code == 400 and b"cannot be answered" in response.content
    return shown and "Location" not in response


def logged_out_screen(response: Response) -> bool:
    return response.status_code == 200 and b"You are signed out" in response.content


def test_rp_initiated_logout_discovery_endpoint_verification(suite: Suite) -> None:
    """Discovery has an https end_session_endpoint (http here: the tests' issuer is on loopback)."""
    url = urlsplit(suite.metadata["end_session_endpoint"])
    assert suite.metadata["end_session_endpoint"].startswith(f"{ISSUER}/")
    assert (url.path, url.query, url.fragment) == ("/oauth2/logout", "", "")


def test_rp_initiated_logout(suite: Suite) -> None:
    """Back at the RP with its state, and signed out."""
    answer = suite.end_session()
    assert answer["Location"].startswith(f"{OUT}?")
    assert parse_qsl(urlsplit(answer["Location"]).query) == [("state", "the-state")]
    assert not suite.still_signed_in


def test_rp_initiated_logout_bad_post_logout_redirect_uri(suite: Suite) -> None:
    """An address that is not registered: an error screen, never a redirect."""
    assert error_screen(suite.end_session(post_logout_redirect_uri="https://rp.certification.example/other"))
    assert suite.still_signed_in


def test_rp_initiated_logout_modified_id_token_hint(suite: Suite) -> None:
    """A hint whose signature does not hold: an error screen, never a redirect."""
    head, body, signature = suite.id_token.split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert error_screen(suite.end_session(id_token_hint=f"{head}.{body}.{changed}"))
    assert suite.still_signed_in


def test_rp_initiated_logout_no_id_token_hint(suite: Suite) -> None:
    """An address without a hint: an error screen or a question, never a redirect back."""
    assert error_screen(suite.end_session(id_token_hint=None))
    assert suite.still_signed_in


def test_rp_initiated_logout_no_params(suite: Suite) -> None:
    """Nothing at all: the person is asked, and then signed out, with a screen that says so."""
    page = suite.end_session(id_token_hint=None, post_logout_redirect_uri=None, state=None)
    assert page.status_code == 200
    assert logged_out_screen(suite.confirm(page))
    assert not suite.still_signed_in


def test_rp_initiated_logout_no_post_logout_redirect_uri(suite: Suite) -> None:
    """A hint alone: signed out, with a screen that says so."""
    assert logged_out_screen(suite.end_session(post_logout_redirect_uri=None, state=None))
    assert not suite.still_signed_in


def test_rp_initiated_logout_no_state(suite: Suite) -> None:
    """Without state none comes back."""
    assert suite.end_session(state=None)["Location"] == OUT
    assert not suite.still_signed_in


def test_rp_initiated_logout_only_state(suite: Suite) -> None:
    """A state alone: the person is asked, and then signed out, with a screen that says so."""
    page = suite.end_session(id_token_hint=None, post_logout_redirect_uri=None)
    assert logged_out_screen(suite.confirm(page))
    assert not suite.still_signed_in


def test_rp_initiated_logout_query_added_to_post_logout_redirect_uri(suite: Suite) -> None:
    """A registered address with a query it was not registered with: an error screen."""
    assert error_screen(suite.end_session(post_logout_redirect_uri=f"{OUT}?foo=bar"))
    assert suite.still_signed_in


def test_rp_initiated_logout_bad_id_token_hint(suite: Suite) -> None:
    """A hint that is no ID token at all: an error screen."""
    assert error_screen(suite.end_session(id_token_hint="bad"))
    assert suite.still_signed_in
