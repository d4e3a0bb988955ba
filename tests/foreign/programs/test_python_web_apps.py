"""Flask-OIDC and FastAPI with Authlib in Chromium, on the host name of the provider, as on a developer's machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from accounts.models import SignIn, User
from tests.foreign.programs import environments
from tests.foreign.programs.chromium import prove_and_allow, shown
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.running import running
from tests.world import SECRETS

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.browser,
    pytest.mark.programs,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def place(issuer: str, tmp_path: Path) -> Place:
    return Place(issuer, tmp_path, host="localhost")


@contextmanager
def serving(place: Place, name: str, command: list[str | Path]) -> Iterator[None]:
    place.save(name)
    with running(command, place.folder, place.port, COOKIE_SECRET="of-this-app", **place.environ):
        yield


def test_flask_oidc_signs_somebody_in_and_guards_an_api(page: Page, place: Place) -> None:
    place.register("/authorize", require_pkce=False)
    python = environments.python("flask_oidc")
    command: list[str | Path] = [python, "-m", "flask", "--app", "flask_app", "run", "--port", str(place.port)]
    with serving(place, "flask_app.py", command):
        page.goto(place.app)
        prove_and_allow(page)
        person = shown(page)
        sub = str(User.objects.get(username="owner").sub)
        assert page.url == f"{place.app}/"
        assert (person["sub"], person["email"]) == (sub, "owner@people.example")

        def api(token: str) -> requests.Response:
            return requests.get(f"{place.app}/api", headers={"Authorization": f"Bearer {token}"}, timeout=30)

        assert api(person["token"]).json() == {"sub": sub}
        assert api("x").status_code == 401
        form = {"grant_type": "client_credentials"}
        stranger = ("stranger", SECRETS["stranger"])
        foreign = requests.post(f"{place.issuer}/oauth2/token", form, auth=stranger, timeout=30).json()
        assert api(foreign["access_token"]).status_code == 401, "it may not see tokens of other projects"


def test_fastapi_with_authlib_signs_somebody_in_and_out(page: Page, place: Place) -> None:
    place.register("/callback", post_logout_redirect_uris=[f"{place.app}/"])
    python = environments.python("fastapi_authlib")
    command: list[str | Path] = [
        python,
        "-m",
        "uvicorn",
        "fastapi_app:app",
        "--host",
        place.host,
        "--port",
        str(place.port),
    ]
    with serving(place, "fastapi_app.py", command):
        page.goto(place.app)
        prove_and_allow(page)
        person = shown(page)
        assert page.url == f"{place.app}/"
        assert person == {"sub": str(User.objects.get(username="owner").sub), "email": "owner@people.example"}
        page.goto(f"{place.app}/logout")
        expect(page.get_by_label("Password")).to_be_visible()
        assert SignIn.objects.get().ended_at is not None, "nobody was asked, and the app sends them to sign in again"
