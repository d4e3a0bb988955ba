"""JSON Schemas of people, of what they have with apps, and of what happened."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from clients.models.keys import KeyState
from common.json_type import Json

TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": {"type": "string"}}
TEXT_OR_NONE: Json = {"type": ["string", "null"]}
FLAG: Json = {"type": "boolean"}
MOMENT: Json = {"type": "string", "format": "date-time"}
MOMENT_OR_NONE: Json = {"type": ["string", "null"], "format": "date-time"}
ID: Json = {"type": "string", "format": "uuid"}
NAMES: Mapping[str, Json] = {
    "given_name": {"type": "string", "maxLength": 150},
    "family_name": {"type": "string", "maxLength": 150},
}
LISTS = ("User", "SignIn", "Consent", "Authorization", "SigningKey", "Event")


def every() -> dict[str, dict[str, Json]]:
    return {
        "User": _answer(
            {
                **dict.fromkeys(("sub", "username", "email"), TEXT),
                "email_verified": FLAG,
                **NAMES,
                **dict.fromkeys(("is_active", "is_staff", "is_superuser"), FLAG),
                "created_at": MOMENT,
                "last_sign_in_at": MOMENT_OR_NONE,
            }
        ),
        "UserPatch": _object({**NAMES, "is_active": FLAG}),
        "SignIn": _answer(
            {
                "id": ID,
                **dict.fromkeys(("auth_time", "created_at", "seen_at"), MOMENT),
                "amr": TEXTS,
                **dict.fromkeys(("acr", "user_agent", "address"), TEXT),
            }
        ),
        "Consent": _answer(
            {
                "project": TEXT,
                **dict.fromkeys(("scopes", "audiences"), TEXTS),
                **dict.fromkeys(("created_at", "updated_at"), MOMENT),
                "ends_at": MOMENT_OR_NONE,
            }
        ),
        "Authorization": _authorization(),
        "SigningKey": _signing_key(),
        "Event": _event(),
    }


def _authorization() -> dict[str, Json]:
    return _answer(
        {
            "id": ID,
            **dict.fromkeys(("sub", "client_id", "acr"), TEXT),
            "project": TEXT_OR_NONE,
            **dict.fromkeys(("scopes", "audiences", "amr"), TEXTS),
            "offline": {"type": "boolean", "description": "Whether it goes on when the sign-in ends."},
            **dict.fromkeys(("auth_time", "created_at"), MOMENT),
            **dict.fromkeys(("renewed_at", "ends_at"), MOMENT_OR_NONE),
        }
    )


def _signing_key() -> dict[str, Json]:
    return _answer(
        {
            **dict.fromkeys(("kid", "algorithm"), TEXT),
            "state": {"type": "string", "enum": [str(one) for one in KeyState.values]},
            "created_at": MOMENT,
            **dict.fromkeys(("activated_at", "retired_at", "believed_until"), MOMENT_OR_NONE),
            "public_jwk": {"type": "object", "description": "RFC 7517."},
        }
    )


def _event() -> dict[str, Json]:
    return _answer(
        {
            "id": TEXT,
            "at": MOMENT,
            "kind": TEXT,
            **dict.fromkeys(("client_id", "target_client_id", "sub"), TEXT_OR_NONE),
            "detail": {"type": "object", "description": "`by` or `through`: who did it, beside `sub`."},
        }
    )


def _object(properties: Mapping[str, Json], required: Collection[str] = ()) -> dict[str, Json]:
    said: dict[str, Json] = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**said, "required": [*required]} if required else said


def _answer(properties: Mapping[str, Json]) -> dict[str, Json]:
    return _object(properties, list(properties))
