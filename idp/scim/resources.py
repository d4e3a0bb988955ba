"""What a person and a group are in SCIM: the part of RFC 7643 section 4 that is kept here, and no more.

These classes are what is published as schemas, and what bodies are read with. What they do not know is let pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Generic, TypeVar, cast

from pydantic import Field
from pydantic.alias_generators import to_snake
from scim2_models import (
    URN,
    Attribute,
    CaseExact,
    ComplexAttribute,
    Extension,
    External,
    Mutability,
    PatchOp,
    Path,
    Reference,
    Required,
    Resource,
    Schema,
    ScimPolicy,
    SearchRequest,
    Uniqueness,
)
from scim2_models.resources.resource import AnyExtension

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
# What Microsoft Entra and others send in ways of their own.
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


class Name(ComplexAttribute):
    family_name: str | None = None
    """The family name, or last name."""

    given_name: str | None = None
    """The given name, or first name."""

    middle_name: str | None = None
    """The middle names."""


class Labelled(ComplexAttribute):
    """One of several in SCIM. One is kept here: the primary one, else that of work, else the first."""

    type: str | None = Field(None, examples=["work", "home", "other"])
    """What it is for."""

    primary: bool | None = None
    """Whether it is the one to use."""


class Email(Labelled):
    value: str | None = None
    """The e-mail address."""


class PhoneNumber(Labelled):
    value: str | None = None
    """The phone number."""

    type: str | None = Field(None, examples=["work", "mobile", "home", "other"])
    """What it is for."""


class Photo(Labelled):
    value: Reference[External] | None = None
    """The address of the picture."""

    type: str | None = Field(None, examples=["photo", "thumbnail"])
    """What it is for."""


class Address(Labelled):
    formatted: str | None = None
    """All of it, as it is written on a letter."""

    street_address: str | None = None
    """Street, house number and whatever else stands in these lines."""

    locality: str | None = None
    """The city."""

    region: str | None = None
    """The state or region."""

    postal_code: str | None = None
    """The postal code."""

    country: str | None = None
    """The country."""


class Belonging(ComplexAttribute):
    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """The id of the group."""

    ref: Annotated[Reference[Group] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the group."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The name of the group."""


class User(Resource[AnyExtension]):
    """A person of this provider."""

    __schema__ = URN(USER)

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """What the person signs in with, in any capitals."""

    active: Annotated[bool | None, Required.true] = None
    """Whether the person may sign in. True, where nothing is said; false ends everything they have."""

    name: Name | None = None
    """The names of the person."""

    display_name: str | None = None
    """The name to show. It is kept for whoever says it, and told to no app."""

    nick_name: str | None = None
    """How the person is called casually."""

    profile_url: Reference[External] | None = None
    """The address of a page about the person."""

    locale: str | None = Field(None, examples=["en", "en-US", "de", "de-DE", "ar", "fr-FR"])
    """The language, as BCP 47 has it."""

    timezone: str | None = Field(None, examples=["Europe/Berlin", "America/New_York", "Asia/Riyadh"])
    """The time zone, as IANA calls it."""

    emails: list[Email] | None = None
    """E-mail addresses, of which one is kept."""

    phone_numbers: list[PhoneNumber] | None = None
    """Phone numbers, of which one is kept."""

    addresses: list[Address] | None = None
    """Postal addresses, of which one is kept."""

    photos: list[Photo] | None = None
    """Pictures, of which one is kept."""

    groups: Annotated[list[Belonging] | None, Mutability.read_only] = None
    """The groups that this client put the person into."""


class Member(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The id of the person."""

    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the person."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """Members are people."""


class Group(Resource):  # type: ignore[type-arg]
    """A group of people."""

    __schema__ = URN(GROUP)

    display_name: Annotated[str | None, Required.true, Uniqueness.server] = None
    """The name of the group."""

    members: list[Member] | None = None
    """Those whom this client put into the group."""


# --- How bodies and queries about them are read ----------------------------------------------------------------------

Known = TypeVar("Known", bound=Resource)  # type: ignore[type-arg]


@dataclass(frozen=True, slots=True)
class Kind(Generic[Known]):
    """The classes of a kind of resource, made once: each takes a hundredth of a second."""

    schema: str
    model: type[Known]
    patch: type[PatchOp[Known]]
    search: type[SearchRequest[Known]]


PEOPLE = Kind(USER, User, PatchOp[User], SearchRequest[User])  # type: ignore[type-arg]
GROUPS = Kind(GROUP, Group, PatchOp[Group], SearchRequest[Group])
MEMBERS = Path[Group]


# --- What an installation knows of people besides ---------------------------------------------------------------------

OWN = "urn:ietf:params:scim:schemas:extension:vestibule:2.0:User"
# Directories say `department` and the like here: it is the attribute of this name, where there is one.
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
KINDS = {"number": Attribute.Type.decimal, "boolean": Attribute.Type.boolean}
Added = tuple[tuple[str, str, str], ...]  # name, type and label of each


def own(added: Added) -> type[Extension] | None:
    """The attributes that this installation added, as an extension."""
    found = [
        Attribute(
            name=name,
            type=KINDS.get(kind, Attribute.Type.string),
            multi_valued=kind == "list",
            description=label,
        )
        for name, kind, label in sayable(added)
    ]
    words = "What this installation knows of people besides."
    return Extension.from_schema(Schema(id=OWN, name="Own", description=words, attributes=found)) if found else None


def sayable(added: Added) -> Added:
    """Without names that mean something to the models, or differ from another one in capitals alone."""
    by_field = {to_snake(one[0]): one for one in reversed(added) if not hasattr(Extension, to_snake(one[0]))}
    return tuple(one for one in added if by_field.get(to_snake(one[0])) == one)


@lru_cache(maxsize=4)
def people_with(added: Added) -> Kind[User]:  # type: ignore[type-arg]
    extension = own(added)
    if extension is None:
        return PEOPLE
    model = cast("type[User]", User.__class_getitem__(extension))  # type: ignore[type-arg]
    search = cast("type[SearchRequest[User]]", SearchRequest.__class_getitem__(model))  # type: ignore[type-arg]
    return Kind(USER, model, PatchOp.__class_getitem__(model), search)
