"""JSON Schemas of people, of what they have with apps, and of what happened."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.attribute_types import TYPES
from accounts.directory import MAX_DESCRIPTION, MAX_EXTERNAL_ID, MAX_NAME
from accounts.models import AccountEventKind, EditableBy
from accounts.normalization import MAX_MAIL_ADDRESS
from accounts.subjects import MAX_LENGTH
from common.json_type import Json
from idp.api.schema_shapes import FLAG, ID, MOMENT, MOMENT_OR_NONE, TEXT, TEXT_OR_NONE, TEXTS, answer_of, object_of

NAMES: Mapping[str, Json] = {
    "given_name": {"type": "string", "maxLength": 150},
    "family_name": {"type": "string", "maxLength": 150},
}
RIGHTS = ("is_active", "is_staff", "is_superuser")
ATTRIBUTES: Json = {
    "type": "object",
    "description": "By name: what `/attributes` lists, without the two names. Sent, those that are named change.",
    "additionalProperties": True,
}
GROUPS: Json = {"type": "array", "items": {"type": "string"}, "description": "The names of those they belong to."}
LISTS = ("Attribute", "Group", "GroupMember", "User", "SignIn", "Consent", "Authorization", "Event", "AccountEvent")


def every() -> dict[str, dict[str, Json]]:
    return {
        "User": answer_of(
            {
                **dict.fromkeys(("sub", "username", "email"), TEXT),
                "email_verified": FLAG,
                **NAMES,
                "attributes": ATTRIBUTES,
                "groups": GROUPS,
                **dict.fromkeys((*RIGHTS, "has_password"), FLAG),
                "tokens_not_before": MOMENT_OR_NONE,
                "created_at": MOMENT,
                "last_sign_in_at": MOMENT_OR_NONE,
            }
        ),
        **_changes(),
        **_directory(),
        "SignIn": answer_of(
            {
                "id": ID,
                **dict.fromkeys(("auth_time", "created_at", "seen_at"), MOMENT),
                "amr": TEXTS,
                **dict.fromkeys(("acr", "user_agent", "address"), TEXT),
            }
        ),
        "Consent": answer_of(
            {
                "project": TEXT,
                **dict.fromkeys(("scopes", "audiences"), TEXTS),
                **dict.fromkeys(("created_at", "updated_at"), MOMENT),
                "ends_at": MOMENT_OR_NONE,
            }
        ),
        "Authorization": _authorization(),
        "Event": _event(),
        "AccountEvent": _account_event(),
    }


def _changes() -> dict[str, dict[str, Json]]:
    """What is sent: parts of an account, a new one, and all of one."""
    new: dict[str, Json] = {**_wanted(), "sub": {"type": "string", "maxLength": MAX_LENGTH}}
    return {
        "UserPatch": object_of(_wanted()),
        "UserWanted": object_of(new, ["username"]),
        "UserWhole": object_of({**new, **_shown()}, ["username"]),
    }


def _shown() -> dict[str, Json]:
    """Of an answer that is sent back."""
    moments: dict[str, Json] = {"created_at": MOMENT, "last_sign_in_at": MOMENT_OR_NONE}
    shown: dict[str, Json] = {"email_verified": FLAG, "groups": GROUPS, "has_password": FLAG, **moments}
    words = "Only shown: as it is, or left out."
    return {name: {**one, "description": words} for name, one in shown.items() if isinstance(one, dict)}


def _wanted() -> dict[str, Json]:
    """`password_hash` is none of an answer."""
    words = "Of a password that was brought along, as Django writes it; null: no password opens the account."
    return {
        "username": {"type": "string", "maxLength": 150},
        "email": {"type": "string", "maxLength": MAX_MAIL_ADDRESS},
        **NAMES,
        **dict.fromkeys(RIGHTS, FLAG),
        "tokens_not_before": {"type": ["string", "null"], "format": "date-time", "description": "Only moves forward."},
        "password_hash": {"type": ["string", "null"], "description": words},
    }


def _directory() -> dict[str, dict[str, Json]]:
    group: dict[str, Json] = {
        "name": {"type": "string", "maxLength": MAX_NAME},
        "description": {"type": "string", "maxLength": MAX_DESCRIPTION},
        "external_id": {"type": "string", "maxLength": MAX_EXTERNAL_ID},
    }
    return {
        "Attribute": object_of(
            {
                "name": TEXT,
                "type": {"type": "string", "enum": [*TYPES]},
                "label": TEXT,
                "editable_by": {"type": "string", "enum": [str(one) for one in EditableBy.values]},
                "position": {"type": "integer", "minimum": 0},
                "standard": {"type": "boolean", "description": "A claim of OpenID Connect Core 1.0 section 5.1."},
                "people": {"type": "integer", "description": "How many have a value. Not in lists."},
            }
        ),
        "Group": answer_of({"id": ID, **group, "created_at": MOMENT, "updated_at": MOMENT}),
        "GroupWanted": object_of(group),
        "GroupMember": answer_of({"sub": TEXT, "username": TEXT, "sources": TEXTS}),
    }


def _authorization() -> dict[str, Json]:
    return answer_of(
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


def _event() -> dict[str, Json]:
    return answer_of(
        {
            "id": TEXT,
            "at": MOMENT,
            "kind": TEXT,
            **dict.fromkeys(("client_id", "target_client_id", "sub"), TEXT_OR_NONE),
            "detail": {"type": "object", "description": "`by` or `through`: who did it, beside `sub`."},
        }
    )


def _account_event() -> dict[str, Json]:
    return answer_of(
        {
            "id": TEXT,
            "at": MOMENT,
            "kind": {"type": "string", "enum": [str(one) for one in AccountEventKind.values]},
            "sub": TEXT_OR_NONE,
            "address": TEXT,
            "detail": {"type": "object"},
        }
    )
