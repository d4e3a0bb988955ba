"""What a token is like when the API it is for is another project's, and what is left of a token later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from projects.facts import LONGEST_FOR_EDITORS, NO_PROJECT
from provider.protocol import audience
from provider.protocol.access_tokens import LIFETIME_ABROAD, left_of, lifetime, lives_too_long, token_format
from provider.protocol.errors import InvalidTarget
from provider.protocol.facts import Ceiling, TokenFacts
from provider.protocol.request import Subject
from tests.provider.protocol.building import (
    ACME,
    BILLING,
    ORDERS,
    OTHER,
    QUEUE,
    api,
    client,
    default,
    listed,
    registry,
    token,
)

OURS, THEIRS = ACME.id, OTHER.id


@pytest.mark.parametrize(
    ("owner", "of_api", "of_client", "expected"),
    [
        (OURS, "inherit", "jwt", "jwt"),
        (OURS, "inherit", "opaque", "opaque"),
        (OURS, "jwt", "opaque", "jwt"),
        (OURS, "opaque", "jwt", "opaque"),
        (THEIRS, "inherit", "jwt", "opaque"),
        (THEIRS, "inherit", "opaque", "opaque"),
        (THEIRS, "jwt", "opaque", "jwt"),
        (THEIRS, "opaque", "jwt", "opaque"),
    ],
)
def test_another_projects_api_decides_the_format(owner: int, of_api: str, of_client: str, expected: str) -> None:
    request = token(
        client(access_token_format=of_client), None, registry(api(ORDERS, project_id=owner, token_format=of_api))
    )
    request.audience = (f"{ORDERS}/7",)
    assert token_format(request) == expected


@pytest.mark.parametrize(
    ("owner", "of_api", "of_client", "expected"),
    [
        (OURS, None, 604_800, 604_800),
        (OURS, 60, 604_800, 60),
        (OURS, 60, 30, 30),
        (THEIRS, None, 604_800, LIFETIME_ABROAD),
        (THEIRS, None, 30, 30),
        (THEIRS, 7200, 604_800, 7200),
        (THEIRS, 7200, 3600, 3600),
        (THEIRS, 60, 604_800, 60),
    ],
)
def test_another_projects_api_decides_the_lifetime(
    owner: int, of_api: int | None, of_client: int, expected: int
) -> None:
    request = token(
        client(access_token_lifetime=of_client), None, registry(api(ORDERS, project_id=owner, token_lifetime=of_api))
    )
    request.audience = (ORDERS,)
    assert lifetime(request) == expected


@pytest.mark.parametrize(
    ("subject", "scopes", "expected"),
    [
        (Subject.CLIENT, ("scim.manage",), 604_800),
        (Subject.CLIENT, ("admin.write", "scim.manage"), LIFETIME_ABROAD),
        (Subject.CLIENT, ("admin.read",), LIFETIME_ABROAD),
        (Subject.PERSON, ("scim.manage",), LIFETIME_ABROAD),
    ],
)
def test_a_directory_alone_has_a_token_for_as_long_as_a_superuser_lets_its_client(
    subject: Subject, scopes: tuple[str, ...], expected: int
) -> None:
    own = registry(api(ORDERS, project_id=NO_PROJECT))
    request = token(client(access_token_lifetime=604_800), None, own)
    request.audience, request.subject, request.scopes = (ORDERS,), subject, scopes
    assert lifetime(request) == expected


# --- Alone ---------------------------------------------------------------------------------------------------------

SHARED = api(BILLING, project_id=THEIRS, shared="public")
KNOWN = registry(api(ORDERS), SHARED)
LISTED = client(allowlist=listed(ORDERS, BILLING, QUEUE))


@pytest.mark.parametrize(
    ("asked", "alone"),
    [
        ([BILLING], True),
        ([f"{BILLING}/7"], True),
        ([BILLING, f"{BILLING}/"], True),
        ([BILLING, "web"], True),
        ([ORDERS, QUEUE], True),
        ([ORDERS, BILLING], False),
        ([BILLING, ORDERS], False),
        ([BILLING, QUEUE], False),
        ([BILLING, f"{BILLING}/7"], False),
    ],
)
@pytest.mark.parametrize("ceiling", [None, Ceiling(audiences=(ORDERS, BILLING, QUEUE))], ids=["client", "person"])
def test_another_projects_api_is_the_only_audience_of_its_token(
    asked: list[str], alone: bool, ceiling: Ceiling | None
) -> None:
    request = token(LISTED, ceiling, KNOWN, audience=asked)
    if alone:
        audience.at_token(request)
    else:
        with pytest.raises(InvalidTarget, match="a token of its own"):
            audience.at_token(request)


def test_what_was_asked_for_before_or_is_the_default_is_no_exception() -> None:
    asked = Ceiling(audiences=(ORDERS, BILLING), asked_audiences=(ORDERS, BILLING))
    defaults = client(allowlist=listed(default(ORDERS), default(BILLING)))
    for request in (token(LISTED, asked, KNOWN), token(defaults, None, KNOWN)):
        with pytest.raises(InvalidTarget, match="a token of its own"):
            audience.at_token(request)


# --- Later ---------------------------------------------------------------------------------------------------------

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCOPES = ("openid", "orders.read", "bills.read")


def issued(*audience: str, **changes: Any) -> TokenFacts:
    facts = TokenFacts("access", client(), None, SCOPES, audience, int(NOW.timestamp()), None)
    return facts._replace(**changes)


@pytest.mark.parametrize(
    ("theirs", "left"),
    [
        ({"shared": "public"}, True),
        ({"shared": "listed", "shared_with": frozenset({ACME.id})}, True),
        ({"shared": "listed", "shared_with": frozenset({OTHER.id})}, False),
        ({"shared": "private"}, False),
        ({"shared": "public", "tokens_not_before": NOW}, True),
        ({"shared": "public", "tokens_not_before": NOW + timedelta(microseconds=1)}, False),
        ({"shared": "public", "others_not_before": NOW}, True),
        ({"shared": "public", "others_not_before": NOW + timedelta(microseconds=1)}, False),
        ({"project_id": OURS, "others_not_before": NOW + timedelta(seconds=1)}, True),
        ({"project_id": OURS, "shared": "private"}, True),
        ({"project_id": OURS, "tokens_not_before": NOW + timedelta(seconds=1)}, False),
    ],
)
def test_a_token_is_worth_what_its_api_says_now(theirs: dict[str, Any], left: bool) -> None:
    known = registry(replace(api(BILLING, "bills.read", project_id=THEIRS), **theirs))
    found = left_of(issued(f"{BILLING}/7"), NOW, known)
    assert (found is not None) is left


@pytest.mark.parametrize(
    ("audience", "kept", "scopes"),
    [
        ((ORDERS, BILLING), (ORDERS,), ("openid", "orders.read")),
        ((BILLING, "web"), ("web",), ("openid",)),
        ((BILLING, QUEUE), (QUEUE,), ("openid",)),
        (("web",), ("web",), SCOPES),
        ((ORDERS,), (ORDERS,), SCOPES),
        ((), (), SCOPES),
    ],
)
def test_with_an_audience_goes_what_it_alone_offered(
    audience: tuple[str, ...], kept: tuple[str, ...], scopes: tuple[str, ...]
) -> None:
    over = api(BILLING, "bills.read", tokens_not_before=NOW + timedelta(seconds=1))
    found = left_of(issued(*audience), NOW, registry(api(ORDERS, "orders.read"), over))
    assert found is not None
    assert (found.audience, found.scopes) == (kept, scopes)


def test_an_api_of_another_project_takes_only_what_it_offers_now() -> None:
    found = left_of(issued(BILLING), NOW, registry(replace(SHARED, scopes=frozenset({"orders.read"}))))
    assert found is not None
    assert found.scopes == ("openid", "orders.read")


@pytest.mark.parametrize(
    ("of_client", "seconds", "too_long"),
    [
        (3600, 3600, False),
        (3600, LONGEST_FOR_EDITORS, False),
        (3600, LONGEST_FOR_EDITORS + 1, True),
        (604_800, 604_800, False),
        (604_800, 604_801, True),
    ],
)
def test_what_an_editor_may_give_and_what_a_superuser_gave_is_believed(
    of_client: int, seconds: int, too_long: bool
) -> None:
    assert lives_too_long(of_client, 1000, 1000 + seconds) is too_long
