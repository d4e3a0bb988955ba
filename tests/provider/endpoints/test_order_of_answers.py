"""The ten steps of an authorization request (protocol section 12): of two that apply, the lower number answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import SignIn
from tests.world import BILLING, ISSUER, Browser, Response, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
STRONG = json.dumps({"id_token": {"acr": {"essential": True, "values": ["aal2"]}}})


@dataclass(frozen=True)
class Step:
    """What makes it apply, and its answer: the error where asking is forbidden, and the page where it is not."""

    number: int
    error: str = ""
    says: str = ""
    page: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    signed_in: bool = True
    old: bool = False

    def __str__(self) -> str:
        return f"step {self.number}"


STEPS = [
    Step(1, params={"redirect_uri": "https://evil.example/cb"}),
    Step(2, "invalid_scope", "nonsense", params={"scope": "nonsense"}),
    Step(3, "invalid_request", "must stand alone", params={"prompt": "none login"}),
    Step(4, "invalid_request", "id_token_hint", params={"id_token_hint": "rubbish"}),
    Step(5, "login_required", page="/accounts/login/", signed_in=False),
    Step(6, "login_required", page="/accounts/switch/", params={"id_token_hint": "of the member"}),
    Step(7, "login_required", page="/accounts/reauthenticate/", params={"max_age": 10}, old=True),
    Step(8, "unmet_authentication_requirements", page="/accounts/two-step/", params={"claims": STRONG}),
    Step(9, "consent_required", page="the consent page", params={"audience": BILLING}),
]
PAIRS = [(first, second) for index, first in enumerate(STEPS) for second in STEPS[index:]]


def ask(first: Step, second: Step, **base: Any) -> Response:
    """A request to which both steps apply, of somebody who allowed `openid` before."""
    browser = Browser("owner")
    browser.code("web")
    SignIn.objects.update(acr="aal1")
    if not (first.signed_in and second.signed_in):
        browser = Browser()
    if first.old or second.old:
        SignIn.objects.update(auth_time=timezone.now() - timedelta(days=1))
    params = {**base, **second.params, **first.params}
    if params.get("id_token_hint") == "of the member":
        params["id_token_hint"] = Browser("member").tokens("web")["id_token"]
    return browser.authorize("web", **params)


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=str)
def test_with_prompt_none_the_lower_number_is_the_error(first: Step, second: Step) -> None:
    response = ask(first, second, prompt="none")
    if first.number == 1:
        assert (response.status_code, "Location" in response) == (400, False)
        return
    answer = redirected(response)
    assert (answer["error"], answer["state"], answer["iss"]) == (first.error, "the-state", ISSUER)
    assert first.says in answer["error_description"]


@pytest.mark.parametrize(("first", "second"), [pair for pair in PAIRS if pair[0].number >= 5], ids=str)
def test_without_it_the_lower_number_is_the_page(first: Step, second: Step) -> None:
    response = ask(first, second)
    if first.number == 9:
        assert b'name="decision"' in response.content
    else:
        assert response["Location"].partition("?")[0] == first.page


def test_where_no_step_applies_there_is_a_code() -> None:
    browser = Browser("owner")
    browser.code("web")
    for params in ({}, {"prompt": "none"}):
        answer = redirected(browser.authorize("web", **params))
        assert set(answer) == {"code", "state", "iss"}
