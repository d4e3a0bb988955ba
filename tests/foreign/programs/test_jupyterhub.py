"""JupyterHub with oauthenticator: signing in, and what becomes of it when its tokens end."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from accounts.models import SignIn
from clients.models import AccessToken, RefreshToken
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


def test_somebody_signs_in_stays_as_long_as_they_have_access_and_signs_out(place: Place, visitor: Visitor) -> None:
    place.register("/hub/oauth_callback")
    proxy = environments.node("jupyterhub_proxy") / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    around = AROUND.format(port=place.port, hub=free_port(), api=free_port(), proxy=proxy)
    place.save("jupyterhub_config.py", place.recipe("jupyterhub_config.py") + around)
    hub = environments.python("jupyterhub").with_name("jupyterhub")
    seal = {"JUPYTERHUB_CRYPT_KEY": "00" * 32}
    with running([hub, "-f", "jupyterhub_config.py"], place.folder, place.port, **seal, **place.environ):
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
