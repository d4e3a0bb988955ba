"""Every place where somebody is told who a person is or which sign-in it was, and what each is told (section 37)."""

from __future__ import annotations

import ast
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clients import sectors
from clients.models.telling import ToldKind
from projects.facts import ProjectFacts
from projects.models import Project
from projects.sectors import PAIRWISE, PUBLIC, new_salt, told_sid, told_sub
from provider import logout_notices
from provider.protocol import claims, introspection
from provider.protocol.access_tokens import crosses, token_format
from provider.protocol.claims import Issue
from provider.protocol.errors import InsufficientScope
from provider.protocol.facts import ClientFacts, Exchanged, Json, SignInFacts, TokenFacts
from provider.telling import portion
from provider.telling.table import Happened
from tests.provider.protocol.building import ACME, ORDERS, OTHER, OWNER, api, client, listed, registry
from tests.provider.protocol.building import token as asking

SALT, ANOTHER = "a" * 43, "b" * 43
SID = "22222222-2222-4222-8222-222222222222"
AUTHORIZATION = "33333333-3333-4333-8333-333333333333"
PROJECTS = {PUBLIC: ACME, PAIRWISE: replace(ACME, subject_type=PAIRWISE, subject_salt=SALT)}
ELSEWHERE = replace(OTHER, subject_type=PAIRWISE, subject_salt=ANOTHER)
SIGNED_OUT = Happened(datetime(2026, 1, 1, tzinfo=UTC), ToldKind.ACCESS, OWNER.sub, data={"sid": SID})
ROOT = Path(__file__).parent.parent.parent.parent


def issue(project: ProjectFacts, **changes: Any) -> Issue:
    web = client(project=project)
    said = Issue("https://idp.example", 1, f"{AUTHORIZATION}.x", web, OWNER, SignInFacts(SID, 1), ("openid",))
    return replace(said, **changes)


def token(project: ProjectFacts, **changes: Any) -> TokenFacts:
    return TokenFacts("access", client(project=project), OWNER, ("openid",), ("web",), 1, 2, **changes)


def row(project: ProjectFacts) -> Project:
    return Project(pk=project.id, subject_type=project.subject_type, subject_salt=project.subject_salt)


def introspected(caller: ClientFacts, shown: TokenFacts) -> Json:
    return introspection.answer(caller, shown, registry(), "https://idp.example")["sub"]


def notice(project: ProjectFacts) -> Any:
    return logout_notices._notice(uuid.UUID(SID), OWNER.sub, 1, row(project))


SUBS: dict[str, Callable[[ProjectFacts], object]] = {
    "ID token": lambda one: claims.id_token(issue(one), "")["sub"],
    "ID token for a sibling": lambda one: claims.id_token(issue(one, target=client("desk", project=one)), "")["sub"],
    "JWT access token": lambda one: claims.access_token(issue(one))["sub"],
    "userinfo": lambda one: claims.userinfo(token(one))["sub"],
    "tokeninfo": lambda one: claims.tokeninfo(token(one), offline=False, now=1)["sub"],
    "tokeninfo, in Google's word": lambda one: claims.tokeninfo(token(one), offline=False, now=1)["user_id"],
    "introspection": lambda one: introspected(client(project=one), token(one)),
    "introspection by an app of this project, of a token of another": lambda one: introspected(
        client("api", project=one, introspection="all"), token(ELSEWHERE)
    ),
    "logout token": lambda one: notice(one).told_sub,
    "who invited, in an event": lambda one: sectors.shown_detail({"inviter": OWNER.sub}, row(one))["inviter"],
    "details of an event": lambda one: sectors.shown_detail({"person": OWNER.sub}, row(one))["person"],
}
SIDS: dict[str, Callable[[ProjectFacts], object]] = {
    "ID token": lambda one: claims.id_token(issue(one), "")["sid"],
    "logout token": lambda one: str(notice(one).sid),
    "webhooks and event streams": lambda one: portion._told(SIGNED_OUT, row(one))["sid"],
}


@pytest.mark.parametrize("kind", PROJECTS)
@pytest.mark.parametrize("place", SUBS)
def test_each_place_tells_the_sub_that_the_project_knows(place: str, kind: str) -> None:
    told = SUBS[place](PROJECTS[kind])
    assert told == told_sub(OWNER.sub, PROJECTS[kind])
    assert (told == OWNER.sub) is (kind == PUBLIC)


@pytest.mark.parametrize("kind", PROJECTS)
@pytest.mark.parametrize("place", SIDS)
def test_each_place_tells_the_sid_that_the_project_knows(place: str, kind: str) -> None:
    told = SIDS[place](PROJECTS[kind])
    assert told == told_sid(SID, PROJECTS[kind])
    assert (told == SID) is (kind == PUBLIC)


def test_a_client_for_itself_is_called_as_ever() -> None:
    own = token(PROJECTS[PAIRWISE])._replace(person=None)
    said = [claims.userinfo(own)["sub"], claims.tokeninfo(own, offline=False, now=1)["sub"]]
    said += [claims.access_token(issue(PROJECTS[PAIRWISE], person=None))["sub"]]
    assert [*said, introspected(own.client, own)] == ["web"] * 4


# --- The hash ------------------------------------------------------------------------------------------------------


def test_what_is_told_looks_as_a_public_one_and_as_nothing_else() -> None:
    """A client ID never looks like a UUID: no app can be called as a person is, here either."""
    told = [told_sub(OWNER.sub, PROJECTS[PAIRWISE]), told_sid(SID, PROJECTS[PAIRWISE])]
    assert [(str(uuid.UUID(one)), uuid.UUID(one).version) for one in told] == [(one, 8) for one in told]


def test_each_sector_each_person_and_each_kind_has_its_own() -> None:
    sectors_of_two = (PROJECTS[PAIRWISE], ELSEWHERE)
    subs = {told_sub(sub, one) for sub in ("1", "2") for one in sectors_of_two}
    sids = {told_sid(sid, one) for sid in ("1", "2") for one in sectors_of_two}
    assert len(subs | sids) == 8
    assert told_sub("1", PROJECTS[PAIRWISE]) == told_sub("1", row(PROJECTS[PAIRWISE])), "rows and facts agree"


def test_no_salt_is_an_error_and_never_a_public_sub() -> None:
    with pytest.raises(ValueError, match="without a salt"):
        told_sub(OWNER.sub, replace(ACME, subject_type=PAIRWISE))
    assert told_sid("", PROJECTS[PAIRWISE]) == ""
    assert len(new_salt()) == 43
    assert SALT not in repr(PROJECTS[PAIRWISE])


# --- Between two projects ------------------------------------------------------------------------------------------

ABROAD = api(ORDERS, project_id=OTHER.id, shared="public", token_format="jwt")
BETWEEN = [  # the app's project, whether the API's is pairwise, whether they must not find out
    (PROJECTS[PUBLIC], False, False),
    (PROJECTS[PUBLIC], True, True),
    (PROJECTS[PAIRWISE], False, True),
    (PROJECTS[PAIRWISE], True, True),
]


@pytest.mark.parametrize(("project", "pairwise", "hidden"), BETWEEN)
def test_no_jwt_goes_between_two_that_must_not_compare(project: ProjectFacts, pairwise: bool, hidden: bool) -> None:
    known = registry(replace(ABROAD, pairwise=pairwise))
    web = client(project=project, allowlist=listed(ORDERS))
    decided = asking(web, None, known)
    decided.audience = (ORDERS,)
    assert token_format(decided) == ("opaque" if hidden else "jwt")
    assert crosses((ORDERS,), web, known) is hidden
    assert not crosses((ORDERS,), replace(web, project=OTHER), known), "its own project's"
    assert not crosses((ORDERS,), web, registry(api(ORDERS, project_id=0))), "the provider's own looks each one up"


@pytest.mark.parametrize("crossing", [False, True])
def test_nor_one_whose_id_names_where_it_began(crossing: bool) -> None:
    decided = asking(client(access_token_format="jwt"))
    decided.exchanged = Exchanged(client(), passed_on=True, crosses=crossing)
    assert token_format(decided) == ("opaque" if crossing else "jwt")


def test_a_token_of_two_such_tells_whoever_holds_it_no_sub() -> None:
    shown = token(PROJECTS[PAIRWISE], crosses=True)
    assert not claims.tokeninfo(shown, offline=False, now=1).keys() & {"sub", "user_id"}
    with pytest.raises(InsufficientScope):
        claims.userinfo(shown)


def test_only_a_pairwise_id_token_names_its_authorization() -> None:
    named = {kind: str(claims.id_token(issue(one), "")["jti"]) for kind, one in PROJECTS.items()}
    assert "." not in named[PUBLIC]
    assert named[PAIRWISE].partition(".")[0] == AUTHORIZATION


# --- A place that nobody thought of --------------------------------------------------------------------------------

# Where code of the wire has a person's own `sub` or `sid` in its hands and does not turn it into the told one there:
# how often, and why nobody is told it.
ON_THE_WIRE = {
    "provider/endpoints/consent.py": (2, "signed into the form that the person sees"),
    "provider/endpoints/device.py": (1, "an event"),
    "provider/endpoints/logout.py": (7, "compared with a hint that was turned back (`provider.store.whose`)"),
    "provider/grants/__init__.py": (1, "an event"),
    "provider/protocol/claims.py": (1, "whether there is a sign-in"),
    "provider/protocol/logout.py": (2, "compared with a hint that was turned back"),
    "provider/protocol/prompts.py": (2, "of facts that say it as told (`provider.endpoints.interaction`)"),
}
# The same of what is kept, sent and read by programs: why nobody is told it who knows people by another.
ELSEWHERE_READ = {
    "idp/api/access.py": "whose requests are counted",
    "idp/api/authorizations.py": "of a person, for superusers; below a project it is replaced",
    "idp/api/events.py": "all events, for superusers; below a project it is replaced",
    "idp/api/groups.py": "for superusers",
    "idp/api/invitations.py": "into no project, for superusers",
    "idp/api/people.py": "for superusers",
    "idp/api/person_changes.py": "for superusers",
    "idp/api/records.py": "for superusers",
    "idp/api/sign_ins.py": "for superusers",
    "idp/scim/groups.py": "for programs of superusers, which keep accounts",
    "idp/scim/people.py": "the same",
    "idp/scim/persons.py": "the same",
    "provider/access.py": "an event",
    "provider/admin/activity.py": "a search, for superusers",
    "provider/admin/by_sub.py": "a search, by what was found of the told one",
    "provider/admin/events.py": "whether there is one",
    "provider/admin/happened/entries.py": "an account's, for superusers; of an event it goes through `Names.person`",
    "provider/admin/happened/export.py": "an event, of what a superuser took",
    "provider/admin/happened/names.py": "for superusers; to others by the project, or by name",
    "provider/admin/happened/sources.py": "a search, for superusers",
    "provider/admin/people_deeds.py": "whom a file of superusers names",
    "provider/admin/people_page.py": "a search, by what was found of the told one",
    "provider/admin/person_account.py": "events",
    "provider/admin/person_cards.py": "which sign-in it is, on a page for superusers",
    "provider/admin/person_ends.py": "events",
    "provider/consent_requests.py": "an event, and whose browser it is",
    "provider/device_guesses.py": "whose guesses are counted",
    "provider/event_feed.py": "events",
    "provider/facts.py": "facts",
    "provider/guest_access.py": "an event",
    "provider/lock_outs.py": "events, and whose guesses are counted",
    "provider/inspection/__init__.py": "for operators",
    "provider/logout_notices.py": "kept beside what is told, and an event",
    "provider/oversized.py": "an event",
    "provider/people_many.py": "events",
    "provider/report.py": "for operators",
    "provider/revocation.py": "events",
    "provider/store/authorizations.py": "events",
    "provider/store/presented.py": "for events",
    "provider/store/whose.py": "turned back",
    "provider/telling/addresses.py": "as told already, or found by it",
    "provider/telling/new_claims.py": "whose claims moved, before it is told",
    "provider/telling/occurrences.py": "kept until it is told",
    "provider/telling/portion.py": "by whom it finds rows, and beside an address, for `addresses` to ask once more",
    "provider/telling/relations.py": "the same",
    "provider/telling/sets.py": "as told already (`provider.telling.portion`)",
    "provider/telling/spreading.py": "who is deleted",
    "provider/telling/stream_outbox.py": "as told already",
    "provider/telling/table.py": "what happened, before it is told",
    "provider/telling/webhook_outbox.py": "as told already",
    "provider/templatetags/activity.py": "a link, for superusers",
}
WIRE = ("provider/protocol", "provider/endpoints", "provider/grants", "provider/keys")
LOOKED_AT = ("idp/api", "idp/scim", "provider")
NOT = ("provider/management",)  # commands are for operators


def test_no_place_that_has_a_sub_in_its_hands_was_forgotten() -> None:
    """Whoever writes a new one turns it into the told one, or says here why nobody is told it."""
    files = [one for top in LOOKED_AT for one in sorted((ROOT / top).rglob("*.py"))]
    counted = {str(one.relative_to(ROOT)): len([*own_names(one.read_text())]) for one in files}
    found = {path: number for path, number in counted.items() if number and not path.startswith(NOT)}
    wire = {path: number for path, number in found.items() if path.startswith(WIRE)}
    assert wire == {path: number for path, (number, _why) in ON_THE_WIRE.items()}
    assert found.keys() - wire.keys() == ELSEWHERE_READ.keys()


def own_names(source: str) -> Iterator[ast.AST]:
    """Reads of `.sub` and `.sid`, and lookups of a person's, that are no argument of `told_sub` and `told_sid`."""
    if not ("sub" in source or "sid" in source):
        return
    tree, told = ast.parse(source), set[ast.AST]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            told.add(node.func)  # a method of that name is no person's
            if getattr(node.func, "id", "") in ("told_sub", "told_sid"):
                told |= {part for argument in node.args for part in ast.walk(argument)}
    for node in ast.walk(tree):
        read = isinstance(node, ast.Attribute) and node.attr in ("sub", "sid") and isinstance(node.ctx, ast.Load)
        if node not in told and (read or (isinstance(node, ast.Constant) and node.value == "user__sub")):
            yield node
