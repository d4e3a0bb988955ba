"""A project's own consent page: a challenge to it, its answer by the HTTP API, and the browser that goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import SignIn, User
from clients.models import Authorization, Client, ConsentRequest
from projects.models import Consent, Project
from provider.protocol.errors import InvalidRequest
from tests.idp.api.caller import Api, machine, path
from tests.provider.devices import Device, add_devices, page
from tests.world import BILLING, ORDERS, App, Browser, Response, redirected

pytestmark = pytest.mark.django_db
PAGE = "https://consent.acme.example/ask?from=us"
ASKED: dict[str, Any] = {"scope": "openid email orders.read", "audience": ORDERS}


@pytest.fixture(autouse=True)
def asks_elsewhere(world: None) -> None:
    Project.objects.filter(key="acme").update(consent_uri=PAGE)


@pytest.fixture
def api(world: None) -> Api:
    return machine()


def challenge_of(response: Response) -> str:
    url = urlsplit(response["Location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://consent.acme.example/ask"
    assert parse_qs(url.query)["from"] == ["us"]
    return parse_qs(url.query)["consent_challenge"][0]


def asked(browser: Browser, client_id: str = "web", **params: Any) -> str:
    return challenge_of(browser.authorize(client_id, **(ASKED | params)))


def go_on(browser: Browser, answer: Response) -> Response:
    assert answer.status_code == 200, answer.content
    url = urlsplit(answer.json()["redirect_to"])
    return browser.http.get(f"{url.path}?{url.query}")


def accept(api: Api, challenge: str, **body: Any) -> Response:
    grant = {"grant_scope": ["openid", "email", "orders.read"], "grant_access_token_audience": [ORDERS]}
    return api.post(f"/api/v1/consent-requests/{challenge}/accept", grant | body)


def test_the_page_reads_what_is_asked_and_the_app_gets_what_it_allowed(api: Api) -> None:
    browser = Browser("owner")
    challenge = asked(browser)
    said = api.get(f"/api/v1/consent-requests/{challenge}").json()
    assert said["client"] == {"client_id": "web", "client_name": Client.objects.get(client_id="web").name}
    assert said["subject"] == User.objects.get(username="owner").sub
    assert said["requested_scope"] == ["openid", "email", "orders.read"]
    assert said["requested_access_token_audience"] == [ORDERS]
    assert (said["granted_scope"], said["answered"]) == ([], False)
    answer = redirected(go_on(browser, accept(api, challenge, grant_scope=["openid", "orders.read"])))
    assert answer["state"] == "the-state"
    tokens = App("web").exchange(answer["code"]).json()
    assert tokens["scope"] == "openid orders.read"
    assert App("web").introspect(tokens["access_token"]).json()["aud"] == ORDERS


def test_what_was_allowed_there_is_remembered_and_shown_as_allowed_before(api: Api) -> None:
    browser = Browser("owner")
    redirected(go_on(browser, accept(api, asked(browser))))
    assert "code" in redirected(browser.authorize("web", **ASKED)), "nothing is missing"
    more = api.get(f"/api/v1/consent-requests/{asked(browser, scope='openid profile')}").json()
    assert more["granted_scope"] == ["openid", "email", "orders.read"]


def test_a_part_of_an_audience_may_be_allowed(api: Api) -> None:
    browser = Browser("owner")
    answer = go_on(browser, accept(api, asked(browser), grant_access_token_audience=[f"{ORDERS}/7"]))
    tokens = App("web").exchange(redirected(answer)["code"]).json()
    assert App("web").introspect(tokens["access_token"]).json()["aud"] == f"{ORDERS}/7"
    assert tokens["audience"] == [f"{ORDERS}/7"], "it is not what was asked"
    assert Consent.objects.get().audiences == [f"{ORDERS}/7"]


def test_a_rejection_reaches_the_app(api: Api) -> None:
    browser = Browser("owner")
    answer = api.post(f"/api/v1/consent-requests/{asked(browser)}/reject", {"error_description": "Not of age."})
    told = redirected(go_on(browser, answer))
    assert (told["error"], told["error_description"]) == ("access_denied", "Not of age.")
    assert not Authorization.objects.exists()


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"grant_scope": ["openid", "orders.write"]}, "/grant_scope/1"),
        ({"grant_scope": ["openid", "profile"]}, "/grant_scope/1"),
        ({"grant_access_token_audience": [BILLING]}, "/grant_access_token_audience/0"),
        ({"grant_access_token_audience": [f"{ORDERS}x"]}, "/grant_access_token_audience/0"),
        ({"grant_access_token_audience": ["https://api.acme.example"]}, "/grant_access_token_audience/0"),
        ({"grant_access_token_audience": ["http://[::1"]}, "/grant_access_token_audience/0"),
        ({"grant_scope": ["email"]}, "/grant_scope"),
        ({"grant_scope": "openid"}, "/grant_scope"),
        ({"grant_scopes": ["openid"]}, "/grant_scopes"),
    ],
)
def test_never_more_than_was_asked(api: Api, body: dict[str, Any], place: str) -> None:
    challenge = asked(Browser("owner"))
    response = accept(api, challenge, **body)
    assert response.status_code in (400, 422), response.content
    assert place in {one["pointer"] for one in response.json()["errors"]}
    assert ConsentRequest.objects.get().answer is None, "the page may correct itself"


def test_the_first_answer_counts(api: Api) -> None:
    challenge = asked(Browser("owner"))
    assert accept(api, challenge).status_code == 200
    assert accept(api, challenge).status_code == 409
    assert api.post(f"/api/v1/consent-requests/{challenge}/reject", {}).status_code == 409
    assert api.get(f"/api/v1/consent-requests/{challenge}").json()["answered"] is True


def test_the_answer_is_used_once(api: Api) -> None:
    browser = Browser("owner")
    answer = accept(api, asked(browser))
    assert "code" in redirected(go_on(browser, answer))
    assert go_on(browser, answer).status_code == 400


def test_the_answer_is_for_the_browser_that_began(api: Api) -> None:
    browser = Browser("owner")
    answer = accept(api, asked(browser))
    for other in (Browser("owner"), Browser("member"), Browser()):
        assert go_on(other, answer).status_code == 400
    assert "code" in redirected(go_on(browser, answer)), "and others do not use it up"


def test_ten_minutes_later_it_is_gone(api: Api) -> None:
    browser = Browser("owner")
    challenge = asked(browser)
    answer = accept(api, challenge)
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1)):
        assert go_on(browser, answer).status_code == 400


def test_a_challenge_of_another_project_is_as_good_as_none(api: Api) -> None:
    stranger = machine("elsewhere", administers=("other",))
    challenge = asked(Browser("owner"))
    one, none = stranger.get(f"/api/v1/consent-requests/{challenge}"), stranger.get("/api/v1/consent-requests/none")
    assert (one.status_code, one.content) == (none.status_code, none.content)
    assert one.status_code == 404
    assert accept(stranger, challenge).status_code == 404
    assert api.get(f"/api/v1/consent-requests/{challenge}").status_code == 200


def test_what_changed_meanwhile_is_asked_anew(api: Api) -> None:
    """The page answered another question than the one that is open now."""
    browser = Browser("owner")
    answer = accept(api, asked(browser))
    Consent.objects.create(
        user=User.objects.get(username="owner"), project=Project.objects.get(key="acme"), scopes=["email"]
    )
    response = go_on(browser, answer)
    assert response.status_code == 303
    assert urlsplit(response["Location"]).path == "/oauth2/authorize"
    assert not Authorization.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda: Client.objects.filter(client_id="web").update(scope="openid email"),
        lambda: Client.objects.filter(client_id="web").update(enabled=False),
        lambda: SignIn.objects.update(ended_at=timezone.now()),
        lambda: Project.objects.filter(key="acme").update(status="testing"),
        lambda: Project.objects.filter(key="acme").update(consent_uri=""),
    ],
    ids=["a scope", "the app", "the sign-in", "test users", "our page again"],
)
def test_an_answer_brings_nothing_that_is_over(api: Api, change: Any) -> None:
    browser = Browser("owner")
    answer = accept(api, asked(browser))
    change()
    response = go_on(browser, answer)
    assert "code=" not in response.get("Location", "")
    assert not Authorization.objects.exists()


def test_silent_requests_are_not_sent_there() -> None:
    told = redirected(Browser("owner").authorize("web", prompt="none", **ASKED))
    assert told["error"] == "consent_required"


def test_devices_and_apps_that_registered_themselves_are_asked_about_by_us() -> None:
    add_devices()
    device = Device().begin()
    assert b'name="decision"' in page(Browser("owner"), device.code).content
    Client.objects.filter(client_id="web").update(registration_source="dcr")
    assert b'name="decision"' in Browser("owner").authorize("web", **ASKED).content


def test_a_person_has_so_many_that_wait_and_the_oldest_makes_room(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is locked out by links that were opened and never answered."""
    monkeypatch.setattr("provider.consent_requests.MAX_PER_PERSON", 2)
    browser, other = Browser("owner"), Browser("member")
    others = asked(other)
    first, second, third = (asked(browser) for _number in range(3))
    found = [api.get(path("consent-requests", one)).status_code for one in (first, second, third, others)]
    assert found == [404, 200, 200, 200]


def test_neither_the_challenge_nor_the_request_can_be_read_in_the_table(api: Api) -> None:
    challenge = asked(Browser("owner"), state="told-to-nobody")
    accept(api, challenge)
    kept = str(ConsentRequest.objects.values().get())
    assert challenge not in kept
    assert "told-to-nobody" not in kept


def test_a_request_that_cannot_be_read_any_more_gets_a_page(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser("owner")
    answer = accept(api, asked(browser))

    def unreadable(*_arguments: object) -> None:
        raise InvalidRequest("It cannot be read.")

    monkeypatch.setattr("provider.endpoints.consent_answer.resumed", unreadable)
    assert go_on(browser, answer).status_code == 400


def test_a_database_that_is_away_gets_a_page_that_tries_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser("owner")
    answer = accept(api, asked(browser))

    def away(*_arguments: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("provider.consent_requests.taken", away)
    assert go_on(browser, answer).status_code == 503


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(verifier=st.text(max_size=80), challenge=st.text(max_size=80))
def test_g9_whatever_is_sent_is_answered(world: None, verifier: str, challenge: str) -> None:
    assert Browser("owner").http.get("/oauth2/consent/answer", {"consent_verifier": verifier}).status_code == 400
