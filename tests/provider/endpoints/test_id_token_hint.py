"""`id_token_hint` names the person the app expects. It proves nothing, and signs nobody in."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from clients.models import SigningKey
from clients.models.keys import KeyState
from projects.actors import Actor
from provider.keys import keyring, registration
from tests.provider.endpoints.forging import forgeries, near_misses, resigned
from tests.world import App, Browser, header_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.fixture
def person() -> Browser:
    return Browser("owner")


@pytest.fixture
def id_token(person: Browser) -> str:
    return str(person.tokens("web")["id_token"])


def answer(person: Browser, hint: str, client_id: str = "web") -> str:
    """`code`, or the error, of a silent request."""
    got = redirected(person.authorize(client_id, prompt="none", id_token_hint=hint))
    return "code" if "code" in got else got["error"]


def test_the_right_persons_hint_is_fine(person: Browser, id_token: str) -> None:
    assert answer(person, id_token) == "code"
    assert redirected(person.authorize("web", id_token_hint=id_token))["code"]


def test_somebody_elses_hint_is_login_required(person: Browser) -> None:
    person.code("web")
    other = Browser("member").tokens("web")["id_token"]
    assert answer(person, other) == "login_required"


def test_interactively_the_other_person_has_to_sign_in(person: Browser) -> None:
    person.code("web")
    other = Browser("member").tokens("web")["id_token"]
    sent_to = person.authorize("web", id_token_hint=other)
    assert sent_to["Location"].startswith("/accounts/switch/?next=")
    here = sent_to.wsgi_request.get_full_path()
    person.http.post("/accounts/switch/", {"next": here})
    person.http.force_login(User.objects.get(username="member"))
    assert redirected(person.http.get(here))["code"]


def test_a_hint_signs_nobody_in(id_token: str) -> None:
    assert answer(Browser(), id_token) == "login_required"


def test_a_siblings_token_is_a_hint_for_its_project_only(person: Browser, id_token: str) -> None:
    person.code("sibling")
    assert answer(person, id_token, "sibling") == "code"
    assert answer(person, id_token, "stranger") == "invalid_request"
    assert answer(person, id_token, "desk") == "invalid_request"


def test_a_cross_client_token_is_a_hint_for_both(person: Browser) -> None:
    refresh_token = person.tokens("web", scope="openid email offline_access")["refresh_token"]
    token = App("web").refresh(refresh_token, audience="sibling").json()["id_token"]
    person.code("sibling")
    assert (answer(person, token, "web"), answer(person, token, "sibling")) == ("code", "code")


def test_an_expired_hint_is_good_for_thirty_days(person: Browser, id_token: str) -> None:
    recently = resigned(id_token, exp=int(time.time()) - 29 * 86_400)
    long_ago = resigned(id_token, exp=int(time.time()) - 31 * 86_400)
    assert (answer(person, recently), answer(person, long_ago)) == ("code", "invalid_request")


def test_a_retired_key_still_vouches(person: Browser, id_token: str) -> None:
    active = SigningKey.objects.get(algorithm="RS256", state=KeyState.ACTIVE)
    keyring.activate(SigningKey.objects.get(algorithm="RS256", state=KeyState.NEXT))
    active.refresh_from_db()
    assert active.state == KeyState.RETIRED
    assert answer(person, id_token) == "code"


def test_a_key_retired_for_a_month_still_vouches_for_an_expired_hint_and_then_no_more(
    person: Browser, id_token: str
) -> None:
    expired = resigned(id_token, exp=int(time.time()) - 29 * 86_400)
    signer = SigningKey.objects.filter(kid=header_of(expired)["kid"])
    keyring.activate(SigningKey.objects.get(algorithm="RS256", state=KeyState.NEXT))
    signer.update(believed_until=timezone.now() - timedelta(days=29))
    assert answer(person, expired) == "code"
    signer.update(believed_until=timezone.now() - timedelta(days=32))
    assert answer(person, expired) == "invalid_request", "the key may have been stolen since"


def test_a_revoked_key_vouches_for_nothing_not_even_an_expired_hint(person: Browser, id_token: str) -> None:
    expired = resigned(id_token, exp=int(time.time()) - 1)
    assert (answer(person, id_token), answer(person, expired)) == ("code", "code")
    registration.revoke(header_of(expired)["kid"], Actor.operator("test"))
    assert (answer(person, id_token), answer(person, expired)) == ("invalid_request", "invalid_request")


def test_forged_hints_are_refused(person: Browser, id_token: str) -> None:
    for name, forged in {**forgeries(id_token), **near_misses(id_token)}.items():
        assert answer(person, forged) == "invalid_request", name


def test_what_we_signed_for_other_purposes_is_no_hint(person: Browser, id_token: str) -> None:
    for wrong in (
        resigned(id_token, typ="at+jwt"),
        resigned(id_token, typ="logout+jwt"),
        resigned(id_token, iss="https://other.example"),
        resigned(id_token, without="iss"),
        resigned(id_token, aud="nobody", azp="nobody"),
        resigned(id_token, aud="stranger", azp="stranger"),
    ):
        assert answer(person, wrong) == "invalid_request"


def test_an_absurdly_long_hint_is_refused_before_it_is_parsed(person: Browser) -> None:
    assert answer(person, "x" * 8193) == "invalid_request"


def test_a_hint_does_not_replace_a_fresh_sign_in(person: Browser, id_token: str) -> None:
    with time_machine.travel(timezone.now() + timedelta(seconds=60)):
        sent_to = person.authorize("web", id_token_hint=id_token, max_age=10)
        assert sent_to["Location"].startswith("/accounts/reauthenticate/")
