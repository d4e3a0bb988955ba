"""mozilla-django-oidc: signing in, signing out here and there, and what it does when its session grows old."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from accounts.models import SignIn
from tests.foreign.programs import environments
from tests.foreign.programs.django_site import site
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.visitor import Visitor

pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.django_db(transaction=True)]
URLS = 'path("oidc/", include("mozilla_django_oidc.urls"))'
RENEWED_AFTER_A_SECOND = """
MIDDLEWARE += ["mozilla_django_oidc.middleware.SessionRefresh"]
OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS = 1
"""


@pytest.fixture
def more() -> str:
    return ""


@pytest.fixture
def after_logout() -> list[str]:
    """Paths of the app that the client registered for people who signed out."""
    return ["/"]


@pytest.fixture
def app(place: Place, more: str, after_logout: list[str]) -> Iterator[str]:
    python = environments.python("mozilla_django_oidc")
    uris = [f"{place.app}{path}" for path in after_logout]
    place.register("/oidc/callback/", post_logout_redirect_uris=uris)
    place.save("sign_out.py")
    with site(python, place, place.recipe("mozilla_django_oidc.py") + more, URLS):
        yield place.app


def test_somebody_signs_in_and_out(app: str, visitor: Visitor) -> None:
    shown = visitor.sign_in(f"{app}/oidc/authenticate/?next=/").json()
    assert shown == {"username": "owner", "email": "owner@people.example", "name": ""}
    visitor.go(f"{app}/button?to=/oidc/logout/")
    assert visitor.send().json()["username"] == ""
    assert visitor.address == f"{app}/", "nobody was asked, and they came back"
    assert SignIn.objects.get().ended_at is not None
    visitor.go(f"{app}/oidc/authenticate/")
    assert visitor.asked_to_sign_in()


@pytest.mark.parametrize("after_logout", [[]], ids=["nowhere"])
def test_somebody_signs_out_though_the_app_did_not_register_where_they_come_back(app: str, visitor: Visitor) -> None:
    visitor.sign_in(f"{app}/oidc/authenticate/?next=/")
    visitor.go(f"{app}/button?to=/oidc/logout/")
    visitor.send()
    assert "/oauth2/logout" in visitor.address
    visitor.send()
    assert SignIn.objects.get().ended_at is not None


@pytest.mark.parametrize("more", [RENEWED_AFTER_A_SECOND], ids=["SessionRefresh"])
def test_an_old_session_is_renewed_in_the_background(app: str, visitor: Visitor) -> None:
    visitor.sign_in(f"{app}/oidc/authenticate/?next=/")
    time.sleep(1.1)
    shown = visitor.go(f"{app}/")
    assert shown.history, "to the provider, to the callback, and back"
    assert shown.json()["username"] == "owner"
