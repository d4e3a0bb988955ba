"""JSON Schemas of people, of what they have with apps, and of what happened."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.models import AccountEventKind
from common.json_type import Json
from idp.api.schema_shapes import FLAG, ID, MOMENT, MOMENT_OR_NONE, TEXT, TEXT_OR_NONE, TEXTS, answer_of, object_of

NAMES: Mapping[str, Json] = {
    "given_name": {"type": "string", "maxLength": 150},
    "family_name": {"type": "string", "maxLength": 150},
}
LISTS = ("User", "SignIn", "Consent", "Authorization", "Event", "AccountEvent")


def every() -> dict[str, dict[str, Json]]:
    return {
        "User": answer_of(
            {
                **dict.fromkeys(("sub", "username", "email"), TEXT),
                "email_verified": FLAG,
                **NAMES,
                **dict.fromkeys(("is_active", "is_staff", "is_superuser"), FLAG),
                "created_at": MOMENT,
                "last_sign_in_at": MOMENT_OR_NONE,
            }
        ),
        "UserPatch": object_of({**NAMES, "is_active": FLAG}),
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
        "AccountEvent": answer_of(
            {
                "id": TEXT,
                "at": MOMENT,
                "kind": {"type": "string", "enum": [str(one) for one in AccountEventKind.values]},
                "sub": TEXT_OR_NONE,
                "address": TEXT,
                "detail": {"type": "object"},
            }
        ),
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
