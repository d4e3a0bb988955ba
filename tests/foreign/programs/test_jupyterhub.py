"""JupyterHub with oauthenticator: signing in, and what becomes of it when its tokens end."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from accounts import groups
from accounts.models import SignIn, User
from clients.models import AccessToken, RefreshToken
from projects.actors import Actor
from tests.foreign.apache import free_port
from tests.foreign.programs import environments
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.running import lacks, running
from tests.foreign.programs.visitor import Visitor

LACKING = lacks("node", "npm")
pytestmark = [
    pytest.mark.foreign,
    pytest.mark.programs,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(LACKING), reason=LACKING),
]
# Where this hub listens, and that it looks at a sign-in again at once and not after five minutes.
AROUND = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub}"
c.ConfigurableHTTPProxy.command = ["node", "{proxy}"]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.JupyterHub.default_url = "/hub/home"
c.Authenticator.auth_refresh_age = 1
"""


def wait_for(address: str) -> None:
    """The proxy answers before the hub behind it does."""
    for _attempt in range(300):
        if requests.get(address, timeout=30).status_code == 200:
            return
        time.sleep(0.2)
    raise AssertionError(f"{address} does not answer")


def expire_access_tokens() -> None:
    AccessToken.objects.update(expires=timezone.now() - timedelta(minutes=5))


def started(place: Place, *recipes: str) -> AbstractContextManager[object]:
    """The hub with these examples of the page."""
    proxy = environments.node("jupyterhub_proxy") / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    around = AROUND.format(port=place.port, hub=free_port(), api=free_port(), proxy=proxy)
    place.save("jupyterhub_config.py", "\n".join([*map(place.recipe, recipes), around]))
    hub = environments.python("jupyterhub").with_name("jupyterhub")
    seal = {"JUPYTERHUB_CRYPT_KEY": "00" * 32}
    return running([hub, "-f", "jupyterhub_config.py"], place.folder, place.port, **seal, **place.environ)


def test_groups_let_people_in_and_make_administrators(place: Place, visitor: Visitor) -> None:
    place.register("/hub/oauth_callback", scope="openid profile email offline_access groups")
    operator, owner = Actor.operator("test"), User.objects.get(username="owner")
    writers, admins = (groups.make(name, operator) for name in ("wiki-writers", "wiki-admins"))

    def come_in() -> str:
        visitor.go(f"{place.app}/hub/oauth_login?next=/hub/home")
        return str(visitor.allow_if_asked().text)

    with started(place, "jupyterhub_config.py", "jupyterhub_groups.py"):
        wait_for(f"{place.app}/hub/login")
        refused = visitor.sign_in(f"{place.app}/hub/oauth_login?next=/hub/home")
        assert (refused.status_code, visitor.address) != (200, f"{place.app}/hub/home"), "in no group: nobody comes in"

        groups.set_members(writers, [owner], "", operator)
        assert "owner" in come_in()
        assert visitor.address == f"{place.app}/hub/home"
        assert visitor.go(f"{place.app}/hub/admin").status_code == 403

        groups.set_members(admins, [owner], "", operator)
        time.sleep(1.1)
        come_in()
        assert visitor.go(f"{place.app}/hub/admin").status_code == 200, "it looked again, and heard of the group"

        groups.set_members(admins, [], "", operator)
        time.sleep(1.1)
        come_in()
        assert visitor.go(f"{place.app}/hub/admin").status_code == 403


def test_somebody_signs_in_stays_as_long_as_they_have_access_and_signs_out(place: Place, visitor: Visitor) -> None:
    place.register("/hub/oauth_callback")
    with started(place, "jupyterhub_config.py"):
        wait_for(f"{place.app}/hub/login")
        shown = visitor.sign_in(f"{place.app}/hub/oauth_login?next=/hub/home")
        assert visitor.address == f"{place.app}/hub/home"
        assert "owner" in shown.text

        expire_access_tokens()
        before = AccessToken.objects.count()
        time.sleep(1.1)
        assert "owner" in visitor.go(f"{place.app}/hub/home").text
        assert visitor.address == f"{place.app}/hub/home"
        assert AccessToken.objects.count() > before, "the hub used its refresh token"

        expire_access_tokens()
        RefreshToken.objects.all().delete()
        time.sleep(1.1)
        visitor.go(f"{place.app}/hub/home")
        assert visitor.address != f"{place.app}/hub/home", "the hub wants them to sign in again"

        visitor.go(f"{place.app}/hub/oauth_login?next=/hub/home")
        assert "owner" in visitor.allow_if_asked().text
        visitor.go(f"{place.app}/hub/logout")
        assert visitor.address == f"{place.issuer}/oauth2/logout", "asked, for the hub sends no hint"
        visitor.send()
        assert SignIn.objects.get().ended_at is not None
