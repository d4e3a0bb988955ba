"""What another project's API offers bounds every token that is for it, whatever else the token is for (section 4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.facts import ProjectFacts
from projects.scopes import SIGN_IN_SCOPES
from provider.protocol import scopes
from provider.protocol.errors import InvalidScope
from provider.protocol.facts import Ceiling, Registry
from tests.provider.protocol.building import ACME, BILLING, ORDERS, OTHER, QUEUE, api, client, registry, token

EVERYTHING = ("openid", "email", "orders.read", "orders.write", "offline_access", "bills.read")
GRANTED = Ceiling(scopes=EVERYTHING, asked_scopes=EVERYTHING)


def scopes_of(audience: tuple[str, ...], known: Registry, scope: str, ceiling: Ceiling | None = GRANTED) -> str:
    request = token(client(scopes=EVERYTHING), ceiling, known, scope=scope)
    request.audience = audience
    scopes.at_token(request)
    return " ".join(request.scopes)


THEIRS = api(BILLING, "bills.read", "orders.read", project_id=OTHER.id)
THEIRS_TOO = api(f"{BILLING}/old", "orders.write", "orders.read", project_id=OTHER.id + 1)
SILENT = api(BILLING, project_id=OTHER.id)
WANTED = "openid orders.read orders.write offline_access"


@pytest.mark.parametrize(
    ("audience", "known", "kept"),
    [
        ((BILLING,), registry(THEIRS), "openid orders.read offline_access"),
        ((f"{BILLING}/7",), registry(THEIRS), "openid orders.read offline_access"),
        ((ORDERS, BILLING), registry(api(ORDERS, "orders.write"), THEIRS), "openid orders.read offline_access"),
        ((BILLING, ORDERS), registry(api(ORDERS), THEIRS), "openid orders.read offline_access"),
        ((BILLING, QUEUE), registry(THEIRS), "openid orders.read offline_access"),
        ((BILLING, "web"), registry(THEIRS), "openid orders.read offline_access"),
        ((BILLING, f"{BILLING}/old"), registry(THEIRS, THEIRS_TOO), "openid orders.read offline_access"),
        ((f"{BILLING}/old", BILLING), registry(SILENT, THEIRS_TOO), "openid offline_access"),
        ((BILLING,), registry(SILENT), "openid offline_access"),
        ((BILLING, ORDERS), registry(SILENT, api(ORDERS, "orders.read")), "openid offline_access"),
        ((BILLING, QUEUE), registry(SILENT), "openid offline_access"),
        ((QUEUE, ORDERS), registry(THEIRS), WANTED),
    ],
    ids=[
        *("alone", "below it", "beside an own one that offers more", "beside an own one without scopes"),
        *("beside a name", "beside the client", "two projects: what both offer", "one of the two offers none"),
        *("offers none", "offers none, beside an own one", "offers none, beside a name", "not asked for"),
    ],
)
def test_every_api_of_another_project_has_to_offer_a_scope(
    audience: tuple[str, ...], known: Registry, kept: str
) -> None:
    assert scopes_of(audience, known, WANTED) == kept


@pytest.mark.parametrize("audience", [(BILLING,), (BILLING, ORDERS), (BILLING, QUEUE)])
@pytest.mark.parametrize("ceiling", [None, Ceiling(scopes=("orders.read",), asked_scopes=("orders.read",))])
def test_where_no_scope_is_named_an_api_that_offers_none_gets_none(
    audience: tuple[str, ...], ceiling: Ceiling | None
) -> None:
    """There would be no way to ask for a token for it."""
    known = registry(SILENT, api(ORDERS, "orders.read"))
    assert scopes_of(audience, known, "", ceiling) == ""
    with pytest.raises(InvalidScope, match="offered"):
        scopes_of(audience, known, "orders.read", ceiling)


several = st.lists(st.sampled_from(EVERYTHING), max_size=4, unique=True).map(tuple)


@given(
    of_a_person=st.booleans(),
    asked=several,
    audience=st.lists(st.sampled_from([ORDERS, BILLING, f"{BILLING}/old/7", QUEUE, "web"]), min_size=1, unique=True),
    owners=st.tuples(*[st.sampled_from([ACME, OTHER, ProjectFacts(id=3)])] * 3),
    offers=st.tuples(several, several, several),
)
def test_no_token_for_another_projects_api_has_a_scope_that_api_does_not_offer(
    of_a_person: bool,
    asked: tuple[str, ...],
    audience: list[str],
    owners: tuple[ProjectFacts, ...],
    offers: tuple[tuple[str, ...], ...],
) -> None:
    """Whatever else the token is for, and whoever made the other APIs."""
    identifiers = (ORDERS, BILLING, f"{BILLING}/old")
    made = zip(identifiers, owners, offers, strict=True)
    apis = [api(identifier, *offer, project_id=owner.id) for identifier, owner, offer in made]
    known = registry(*apis)
    try:
        got = scopes_of(tuple(audience), known, " ".join(asked), GRANTED if of_a_person else None).split()
    except InvalidScope:
        return
    found = [known.resolve(one) for one in audience]
    for theirs in (one for one in found if one is not None and one.project_id != ACME.id):
        assert set(got) <= {*theirs.scopes, *SIGN_IN_SCOPES}
