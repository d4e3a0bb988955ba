"""What a client says about itself, and about the sign-ins it wants, has an effect (OpenID Connect Registration 1.0)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from clients import registration
from clients.models import Client
from clients.policy import metadata_of
from projects.actors import Actor
from tests.provider.endpoints.test_acr import enrol
from tests.provider.endpoints.test_prompts import leads_to, sign_in
from tests.world import Browser, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
ROOT = Actor.operator("test")


def say(client_id: str = "web", **said: object) -> None:
    client = Client.objects.get(client_id=client_id)
    registration.change(client, metadata_of(client).changed(said), ROOT)


def test_its_pages_are_links_with_their_hosts() -> None:
    say(
        client_uri="https://web.acme.example/",
        policy_uri="https://web.acme.example/privacy?a=1&b=2",
        tos_uri="https://lawyers.example/terms#here",
    )
    page = Browser("owner").authorize("web").content.decode()
    assert 'href="https://web.acme.example/privacy?a=1&amp;b=2"' in page
    assert 'href="https://lawyers.example/terms#here"' in page
    assert '<bdi class="host">lawyers.example</bdi>' in page
    assert "Not where you go back to" not in page  # an administrator registered it


def test_pages_at_other_hosts_are_marked_when_nobody_vouches_for_the_app() -> None:
    say(client_uri="https://web.acme.example/", policy_uri="https://bank.example/privacy")
    Client.objects.filter(client_id="web").update(registration_source=Client.RegistrationSource.DCR)
    page = Browser("owner").authorize("web").content.decode()
    assert page.count("Not where you go back to") == 1


def test_a_sign_in_older_than_it_likes_is_renewed_unless_the_request_says_otherwise() -> None:
    say("sibling", default_max_age=60)
    person = Browser("owner")
    person.code("sibling", scope="openid")
    with time_machine.travel(timezone.now() + timedelta(seconds=90), tick=True):
        assert "/accounts/reauthenticate" in person.authorize("sibling")["Location"]
        assert redirected(person.authorize("sibling", prompt="none"))["error"] == "login_required"
        assert "code" in redirected(person.authorize("sibling", max_age="3600"))


def test_the_strength_it_prefers_is_asked_for_unless_the_request_says_otherwise() -> None:
    say(default_acr_values=("aal2",))
    person = Browser()
    sign_in(person, "owner", "/")
    assert told(person, "web") == "aal1", "what is only preferred never fails"
    enrol()
    leads_to(person.authorize("web"), "/accounts/two-step/confirm/")
    assert "code" in redirected(person.authorize("web", prompt="none"))
    assert told(person, "web", acr_values="aal1") == "aal1"


def told(person: Browser, client_id: str, **params: str) -> str:
    return str(claims_of(person.tokens(client_id, **params)["id_token"])["acr"])


@pytest.mark.parametrize(("kind", "fits"), [("web", False), ("native", True)])
def test_any_port_of_localhost_fits_for_native_apps(kind: str, fits: bool) -> None:
    say(application_type=kind, redirect_uris=("http://localhost/cb",))
    page = Browser("owner").authorize("web", redirect_uri="http://localhost:51004/cb")
    assert page.status_code == (200 if fits else 400)


def test_opening_an_app_begins_a_sign_in_there_with_our_name() -> None:
    say(initiate_login_uri="https://web.acme.example/login?from=list")
    person = Browser("owner")
    person.code("web")
    page = person.http.get("/accounts/apps/acme/").content.decode()
    assert 'href="https://web.acme.example/login?from=list&amp;iss=http%3A%2F%2Flocalhost%3A8000"' in page
