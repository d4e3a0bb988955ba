"""What a subject token allows: rules X1 to X12 of token exchange, as functions over facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from projects.facts import ProjectFacts
from provider.protocol import AT_TOKEN, claims, exchange
from provider.protocol.access_tokens import EXCHANGED_JWT, lifetime
from provider.protocol.errors import InvalidRequest, InvalidScope, InvalidTarget, Refusal
from provider.protocol.exchange import ACCESS_TOKEN, ID_TOKEN, JWT, REFRESH_TOKEN
from provider.protocol.facts import TOKEN_EXCHANGE, Ceiling, ClientFacts, Exchanged, Json, Registry, TokenFacts
from provider.protocol.request import TokenRequest
from provider.protocol.runner import run
from tests.provider.protocol import building
from tests.provider.protocol.building import BILLING, ORDERS, OTHER, OWNER, api, client, listed, registry, sent

ISSUER = "https://id.example"
WEB = client()
SIBLING = client("sibling")
API = client("orders-api", acts_for=(ORDERS,), allowlist=listed(BILLING), scopes=("openid", "email", "billing.read"))
KNOWN = registry(api(ORDERS, "orders.read"), api(BILLING, "billing.read"), clients=[SIBLING])
URN = "urn:ietf:params:oauth:token-type:"


def token(**changes: Any) -> TokenFacts:
    """A live access token of the owner for the app, at its API."""
    usual = TokenFacts("access", WEB, OWNER, ("openid", "orders.read"), (ORDERS,), issued_at=0, expires_at=3600)
    return usual._replace(**changes)


def decided(
    caller: ClientFacts, ceiling: Ceiling, exchanged: Exchanged, known: Registry = KNOWN, **params: Any
) -> TokenRequest:
    request = building.token(caller, ceiling, known, **params)
    request.exchanged = exchanged
    run(AT_TOKEN[TOKEN_EXCHANGE], request)
    return request


def own(subject: TokenFacts | None = None, caller: ClientFacts = WEB, **params: Any) -> TokenRequest:
    subject = subject or token()
    return decided(caller, exchange.narrower(subject), Exchanged(subject.client, actors=subject.actors), **params)


def downstream(allowed: Ceiling, subject: TokenFacts | None = None, **params: Any) -> TokenRequest:
    subject = subject or token()
    exchanged = Exchanged(subject.client, True, False, exchange.actors(subject, API), ("the subject",))
    return decided(API, exchange.passed_on(subject, allowed), exchanged, **params)


# --- X1, X10, X11, X13: the parameters ----------------------------------------------------------------------------

GOOD = {"subject_token": "x", "subject_token_type": ACCESS_TOKEN}


@pytest.mark.parametrize("subject_type", [ACCESS_TOKEN, REFRESH_TOKEN, JWT])
@pytest.mark.parametrize("requested", [None, ACCESS_TOKEN, ID_TOKEN])
def test_types_that_are_known_pass(subject_type: str, requested: str | None) -> None:
    more = {"requested_token_type": requested} if requested else {}
    exchange.check_parameters(sent(**{**GOOD, "subject_token_type": subject_type}, **more))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"actor_token": "x"}, "go together", id="X1-a_token_without_its_type"),
        pytest.param({"actor_token_type": ACCESS_TOKEN}, "go together", id="X1-a_type_without_its_token"),
        pytest.param({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "not supported", id="X1-both"),
        pytest.param({"subject_token_type": ID_TOKEN}, "An ID token is no subject token", id="X10-an_id_token"),
        pytest.param({"subject_token_type": f"{URN}saml2"}, "must be one of", id="X11-saml"),
        pytest.param({"subject_token_type": "access_token"}, "must be one of", id="X11-no_urn"),
        pytest.param({"subject_token_type": f"{URN}id-jag"}, "must be one of", id="X13-id_jag"),
        pytest.param({"requested_token_type": f"{URN}id-jag"}, "must be one of", id="X13-id_jag_requested"),
        pytest.param({"requested_token_type": REFRESH_TOKEN}, "must be one of", id="X7-a_refresh_token"),
        pytest.param({"requested_token_type": JWT}, "must be one of", id="a_jwt_requested"),
    ],
)
def test_what_is_not_honoured_is_refused_by_name(changed: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        exchange.check_parameters(sent(**{**GOOD, **changed}))


def test_x10_only_confidential_clients_exchange() -> None:
    may = client(grant_types=frozenset({TOKEN_EXCHANGE}))
    assert may.may_use(TOKEN_EXCHANGE)
    assert not replace(may, public=True).may_use(TOKEN_EXCHANGE)


# --- X3, X5: never more than the subject token --------------------------------------------------------------------


def test_x3_asking_nothing_gives_what_the_token_has() -> None:
    request = own()
    assert (request.audience, request.scopes, request.narrowed) == ((ORDERS,), ("openid", "orders.read"), False)


def test_x3_part_of_its_audience_and_scope_is_given() -> None:
    request = own(audience=f"{ORDERS}/7", scope="orders.read")
    assert (request.audience, request.scopes) == ((f"{ORDERS}/7",), ("orders.read",))


@pytest.mark.parametrize("audience", [BILLING, "https://api.acme.example", f"{ORDERS}/7"])
def test_x3_nothing_beyond_its_audience_although_it_is_listed(audience: str) -> None:
    narrow = token(audience=(f"{ORDERS}/7/items",))
    with pytest.raises(InvalidTarget):
        own(narrow, client(allowlist=listed("https://api.acme.example")), resource=audience)


def test_x3_what_is_no_longer_listed_is_not_given() -> None:
    bare = client(allowlist=())
    for audience in ("", ORDERS):
        with pytest.raises(InvalidTarget):
            own(caller=bare, audience=audience)


def test_x3_a_token_for_the_client_alone_opens_no_api() -> None:
    alone = token(audience=("web",))
    with_default = client(allowlist=listed(building.default(ORDERS)))
    assert own(alone, with_default).audience == ("web",), "no default comes with it"
    with pytest.raises(InvalidTarget):
        own(alone, with_default, audience=ORDERS)


def test_x5_a_scope_that_the_token_lacks_is_refused() -> None:
    with pytest.raises(InvalidScope):
        own(scope="openid orders.write")


def test_x5_a_scope_that_the_client_lost_drops_out() -> None:
    assert own(caller=client(scopes=("openid",))).scopes == ("openid",)


@pytest.mark.parametrize("params", [{"audience": BILLING}, {"scope": "orders.write"}, {"scope": "openid"}])
def test_x3_x5_a_clients_own_token_is_a_ceiling_too(params: dict[str, Any]) -> None:
    machine = token(person=None, scopes=("orders.read",))
    request = building.token(WEB, None, KNOWN, **params)
    request.ceiling, request.exchanged = exchange.narrower(machine), Exchanged(WEB)
    with pytest.raises((InvalidTarget, InvalidScope)):
        run(AT_TOKEN[TOKEN_EXCHANGE], request)


# --- X6: not longer-lived -----------------------------------------------------------------------------------------


def test_x6_a_jwt_that_no_revocation_reaches_is_short_lived() -> None:
    request = own(caller=client(access_token_format="jwt"))
    assert lifetime(request) == 3600, "of a refresh token, which ends the Authorization"
    request.exchanged = Exchanged(WEB, came_from=("the subject",))
    assert lifetime(request) == EXCHANGED_JWT


# --- X8, X9: who acts ---------------------------------------------------------------------------------------------


def test_x8_the_latest_actor_is_outermost() -> None:
    assert exchange.actors(token(), API) == ("orders-api",)
    chain = exchange.actors(token(actors=("b", "a")), API)
    assert claims.act(chain) == {"sub": "orders-api", "act": {"sub": "b", "act": {"sub": "a"}}}
    assert claims.actors_of(claims.act(chain)) == chain


def test_x8_a_token_is_passed_on_four_times() -> None:
    assert len(exchange.actors(token(actors=("c", "b", "a")), API)) == 4
    with pytest.raises(InvalidTarget):
        exchange.actors(token(actors=("d", "c", "b", "a")), API)


@pytest.mark.parametrize(
    "act",
    [
        *("web", 1, [], {}, {"sub": 1}, {"sub": None}, {"act": {"sub": "a"}}, {"sub": "a", "act": "b"}),
        claims.act(("e", "d", "c", "b", "a")),
    ],
)
def test_x8_another_shape_of_act_is_no_chain(act: Json) -> None:
    with pytest.raises(ValueError, match="no chain"):
        claims.actors_of(act)


def test_x9_without_may_act_the_api_decides() -> None:
    assert exchange.may_pass_on(API, token(), KNOWN, ISSUER)
    assert not exchange.may_pass_on(API, token(audience=(BILLING,)), KNOWN, ISSUER)
    assert not exchange.may_pass_on(replace(API, acts_for=()), token(), KNOWN, ISSUER)
    assert not exchange.may_pass_on(replace(API, registered_by_administrator=False), token(), KNOWN, ISSUER)
    assert not exchange.may_pass_on(API, token(person=None), KNOWN, ISSUER), "no person to act for"


@pytest.mark.parametrize(
    ("may_act", "may"),
    [
        ({"sub": "orders-api"}, True),
        ({"sub": "orders-api", "iss": ISSUER}, True),
        ({"sub": "another"}, False),
        ({"sub": "orders-api", "iss": "https://else.example"}, False),
        ({"sub": "orders-api", "client_id": "web"}, False),
        *(({}, False), ("orders-api", False), ([], False), (True, False)),
    ],
)
def test_x9_may_act_is_honoured(may_act: Json, may: bool) -> None:
    assert exchange.may_pass_on(API, token(may_act=may_act), KNOWN, ISSUER) is may
    assert exchange.may_pass_on(replace(API, acts_for=()), token(may_act=may_act), KNOWN, ISSUER) is may


# --- Passed on: what the person allowed the caller's project ------------------------------------------------------

CONSENTED = Ceiling(("openid", "email", "offline_access", "billing.read"), (BILLING,))


def test_a_token_is_passed_on_to_the_callers_own_audience() -> None:
    request = downstream(CONSENTED, audience=BILLING, scope="billing.read")
    assert (request.audience, request.scopes, request.client) == ((BILLING,), ("billing.read",), API)


def test_x3_passed_on_it_needs_an_audience_and_no_scope_comes_unasked() -> None:
    for audience in ("", "orders-api"):
        with pytest.raises(InvalidTarget, match="Name the API"):
            downstream(CONSENTED, audience=audience)
    assert downstream(CONSENTED, audience=BILLING).scopes == ("openid",)


@pytest.mark.parametrize(
    ("allowed", "params"),
    [
        ({"audiences": ()}, {"audience": BILLING}),
        ({}, {"audience": ORDERS}),
        ({"audiences": (ORDERS, BILLING)}, {"audience": ORDERS}),
        ({"scopes": ()}, {"audience": BILLING, "scope": "billing.read"}),
        ({}, {"audience": BILLING, "scope": "email"}),
        ({}, {"audience": BILLING, "scope": "offline_access"}),
    ],
)
def test_what_was_not_allowed_or_not_listed_is_refused(allowed: dict[str, Any], params: dict[str, Any]) -> None:
    """The token lacks `email`: an API learns no more of the person than the app that calls it."""
    with pytest.raises((InvalidTarget, InvalidScope)):
        downstream(replace(CONSENTED, **allowed), **params)


def test_a_first_party_project_allows_what_its_client_may_ask_for() -> None:
    request = downstream(exchange.all_of(API), audience=BILLING, scope="billing.read openid")
    assert request.scopes == ("billing.read", "openid")


def test_an_api_of_another_project_shares_no_token() -> None:
    theirs = api("https://api.other.example/ledger", "ledger.read", project_id=OTHER.id, shared="public")
    known = registry(api(ORDERS), api(BILLING, "billing.read"), theirs)
    both = client("orders-api", acts_for=(ORDERS,), allowlist=listed(BILLING, theirs.identifier))
    subject = token()
    ceiling, exchanged = exchange.all_of(both), Exchanged(subject.client, True, False, ("orders-api",))
    with pytest.raises(InvalidTarget, match="a token of its own"):
        decided(both, ceiling, exchanged, known, audience=[BILLING, theirs.identifier])
    alone = decided(both, ceiling, exchanged, known, audience=theirs.identifier)
    assert lifetime(alone) == 3600


# --- ID tokens ----------------------------------------------------------------------------------------------------


def test_an_id_token_is_for_one_sibling() -> None:
    request = own(requested_token_type=ID_TOKEN, audience="sibling")
    assert (request.target, request.id_token_alone) == (SIBLING, True)
    assert exchange.answered_type(request) == ID_TOKEN
    assert exchange.answered_type(own()) == ACCESS_TOKEN


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"requested_token_type": ID_TOKEN}, "invalid_request"),
        ({"requested_token_type": ID_TOKEN, "audience": "web"}, "invalid_request"),
        ({"requested_token_type": ID_TOKEN, "audience": ORDERS}, "invalid_target"),
        ({"requested_token_type": ID_TOKEN, "audience": "sibling", "resource": ORDERS}, "invalid_target"),
        ({"requested_token_type": ID_TOKEN, "audience": "sibling", "scope": "orders.read"}, "invalid_scope"),
        ({"audience": "sibling"}, "invalid_target"),
    ],
)
def test_one_token_is_issued_and_the_request_says_which(params: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        own(**params)
    assert refused.value.code == code


def test_x12_no_id_token_is_made_of_what_was_passed_on() -> None:
    for subject in (token(actors=("orders-api",)),):
        with pytest.raises(InvalidTarget):
            own(subject, requested_token_type=ID_TOKEN, audience="sibling")
    with pytest.raises(InvalidTarget):
        downstream(CONSENTED, requested_token_type=ID_TOKEN, audience="sibling")


def test_the_id_token_says_no_hash_of_an_access_token_that_is_not_there() -> None:
    issue = claims.Issue(ISSUER, 0, "x", WEB, OWNER, scopes=("openid",), target=SIBLING, at_most=60)
    said = claims.id_token(issue, "")
    assert "at_hash" not in said
    assert (said["aud"], said["azp"], said["exp"]) == ("sibling", "web", 60)


def test_a_project_is_named_by_nobody_else() -> None:
    """Policy off: the same refusal as for a client that does not exist."""
    off = client(project=ProjectFacts(id=1, cross_client="off"))
    said = set()
    for name in ("sibling", "nobody"):
        with pytest.raises(Refusal) as refused:
            own(caller=off, requested_token_type=ID_TOKEN, audience=name)
        said.add((refused.value.code, str(refused.value)))
    assert len(said) == 1
