"""Between an account and a person of SCIM: what of it is which attribute, in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from accounts.attribute_types import ADDRESS_PARTS
from accounts.models import GroupMember, User
from common.json_type import Json
from idp.scim.door import address_of
from idp.scim.resources import OWN, USER, Added, Address, Labelled
from idp.scim.resources import User as Person
from projects.json_shape import as_json

NAMES = {"family_name": "familyName", "given_name": "givenName", "middle_name": "middleName"}
TEXTS = {"nickname": "nickName", "profile": "profileUrl", "locale": "locale", "zoneinfo": "timezone"}
PARTS = {**dict(zip(ADDRESS_PARTS, ADDRESS_PARTS, strict=True)), "street_address": "streetAddress"} | {
    "postal_code": "postalCode"
}
SHOWN_AS = "displayName"
FIRST = ("work", "mobile")  # of several, where none is primary
UNSAID: Mapping[str, Mapping[str, Json]] = {
    "emails": {"type": "work", "primary": True},
    "phoneNumbers": {"primary": True},
    "addresses": {"primary": True},
    "photos": {"type": "photo", "primary": True},
}
LONGEST_LABEL = 50
LONGEST_SHOWN = 500
One = TypeVar("One", bound=Labelled)


@dataclass(frozen=True, slots=True)
class Said:
    """What a person of SCIM says of an account: members of it, attributes, and what only its source knows."""

    members: dict[str, Json]
    attributes: dict[str, Json]
    external_id: str = ""
    labels: dict[str, Json] = field(default_factory=dict)

    def changes(self, before: Said | None) -> dict[str, object]:
        """As `person_changes` reads it: what is other than before."""
        old_members, old = (before.members, before.attributes) if before else ({}, {})
        said: dict[str, object] = {name: one for name, one in self.members.items() if one != old_members.get(name)}
        moved = {name: one for name, one in self.attributes.items() if one != old.get(name)}
        return {**said, "attributes": {name: _whole(one) for name, one in moved.items()}} if moved else said


def _whole(value: Json) -> Json:
    """Parts that are not said are gone."""
    return {part: value.get(part) for part in ADDRESS_PARTS} if isinstance(value, Mapping) else value


# --- From SCIM -----------------------------------------------------------------------------------------------------


def said_of(person: Person, added: Added = ()) -> Said:  # type: ignore[type-arg]
    name, besides = person.name, person.model_dump().get(OWN) or {}
    email, phone = chosen(person.emails), chosen(person.phone_numbers)
    address, photo = chosen(person.addresses), chosen(person.photos)
    labels: dict[str, Json] = {
        name: _label(one)
        for name, one in (("emails", email), ("phoneNumbers", phone), ("addresses", address), ("photos", photo))
        if one is not None
    }
    return Said(
        members={
            "username": person.user_name,
            "email": (email.value if email else None) or "",
            "given_name": (name.given_name if name else None) or "",
            "family_name": (name.family_name if name else None) or "",
            "is_active": person.active is not False,
        },
        attributes={
            "middle_name": (name.middle_name if name else None) or None,
            "nickname": person.nick_name or None,
            "profile": str(person.profile_url) if person.profile_url else None,
            "locale": person.locale or None,
            "zoneinfo": person.timezone or None,
            "phone_number": _phone(phone.value if phone else None),
            "picture": str(photo.value) if photo and photo.value else None,
            "address": _address(address),
            **{ours: besides.get(ours) for ours, _kind, _words in added},
        },
        external_id=person.external_id or "",
        labels=labels | ({SHOWN_AS: person.display_name} if person.display_name else {}),
    )


def chosen(several: Sequence[One] | None) -> One | None:
    """The one that is kept."""
    ranked = sorted(several or (), key=_rank)  # the first of its rank
    return ranked[0] if ranked else None


def _rank(one: Labelled) -> int:
    kind = (one.type or "").lower()
    return -1 if one.primary else FIRST.index(kind) if kind in FIRST else len(FIRST)


def _label(one: Labelled) -> dict[str, Json]:
    label: dict[str, Json] = {} if one.type is None else {"type": one.type[:LONGEST_LABEL]}
    return label if one.primary is None else {**label, "primary": one.primary}


def _phone(value: str | None) -> Json:
    """Also as RFC 3966 writes it."""
    return (value or "").removeprefix("tel:") or None


def _address(one: Address | None) -> Json:
    said = {part: getattr(one, part) for part in ADDRESS_PARTS} if one else {}
    return {part: value for part, value in said.items() if value} or None


# --- To SCIM -------------------------------------------------------------------------------------------------------


def represent(users: Iterable[User], source: str, added: Added, *, groups: bool = True) -> list[dict[str, Json]]:
    """`source`: whose memberships are told. `added`: attributes of this installation's own."""
    people = list(users)
    belongs = _groups(people, source) if groups else {}
    return [_with_own(_represented(one, belongs.get(one.pk, [])), one, added) for one in people]


def _with_own(said: dict[str, Json], user: User, added: Added) -> dict[str, Json]:
    besides = {name: user.attributes[name] for name, _kind, _words in added if name in user.attributes}
    return {**said, "schemas": [USER, OWN], OWN: besides} if besides else said


def _represented(user: User, groups: list[Json]) -> dict[str, Json]:
    row = getattr(user, "provisioned", None)
    labels: Mapping[str, Json] = row.said if row else {}
    known = user.attributes
    names = {"family_name": user.last_name, "given_name": user.first_name, "middle_name": known.get("middle_name")}
    several: tuple[tuple[str, str, Json], ...] = (
        ("emails", "value", user.email),
        ("phoneNumbers", "value", known.get("phone_number")),
        ("photos", "value", known.get("picture")),
    )
    said: dict[str, Json] = {
        "schemas": [USER],
        "id": user.sub,
        "externalId": row.external_id if row else "",
        "userName": user.username,
        "name": {ours: value for name, ours in NAMES.items() if (value := names[name])},
        SHOWN_AS: labels.get(SHOWN_AS),
        **{ours: known.get(name) for name, ours in TEXTS.items()},
        **{name: [_one(name, {part: value}, labels)] for name, part, value in several if value},
        "addresses": _addresses(known.get("address"), labels),
        "groups": groups,
    }
    said = {name: value for name, value in said.items() if value}
    return {**said, "active": user.is_active, "meta": _meta(user)}


def _one(name: str, value: dict[str, Json], labels: Mapping[str, Json]) -> Json:
    label = labels.get(name, UNSAID[name])
    return {**value, **(label if isinstance(label, Mapping) else {})}


def _addresses(value: Json, labels: Mapping[str, Json]) -> Json:
    if not isinstance(value, Mapping):
        return []
    return [_one("addresses", {PARTS[part]: one for part, one in value.items() if part in PARTS}, labels)]


def _meta(user: User) -> dict[str, Json]:
    return {
        "resourceType": "User",
        "created": as_json(user.date_joined),
        "lastModified": as_json(user.updated_at),
        "location": address_of("Users", user.sub),
    }


def _groups(users: list[User], source: str) -> dict[int, list[Json]]:
    found: dict[int, list[Json]] = {}
    rows = GroupMember.objects.filter(user__in=[one.pk for one in users], source=source).order_by("group__name")
    for user, key, name in rows.values_list("user", "group", "group__name"):
        one: Json = {"value": str(key), "$ref": address_of("Groups", str(key)), "display": name}
        found.setdefault(user, []).append(one)
    return found
