"""Devices without a browser (RFC 8628): rules V1 to V13 of the protocol, on the wire."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.db import connection
from django.test import Client as Http
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import SignIn, User
from clients.models import Authorization, Client, DeviceGrant, RefreshToken, SecurityEvent
from common import clock
from common.counters import Limit
from projects.models import Consent, Project
from provider import device_guesses
from provider.endpoints import device_authorization
from provider.protocol import device as rules
from provider.store import devices
from tests.provider.devices import BOX, GRANT, LAMP, TV, Device, add_devices, alert, answer, connect, page
from tests.provider.proving import Holder
from tests.world import BILLING, FOREIGN, ISSUER, ORDERS, App, Browser, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clients")]


@pytest.fixture
def clients(world: None) -> None:
    add_devices()


# --- V1: what a device gets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", [TV, BOX])
@pytest.mark.parametrize("path", ["/oauth2/device_authorization", "/openid/device_authorization/"])
def test_v1_a_device_gets_everything_it_may_show(client_id: str, path: str) -> None:
    response = App(client_id).post(path, {"scope": "openid"})
    said = response.json()
    assert response["Cache-Control"] == "no-store"
    assert said.keys() == {
        *("device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval")
    }
    assert (said["expires_in"], said["interval"]) == (600, 5)
    assert said["verification_uri"] == f"{ISSUER}/device"
    assert said["verification_uri_complete"] == f"{ISSUER}/device?user_code={said['user_code']}"
    assert re.fullmatch(r"[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}", said["user_code"])


def test_v1_a_client_proves_itself_as_at_the_token_endpoint() -> None:
    sent = {"scope": "openid"}
    wrong = App(BOX).post("/oauth2/device_authorization", sent, auth="Basic Ym94Ondyb25n")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert "WWW-Authenticate" in wrong
    nothing = App(BOX).post("/oauth2/device_authorization", {**sent, "client_id": BOX}, auth="")
    assert (nothing.status_code, nothing.json()["error"]) == (401, "invalid_client")
    in_query = Http().post(f"/oauth2/device_authorization?{urlencode({'client_id': TV})}")
    assert (in_query.status_code, in_query.json()["error"]) == (400, "invalid_request")
    assert Http().get("/oauth2/device_authorization").status_code == 405
    assert not DeviceGrant.objects.exists()


def test_only_digests_of_the_codes_are_kept() -> None:
    device = Device().begin()
    kept = str(list(DeviceGrant.objects.values()))
    assert device.said["device_code"] not in kept
    assert device.code not in kept
    assert device.code.replace("-", "") not in kept


def test_what_is_kept_of_a_request_holds_no_credentials() -> None:
    App(BOX).post(
        "/oauth2/device_authorization",
        {"client_id": BOX, "client_secret": App(BOX).secret, "scope": "openid", "login_hint": "owner@people.example"},
        auth="",
    )
    assert DeviceGrant.objects.get().asked == "scope=openid"


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"scope": "nothing.registered"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"audience": FOREIGN}, "invalid_target"),
        ({"resource": "nowhere"}, "invalid_target"),
        ({"audience": "stranger"}, "invalid_audience"),
        ({"audience": ["x"] * 3 + [f"urn:{n}" for n in range(20)]}, "invalid_request"),
        ({"scope": ["openid", "email"]}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"prompt": "none"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "urn:x"}, "request_uri_not_supported"),
    ],
)
def test_what_is_asked_for_is_validated_at_once(params: dict[str, Any], error: str) -> None:
    response = Device().request(**params)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert not DeviceGrant.objects.exists()


def test_one_client_has_so_many_devices_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "MAX_WAITING", 2)
    first = Device().begin()
    Device().begin()
    refused = Device().request()
    assert (refused.status_code, refused.json()["error"]) == (429, "temporarily_unavailable")
    assert int(refused["Retry-After"]) > 0
    assert Device(BOX).request().status_code == 200, "another client has places of its own"
    connect(first)
    assert Device().request().status_code == 200


def test_one_network_cannot_take_all_places_of_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_authorization, "PER_NETWORK", Limit("few", 2, 60))
    Device().begin()
    Device().begin()
    assert Device().request().status_code == 429
    elsewhere = App(TV, Http(REMOTE_ADDR="198.51.100.9"))
    assert elsewhere.post("/oauth2/device_authorization", {"scope": "openid"}).status_code == 200


# --- V2 to V6: asking for the tokens --------------------------------------------------------------------------------


def test_v2_the_first_poll_is_never_too_early() -> None:
    assert Device().begin().error() == "authorization_pending"


def test_v3_each_hasty_poll_makes_all_later_ones_wait_five_seconds_more() -> None:
    device = Device().begin()
    device.error()
    assert [device.error() for _again in range(3)] == ["slow_down"] * 3
    assert device.row.interval == 20
    device.wait(15)
    assert device.error() == "slow_down", "fifteen seconds are not twenty"
    assert device.row.interval == 25


def test_v3_one_that_obeys_from_now_on_gets_through() -> None:
    device = Device().begin()
    device.error()
    for _round in range(4):
        assert device.error() == "slow_down"
        device.wait(device.row.interval)
        assert device.error() == "authorization_pending", "it waited as long as it was told"


def test_v3_nobody_waits_longer_than_a_minute() -> None:
    device = Device().begin()
    for _again in range(20):
        device.poll()
    assert device.row.interval == 60
    device.wait(60)
    assert device.error() == "authorization_pending"


def test_v3_a_timer_may_be_a_little_early() -> None:
    device = Device().begin()
    device.error()
    device.wait(4.5)
    assert device.error() == "authorization_pending"


def test_v4_when_it_asked_is_kept_although_the_answer_is_an_error(settings: Any) -> None:
    settings.DATABASES["default"]["ATOMIC_REQUESTS"] = True
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        device = Device().begin()
        device.error()
        assert device.row.polled_at is not None
        assert device.error() == "slow_down"
        assert device.row.interval == 10
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_asking_what_was_decided_writes_nothing(decision: str) -> None:
    """A write for nothing would cost as much as redeeming the code."""
    device = Device().begin(scope="openid email")
    device.poll()
    connect(device, decision=decision)
    before = device.row.polled_at
    assert device.error(scope="orders.read") == ("invalid_scope" if decision == "allow" else "access_denied")
    assert device.row.polled_at == before


def test_v5_after_the_end_it_is_expired_token() -> None:
    device = Device().begin()
    device.poll()
    device.expire()
    assert [device.error(), device.error()] == ["expired_token"] * 2
    allowed = Device().begin()
    connect(allowed)
    allowed.expire()
    assert allowed.error() == "expired_token", "it asked too late"


def test_v6_a_no_stays_a_no() -> None:
    device = Device().begin()
    connect(device, decision="deny")
    assert [device.error(), device.error()] == ["access_denied"] * 2
    device.expire()
    assert device.error() == "access_denied"
    assert alert(page(Browser("owner"), device.code)), "and nobody can say yes any more"
    assert not Authorization.objects.filter(client__client_id=TV).exists()


def test_who_is_hasty_hears_of_the_decision_all_the_same() -> None:
    device = Device().begin()
    device.poll()
    connect(device)
    assert device.tokens()["access_token"]


def test_that_nobody_has_decided_yet_is_no_refusal(caplog: pytest.LogCaptureFixture) -> None:
    device = Device().begin()
    device.poll()
    assert "Refused" not in caplog.text
    device.poll()
    (told,) = [one for one in caplog.records if "Refused" in one.message]
    assert "slow_down" in told.message
    assert told.levelname == "INFO"


@pytest.mark.parametrize("device_code", ["unknown", "é", "x" * 10_000, "a.b.c"])
def test_an_unknown_device_code_is_an_invalid_grant(device_code: str) -> None:
    response = App(TV).token(grant_type=GRANT, device_code=device_code)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_g3_another_clients_device_code_is_an_invalid_grant_and_uses_nothing_up() -> None:
    device = Device().begin()
    connect(device)
    stolen = App(BOX).token(grant_type=GRANT, device_code=device.said["device_code"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert device.row.polled_at is None
    assert device.tokens()["access_token"]


# --- V7: the code people type ---------------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize("written", ["{0}", "{1}", " {0} ", "{2}", "{3}"])
def test_v7_case_dashes_and_spaces_do_not_count(written: str) -> None:
    device = Device().begin()
    whole = device.code.replace("-", "")
    text = written.format(device.code, whole, device.code.lower(), " - ".join(whole))
    assert page(Browser("owner"), text).context["device"].code == device.code


def test_v7_wrong_codes_of_one_network_are_limited(caplog: pytest.LogCaptureFixture) -> None:
    device = Device().begin()
    here = Browser()
    for _guess in range(device_guesses.NETWORK.amount):
        assert page(here, "BBBB-BBBB").status_code == 200
    refused = page(here, device.code)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "300"
    assert "five minutes" in alert(refused)
    assert page(Browser("", Http(REMOTE_ADDR="198.51.100.9")), device.code).status_code == 302, "others go on"
    event = SecurityEvent.objects.get(kind="device.locked_out")
    assert event.detail["limit"] == "device-code-network"
    assert "BBBB" not in str(event.detail) + caplog.text


def test_v7_wrong_codes_of_one_account_are_limited_wherever_they_come_from() -> None:
    device = Device().begin()
    owner = User.objects.get(username="owner")
    for number in range(device_guesses.ACCOUNT.amount):
        http = Http(REMOTE_ADDR=f"198.51.100.{number}")
        http.force_login(owner)
        assert page(Browser("", http), "BBBB-BBBB").status_code == 200
    assert page(Browser("owner"), device.code).status_code == 429
    assert page(Browser("member"), device.code).status_code == 200
    event = SecurityEvent.objects.get(kind="device.locked_out")
    assert (event.detail["limit"], event.sub) == ("device-code-account", str(owner.sub))


def test_v7_wrong_codes_of_all_together_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_guesses, "EVERYBODY", Limit("device-code-everybody", 3, 300))
    for number in range(3):
        page(Browser("", Http(REMOTE_ADDR=f"198.51.100.{number}")), "BBBB-BBBB")
    assert page(Browser("owner", Http(REMOTE_ADDR="203.0.113.1")), Device().begin().code).status_code == 429
    assert SecurityEvent.objects.get(kind="device.locked_out").detail["limit"] == "device-code-everybody"


def test_v7_right_codes_and_what_is_no_code_are_not_counted() -> None:
    here = Browser()
    for _again in range(device_guesses.NETWORK.amount + 1):
        assert "eight letters" in alert(page(here, "B4NANA"))
        assert page(here, Device().begin().code).status_code == 302
    assert not SecurityEvent.objects.filter(kind="device.locked_out").exists()


def test_v7_a_link_makes_no_guesses() -> None:
    for _again in range(device_guesses.NETWORK.amount + 1):
        assert Http().get("/device?user_code=BBBB-BBBB").status_code == 200
    assert Http().get("/device/confirm?found=BBBB-BBBB").status_code == 302
    assert page(Browser("owner"), Device().begin().code).status_code == 200


# --- V8: the page ---------------------------------------------------------------------------------------------------


def test_v8_the_page_shows_all_that_a_person_can_compare() -> None:
    device = Device().begin(scope="openid orders.read", audience=ORDERS)
    shown = page(Browser("owner"), device.code).content.decode()
    near = "the network you are using now"
    for said in ("The tv", "Acme", device.code, "127.0.0.1", near, "Orders", "See your orders"):
        assert said in shown, said
    far = page(Browser("owner", Http(REMOTE_ADDR="203.0.113.7")), device.code).content.decode()
    assert near not in far


def test_v8_a_link_that_carries_the_code_confirms_nothing() -> None:
    device = Device().begin()
    browser = Browser("owner")
    at = urlsplit(device.said["verification_uri_complete"])
    filled_in = browser.http.get(f"{at.path}?{at.query}")
    assert f'value="{device.code}"' in filled_in.content.decode()
    assert device.error() == "authorization_pending"
    assert "Allow" in page(browser, device.code).content.decode()
    device.wait(10)
    assert device.error() == "authorization_pending", "looking at the page is no answer"


def test_v8_forms_of_other_sites_are_refused() -> None:
    device = Device().begin()
    http = Http(enforce_csrf_checks=True)
    http.force_login(User.objects.get(username="owner"))
    assert http.post("/device", {"user_code": device.code}).status_code == 403
    browser = Browser("owner")
    where = browser.http.post("/device", {"user_code": device.code})["Location"]
    shown = browser.http.get(where)
    seen = re.search(r'name="seen" value="([^"]*)"', shown.content.decode())
    assert seen
    assert http.post(where, {"decision": "allow", "seen": seen[1], "scope": "openid"}).status_code == 403
    assert device.error() == "authorization_pending"


def test_v8_it_is_asked_each_time_and_where_nobody_is_asked_elsewhere() -> None:
    for client_id in (TV, BOX, LAMP):
        connect(Device(client_id).begin())
        connect(Device(client_id).begin())
    assert Project.objects.get(key="house").consent_mode == "implicit"


def test_v8_a_seal_of_one_device_says_nothing_of_another() -> None:
    first, second, browser = Device().begin(), Device().begin(), Browser("owner")
    shown = page(browser, first.code)
    seen = re.search(r'name="seen" value="([^"]*)"', shown.content.decode())
    assert seen
    where = browser.http.post("/device", {"user_code": second.code})["Location"]
    again = browser.http.post(where, {"decision": "allow", "seen": seen[1]})
    assert again.status_code == 303
    assert urlsplit(again["Location"]).path == "/device/confirm", "it is shown once more"
    assert second.error() == "authorization_pending"


def test_whoever_is_not_signed_in_signs_in_and_goes_on_without_typing_it_again() -> None:
    device, browser = Device().begin(), Browser()
    response = page(browser, device.code)
    assert urlsplit(response["Location"]).path == "/accounts/login/"
    onward = parse_qs(urlsplit(response["Location"]).query)["next"][0]
    signed_in = browser.http.post("/accounts/login/", {"login": "owner", "password": "owner-pw", "next": onward})
    assert signed_in["Location"] == onward
    assert device.code in browser.http.get(onward).content.decode()


def test_a_wrong_code_says_so_on_the_page_and_keeps_what_was_typed() -> None:
    refused = page(Browser("owner"), "bbbbbbbb")
    assert "No device waits with this code" in alert(refused)
    assert 'value="BBBB-BBBB"' in refused.content.decode()


def test_a_page_that_was_answered_leads_back_to_the_form() -> None:
    device, browser = Device().begin(), Browser("owner")
    shown = page(browser, device.code)
    connect(device)
    late = answer(browser, shown)
    assert late["Location"] == "/device?late=1"
    assert "No device waits" in alert(browser.http.get(late["Location"]))


def test_the_device_of_a_disabled_client_is_not_found() -> None:
    device = Device().begin()
    Client.objects.filter(client_id=TV).update(enabled=False)
    assert "No device waits" in alert(page(Browser("owner"), device.code))


# --- V9: whose it is ------------------------------------------------------------------------------------------------


def test_v9_who_confirms_owns_it_whoever_else_has_opened_it() -> None:
    device, owner, member = Device().begin(scope="openid email"), Browser("owner"), Browser("member")
    of_owner, of_member = page(owner, device.code), page(member, device.code)
    assert answer(member, of_member)["Location"] == "/device/done"
    assert answer(owner, of_owner)["Location"] == "/device?late=1"
    sub = str(User.objects.get(username="member").sub)
    assert claims_of(device.tokens()["id_token"])["sub"] == sub
    assert not Authorization.objects.filter(user__username="owner", client__client_id=TV).exists()
    assert not Consent.objects.filter(user__username="owner").exists(), "nothing of the late answer is kept"


# --- V10: the ceiling -----------------------------------------------------------------------------------------------


def test_v10_what_the_device_asked_for_is_the_ceiling() -> None:
    device = Device().begin(scope="openid orders.read", audience=ORDERS)
    connect(device)
    assert device.error(audience=BILLING) == "invalid_target"
    assert device.error(scope="openid orders.write") == "invalid_scope"
    answered = device.tokens(audience=f"{ORDERS}/7")
    assert answered["scope"] == "openid orders.read"
    told = App("web").introspect(answered["access_token"])
    assert told.status_code == 200
    row = Authorization.objects.get(client__client_id=TV)
    assert (row.scopes, row.audiences) == (["openid", "orders.read"], [ORDERS])


def test_v10_resource_is_kept_and_used_when_nothing_is_named() -> None:
    device = Device().begin(scope="orders.read", resource=ORDERS)
    connect(device)
    answered = device.tokens()
    assert answered["scope"] == "orders.read"
    assert "id_token" not in answered
    assert "refresh_token" in answered, "openid was not asked for"


def test_v10_what_was_unticked_is_not_granted() -> None:
    device = Device().begin(scope="openid email orders.read", audience=ORDERS)
    connect(device, scope=["email"], audience=[])
    answered = device.tokens()
    assert (answered["scope"], answered["audience"]) == ("openid email", [TV])


def test_nothing_ticked_is_a_no() -> None:
    device = Device().begin(scope="email")
    connect(device, scope=[])
    assert device.error() == "access_denied"


# --- V11: redeemed once ---------------------------------------------------------------------------------------------


def test_v11_a_device_code_is_redeemed_once() -> None:
    device = Device().begin()
    connect(device)
    first = device.tokens()
    assert device.error() == "invalid_grant"
    assert App(TV).userinfo(first["access_token"]).status_code == 200, "and the second time ends nothing"


@pytest.mark.parametrize(
    "end",
    [
        lambda: User.objects.filter(username="owner").update(is_active=False),
        lambda: User.objects.filter(username="owner").update(tokens_not_before=clock.now() + timedelta(seconds=1)),
        lambda: Client.objects.filter(client_id=TV).update(tokens_not_before=clock.now() + timedelta(seconds=1)),
        lambda: Project.objects.filter(key="acme").update(tokens_not_before=clock.now() + timedelta(seconds=1)),
        lambda: Project.objects.filter(key="acme").update(status="testing"),
        lambda: Authorization.objects.update(ended_at=clock.now(), ended_because="taken back"),
        lambda: Consent.objects.all().delete(),
    ],
    ids=["person", "tokens of the person", "tokens of the client", "project", "test users", "taken back", "deleted"],
)
def test_v11_g1_what_ended_since_is_looked_at_again(end: Any) -> None:
    device = Device().begin()
    connect(device)
    end()
    assert device.error() == "invalid_grant"
    assert not RefreshToken.objects.exists()


def test_v11_a_client_that_was_disabled_gets_nothing() -> None:
    device = Device().begin()
    connect(device)
    Client.objects.filter(client_id=TV).update(enabled=False)
    assert device.poll().status_code == 401


def test_a_refused_request_uses_nothing_up() -> None:
    device = Device().begin(scope="openid email")
    connect(device)
    assert device.error(scope="orders.read") == "invalid_scope"
    assert device.error(audience="stranger") == "invalid_audience"
    assert device.tokens()["access_token"]


# --- V12: the sign-in -----------------------------------------------------------------------------------------------


def test_v12_the_tokens_tell_of_the_sign_in_that_confirmed() -> None:
    device = Device().begin(scope="openid offline_access")
    browser = connect(device)
    row = SignIn.objects.get(user__username="owner")
    past = clock.now() - timedelta(hours=3)
    SignIn.objects.filter(pk=row.pk).update(auth_time=past)
    said = claims_of(device.tokens()["id_token"])
    assert (said["sid"], said["auth_time"]) == (str(row.sid), int(row.auth_time.timestamp()))
    assert said.get("acr", "") == row.acr
    assert browser.http.session["sign_in"] == str(row.sid)


@pytest.mark.parametrize(("scope", "lives"), [("openid email", False), ("openid email offline_access", True)])
def test_v12_signing_out_ends_what_did_not_ask_for_offline_access(scope: str, lives: bool) -> None:
    """People confirm in a browser that they leave at once, perhaps before the device asks again."""
    before, after = Device().begin(scope=scope), Device().begin(scope=scope)
    browser = connect(before)
    assert answer(browser, page(browser, after.code)).status_code == 303
    tokens = before.tokens()
    browser.http.post("/accounts/logout/")
    assert App(TV).userinfo(tokens["access_token"]).status_code == (200 if lives else 401)
    assert after.poll().status_code == (200 if lives else 400)


def test_v12_an_old_sign_in_is_proved_again_when_the_device_asks_for_it() -> None:
    browser = Browser("owner")
    SignIn.objects.update(auth_time=clock.now() - timedelta(hours=3))
    for params in ({"max_age": "60"}, {"prompt": "login"}):
        response = page(browser, Device().begin(**params).code)
        assert response.status_code == 302
        assert urlsplit(response["Location"]).path == "/accounts/reauthenticate/"


def test_v12_a_second_factor_is_asked_for_as_for_an_app() -> None:
    preferred = Device().begin(acr_values="aal2")
    assert page(Browser("owner"), preferred.code).status_code == 200, "nobody is kept out who has none"
    essential = Device().begin(claims='{"id_token": {"acr": {"essential": true, "values": ["aal2"]}}}')
    assert page(Browser("owner"), essential.code).status_code == 302


# --- V13 and what else belongs to it --------------------------------------------------------------------------------


def test_v13_a_client_without_the_grant_is_unauthorized() -> None:
    for response in (
        App("web").post("/oauth2/device_authorization", {"scope": "openid"}),
        App("web").token(grant_type=GRANT, device_code="x"),
    ):
        assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")
    assert not DeviceGrant.objects.exists()


def test_v13_a_grant_that_was_switched_off_redeems_nothing() -> None:
    device = Device().begin()
    connect(device)
    Client.objects.filter(client_id=TV).update(grant_types=["refresh_token"])
    assert device.error() == "unauthorized_client"


def test_g8_the_endpoint_is_blind_for_cookies() -> None:
    http = Http(enforce_csrf_checks=True)
    http.force_login(User.objects.get(username="owner"))
    device = Device()
    response = App(TV, http).post("/oauth2/device_authorization", {"scope": "openid"})
    assert response.status_code == 200
    device.said = response.json()
    assert device.error() == "authorization_pending"


def test_a_device_gets_a_refresh_token_and_an_id_token_for_a_sibling() -> None:
    device = Device(BOX).begin(scope="openid email offline_access")
    connect(device)
    answered = device.tokens(audience="sibling")
    said = claims_of(answered["id_token"])
    assert (said["aud"], said["azp"]) == ("sibling", BOX)
    assert "sid" not in said
    renewed = App(BOX).refresh(answered["refresh_token"])
    assert renewed.status_code == 200
    public = Device().begin()
    connect(public)
    assert public.error(audience="sibling") == "invalid_audience", "a public client needs leave for it"


def test_what_a_confidential_device_was_allowed_counts_for_its_project_and_a_public_ones_does_not() -> None:
    asked = {"scope": "openid email orders.read", "audience": ORDERS}
    connect(Device(TV).begin(**asked))
    assert Consent.objects.get(user__username="owner").scopes == []
    connect(Device(BOX).begin(**asked))
    row = Consent.objects.get(user__username="owner")
    assert (sorted(row.scopes), row.audiences) == (["email", "openid", "orders.read"], [ORDERS])
    assert Browser("owner").authorize("web", **asked).status_code == 302, "it is not asked again"
    shown = page(Browser("owner"), Device(TV).begin(**asked).code).content.decode()
    assert "Already allowed" not in shown, "and a public device always asks for all of it"


def test_nothing_that_was_granted_before_comes_along() -> None:
    Browser("owner").code("web", scope="openid email orders.read", audience=ORDERS)
    device = Device(BOX).begin(scope="openid", include_granted_scopes="true")
    connect(device)
    assert device.tokens()["scope"] == "openid"


def test_only_test_users_connect_the_devices_of_a_project_that_is_being_tested() -> None:
    Project.objects.filter(key="acme").update(status="testing")
    device = Device().begin()
    refused = page(Browser("outsider"), device.code)
    assert refused.status_code == 400
    assert "not one of its test users" in refused.content.decode()
    assert "/accounts/switch/" in refused.content.decode()
    assert device.error() == "authorization_pending", "another account may still be one"


def test_whoever_the_app_does_not_let_in_connects_no_device_of_it() -> None:
    device, in_time = Device().begin(), Device().begin()
    connect(in_time)
    Client.objects.filter(client_id=TV).update(sign_in="groups")
    refused = page(Browser("outsider"), device.code)
    assert refused.status_code == 403
    assert "You have no access to" in refused.content.decode()
    assert "/accounts/switch/" in refused.content.decode()
    assert device.error() == "authorization_pending", "another account may be let in"
    assert in_time.error() == "invalid_grant", "whoever allowed it is let in no longer"


def test_what_was_decided_is_on_record_without_the_code() -> None:
    first, second = Device().begin(), Device().begin()
    connect(first)
    connect(second, decision="deny")
    rows = list(SecurityEvent.objects.filter(kind__startswith="device.").order_by("at").values())
    assert [row["kind"] for row in rows] == ["device.allowed", "device.denied"]
    sub = str(User.objects.get(username="owner").sub)
    assert {(row["client_id"], row["sub"], row["detail"]["network"]) for row in rows} == {(TV, sub, "127.0.0.1")}
    assert first.code not in str(rows)


def test_what_the_device_asks_for_is_checked_again_when_it_is_confirmed() -> None:
    device, browser = Device().begin(scope="openid email"), Browser("owner")
    shown = page(browser, device.code)
    Client.objects.filter(client_id=TV).update(scope="openid")
    again = answer(browser, shown)
    assert again["Location"] == "/device/done"
    assert device.tokens()["scope"] == "openid"


def test_discovery_says_where_devices_begin() -> None:
    said = Http().get("/.well-known/openid-configuration").json()
    assert said["device_authorization_endpoint"] == f"{ISSUER}/oauth2/device_authorization"
    assert GRANT in said["grant_types_supported"]
    assert rules.GRANT_TYPE == GRANT


# --- Whatever is sent ----------------------------------------------------------------------------------------------

anything = st.text(max_size=200)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from([*rules.KEPT, "client_id", "request", "user_code"]), anything, max_size=4))
def test_g9_whatever_a_device_asks_for_is_answered(params: dict[str, str]) -> None:
    response = App(TV).post("/oauth2/device_authorization", params, **{"auth": ""} if "client_id" in params else {})
    assert response.status_code in (200, 400, 401, 429)
    assert response.json()


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anything)
@example("a.b.c")
@example("\0")
def test_g9_whatever_is_a_device_code_is_answered(text: str) -> None:
    response = App(TV).token(grant_type=GRANT, device_code=text)
    assert response.status_code == 400
    assert response.json()["error"] in ("invalid_grant", "invalid_request")


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anything)
@example("\0")
@example("BCDF-GHJK")
@example("\u0130" * 8)
def test_g9_whatever_is_typed_or_linked_is_answered(text: str) -> None:
    browser = Browser()
    assert browser.http.post("/device", {"user_code": text}).status_code in (200, 400, 429)
    assert browser.http.get("/device", {"user_code": text}).status_code in (200, 400)
    assert browser.http.get("/device/confirm", {"found": text}).status_code in (302, 400)


# --- Bound to a key ------------------------------------------------------------------------------------------------


def test_d7_g4_the_tokens_of_a_device_are_bound_to_its_key() -> None:
    holder, device = Holder(), Device().begin(scope="openid email offline_access")
    connect(device)
    Client.objects.filter(client_id=TV).update(dpop_bound_access_tokens=True)
    assert device.poll().status_code == 400, "a client that has to prove it gets none without"
    form = {"grant_type": GRANT, "device_code": device.said["device_code"]}
    answered = App(TV).post("/oauth2/token", form, HTTP_DPOP=holder.proof())
    assert (answered.status_code, answered.json()["token_type"]) == (200, "DPoP"), "and nothing was used up by that"
    assert App(TV).userinfo(answered.json()["access_token"]).status_code == 401
