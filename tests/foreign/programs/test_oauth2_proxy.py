"""oauth2-proxy in front of an application: sign-in, refreshing, bearer tokens, and how it calls our sign-out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from accounts.models import SignIn
from tests.foreign import apache
from tests.foreign.programs import environments
from tests.foreign.programs.bearer import refused
from tests.foreign.programs.recipes import SECRET, Place
from tests.foreign.programs.running import lacks, running
from tests.foreign.programs.visitor import Visitor
from tests.world import BILLING, SECRETS

LACKING = lacks("go")
pytestmark = [
    pytest.mark.foreign,
    pytest.mark.programs,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(LACKING), reason=LACKING),
]
COOKIE_SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
PACKAGE = "github.com/oauth2-proxy/oauth2-proxy/v7"
TWO_SECONDS = 2.1  # it counts the age of a session in whole ones
AT_ONCE = 24  # requests of one page load


@contextmanager
def in_front(place: Place, *arguments: str, refresh: str = "4m", **registered: Any) -> Iterator[str]:
    """Its address; behind it is an application that shows the headers it got."""
    place.register("/oauth2/callback", **registered)
    place.save("wiki.secret", SECRET)
    with apache.application() as behind:
        text = re.sub(r"\b8766\b", str(behind), place.recipe("oauth2-proxy.cfg"))
        assert '"4m"' in text
        place.save("oauth2-proxy.cfg", text.replace('"4m"', f'"{refresh}"'))
        proxy = environments.go("oauth2_proxy", PACKAGE)
        command: list[str | Path] = [proxy, "--config", "oauth2-proxy.cfg", *arguments]
        with running(command, place.folder, place.port, OAUTH2_PROXY_COOKIE_SECRET=COOKIE_SECRET):
            yield place.app


def test_somebody_signs_in_and_their_token_is_refreshed(place: Place, visitor: Visitor) -> None:
    with in_front(place, refresh="1s") as app:
        headers = visitor.sign_in(f"{app}/some/page").json()
        assert visitor.address == f"{app}/some/page"
        assert headers["x-forwarded-email"] == "owner@people.example"
        assert headers["x-forwarded-preferred-username"] == "owner"
        time.sleep(TWO_SECONDS)
        later = visitor.go(f"{app}/some/page").json()
        assert later["x-forwarded-user"] == headers["x-forwarded-user"]
        assert later["x-forwarded-access-token"] != headers["x-forwarded-access-token"]


def test_an_id_token_of_its_client_does_instead_of_a_cookie(place: Place) -> None:
    with in_front(place, redirect_uris=[f"{place.app}/oauth2/callback", f"{place.app}/callback"]) as app:
        tokens = place.tokens("openid profile email")

        def call(token: str) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"}
            return requests.get(f"{app}/page", headers=headers, allow_redirects=False, timeout=30)

        def status(token: str) -> int:
            answer = call(token)
            return 401 if answer.headers.get("Location", "").startswith(place.issuer) else answer.status_code

        assert call(tokens["id_token"]).json()["x-forwarded-email"] == "owner@people.example"
        billing = place.token("web", SECRETS["web"], grant_type="client_credentials", resource=BILLING)
        wrong = {"rubbish": "x", "an access token": tokens["access_token"], "another's": billing["access_token"]}
        assert refused(status, wrong) == {}


def page_load(visitor: Visitor, app: str) -> Callable[[int], bool]:
    """One of many requests a browser sends at once, all with the cookie it had when it began."""
    cookies = visitor.http.cookies.get_dict(domain="127.0.0.1")

    def load(number: int) -> bool:
        answer = requests.get(f"{app}/part/{number}", cookies=cookies, allow_redirects=False, timeout=60)
        return answer.status_code == 200

    return load


@pytest.mark.parametrize("rotate", [False, True], ids=["a refresh token that stays", "a refresh token that is rotated"])
def test_many_requests_at_once_refresh_with_the_same_token(place: Place, visitor: Visitor, rotate: bool) -> None:
    with in_front(place, refresh="1s", rotate_refresh_tokens=rotate) as app:
        visitor.sign_in(f"{app}/")
        time.sleep(TWO_SECONDS)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            pages = list(pool.map(page_load(visitor, app), range(AT_ONCE)))
        assert pages == [True] * AT_ONCE


def test_somebody_signs_out_of_the_proxy_which_tells_the_provider(place: Place, visitor: Visitor) -> None:
    with in_front(place) as app:
        visitor.sign_in(f"{app}/")
        visitor.http.get(f"{app}/oauth2/sign_out", allow_redirects=False, timeout=30)
        assert SignIn.objects.get().ended_at is not None
        visitor.go(f"{app}/")
        assert visitor.asked_to_sign_in()


def test_somebody_signs_out_of_a_proxy_that_tells_nobody_and_goes_on_to_the_provider(
    place: Place, visitor: Visitor
) -> None:
    silent = ("--backend-logout-url=", f"--whitelist-domain={place.issuer.removeprefix('http://')}")
    with in_front(place, *silent) as app:
        visitor.sign_in(f"{app}/")
        visitor.go(f"{app}/oauth2/sign_out?rd={quote(f'{place.issuer}/oauth2/logout', safe='')}")
        assert visitor.address == f"{place.issuer}/oauth2/logout", "asked, for the proxy sends no hint"
        visitor.send()
        assert SignIn.objects.get().ended_at is not None
        visitor.go(f"{app}/")
        assert visitor.asked_to_sign_in()
