"""JSON Schemas of what the API takes and answers, from the tables of members that every door reads by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields

from django.utils.translation import override

from clients import document as client_document
from clients.form_texts import HELP
from clients.metadata import ClientMetadata
from clients.models.values import CHOICES
from clients.rules import MAY_BE_EMPTY
from common.json_type import Json
from idp.api import (
    connector_schemas,
    invitation_schemas,
    people_schemas,
    provider_schemas,
    stream_schemas,
    webhook_schemas,
)
from idp.api.described import ref
from idp.api.problems import CODES, TYPE
from idp.api.schema_shapes import MOMENT_OR_NONE, TEXT, TEXTS, object_of
from projects import choices, claim_table, role_document, sign_in_document
from projects import document as project_document
from projects import json_shape as shape
from projects.json_shape import Members

FURTHER = (
    people_schemas,
    provider_schemas,
    invitation_schemas,
    webhook_schemas,
    connector_schemas,
    stream_schemas,
)
# What each reader of the tables takes.
SHAPES: dict[Callable[..., object], Json] = {
    shape.text: TEXT,
    shape.texts: TEXTS,
    shape.picture: {
        "type": "string",
        "description": "Where the picture is, or an empty text. A new one is sent as a `data:` URI in base64: PNG, "
        "JPEG or WebP. It is drawn anew, with 512 by 512 pixels at most.",
    },
    shape.scope: {"type": "string", "description": "Scopes, separated by spaces."},
    shape.flag: {"type": "boolean"},
    shape.seconds: {"type": "integer"},
    shape.seconds_or_none: {"type": ["integer", "null"]},
    shape.moment_or_none: MOMENT_OR_NONE,
    sign_in_document.read: ref("SignInRule"),
}
PROJECT_WORDS = {
    "id": "Chosen when it is made; it stays.",
    "consent_mode": "Whether people are asked; only a superuser makes a project `implicit` (first party).",
    "cross_client": "Whether its apps get ID tokens for each other.",
    "status": "`testing`: only test users sign in.",
    "subject_type": "Whether apps of other projects know people by the same `sub`. It stays once somebody signed in, "
    "and `pairwise` stays while the project has a client or an API.",
    "longest_grant": "Seconds after which what people allowed ends by itself.",
    "tokens_not_before": "Tokens issued before this moment do not work. It only moves forward.",
}


def _members(members: Members, special: Mapping[str, Json]) -> dict[str, Json]:
    return {name: special[name] if name in special else _shape(reader) for name, reader in members.items()}


def _shape(reader: Callable[..., object]) -> Json:
    return _enum(reader.names) if isinstance(reader, shape.Choice) else SHAPES[reader]


def _with(schema: Json, **more: Json) -> Json:
    assert isinstance(schema, Mapping)  # noqa: S101 - for the type
    return {**schema, **{name: value for name, value in more.items() if value not in (None, "")}}


def _enum(values: Collection[str]) -> Json:
    return {"type": "string", "enum": [str(one) for one in values]}


# --- Clients -------------------------------------------------------------------------------------------------------


def client() -> dict[str, Json]:
    special: dict[str, Json] = {
        "jwks": {"anyOf": [ref("KeySet"), {"type": "null"}]},
        "audience": {"type": "array", "items": {"anyOf": [TEXT, ref("Audience")]}},
    }
    found = _members(client_document.MEMBERS, special)
    defaults = {one.name: one.default for one in fields(ClientMetadata) if one.default is not MISSING}
    with override("en"):
        for name, schema in found.items():
            values = CHOICES.get(name)
            said = _chosen(schema, name, values) if values else schema
            default = defaults.get(name)
            plain = default if isinstance(default, str | bool | int) and default != "" else None
            found[name] = _with(
                said, description=str(HELP.get({"client_name": "name"}.get(name, name), "")), default=plain
            )
    return object_of(found, example={"client_name": "Web", "redirect_uris": ["https://app.example.com/callback"]})


def _chosen(schema: Json, name: str, values: Collection[str]) -> Json:
    known = [str(one) for one in values]
    if schema == TEXTS:
        return {"type": "array", "items": {"type": "string", "enum": [*known]}}
    return _enum(["", *known] if name in MAY_BE_EMPTY else known)


def audience(*needed: str) -> dict[str, Json]:
    words = "An address and everything below it (`prefix`), or exactly this (`exact`)."
    mode: Json = {"type": "string", "enum": ["prefix", "exact"], "description": words}
    return object_of({"value": TEXT, "mode": mode, "default": {"type": "boolean"}}, needed)


def secret() -> dict[str, Json]:
    return object_of(
        {
            "id": TEXT,
            "label": TEXT,
            "created_at": {"type": "string", "format": "date-time"},
            "expires_at": MOMENT_OR_NONE,
            "last_used_at": MOMENT_OR_NONE,
        },
        ["id", "label", "created_at", "expires_at", "last_used_at"],
    )


def new_secret() -> dict[str, Json]:
    properties = secret()["properties"]
    assert isinstance(properties, Mapping)  # noqa: S101 - for the type
    once: Json = {"type": "string", "description": "Shown by this answer, and never again."}
    return object_of({**properties, "client_secret": once}, ["id", "client_secret"])


# --- Projects and APIs ---------------------------------------------------------------------------------------------


def project() -> dict[str, Json]:
    special: dict[str, Json] = {
        "profile": _enum(["", *choices.Profile.values]),
        "members": ref("Members"),
        "consent_screen": ref("ConsentScreen"),
        "claims": {
            "type": "object",
            "additionalProperties": ref("Claim"),
            "description": "What its apps are told of people besides the standard claims, by the names of claims.",
        },
    }
    found = _members(project_document.PROJECT, special)
    described = {name: _with(one, description=PROJECT_WORDS.get(name, "")) for name, one in found.items()}
    return object_of(described, example={"id": "acme", "name": "Acme"})


def sign_in() -> dict[str, Json]:
    by = [object_of({name: TEXTS}, [name]) for name in sign_in_document.MEMBERS]
    words = (
        "Whom it lets in: `anyone`, or who is in one of the groups, or has one of the project's roles. A client "
        "narrows what its project says: both have to let somebody in. A merge patch from one kind to the other says "
        "null for the first."
    )
    return {"anyOf": [_enum(["anyone"]), *by], "description": words}


def claim() -> dict[str, Json]:
    renamed: Json = {
        "type": "object",
        "additionalProperties": TEXT,
        "description": "Names, and what apps know them by.",
    }
    places: Json = {"type": "array", "items": _enum(claim_table.PLACES), "default": ["id_token", "userinfo"]}
    return object_of(_members(project_document.CLAIM, {"rename": renamed, "told_in": places}), ["source"])


def api() -> dict[str, Json]:
    special: dict[str, Json] = {
        "scopes": {"type": "object", "additionalProperties": {"anyOf": [TEXT, ref("Scope")]}},
        "shared": {"anyOf": [_enum(["private", "public"]), TEXTS]},
    }
    example: Json = {
        "identifier": "https://api.example.com/orders",
        "name": "Orders",
        "scopes": {"orders.read": "See your orders"},
    }
    return object_of(_members(project_document.API, special), example=example)


# --- All -----------------------------------------------------------------------------------------------------------


def consent_request() -> dict[str, Json]:
    named = object_of({"client_id": TEXT, "client_name": TEXT}, ["client_id", "client_name"])
    lists = ("siblings", "requested_scope", "requested_access_token_audience", "granted_scope")
    properties: dict[str, Json] = {
        "client": named,
        "subject": {"type": "string", "description": "The `sub` of the person, as the project knows them."},
        "username": {"type": "string", "description": "Empty where the project has subjects of its own (`pairwise`)."},
        **dict.fromkeys((*lists, "granted_access_token_audience"), TEXTS),
        "answered": {"type": "boolean"},
        "expires_at": {"type": "string", "format": "date-time"},
    }
    return object_of(properties, list(properties))


def problem() -> dict[str, Json]:
    one = object_of(
        {"pointer": {"type": "string", "description": "RFC 6901"}, "detail": TEXT, "code": TEXT}, ["pointer", "detail"]
    )
    kinds = _enum([TYPE + code for code in CODES])
    return {
        "type": "object",
        "description": "Problem Details (RFC 9457).",
        "properties": {
            "type": kinds,
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "errors": {"type": "array", "items": one},
        },
        "required": ["type", "title", "status", "detail"],
    }


def page_of(name: str) -> dict[str, Json]:
    cursor: Json = {"type": ["string", "null"], "description": "For `cursor`; null: this is the last page."}
    items: Json = {"type": "array", "items": ref(name)}
    return object_of({"items": items, "next_cursor": cursor}, ["items", "next_cursor"])


def every() -> dict[str, Json]:
    """All of them by name; a list of each has `Page` after it."""
    single: dict[str, dict[str, Json]] = {
        "Project": project(),
        "ConsentScreen": object_of(_members(project_document.SCREEN, {})),
        "Members": object_of(_members(project_document.MEMBERS_BY_ROLE, {})),
        "Member": object_of({"username": TEXT, "role": _enum(choices.Role.values)}, ["role"]),
        "Api": api(),
        "Claim": claim(),
        "SignInRule": sign_in(),
        "Role": object_of(_members(role_document.ROLE, {})),
        "Scope": object_of(_members(project_document.SCOPE, {})),
        "Client": client(),
        "Audience": audience("value"),
        "AudienceWanted": audience(),
        "Secret": secret(),
        "NewSecret": new_secret(),
        "SecretWanted": object_of({"label": {"type": "string", "maxLength": 100}, "expires_at": MOMENT_OR_NONE}),
        "Key": {"type": "object", "description": "A public JWK (RFC 7517)."},
        "KeySet": {"type": "object", "properties": {"keys": {"type": "array", "items": {"type": "object"}}}},
        "ConsentRequest": consent_request(),
        "ConsentAcceptance": object_of({"grant_scope": TEXTS, "grant_access_token_audience": TEXTS}, ["grant_scope"]),
        "ConsentRejection": object_of({"error_description": {"type": "string", "maxLength": 200}}),
        "ConsentAnswered": object_of({"redirect_to": {"type": "string", "format": "uri"}}, ["redirect_to"]),
        "Deletion": object_of(
            {"deletes": {"type": "object", "additionalProperties": {"type": "integer"}}, "obstacles": TEXTS},
            ["deletes", "obstacles"],
        ),
    }
    lists = ["Project", "Member", "Role", "Api", "Client", "Audience", "Secret"]
    for others in FURTHER:
        single |= others.every()
        lists += others.LISTS
    return {**single, **{f"{name}Page": page_of(name) for name in lists}, "Problem": problem()}
