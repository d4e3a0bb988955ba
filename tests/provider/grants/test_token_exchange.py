"""Token exchange on the wire (RFC 8693): what comes out, what it hangs from, and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User
from clients.models import AccessToken, Authorization, Client, SecurityEvent
from idp.configuration import apply
from projects.models import Api, Consent, Project
from provider import access
from provider.keys import mint
from provider.protocol.exchange import ACCESS_TOKEN, ID_TOKEN, JWT, REFRESH_TOKEN
from provider.protocol.facts import TOKEN_EXCHANGE
from provider.store import authorizations
from tests.provider.proving import Holder
from tests.sweep import meeting
from tests.world import BILLING, ORDERS, SECRETS, App, Browser, Response, claims_of, header_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("apis_that_call_each_other")]

LEDGER = "https://api.house.example/ledger"
APIS = f"""
version: 1
projects:
  - id: acme
    apis:
      - {{identifier: {BILLING}, name: Billing, scopes: {{billing.read: See your bills}}}}
    clients:
      - client_id: web
        grant_types: [authorization_code, refresh_token, client_credentials, "{TOKEN_EXCHANGE}"]
        scope: openid profile email address phone offline_access orders.read orders.write billing.read
      - client_id: orders-api
        client_name: Orders API
        client_secret: orders-api-secret
        grant_types: ["{TOKEN_EXCHANGE}"]
        scope: openid email orders.read billing.read
        audience: [{BILLING}, {ORDERS}]
        acts_for: [{ORDERS}]
      - client_id: billing-api
        client_name: Billing API
        client_secret: billing-api-secret
        grant_types: ["{TOKEN_EXCHANGE}"]
        scope: orders.read
        audience: [{ORDERS}]
        acts_for: [{BILLING}]
  - id: house
    apis: [{{identifier: {LEDGER}, name: Ledger, scopes: {{ledger.read: See the ledger}}}}]
    clients:
      - client_id: clerk
        client_name: Clerk
        client_secret: clerk-secret
        grant_types: ["{TOKEN_EXCHANGE}"]
        scope: openid ledger.read
        audience: [{LEDGER}]
        acts_for: [{ORDERS}]
"""
SCOPE = "openid email offline_access orders.read billing.read"
WEB, ORDERS_API, BILLING_API, CLERK = map(App, ("web", "orders-api", "billing-api", "clerk"))


@pytest.fixture
def apis_that_call_each_other(world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(APIS)
    for name in ("orders-api", "billing-api", "clerk"):
        monkeypatch.setitem(SECRETS, name, f"{name}-secret")


def exchange(app: App, subject: str, kind: str = ACCESS_TOKEN, /, **params: Any) -> Response:
    return app.token(grant_type=TOKEN_EXCHANGE, subject_token=subject, subject_token_type=kind, **params)


def exchanged(app: App, subject: str, kind: str = ACCESS_TOKEN, /, **params: Any) -> str:
    response = exchange(app, subject, kind, **params)
    assert response.status_code == 200, response.content
    return str(response.json()["access_token"])


def refused(response: Response) -> str:
    assert response.status_code == 400, response.content
    return str(response.json()["error"])


def signed_in(**params: Any) -> dict[str, Any]:
    """The owner signs in to the app and allows both APIs; its token is for the orders alone."""
    browser = Browser("owner")
    code = browser.code("web", scope=SCOPE, resource=[ORDERS, BILLING], **params)
    answer: dict[str, Any] = WEB.exchange(code, resource=ORDERS).json()
    assert claims_of(answer["id_token"])["aud"] == "web"
    return answer


def sub() -> str:
    return str(User.objects.get(username="owner").sub)


def jwts(*identifiers: str) -> None:
    Api.objects.filter(identifier__in=identifiers).update(token_format="jwt")


# --- X4: mint, exchange, verify, per token format -----------------------------------------------------------------


@pytest.mark.parametrize("result", ["opaque", "jwt"])
@pytest.mark.parametrize("subject", ["opaque", "jwt"])
def test_x4_a_token_that_is_passed_on_works_at_the_next_api(subject: str, result: str) -> None:
    jwts(*[api for api, kind in ((ORDERS, subject), (BILLING, result)) if kind == "jwt"])
    tokens = signed_in()
    assert (tokens["access_token"].count(".") == 2) == (subject == "jwt")
    answer = exchange(ORDERS_API, tokens["access_token"], audience=BILLING, scope="billing.read openid").json()
    text = answer.pop("access_token")
    lives = answer.pop("expires_in")
    assert lives <= (300 if result == "jwt" else 3600)
    assert answer == {"token_type": "Bearer", "scope": "billing.read openid", "issued_token_type": ACCESS_TOKEN}
    seen = BILLING_API.introspect(text).json()
    assert seen["active"] is True
    assert (seen["sub"], seen["client_id"], seen["aud"], seen["scope"], seen["act"]) == (
        *(sub(), "orders-api", BILLING, "billing.read openid", {"sub": "orders-api"}),
    )
    assert seen["auth_time"] == claims_of(tokens["id_token"])["auth_time"]
    info = WEB.post("/oauth2/tokeninfo", {"access_token": text}, auth="").json()
    assert (info["aud"], info["azp"], info["access_type"]) == (BILLING, "orders-api", "online")
    assert ORDERS_API.userinfo(text).json() == {"sub": sub()}
    if result == "jwt":
        claims = claims_of(text)
        assert header_of(text)["typ"] == "at+jwt"
        assert (claims["client_id"], claims["sub"], claims["act"]) == ("orders-api", sub(), {"sub": "orders-api"})


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_x4_a_clients_own_token_becomes_a_narrower_one(kind: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=kind)
    token = signed_in()["access_token"]
    narrow = exchange(WEB, token, JWT if kind == "jwt" else ACCESS_TOKEN, resource=f"{ORDERS}/7", scope="orders.read")
    assert narrow.json()["scope"] == "orders.read"
    seen = WEB.introspect(narrow.json()["access_token"]).json()
    assert (seen["aud"], seen["scope"], seen["client_id"]) == (f"{ORDERS}/7", "orders.read", "web")
    assert "act" not in seen
    assert WEB.introspect(token).json()["scope"] == "openid email offline_access orders.read", "it goes on as it was"


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_x4_a_token_of_the_client_itself_becomes_a_narrower_one(kind: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=kind)
    token = WEB.token(grant_type="client_credentials", audience=ORDERS).json()["access_token"]
    narrow = exchange(WEB, token, audience=f"{ORDERS}/7", scope="orders.read").json()
    seen = WEB.introspect(narrow["access_token"]).json()
    assert (seen["aud"], seen["scope"], seen["sub"]) == (f"{ORDERS}/7", "orders.read", "web")
    assert refused(exchange(WEB, token, audience=BILLING)) == "invalid_target"
    assert refused(exchange(WEB, token, audience="sibling", requested_token_type=ID_TOKEN)) == "invalid_target"


def test_x4_a_refresh_token_becomes_a_narrower_access_token_and_is_not_used_up() -> None:
    tokens = signed_in()
    narrow = exchange(WEB, tokens["refresh_token"], REFRESH_TOKEN, audience=BILLING, scope="billing.read").json()
    assert "refresh_token" not in narrow
    assert WEB.introspect(narrow["access_token"]).json()["aud"] == BILLING
    assert WEB.refresh(tokens["refresh_token"]).status_code == 200


# --- X7: the answer -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ACCESS_TOKEN, REFRESH_TOKEN])
def test_x7_an_id_token_for_a_sibling_stands_in_the_place_of_an_access_token(kind: str) -> None:
    tokens = signed_in()
    subject = tokens["access_token" if kind == ACCESS_TOKEN else "refresh_token"]
    kept = AccessToken.objects.count()
    answer = exchange(WEB, subject, kind, audience="sibling", requested_token_type=ID_TOKEN).json()
    claims = claims_of(answer["access_token"])
    assert (answer["token_type"], answer["issued_token_type"]) == ("N_A", ID_TOKEN)
    assert answer.keys() == {"access_token", "token_type", "issued_token_type", "expires_in", "scope"}
    assert answer["expires_in"] == claims["exp"] - claims["iat"] <= 600
    assert (claims["aud"], claims["azp"], claims["sub"]) == ("sibling", "web", sub())
    assert not {"nonce", "sid", "c_hash", "at_hash"} & claims.keys()
    assert AccessToken.objects.count() == kept
    kinds = ["token.cross_client", "token.exchanged"]
    assert sorted(SecurityEvent.objects.filter(kind__in=kinds).values_list("kind", flat=True)) == kinds
    shown = WEB.post("/oauth2/tokeninfo", {"id_token": answer["access_token"]}, auth="").json()
    assert shown["aud"] == "sibling"


def test_x7_an_audience_that_dropped_out_is_told() -> None:
    browser = Browser("owner")
    token = WEB.exchange(browser.code("web", scope="openid", resource=[ORDERS, BILLING])).json()["access_token"]
    Client.objects.get(client_id="web").audience_entries.filter(value=BILLING).delete()
    assert exchange(WEB, token).json()["audience"] == [ORDERS]


def test_every_exchange_is_on_record_with_both_clients() -> None:
    exchanged(ORDERS_API, signed_in()["access_token"], audience=BILLING)
    event = SecurityEvent.objects.get(kind="token.exchanged")
    assert (event.client_id, event.target_client_id, event.sub) == ("orders-api", "web", sub())
    assert event.detail == {"audience": [BILLING]}


# --- X2, X11: what is no subject token ----------------------------------------------------------------------------


def test_x2_whatever_is_wrong_with_a_subject_token_sounds_alike() -> None:
    tokens = signed_in()
    theirs = Browser("owner").tokens("desk")["access_token"]
    revoked = Browser("member").tokens("web")["access_token"]
    WEB.post("/oauth2/revoke", {"token": revoked})
    unusable = ["x", "", "a.b.c", revoked, theirs, tokens["id_token"], tokens["refresh_token"], "x" * 20_000, "\ud7ff"]
    answers = {exchange(WEB, one).content for one in unusable if one}
    answers |= {exchange(WEB, one, REFRESH_TOKEN).content for one in ("x", tokens["access_token"], theirs)}
    answers |= {
        exchange(WEB, tokens["access_token"], JWT).content,
        exchange(BILLING_API, tokens["access_token"]).content,
    }
    answers |= {exchange(ORDERS_API, tokens["refresh_token"], REFRESH_TOKEN).content}
    assert len(answers) == 1
    assert b'"error":"invalid_request"' in answers.pop()


@pytest.mark.parametrize("missing", ["subject_token", "subject_token_type"])
def test_x1_both_are_needed(missing: str) -> None:
    sent = {"subject_token": "x", "subject_token_type": ACCESS_TOKEN, "grant_type": TOKEN_EXCHANGE}
    answer = WEB.token(**{**sent, missing: None}).json()
    assert answer == {"error": "invalid_request", "error_description": f"{missing} is missing."}


def test_x2_who_has_not_registered_it_is_told() -> None:
    assert refused(exchange(App("service"), "x")) == "unauthorized_client"
    assert refused(exchange(App("spa"), "x")) == "unauthorized_client"


def test_x10_no_door_gives_it_to_a_public_client() -> None:
    client = Client.objects.get(client_id="spa")
    client.grant_types.append(TOKEN_EXCHANGE)
    with pytest.raises(Exception, match="cannot exchange tokens"):
        client.save()


def test_x11_the_type_of_a_token_is_looked_at_and_not_believed() -> None:
    jwts(ORDERS)
    claims = claims_of(signed_in()["access_token"])
    for typ in ("JWT", "logout+jwt", "oauth-id-jag+jwt", "dpop+jwt", "client-authentication+jwt"):
        for kind in (ACCESS_TOKEN, JWT, REFRESH_TOKEN):
            assert refused(exchange(WEB, mint.sign(claims, "ES256", typ), kind)) == "invalid_request"
    assert exchanged(WEB, mint.sign(claims, "ES256", "at+jwt"))


@pytest.mark.parametrize(
    "changed",
    [
        *({"act": "web"}, {"act": {}}, {"act": {"sub": "nobody"}}, {"act": {"sub": "retired"}}),
        *({"may_act": {"sub": "another"}}, {"may_act": "x"}, {"sub": "web"}, {"client_id": "stranger"}),
    ],
)
def test_x8_x9_what_nobody_may_act_by_is_refused(changed: dict[str, Any]) -> None:
    jwts(ORDERS)
    claims = claims_of(signed_in()["access_token"])
    forged = mint.sign({**claims, **changed}, "ES256", "at+jwt")
    assert refused(exchange(ORDERS_API, forged, audience=BILLING)) == "invalid_request"


def test_x9_may_act_names_who_may() -> None:
    jwts(ORDERS)
    claims = claims_of(signed_in()["access_token"])
    named = mint.sign({**claims, "may_act": {"sub": "billing-api"}}, "ES256", "at+jwt")
    assert claims_of_result(exchanged(BILLING_API, named, audience=f"{ORDERS}/7"))["act"] == {"sub": "billing-api"}
    assert refused(exchange(ORDERS_API, named, audience=BILLING)) == "invalid_request"


def claims_of_result(text: str) -> dict[str, Any]:
    claims: dict[str, Any] = ORDERS_API.introspect(text).json()
    return claims


def test_a_used_refresh_token_is_somebody_elses_here_too() -> None:
    Client.objects.filter(client_id="web").update(rotate_refresh_tokens=True)
    tokens = signed_in()
    assert WEB.refresh(tokens["refresh_token"]).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        Authorization.objects.update(rotated_at=timezone.now() - timedelta(hours=2))
        assert refused(exchange(WEB, tokens["refresh_token"], REFRESH_TOKEN)) == "invalid_request"
    assert Authorization.objects.get().ended_because == "refresh token used twice"


# --- X8: chains ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_x8_each_hand_a_token_went_through_is_named(kind: str) -> None:
    if kind == "jwt":
        jwts(ORDERS, BILLING)
    text, hands = signed_in()["access_token"], [(ORDERS_API, BILLING), (BILLING_API, ORDERS)]
    for times in range(4):
        app, audience = hands[times % 2]
        text = exchanged(app, text, audience=audience)
    seen = ORDERS_API.introspect(text).json()
    b, o = "billing-api", "orders-api"
    assert seen["act"] == {"sub": b, "act": {"sub": o, "act": {"sub": b, "act": {"sub": o}}}}
    assert seen["client_id"] == b
    assert refused(exchange(ORDERS_API, text, audience=BILLING)) == "invalid_target"
    narrow = exchanged(BILLING_API, text, audience=f"{ORDERS}/7")
    assert ORDERS_API.introspect(narrow).json()["act"] == seen["act"], "it names them, narrowed or not"


def test_a_token_passed_on_tells_no_single_claim_that_the_app_alone_was_allowed() -> None:
    browser = Browser("owner")
    claims = '{"userinfo": {"email": null}}'
    code = browser.code("web", scope="openid orders.read billing.read", resource=[ORDERS, BILLING], claims=claims)
    token = WEB.exchange(code, resource=ORDERS).json()["access_token"]
    assert WEB.userinfo(token).json().keys() == {"sub", "email"}
    assert ORDERS_API.userinfo(exchanged(ORDERS_API, token, audience=BILLING)).json() == {"sub": sub()}


# --- D13: bound tokens --------------------------------------------------------------------------------------------


def bound_token(holder: Holder) -> str:
    code = Browser("owner").code("web", scope=SCOPE, resource=[ORDERS, BILLING])
    answer = WEB.exchange_with(code, resource=ORDERS, HTTP_DPOP=holder.proof()).json()
    assert answer["token_type"] == "DPoP"
    return str(answer["access_token"])


def shown(app: App, holder: Holder, subject: str, **params: Any) -> Response:
    asked = {"grant_type": TOKEN_EXCHANGE, "subject_token": subject, "subject_token_type": ACCESS_TOKEN}
    return holder.asks(app, **asked, **params)


def test_d13_a_bound_token_is_passed_on_bound_to_the_key_of_whoever_asks() -> None:
    holder, api = Holder(), Holder()
    subject = bound_token(holder)
    answer = shown(ORDERS_API, api, subject, audience=BILLING)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    seen = BILLING_API.introspect(answer.json()["access_token"]).json()
    assert (seen["cnf"], seen["act"]) == ({"jkt": api.jkt}, {"sub": "orders-api"})


def test_d13_a_bound_token_never_becomes_one_that_anybody_can_use() -> None:
    holder = Holder()
    subject = bound_token(holder)
    assert refused(exchange(ORDERS_API, subject, audience=BILLING)) == "invalid_request"
    assert refused(exchange(WEB, subject)) == "invalid_request"
    another = shown(WEB, Holder(), subject)
    assert refused(another) == "invalid_request", "its holder has another key"
    assert "token is bound to another key" in another.json()["error_description"]
    assert "refresh" not in another.json()["error_description"], "none was sent"
    assert shown(WEB, holder, subject).json()["token_type"] == "DPoP"


def test_d13_whoever_shows_a_proof_gets_a_bound_token_for_one_that_is_not() -> None:
    api = Holder()
    answer = shown(ORDERS_API, api, signed_in()["access_token"], audience=BILLING)
    assert BILLING_API.introspect(answer.json()["access_token"]).json()["cnf"] == {"jkt": api.jkt}


def test_d7_a_client_whose_tokens_are_bound_exchanges_none_without_a_proof() -> None:
    token = signed_in()["access_token"]
    Client.objects.filter(client_id="orders-api").update(dpop_bound_access_tokens=True)
    assert exchange(ORDERS_API, token, audience=BILLING).status_code == 400
    assert shown(ORDERS_API, Holder(), token, audience=BILLING).json()["token_type"] == "DPoP"


# --- What a person allowed ----------------------------------------------------------------------------------------


def test_what_the_person_never_allowed_the_project_is_refused() -> None:
    code = Browser("owner").code("web", scope="openid orders.read", resource=ORDERS)
    token = WEB.exchange(code).json()["access_token"]
    assert refused(exchange(ORDERS_API, token, audience=BILLING)) == "invalid_target"
    assert refused(exchange(ORDERS_API, token, audience=ORDERS, scope="billing.read")) == "invalid_scope"


def test_a_first_party_project_asks_nobody() -> None:
    text = exchanged(CLERK, signed_in()["access_token"], audience=LEDGER, scope="ledger.read")
    seen = CLERK.introspect(text).json()
    assert (seen["aud"], seen["scope"], seen["act"]) == (LEDGER, "ledger.read", {"sub": "clerk"})
    Project.objects.filter(key="house").update(consent_mode="explicit")
    assert CLERK.introspect(text).json() == {"active": False}
    assert refused(exchange(CLERK, signed_in()["access_token"], audience=LEDGER)) == "invalid_target"


def test_an_api_gets_no_token_of_whom_its_client_does_not_let_in() -> None:
    token = signed_in()["access_token"]
    text = exchanged(CLERK, token, audience=LEDGER)
    Client.objects.filter(client_id="clerk").update(sign_in="roles")
    assert refused(exchange(CLERK, token, audience=LEDGER)) == "invalid_request"
    assert CLERK.introspect(text).json() == {"active": False}


def test_a_project_in_testing_admits_its_test_users_only() -> None:
    token = signed_in()["access_token"]
    text = exchanged(CLERK, token, audience=LEDGER)
    Project.objects.filter(key="house").update(status="testing")
    assert refused(exchange(CLERK, token, audience=LEDGER)) == "invalid_request"
    assert CLERK.introspect(text).json() == {"active": False}
    Project.objects.get(key="house").test_users.add(User.objects.get(username="owner"))
    assert exchanged(CLERK, token, audience=LEDGER)


def test_what_the_person_allowed_until_a_moment_is_passed_on_until_then() -> None:
    token, house = signed_in()["access_token"], Project.objects.get(key="house")
    Project.objects.update(consent_mode="explicit")
    until, owner = timezone.now() + timedelta(seconds=60), User.objects.get(username="owner")
    consent = Consent.objects.create(user=owner, project=house, scopes=["openid"], audiences=[LEDGER], ends_at=until)
    answer = exchange(CLERK, token, audience=LEDGER).json()
    assert answer["expires_in"] <= 60
    Consent.objects.filter(pk=consent.pk).update(ends_at=timezone.now())
    assert CLERK.introspect(answer["access_token"]).json() == {"active": False}
    assert refused(exchange(CLERK, token, audience=LEDGER)) == "invalid_target"


def test_what_an_app_was_allowed_alone_counts_for_its_own_project() -> None:
    """An app on a device shares no consent: what the person allowed stands on its Authorization only."""
    token = signed_in()["access_token"]
    Consent.objects.update(scopes=[], audiences=[])
    text = exchanged(ORDERS_API, token, audience=BILLING, scope="billing.read")
    assert BILLING_API.introspect(text).json()["scope"] == "billing.read"
    Project.objects.update(consent_mode="explicit")
    assert refused(exchange(CLERK, token, audience=LEDGER)) == "invalid_target"


def test_nothing_outlives_the_authorization_it_hangs_from() -> None:
    tokens = signed_in()
    Authorization.objects.update(ends_at=timezone.now() + timedelta(seconds=60))
    for app, params in ((ORDERS_API, {"audience": BILLING}), (WEB, {"audience": "sibling", **FOR_A_SIBLING})):
        assert exchange(app, tokens["access_token"], **params).json()["expires_in"] <= 60


FOR_A_SIBLING = {"requested_token_type": ID_TOKEN}

# --- X6: what ends it ---------------------------------------------------------------------------------------------


def test_x6_it_ends_with_its_subject_to_the_second() -> None:
    token = signed_in()["access_token"]
    subject = AccessToken.objects.get()
    with time_machine.travel(subject.expires - timedelta(seconds=90.5), tick=False):
        answer = exchange(WEB, token).json()
        assert answer["expires_in"] == 90
        assert AccessToken.objects.order_by("-created")[0].expires <= subject.expires
    with time_machine.travel(subject.expires - timedelta(seconds=0.5), tick=False):
        assert refused(exchange(WEB, token)) == "invalid_request"


def end_the_authorization() -> None:
    authorizations.end(Authorization.objects.get(client__client_id="web").pk, "a test")


def take_back_the_consent() -> None:
    access.revoke_all(User.objects.get(username="owner"), "acme")


ENDS: dict[str, Callable[[], object]] = {
    "authorization": end_the_authorization,
    "consent taken back": take_back_the_consent,
    "consent deleted": lambda: Consent.objects.all().delete(),
    "person deactivated": lambda: User.objects.update(is_active=False),
    "person deleted": lambda: User.objects.get(username="owner").delete(),
    "person's tokens": lambda: User.objects.update(tokens_not_before=timezone.now() + timedelta(seconds=1)),
    "app disabled": lambda: Client.objects.filter(client_id="web").update(enabled=False),
    "app deleted": lambda: Client.objects.get(client_id="web").delete(),
    "an actor disabled": lambda: Client.objects.filter(client_id="orders-api").update(enabled=False),
    "an actor's tokens": lambda: Client.objects.filter(client_id="orders-api").update(
        tokens_not_before=timezone.now() + timedelta(seconds=1)
    ),
    "one audience taken back": lambda: access.revoke(User.objects.get(username="owner"), "acme", audience=ORDERS),
}


@pytest.mark.parametrize(("ending", "kind"), meeting(ENDS, ["opaque", "jwt"]))
def test_x6_ending_what_stands_behind_it_ends_it(ending: str, kind: str) -> None:
    if kind == "jwt":
        jwts(ORDERS, BILLING)
    first = exchanged(ORDERS_API, signed_in()["access_token"], audience=BILLING)
    second = exchanged(BILLING_API, first, audience=ORDERS)
    Client.objects.filter(client_id="stranger").update(introspection="all")
    stranger = App("stranger")
    assert stranger.introspect(second).json()["active"] is True
    ENDS[ending]()
    assert stranger.introspect(second).json() == {"active": False}


def test_x6_what_is_issued_while_everything_is_taken_back_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the moment: no token is left that could pass for one of the client's own."""
    token, issue = signed_in()["access_token"], authorizations.issue

    def too_late(*what: Any) -> None:
        User.objects.get(username="owner").delete()
        issue(*what)

    monkeypatch.setattr(authorizations, "issue", too_late)
    answer = exchange(WEB, token).json()
    assert not Authorization.objects.exists()
    assert WEB.introspect(answer["access_token"]).json() == {"active": False}
    assert refused(exchange(WEB, answer["access_token"])) == "invalid_request"


def test_x6_an_operator_ends_what_a_client_passed_on_since_a_time() -> None:
    token = signed_in()["access_token"]
    text = exchanged(ORDERS_API, token, audience=BILLING)
    with time_machine.travel(timezone.now() + timedelta(seconds=60)):
        since = (timezone.now() - timedelta(seconds=90)).isoformat()
        call_command("revoke", "--client", "orders-api", "--since", since, stdout=StringIO())
        assert ORDERS_API.introspect(text).json() == {"active": False}
        assert WEB.introspect(token).json()["active"] is True


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_x6_revoking_the_refresh_token_ends_it(kind: str) -> None:
    if kind == "jwt":
        jwts(ORDERS, BILLING)
    tokens = signed_in()
    of_refresh = exchanged(WEB, tokens["refresh_token"], REFRESH_TOKEN, audience=ORDERS)
    passed_on = exchanged(ORDERS_API, tokens["access_token"], audience=BILLING)
    WEB.post("/oauth2/revoke", {"token": tokens["refresh_token"]})
    assert WEB.introspect(of_refresh).json() == ORDERS_API.introspect(passed_on).json() == {"active": False}


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_x6_revoking_the_access_token_ends_what_came_from_it(kind: str) -> None:
    """A JWT does not hear of it, and lives for minutes instead."""
    if kind == "jwt":
        jwts(ORDERS)
    token = signed_in()["access_token"]
    first = exchanged(ORDERS_API, token, audience=BILLING)
    second = exchanged(ORDERS_API, first, audience=f"{BILLING}/7")
    untouched = exchanged(ORDERS_API, signed_in()["access_token"], audience=BILLING)
    WEB.post("/oauth2/revoke", {"token": token})
    for text in (first, second):
        assert ORDERS_API.introspect(text).json() == {"active": False}
        assert refused(exchange(ORDERS_API, text)) == "invalid_request"
    assert ORDERS_API.introspect(untouched).json()["active"] is True


def test_x6_a_token_of_the_client_itself_is_revoked_with_its_subject_and_with_the_client() -> None:
    def pair() -> tuple[str, str]:
        token = WEB.token(grant_type="client_credentials", audience=ORDERS).json()["access_token"]
        return token, exchanged(WEB, token, audience=f"{ORDERS}/7")

    token, narrow = pair()
    WEB.post("/oauth2/revoke", {"token": token})
    assert WEB.introspect(narrow).json() == {"active": False}
    token, narrow = pair()
    Client.objects.filter(client_id="web").update(tokens_not_before=timezone.now())
    assert WEB.introspect(narrow).json() == {"active": False}


def test_x6_revoking_the_result_leaves_its_subject() -> None:
    token = signed_in()["access_token"]
    narrow = exchanged(WEB, token)
    WEB.post("/oauth2/revoke", {"token": narrow})
    assert WEB.introspect(narrow).json() == {"active": False}
    assert WEB.introspect(token).json()["active"] is True


def test_a_token_is_exchanged_again_and_again_only_so_often() -> None:
    text = signed_in()["access_token"]
    for _time in range(8):
        text = exchanged(WEB, text)
    assert refused(exchange(WEB, text)) == "invalid_target"


# --- No input is a fault ------------------------------------------------------------------------------------------


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(
    subject=st.one_of(st.text(max_size=200), st.from_regex(r"[\w-]{1,20}\.[\w-]{1,20}\.[\w-]{0,20}", fullmatch=True)),
    kind=st.one_of(st.sampled_from([ACCESS_TOKEN, REFRESH_TOKEN, JWT, ID_TOKEN]), st.text(max_size=40)),
    more=st.dictionaries(
        st.sampled_from(["audience", "resource", "scope", "requested_token_type", "actor_token", "actor_token_type"]),
        st.text(max_size=40),
        max_size=4,
    ),
)
def test_no_subject_token_is_a_fault(subject: str, kind: str, more: dict[str, str]) -> None:
    response = exchange(WEB, subject, kind, **more)
    assert response.status_code == 400
    assert response.json()["error"] in ("invalid_request", "invalid_target", "invalid_scope")
