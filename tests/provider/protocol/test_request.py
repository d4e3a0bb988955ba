"""What a step reads, and the ceiling that follows from what it decided."""

from __future__ import annotations

import pytest

from provider.protocol.facts import Ceiling
from provider.protocol.request import AuthorizationRequest, Choice, Params
from tests.provider.protocol.building import BILLING, ORDERS, authorization, client


def test_an_empty_parameter_counts_as_omitted() -> None:
    params = Params([("a", ""), ("b", "1"), ("c", "2"), ("c", "3")])
    assert (params.one("a"), params.one("b"), params.one("missing")) == ("", "1", "")
    assert params.many("c") == ["2", "3"]
    assert (params.has("a"), params.has("b"), params.many("a")) == (False, True, [])
    assert not params.has("missing")
    assert list(params) == [("a", ""), ("b", "1"), ("c", "2"), ("c", "3")]


def request(choice: Choice | None = None, scopes: tuple[str, ...] = ("openid", "email")) -> AuthorizationRequest:
    made = authorization(client())
    made.asked_scopes, made.asked_audiences = scopes, (ORDERS, BILLING)
    made.choice = choice
    return made


def test_nobody_asked_grants_what_was_decided() -> None:
    assert request().ceiling == Ceiling(
        scopes=("openid", "email"),
        audiences=(ORDERS, BILLING),
        asked_scopes=("openid", "email"),
        asked_audiences=(ORDERS, BILLING),
    )


def test_a_choice_takes_away_and_never_adds() -> None:
    chosen = Choice(("openid", "phone"), (BILLING, "https://else.example"))
    ceiling = request(chosen).ceiling
    assert (ceiling.scopes, ceiling.asked_scopes) == (("openid",), ("openid",))
    assert (ceiling.audiences, ceiling.asked_audiences) == ((BILLING,), (BILLING,))
    assert ceiling.narrowed, "an audience that was asked for was not granted"


def test_refusing_every_audience_is_an_empty_ceiling() -> None:
    ceiling = request(Choice(("openid",), ())).ceiling
    assert (ceiling.audiences, ceiling.asked_audiences, ceiling.narrowed) == ((), (), True)


def test_what_is_implied_is_in_the_ceiling_and_not_among_the_asked() -> None:
    made = request()
    made.asked_audiences, made.implied_audiences, made.implied_scopes = (), (ORDERS, BILLING), ("orders.read", "email")
    assert made.ceiling.audiences == (ORDERS, BILLING)
    assert made.ceiling.scopes == ("openid", "email", "orders.read")
    assert (made.ceiling.asked_audiences, made.ceiling.asked_scopes) == ((), ("openid", "email"))
    made.choice = Choice(("openid", "orders.read"), (ORDERS,))
    assert made.ceiling.audiences == (ORDERS,)
    assert made.ceiling.scopes == ("openid", "orders.read")
    assert not made.ceiling.narrowed, "nobody had asked for it"


@pytest.mark.parametrize(
    ("scopes", "offline"),
    [
        (("openid",), False),
        (("openid", "offline_access"), True),
        (("email",), True),
        ((), True),
    ],
)
def test_a_refresh_token_needs_offline_access_unless_openid_was_not_requested(
    scopes: tuple[str, ...], offline: bool
) -> None:
    assert request(scopes=scopes).ceiling.offline is offline


def test_unticking_offline_access_means_no_refresh_token() -> None:
    assert not request(Choice(("openid",), ()), ("openid", "offline_access")).ceiling.offline


def test_openid_was_requested_even_where_it_was_not_granted() -> None:
    assert not request(Choice(("email",), ())).ceiling.offline


def test_without_the_grant_type_there_is_no_refresh_token() -> None:
    made = authorization(client(grant_types=frozenset({"authorization_code"})))
    made.asked_scopes = ("offline_access",)
    assert not made.ceiling.offline
