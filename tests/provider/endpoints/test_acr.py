"""How strong the sign-in has to be: preferred by `acr_values`, demanded by an essential `acr` in `claims`."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.utils import timezone

from accounts.models import SignIn, User
from tests.provider.endpoints.test_prompts import leads_to, sign_in, silent
from tests.world import App, Browser, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
SECRET = "JBSWY3DPEHPK3PXP"


def essential(*values: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, **({"values": values} if values else {})}}})


@pytest.fixture
def person() -> Browser:
    """The owner, signed in with the password alone, who allowed the app before."""
    browser = Browser()
    sign_in(browser, "owner", "/")
    browser.code("web")
    return browser


def enrol(username: str = "owner") -> None:
    data = {"secret": get_adapter().encrypt(SECRET)}
    user = User.objects.get(username=username)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=data)


def totp() -> str:
    return str(format_hotp_value(hotp_value(SECRET, int(timezone.now().timestamp()) // 30)))


def told(response: Any) -> str:
    """The acr of the ID token this answer leads to."""
    tokens = App("web").exchange(redirected(response)["code"]).json()
    return str(claims_of(tokens["id_token"])["acr"])


def test_tokens_say_how_the_person_signed_in(person: Browser) -> None:
    assert told(person.authorize("web")) == "aal1"
    SignIn.objects.update(acr="aal2")
    assert told(person.authorize("web")) == "aal2"


def test_what_is_preferred_never_fails(person: Browser) -> None:
    for values in ("aal2", "aal2 aal1", "gold", "aal1"):
        assert told(person.authorize("web", acr_values=values)) == "aal1"
        assert told(person.authorize("web", acr_values=values, prompt="none")) == "aal1"


def test_a_stronger_sign_in_is_told_as_what_was_asked_for(person: Browser) -> None:
    SignIn.objects.update(acr="aal2")
    assert told(person.authorize("web", claims=essential("aal1"))) == "aal1", "one of the values (section 5.5.1.1)"
    assert told(person.authorize("web", claims=essential("aal1", "aal2"))) == "aal2"
    assert told(person.authorize("web", acr_values="gold")) == "aal2"


def test_an_essential_acr_that_is_met_changes_nothing(person: Browser) -> None:
    for values in ([], ["aal1"], ["aal2", "aal1"]):
        assert told(person.authorize("web", claims=essential(*values), prompt="none")) == "aal1"


def test_what_nobody_can_meet_is_an_error_and_no_page(person: Browser) -> None:
    for answer in (person.authorize("web", claims=essential("gold")), person.authorize("web", claims=essential(""))):
        assert redirected(answer)["error"] == "unmet_authentication_requirements"


def test_silently_an_essential_acr_is_an_error(person: Browser) -> None:
    assert silent(person, claims=essential("aal2"))["error"] == "unmet_authentication_requirements"


def test_a_consent_form_cannot_jump_over_an_essential_acr(person: Browser) -> None:
    page = person.authorize("web", prompt="consent")
    request = {"claims": essential("aal2")}
    action = page.context["action"] + f"&claims={request['claims']}"
    answer = person.http.post(action, {"decision": "allow", "seen": page.context["seen"]})
    assert "code=" not in answer["Location"]


def test_somebody_without_a_second_factor_is_sent_to_set_one_up_and_cannot_skip_it(person: Browser) -> None:
    for _ in range(2):
        here = leads_to(person.authorize("web", claims=essential("aal2")), "/accounts/two-step/")
        assert leads_to(person.http.get(here), "/accounts/two-step/") == here


@pytest.mark.parametrize("params", [{"claims": essential("aal2")}, {"acr_values": "aal2"}], ids=["essential", "wanted"])
def test_somebody_who_has_one_uses_it_and_goes_on(person: Browser, params: dict[str, str]) -> None:
    enrol()
    here = leads_to(person.authorize("web", **params), "/accounts/two-step/confirm/")
    assert leads_to(person.http.get(here), "/accounts/two-step/confirm/") == here
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        answer = person.http.post("/accounts/two-step/confirm/", {"code": totp(), "next": here})
        assert answer["Location"] == here
        assert told(person.http.get(here)) == "aal2"


def test_who_renews_the_password_alone_is_as_strong_as_a_password(person: Browser) -> None:
    """Until the second step follows: then the sign-in is as fresh as the app wanted it, and as strong."""
    enrol()
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        here = leads_to(person.authorize("web", acr_values="aal2"), "/accounts/two-step/confirm/")
        person.http.post("/accounts/two-step/confirm/", {"code": totp(), "next": here})
        assert told(person.http.get(here)) == "aal2"
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        asked = person.authorize("web", prompt="login", acr_values="aal2")
        here = leads_to(asked, "/accounts/reauthenticate/")
        person.http.post("/accounts/reauthenticate/", {"password": "owner-pw", "next": here})
        assert told(person.authorize("web")) == "aal1"
        assert leads_to(person.http.get(here), "/accounts/two-step/confirm/") == here
        person.http.post("/accounts/two-step/confirm/", {"code": totp(), "next": here})
        assert told(person.http.get(here)) == "aal2"


def test_a_sign_in_that_waits_for_its_second_factor_is_interaction_required() -> None:
    enrol()
    browser = Browser()
    sent_on = sign_in(browser, "owner", "/")
    assert sent_on["Location"] == "/accounts/two-step/sign-in/"
    assert silent(browser)["error"] == "interaction_required"
    assert silent(browser, max_age=0)["error"] == "interaction_required"
    other = Browser("member").tokens("web")["id_token"]
    assert silent(browser, id_token_hint=other)["error"] == "login_required", "somebody else is half-way"
    answer = browser.http.post("/accounts/two-step/sign-in/", {"code": totp()})
    assert answer["Location"] == "/", "asking in the background did not disturb it"
    assert silent(browser)["error"] == "consent_required"


def test_somebody_half_way_whose_password_was_changed_is_nobody() -> None:
    enrol()
    browser = Browser()
    sign_in(browser, "owner", "/")
    owner = User.objects.get(username="owner")
    owner.set_password("another long phrase")
    owner.save()
    assert silent(browser)["error"] == "login_required"


def test_somebody_half_way_who_was_deactivated_is_nobody() -> None:
    enrol()
    browser = Browser()
    sign_in(browser, "owner", "/")
    User.objects.filter(username="owner").update(is_active=False)
    assert silent(browser)["error"] == "login_required"
