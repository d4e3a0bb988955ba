"""People: made, changed and deleted by the same functions as at the HTTP API, as an import (rules S1 to S4)."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse

from accounts import attributes, changes, normalization, provisioning
from accounts.attributes import Editor
from accounts.directory import MAX_EXTERNAL_ID
from accounts.models import GroupMember, User
from common import cache
from common.json_type import Json
from idp.api import person_changes
from idp.api.resource import storable
from idp.scim import answers, errors, limit, patches, reading
from idp.scim.door import At
from idp.scim.errors import Unfit
from idp.scim.filters import NOTHING, Columns, Flag, Key, Moment, Text, condition
from idp.scim.persons import LONGEST_SHOWN, SHOWN_AS, Said, represent, said_of
from idp.scim.reading import Query, fitting
from idp.scim.resources import PEOPLE, Added, people_with, sayable
from idp.scim.resources import User as Person
from idp.scim.selection import Selection
from projects.events import record

IN_USE = (
    "{names}: Somebody could sign in to this account before a directory looked after it. Only its person changes "
    "this, or an administrator in the console."
)
OUT_OF_REACH = "This account may enter the console. Only people change it, there."


def find(asked: At, key: str) -> HttpResponse:
    return _page(asked, reading.query(asked, PEOPLE))


def search(asked: At, key: str) -> HttpResponse:
    return _page(asked, reading.search(asked, PEOPLE))


def _page(asked: At, query: Query) -> HttpResponse:
    rows = provisioning.people_of(asked.source).select_related("provisioned").order_by("pk")
    if query.filter is not None:
        rows = rows.filter(condition(query.filter, _columns(asked.source)))
    told, added = query.selection.asks_for("groups"), added_here()
    return answers.page(asked, rows, query, lambda found: represent(found, asked.source, added, groups=told))


def _columns(source: str) -> Columns:
    def in_group(key: str) -> Q:
        try:
            return Q(pk__in=GroupMember.objects.filter(group=UUID(key), source=source).values("user"))
        except ValueError:
            return NOTHING

    email = Text("email", kept=normalization.mail_address)
    return {
        "id": Text("sub", alike=False),
        "externalid": Text("provisioned__external_id", alike=False),
        "username": Text("username", kept=normalization.user_name),
        "name.givenname": Text("first_name"),
        "name.familyname": Text("last_name"),
        "emails": email,
        "emails.value": email,
        "active": Flag("is_active"),
        "groups": Key(in_group),
        "groups.value": Key(in_group),
        "meta.created": Moment("date_joined"),
        "meta.lastmodified": Moment("updated_at"),
    }


def show(asked: At, key: str) -> HttpResponse:
    selection = reading.selected(asked, PEOPLE)
    return answers.one(asked, _whole(_person(asked, key), asked.source), selection)


def make(asked: At, key: str) -> HttpResponse:
    selection = reading.selected(asked, PEOPLE)
    added = added_here()
    sent = patches.in_our_words(asked.sent())
    wanted = said_of(reading.resource(people_with(added), sent, new=True, usual={"active": True}), added)
    with transaction.atomic():
        _judge(User(), wanted)
        user = person_changes.make(_named(wanted), asked.by, Editor.IMPORT)
        provisioning.keep(user, asked.source, wanted.external_id, wanted.labels)
        said = _whole(_person(asked, user.sub), asked.source)
    return answers.one(asked, said, selection, status=201)


def _named(wanted: Said) -> dict[str, object]:
    """Whoever has a name for display alone is called so, as with connectors."""
    said, shown = wanted.changes(None), wanted.labels.get(SHOWN_AS)
    if isinstance(shown, str) and not (wanted.members["given_name"] or wanted.members["family_name"]):
        given, _space, family = " ".join(shown.split()).partition(" ")
        said |= {"given_name": given[:150], "family_name": family[:150]}
    return said


@limit.kept
def replace(asked: At, key: str) -> HttpResponse:
    """Whoever is deactivated stays it, unless the body says `active`."""
    selection, sent = reading.selected(asked, PEOPLE), patches.in_our_words(asked.sent())
    with transaction.atomic():
        user, before = _held(asked, key)
        person = reading.resource(people_with(added_here()), sent, new=False, usual={"active": user.is_active})
        return _changed(asked, user, before, person, selection)


@limit.kept
def patch(asked: At, key: str) -> HttpResponse:
    selection, wanted = reading.selected(asked, PEOPLE), patches.operations(asked.sent())
    changes = patches.read(people_with(added_here()), wanted)
    with transaction.atomic():
        user, before = _held(asked, key)
        person = _read(before)
        patches.apply(changes, person)
        return _changed(asked, user, before, person, selection)


def _read(said: Mapping[str, Json]) -> Person:  # type: ignore[type-arg]
    with fitting():
        person: Person = people_with(added_here()).model.model_validate({**said})  # type: ignore[type-arg]
    return person


def _changed(
    asked: At,
    user: User,
    before: dict[str, Json],
    person: Person,  # type: ignore[type-arg]
    selection: Selection,
) -> HttpResponse:
    """All that is other than before, in the transaction of the caller: with `active` false, all they have ends."""
    added = added_here()
    was, wanted = said_of(_read(before), added), said_of(person, added)
    _judge(user, wanted)
    changes = wanted.changes(was)
    _leave_what_is_theirs(user, asked.source, changes)
    if user.is_active and changes.get("is_active") is False:
        limit.count(asked)
    by = asked.by
    moved = person_changes.change(user, changes, by, Editor.IMPORT)
    kept = provisioning.keep(user, asked.source, wanted.external_id, wanted.labels)
    if kept and not moved:
        record(by, "person.changed", person=user.sub, changed=["source"], is_active=user.is_active)
    return answers.one(asked, _whole(_person(asked, user.sub), asked.source), selection)


@limit.kept
def delete(asked: At, key: str) -> HttpResponse:
    """With everything that is theirs. Whoever wrote the console's history stays: they can be deactivated."""
    with transaction.atomic():
        user, _before = _held(asked, key)
        if obstacles := changes.obstacles(user, None):
            raise Unfit(" ".join(map(str, obstacles)), status=409)
        limit.count(asked)
        person_changes.delete(user, asked.by)
    return HttpResponse(status=204)


# --- Whom, and what may be said of them ----------------------------------------------------------------------------


def _person(asked: At, sub: str) -> User:
    rows = provisioning.people_of(asked.source).select_related("provisioned")
    found = rows.filter(sub=sub).first() if storable(sub) else None
    if found is None:
        raise errors.not_found()
    return found


def _held(asked: At, sub: str) -> tuple[User, dict[str, Json]]:
    """Locked, and as they are."""
    _person(asked, sub)
    User.objects.select_for_update().filter(sub=sub).values_list("pk").first()
    user = _person(asked, sub)
    before = _whole(user, asked.source)
    answers.require(asked, before)
    if user.is_staff or user.is_superuser:
        raise errors.forbidden(OUT_OF_REACH)
    return user, before


def added_here() -> Added:
    """What this installation knows of people besides the standard claims."""
    return cache.once(_read_added)


def _read_added() -> Added:
    mine = attributes.own(attributes.schema().values())
    return sayable(tuple((one.name, one.type, str(one.label)) for one in mine))


def _whole(user: User, source: str) -> dict[str, Json]:
    return represent([user], source, added_here())[0]


def _leave_what_is_theirs(user: User, source: str, changes: Mapping[str, object]) -> None:
    """Whoever decides where mail goes that sets a password, opens the account."""
    said = {name: str(changes[name]) for name in ("username", "email") if name in changes}
    same = normalization.user_name(said.get("username", user.username)).casefold() == user.username.casefold()
    names = [
        *([] if same else ["userName"]),
        *([] if normalization.is_same_mailbox(said.get("email", user.email), user.email) else ["emails"]),
    ]
    if names and not provisioning.may_readdress(user, source):
        raise errors.forbidden(IN_USE.format(names=", ".join(names)))


def _judge(user: User, wanted: Said) -> None:
    """What is not for `person_changes` to say: SCIM's word for what is taken, and texts that only a source knows."""
    probe = User(
        pk=user.pk,
        username=normalization.user_name(str(wanted.members["username"])),
        email=normalization.mail_address(str(wanted.members["email"])),
    )
    for name, text, most in (
        ("externalId", wanted.external_id, MAX_EXTERNAL_ID),
        (SHOWN_AS, str(wanted.labels.get(SHOWN_AS, "")), LONGEST_SHOWN),
    ):
        if len(text) > most:
            raise Unfit(f"{name}: This text is too long: at most {most} characters.", "invalidValue")
    if found := [message for _column, message in changes.taken(probe, email_before=user.email)]:
        raise errors.taken(" ".join(found))
