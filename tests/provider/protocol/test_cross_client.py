"""Who may get an ID token for whom (section 2). Every condition alone is enough to refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from projects.facts import ProjectFacts
from provider.protocol import cross_client
from provider.protocol.cross_client import may_target
from provider.protocol.errors import InvalidAudience, InvalidScope
from provider.protocol.facts import Ceiling, ClientFacts
from tests.provider.protocol.building import ACME, OTHER, authorization, client, token

WEB = client("web")
SIBLING = client("sibling")
OFF = ProjectFacts(id=ACME.id, cross_client="off")


def test_siblings_may() -> None:
    assert may_target(WEB, SIBLING)


@pytest.mark.parametrize(
    ("caller", "target"),
    [
        (replace(WEB, enabled=False), SIBLING),
        (WEB, replace(SIBLING, enabled=False)),
        (replace(WEB, registered_by_administrator=False), SIBLING),
        (WEB, replace(SIBLING, registered_by_administrator=False)),
        (WEB, replace(SIBLING, project=OTHER)),
        (replace(WEB, project=OTHER), SIBLING),
        (replace(WEB, project=OFF), replace(SIBLING, project=OFF)),
        (WEB, replace(SIBLING, allowed_callers=frozenset({"picky"}))),
        (WEB, replace(SIBLING, id_token_algorithm="HS256")),
        (WEB, replace(SIBLING, id_token_algorithm="none")),
        (replace(WEB, public=True), SIBLING),
    ],
    ids=[
        *("caller disabled", "target disabled", "caller registered itself", "target registered itself"),
        *("target elsewhere", "caller elsewhere", "policy off", "not on the list", "HMAC", "unsigned", "public caller"),
    ],
)
def test_each_condition_alone_refuses(caller: ClientFacts, target: ClientFacts) -> None:
    assert not may_target(caller, target)


@pytest.mark.parametrize(
    ("caller", "target"),
    [
        (WEB, replace(SIBLING, allowed_callers=frozenset({"picky", "web"}))),
        (replace(WEB, public=True, cross_client_public=True), SIBLING),
        (WEB, replace(SIBLING, public=True)),
        (WEB, replace(SIBLING, id_token_algorithm="ES256")),
        (replace(WEB, id_token_algorithm="HS256"), SIBLING),
    ],
    ids=["on the list", "public with leave", "public target", "ES256", "the caller's algorithm does not matter"],
)
def test_these_change_nothing(caller: ClientFacts, target: ClientFacts) -> None:
    assert may_target(caller, target)


# --- At authorization ----------------------------------------------------------------------------------------------


def test_a_target_is_checked_at_once_at_authorization() -> None:
    request = authorization(WEB)
    request.targets = (SIBLING,)
    cross_client.at_authorization(request)
    for bad in ((replace(SIBLING, project=OTHER),), (SIBLING, client("picky"))):
        request.targets = bad
        with pytest.raises(InvalidAudience):
            cross_client.at_authorization(request)


def test_a_target_is_no_part_of_the_ceiling() -> None:
    request = authorization(WEB)
    request.targets = (SIBLING,)
    cross_client.at_authorization(request)
    assert request.ceiling.audiences == ()


# --- At the token endpoint -----------------------------------------------------------------------------------------


def at_token(
    *targets: ClientFacts, scopes: tuple[str, ...] = ("openid",), ceiling: Ceiling | None
) -> ClientFacts | None:
    request = token(WEB, ceiling)
    request.targets, request.scopes, request.audience = targets, scopes, ("web",)
    cross_client.at_token(request)
    assert request.audience == ("web",), "the access token stays the caller's"
    return request.target


def test_the_id_token_is_for_the_target() -> None:
    assert at_token(SIBLING, ceiling=Ceiling()) == SIBLING


def test_without_a_target_it_is_for_the_caller() -> None:
    assert at_token(ceiling=Ceiling()) is None
    assert at_token(ceiling=None) is None


def test_two_targets_are_one_too_many() -> None:
    with pytest.raises(InvalidAudience):
        at_token(SIBLING, client("picky"), ceiling=Ceiling())


def test_a_target_out_of_reach_is_refused() -> None:
    with pytest.raises(InvalidAudience):
        at_token(replace(SIBLING, project=OTHER), ceiling=Ceiling())


def test_client_credentials_have_nobody_to_speak_of() -> None:
    with pytest.raises(InvalidAudience):
        at_token(SIBLING, ceiling=None)


@pytest.mark.parametrize("scopes", [(), ("email",), ("OPENID",)])
def test_openid_is_needed_in_this_very_request(scopes: tuple[str, ...]) -> None:
    with pytest.raises(InvalidScope, match="openid"):
        at_token(SIBLING, scopes=scopes, ceiling=Ceiling(scopes=("openid",)))
