"""Accounts that programs make, change and delete: from JSON to a row, with what the console demands of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.core.exceptions import ValidationError

from accounts import attributes, emails, events, normalization, notices
from accounts.attributes import Editor
from accounts.changes import LAST_SUPERUSER, NOT_FROM_YOURSELF, finish, is_last_superuser, taken
from accounts.models import User
from accounts.moments import moment_problem
from clients import subjects
from common import chosen
from common.hashers import problem_of_hash
from common.json_type import Json
from idp.api.documents import merged
from projects.actors import Actor
from projects.events import record
from projects.json_shape import Members, Spot, Wrong, flag, moment_or_none, read_members, text
from projects.paths import joined
from projects.problems import Problem, of_validation, require

HASH = "password_hash"


def _hash(spot: Spot) -> str | None:
    return None if spot.value is None else text(spot)


def _values(spot: Spot) -> Mapping[str, object] | None:
    """None: none at all."""
    if spot.value is not None and not isinstance(spot.value, Mapping):
        raise Wrong(f"This must be a mapping of names and values, not {spot.kind}.")
    return spot.value


APART = (HASH, "attributes")  # what is no column
INSIDE = "attributes."
WANTED: Members = {
    "username": text,
    "email": text,
    "given_name": text,
    "family_name": text,
    "is_active": flag,
    "is_staff": flag,
    "is_superuser": flag,
    "tokens_not_before": moment_or_none,
    HASH: _hash,
    "attributes": _values,
}
COLUMNS = {name: name for name in WANTED if name not in APART} | {
    "given_name": "first_name",
    "family_name": "last_name",
}
NAMES = {column: name for name, column in COLUMNS.items()}
# What null stands for in a merge patch. There is no account without a user name.
DEFAULTS: Mapping[str, Json] = {
    "username": "",
    **dict.fromkeys(("email", "given_name", "family_name"), ""),
    **dict.fromkeys(("is_staff", "is_superuser"), False),
    "is_active": True,
}
SHOWN_ONLY = ("email_verified", "groups", "has_password", "created_at", "last_sign_in_at")
RIGHTS = ("is_active", "is_staff", "is_superuser")
ALIKE = {"username": normalization.user_name, "email": normalization.mail_address}


def read(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot({name: DEFAULTS.get(name) if value is None else value for name, value in values.items()})
    return read_members(WANTED, spot), spot.found


def read_new(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    """The same for an account that is made, whose `sub` may be said once."""
    spot = Spot({name: DEFAULTS.get(name) if value is None else value for name, value in values.items()})
    return read_members({**WANTED, "sub": text}, spot, needed=("username",)), spot.found


def read_whole(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    """The same for one that is replaced, with what is only shown."""
    shown = {name: value for name, value in values.items() if name in SHOWN_ONLY}
    said, wrong = read_new({name: value for name, value in values.items() if name not in SHOWN_ONLY})
    return {**said, **shown}, wrong


def whole(said: Mapping[str, object], user: User | None, before: Mapping[str, Json]) -> dict[str, object]:
    """Everything an account has, as an administrator decides it. What is only shown is repeated as it is (`before`)."""
    words = "This is only shown here: repeat it as it is, or leave it out."
    require(Problem(one, words, "read_only") for one in SHOWN_ONLY if one in said and said[one] != before.get(one))
    ours = {name for name, one in attributes.schema().items() if one.editable_for(Editor.ADMINISTRATOR)}
    rest = {name: value for name, value in DEFAULTS.items() if name in ours or name not in attributes.NAMES}
    had, sent = user.attributes if user else {}, said.get("attributes")
    values = (
        {name: _instead_of(had.get(name), value) for name, value in sent.items()} if isinstance(sent, Mapping) else {}
    )
    wanted = {name: value for name, value in {**rest, **said}.items() if name not in SHOWN_ONLY}
    return {**wanted, "attributes": {**dict.fromkeys(one for one in had if one in ours), **values}}


def _instead_of(before: Json, value: Json) -> Json:
    """As a merge patch that leaves no part of what was there."""
    if not (isinstance(before, Mapping) and isinstance(value, Mapping)):
        return value
    return {**dict.fromkeys(before), **value}


def make(said: Mapping[str, object], by: Actor, editor: Editor = Editor.ADMINISTRATOR) -> User:
    """A new account; without a hash nobody knows a password of it. Raises RegistrationError."""
    user = User()
    if "sub" in said:
        user.sub = str(said["sub"])
        require(_at("sub", subjects.problem_of_new(user.sub)))
    user.set_unusable_password()
    moved = _take(user, said, by, editor)
    user.save(force_insert=True)
    emails.replace_primary_address(user, "")
    record(by, "person.created", person=user.sub, changed=sorted(moved), is_active=user.is_active)
    return user


def change(user: User, said: Mapping[str, object], by: Actor, editor: Editor = Editor.ADMINISTRATOR) -> list[str]:
    """Nobody takes their own rights away. Raises RegistrationError. The caller has locked the row. Answers what
    changed."""
    old_email = user.email
    moved = _take(user, said, by, editor)
    if not moved:
        return []
    user.save()
    if "email" in moved:
        verified = emails.was_verified(user, old_email)
        emails.replace_primary_address(user, old_email)
        emails.record_change(user, old_email, verified)
    if HASH in moved:
        notices.password_replaced(user)
    further = [name.removeprefix(INSIDE) for name in moved if name.startswith(INSIDE)]
    finish(user, [COLUMNS[name] for name in moved if name in COLUMNS], by, further)
    record(by, "person.changed", person=user.sub, changed=sorted(moved), is_active=user.is_active)
    return moved


def delete(user: User, by: Actor) -> None:
    """With everything that is theirs, in the transaction of the caller."""
    sub = user.sub
    events.record_deletion(user, None)
    user.delete()
    record(by, "person.deleted", person=sub)


def _take(user: User, said: Mapping[str, object], by: Actor, editor: Editor) -> list[str]:
    """Put it on the row, which is not saved here; the members that changed."""
    email, moment = user.email, user.tokens_not_before
    values = {name: ALIKE[name](str(value)) if name in ALIKE else value for name, value in said.items()}
    moved = [name for name in COLUMNS if name in values and getattr(user, COLUMNS[name]) != values[name]]
    for name in moved:
        setattr(user, COLUMNS[name], values[name])
    found = [*_problems(user, moved, by), *_reserved(moved, editor)]
    if "tokens_not_before" in moved:
        found += _at("tokens_not_before", moment_problem(moment, user.tokens_not_before))
    judged = set(moved) - {one.field for one in found}
    found += [Problem(name, message) for name, message in taken(user, email_before=email) if name in judged]
    if HASH in values:
        found += _at(HASH, problem_of_hash(str(values[HASH])) or "" if values[HASH] is not None else "")
    changes, wrong = _attributes(user, values["attributes"], editor) if "attributes" in values else ({}, [])
    require([*found, *wrong])
    moved += [INSIDE + name for name in attributes.put(user, changes)]
    return moved + ([HASH] if HASH in values and _set_password(user, values[HASH]) else [])


def _attributes(user: User, said: object, editor: Editor) -> tuple[dict[str, Json], list[Problem]]:
    """What changes of them. What has parts is changed in its parts (RFC 7396)."""
    sent = said if isinstance(said, Mapping) else dict.fromkeys(user.attributes)
    values = {name: merged(user.attributes.get(name), value) for name, value in sent.items()}
    known = attributes.further()
    changes, troubles = attributes.read(values, editor, before=attributes.values_of(user), known=known)
    return changes, [Problem(joined(("attributes", one.name)), one.message) for one in troubles]


def _problems(user: User, moved: list[str], by: Actor) -> Iterator[Problem]:
    lost = [name for name in RIGHTS if name in moved and not getattr(user, name)]
    if by.sub == user.sub:
        yield from (Problem(name, str(NOT_FROM_YOURSELF)) for name in lost)
    elif {"is_active", "is_superuser"} & set(lost) and is_last_superuser(user):
        yield Problem(lost[0], LAST_SUPERUSER)
    wanted = {COLUMNS[name] for name in moved} | ({"username"} if user._state.adding else set())
    try:
        user.clean_fields(exclude={one.name for one in User._meta.fields} - wanted)
    except ValidationError as error:
        yield from of_validation(error, NAMES)


def _reserved(moved: list[str], editor: Editor) -> Iterator[Problem]:
    """Given and family name are columns, and attributes: who edits them is said with the attributes."""
    names = [name for name in moved if name in attributes.NAMES]
    known = attributes.schema() if names else {}
    for name in names:
        if not known[name].editable_for(editor):
            yield Problem(name, attributes.not_yours(known[name]))


def _set_password(user: User, said: object) -> bool:
    """Whether it is another one than before. None: no password opens this account."""
    if said is None:
        if not user.has_usable_password():
            return False
        user.set_unusable_password()
        user.password_fingerprint = ""
        return True
    if chosen.is_of(str(said), chosen.Kept(user.password, user.password_fingerprint)):
        return False
    kept = chosen.adopted(str(said))
    user.password, user.password_fingerprint = kept.digest, kept.fingerprint
    return True


def _at(field: str, message: str) -> list[Problem]:
    return [Problem(field, message)] if message else []
