"""Who may introspect what (section 8): each right with each kind of token, and what the answer says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provider.protocol.errors import IntrospectionDenied
from provider.protocol.facts import Registry, SignInFacts, TokenFacts
from provider.protocol.introspection import INACTIVE, answer, check_caller
from tests.provider.protocol.building import BILLING, ORDERS, OTHER, OWNER, QUEUE, api, client, registry

ISSUER = "https://id.example"
SIGN_IN = SignInFacts(sid="s", auth_time=900, acr="urn:acr:one", amr=("pwd",))
WATCHER = client("watcher")
SIBLING = client("sibling")
STRANGER = client("stranger", project=OTHER)
KNOWN = registry(api(ORDERS), api(BILLING))


def token(**changes: Any) -> TokenFacts:
    """A person's access token of a sibling, for no API the watcher acts for."""
    usual = TokenFacts(
        kind="access",
        client=SIBLING,
        person=OWNER,
        scopes=("openid", "orders.read"),
        audience=("sibling",),
        issued_at=1000,
        expires_at=1060,
        sign_in=SIGN_IN,
    )
    return usual._replace(**changes)


TOKENS = {
    "own": token(client=WATCHER, audience=("watcher",)),
    "own, of no person": token(client=WATCHER, audience=("watcher",), person=None, sign_in=None),
    "own, for an API": token(client=WATCHER, audience=(ORDERS,)),
    "own refresh": token(client=WATCHER, kind="refresh", audience=(ORDERS,)),
    "sibling's": token(),
    "sibling's, of no person": token(person=None, sign_in=None),
    "sibling's refresh": token(kind="refresh"),
    "stranger's": token(client=STRANGER, audience=("stranger",)),
    "stranger's refresh": token(client=STRANGER, kind="refresh", audience=("stranger",)),
    "stranger's, for the watcher": token(client=STRANGER, audience=("watcher",)),
    "stranger's, for the API": token(client=STRANGER, audience=(f"{ORDERS}/7",)),
    "stranger's refresh, for both": token(client=STRANGER, kind="refresh", audience=("watcher", ORDERS)),
    "stranger's, for another API": token(client=STRANGER, audience=(BILLING,)),
}
OWN = {"own", "own, of no person", "own, for an API", "own refresh"}
OF_PROJECT = {"sibling's", "sibling's, of no person"}
OF_STRANGER = {
    *("stranger's", "stranger's, for the watcher", "stranger's, for the API", "stranger's, for another API"),
}
FOR_ME = {"stranger's, for the watcher"}
ACTING = {"stranger's, for the API"}
RIGHTS = {
    "own": OWN | FOR_ME,
    "project": OWN | OF_PROJECT | FOR_ME,
    "listed": OWN | OF_STRANGER | FOR_ME,  # the stranger is on the list, the sibling is not
    "all": set(TOKENS),
}


@pytest.mark.parametrize("acts", [False, True], ids=["for no API", "acts for Orders"])
@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("kind", TOKENS)
def test_each_right_sees_these_tokens_and_no_other(right: str, kind: str, acts: bool) -> None:
    caller = replace(
        WATCHER, introspection=right, introspects=frozenset({"stranger"}), acts_for=(ORDERS,) if acts else ()
    )
    seen = RIGHTS[right] | (ACTING if acts else set())
    active = answer(caller, TOKENS[kind], KNOWN, ISSUER)["active"]
    assert active is (kind in seen)


@pytest.mark.parametrize(
    "caller",
    [
        replace(WATCHER, introspection="none"),
        replace(WATCHER, introspection="none", acts_for=(ORDERS,), introspects=frozenset({"stranger"})),
        replace(WATCHER, public=True, introspection="own"),
        replace(WATCHER, public=True, introspection="all", acts_for=(ORDERS,)),
    ],
)
def test_none_and_public_beat_every_right(caller: Any) -> None:
    with pytest.raises(IntrospectionDenied) as refused:
        check_caller(caller)
    assert (refused.value.status, refused.value.code) == (403, "access_denied")


@pytest.mark.parametrize("right", RIGHTS)
def test_every_other_right_may_ask(right: str) -> None:
    check_caller(replace(WATCHER, introspection=right))


def test_what_may_not_be_seen_looks_like_what_does_not_exist() -> None:
    assert answer(WATCHER, None, Registry(), ISSUER) == INACTIVE == {"active": False}
    assert answer(WATCHER, TOKENS["stranger's"], KNOWN, ISSUER) == {"active": False}


def test_the_list_counts_only_with_the_right_listed() -> None:
    caller = replace(WATCHER, introspection="own", introspects=frozenset({"stranger"}))
    assert answer(caller, TOKENS["stranger's"], KNOWN, ISSUER) == INACTIVE


def test_acting_for_an_api_means_the_most_specific_one() -> None:
    caller = replace(WATCHER, acts_for=("https://api.acme.example",))
    known = registry(api("https://api.acme.example"), api(ORDERS))
    assert answer(caller, token(audience=(f"{ORDERS}/7",)), known, ISSUER) == INACTIVE
    assert answer(caller, token(audience=(BILLING,)), known, ISSUER)["active"]


# --- aud -----------------------------------------------------------------------------------------------------------

EVERYWHERE = ("watcher", f"{ORDERS}/7", BILLING, "sibling")


def test_whoever_sees_a_token_for_its_own_sake_sees_all_audiences() -> None:
    for caller in (replace(WATCHER, introspection="all"), replace(WATCHER, introspection="project")):
        assert answer(caller, token(audience=EVERYWHERE), KNOWN, ISSUER)["aud"] == list(EVERYWHERE)
    assert answer(SIBLING, token(audience=EVERYWHERE), KNOWN, ISSUER)["aud"] == list(EVERYWHERE)


@pytest.mark.parametrize(
    ("acts_for", "aud"), [((), "watcher"), ((ORDERS,), ["watcher", f"{ORDERS}/7"]), ((BILLING,), ["watcher", BILLING])]
)
def test_whoever_sees_it_for_an_audience_sees_only_its_own(acts_for: tuple[str, ...], aud: str | list[str]) -> None:
    caller = replace(WATCHER, acts_for=acts_for)
    assert answer(caller, token(audience=EVERYWHERE), KNOWN, ISSUER)["aud"] == aud


# --- scope: no more than the audiences that are shown offer --------------------------------------------------------

OFFERING = registry(api(ORDERS, "orders.read"), api(BILLING, "bills.read", "orders.read"))
SCOPES = ("openid", "profile", "orders.read", "bills.read", "stray")


@pytest.mark.parametrize(
    ("audience", "acts_for", "scope"),
    [
        ((f"{ORDERS}/7", BILLING), (ORDERS,), "openid profile orders.read"),
        ((f"{ORDERS}/7", BILLING), (BILLING,), "openid profile orders.read bills.read"),
        ((f"{ORDERS}/7", BILLING, QUEUE), (ORDERS, BILLING), "openid profile orders.read bills.read"),
        (("watcher", BILLING), (), "openid profile"),
        (("watcher", ORDERS, BILLING), (ORDERS,), "openid profile orders.read"),
        ((ORDERS,), (ORDERS,), " ".join(SCOPES)),
        (("watcher",), (), " ".join(SCOPES)),
    ],
    ids=[
        *("what it offers", "what both offer", "what the two offer", "a client offers nothing"),
        *("itself and an api", "nothing is hidden", "nothing is hidden from a client"),
    ],
)
def test_a_hidden_audience_hides_its_scopes(audience: tuple[str, ...], acts_for: tuple[str, ...], scope: str) -> None:
    caller = replace(WATCHER, acts_for=acts_for)
    assert answer(caller, token(audience=audience, scopes=SCOPES), OFFERING, ISSUER)["scope"] == scope


@pytest.mark.parametrize("right", ["all", "project"])
def test_whoever_sees_a_token_for_its_own_sake_sees_all_scopes(right: str) -> None:
    caller = replace(WATCHER, introspection=right, acts_for=(ORDERS,))
    everything = token(audience=(ORDERS, BILLING), scopes=SCOPES)
    assert answer(caller, everything, OFFERING, ISSUER)["scope"] == " ".join(SCOPES)


# --- The answer ----------------------------------------------------------------------------------------------------


def test_the_answer_about_a_persons_token_says_exactly_this() -> None:
    assert answer(SIBLING, token(jti="the-jti", scopes=("openid", "profile", "orders.read")), KNOWN, ISSUER) == {
        "active": True,
        "scope": "openid profile orders.read",
        "client_id": "sibling",
        "clientId": "sibling",
        "username": "owner",
        "token_type": "Bearer",
        "exp": 1060,
        "iat": 1000,
        "nbf": 1000,
        "sub": OWNER.sub,
        "aud": "sibling",
        "iss": ISSUER,
        "jti": "the-jti",
        "auth_time": 900,
        "acr": "urn:acr:one",
        "azp": "sibling",
    }


@pytest.mark.parametrize("kind", ["access", "refresh"])
@pytest.mark.parametrize("scopes", [(), ("openid",), ("openid", "email", "orders.read"), ("orders.read",)])
def test_without_profile_the_answer_names_nobody(scopes: tuple[str, ...], kind: str) -> None:
    described = answer(SIBLING, token(scopes=scopes, kind=kind), KNOWN, ISSUER)
    assert described["sub"] == OWNER.sub
    assert "username" not in described


def test_the_answer_about_a_clients_own_token_names_no_person() -> None:
    assert answer(SIBLING, token(person=None, sign_in=None, scopes=()), KNOWN, ISSUER) == {
        "active": True,
        "scope": "",
        "client_id": "sibling",
        "clientId": "sibling",
        "token_type": "Bearer",
        "exp": 1060,
        "iat": 1000,
        "nbf": 1000,
        "sub": "sibling",
        "aud": "sibling",
        "iss": ISSUER,
    }


def test_an_acr_nobody_knows_is_left_out() -> None:
    assert "acr" not in answer(SIBLING, token(sign_in=SignInFacts(sid="s", auth_time=900)), KNOWN, ISSUER)


def test_the_answer_about_a_refresh_token_calls_it_no_bearer_token() -> None:
    described = answer(SIBLING, token(kind="refresh", expires_at=None, audience=()), KNOWN, ISSUER)
    assert described["active"]
    assert not {"token_type", "exp", "aud"} & set(described)
