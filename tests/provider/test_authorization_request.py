"""An authorization request is read once, decided on facts, and decided again only when these have changed."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import RequestFactory

from clients.models import AudienceEntry, Client
from provider.authorization_request import ErrorResponse, NotRedirectable, confirm, received, validate
from provider.protocol import AT_AUTHORIZATION, runner
from provider.protocol.request import Choice, Params
from tests.world import CHALLENGE, ISSUER, ORDERS, WEB_CB

REQUEST = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": WEB_CB,
    "scope": "openid email",
    "state": "the-state",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def sent(**changes: Any) -> Params:
    return Params([(name, value) for name, value in {**REQUEST, **changes}.items() if value is not None])


# --- Received ------------------------------------------------------------------------------------------------------


def test_a_request_is_the_same_in_the_uri_and_in_the_body() -> None:
    query, browsers = urlencode(REQUEST), RequestFactory()
    posted = browsers.post("/oauth2/authorize", query, content_type="application/x-www-form-urlencoded")
    assert received(posted, in_body=True).pairs == received(browsers.get(f"/oauth2/authorize?{query}")).pairs


def test_the_body_of_an_answer_adds_nothing_to_the_request_in_its_uri() -> None:
    answer = RequestFactory().post(f"/oauth2/consent?{urlencode(REQUEST)}", {"scope": "orders.write", "state": "x"})
    assert received(answer).pairs == sent().pairs


# --- Validated -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_id": None}, "client_id is missing."),
        ({"client_id": "nobody"}, "The client is unknown or disabled."),
        ({"client_id": "retired"}, "The client is unknown or disabled."),
        ({"redirect_uri": "https://evil.example/cb"}, "redirect_uri is not registered for this client."),
        ({"redirect_uri": ""}, "redirect_uri is missing."),
        ({"redirect_uri": None}, "redirect_uri is missing."),
    ],
)
def test_the_page_for_administrators_says_what_leads_nowhere(world: None, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(NotRedirectable, match=said):
        validate(sent(**changes))


@pytest.mark.django_db
def test_a_redirect_uri_that_was_left_out_is_not_asked_for_at_the_token_endpoint(world: None) -> None:
    named = validate(sent(scope="email")).channel
    default = validate(sent(scope="email", redirect_uri=None)).channel
    assert (named.redirect_uri, named.named) == (WEB_CB, True)
    assert (default.redirect_uri, default.named) == (WEB_CB, False)


# --- Confirmed -----------------------------------------------------------------------------------------------------


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the steps that run from now on."""
    ran: list[str] = []
    run = runner.run
    monkeypatch.setattr("provider.authorization_request.run", lambda steps, request: run(steps, request, ran))
    return ran


@pytest.mark.django_db
def test_what_was_decided_is_not_decided_again_while_the_facts_are_the_same(world: None, steps: list[str]) -> None:
    decided = validate(sent(audience=ORDERS))
    assert confirm(decided) is decided
    assert steps == [runner.name(step) for step in AT_AUTHORIZATION]


@pytest.mark.django_db
def test_a_client_that_changed_meanwhile_is_decided_anew_within_what_the_person_chose(world: None) -> None:
    decided = validate(sent())
    decided.choice = Choice(("openid",), ())
    AudienceEntry.objects.filter(client__client_id="web", value=ORDERS).update(default=True)
    confirmed = confirm(decided)
    assert confirmed.implied_audiences == (ORDERS,)
    assert (confirmed.ceiling.scopes, confirmed.ceiling.audiences) == (("openid",), ())


@pytest.mark.django_db
def test_what_is_not_allowed_any_more_is_told_to_the_client(world: None) -> None:
    decided = validate(sent())
    Client.objects.filter(client_id="web").update(scope="phone")
    with pytest.raises(ErrorResponse) as refused:
        confirm(decided)
    answer = dict(parse_qsl(urlsplit(refused.value.delivery().address).query))
    assert (answer["error"], answer["state"], answer["iss"]) == ("invalid_scope", "the-state", ISSUER)
