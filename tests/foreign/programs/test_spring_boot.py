"""Spring Boot: a program in Java that signs people in and out, and is an API at the same time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from accounts.models import SignIn, User
from tests.foreign.programs import environments
from tests.foreign.programs.bearer import refused, right_token, wrong_tokens
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.running import lacks, running
from tests.foreign.programs.sign_out import sign_out_at_the_provider
from tests.foreign.programs.visitor import Visitor
from tests.verifier.documented import EXAMPLES

LACKING = lacks("java", "mvn")
pytestmark = [
    pytest.mark.foreign,
    pytest.mark.programs,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(LACKING), reason=LACKING),
]
LIMITS = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
CALLBACK, BACK_CHANNEL = "/login/oauth2/code/vestibule", "/logout/connect/back-channel/vestibule"


@pytest.fixture
def jar() -> str:
    return str(environments.java("spring_boot", {"src/main/java/wiki/Wiki.java": EXAMPLES["Wiki.java"]}))


@pytest.fixture
def app(place: Place, jar: str) -> Iterator[str]:
    place.save("application.yaml")
    with running(["java", *LIMITS, "-jar", jar], place.folder, place.port, **place.environ):
        yield place.app


def sub() -> str:
    return str(User.objects.get(username="owner").sub)


def register(place: Place) -> None:
    goodbye, told = f"{place.app}/goodbye", f"{place.app}{BACK_CHANNEL}"
    place.register(CALLBACK, post_logout_redirect_uris=[goodbye], backchannel_logout_uri=told)


def test_somebody_signs_in_and_out(place: Place, app: str, visitor: Visitor) -> None:
    register(place)
    assert visitor.sign_in(f"{app}/").text == "owner@people.example"
    visitor.go(f"{app}/logout")
    assert visitor.send().text == "Nobody is signed in."
    assert visitor.address == f"{app}/goodbye", "nobody was asked, and they came back"
    assert SignIn.objects.get().ended_at is not None


def test_who_signs_out_at_the_provider_is_signed_out_here(place: Place, app: str, visitor: Visitor) -> None:
    register(place)
    assert visitor.sign_in(f"{app}/").text == "owner@people.example"
    sign_out_at_the_provider(place, visitor)
    visitor.go(f"{app}/")
    assert visitor.asked_to_sign_in()


def test_an_api_takes_the_tokens_made_for_it(place: Place, app: str) -> None:
    api = place.register_api(token_format="jwt")

    def call(token: str) -> requests.Response:
        return requests.get(api, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    answer = call(right_token(place, api))
    assert (answer.status_code, answer.text) == (200, sub())
    assert refused(lambda token: call(token).status_code, wrong_tokens(place, api)) == {}
    assert call(right_token(place, api, "openid profile")).status_code == 403, "the scope is missing"
