"""JSON Schemas of invitations."""

from __future__ import annotations

from collections.abc import Mapping

from common.json_type import Json
from idp.api.schema_shapes import ID, MOMENT, TEXT_OR_NONE, answer_of, object_of
from projects.choices import Role

ROLE: Mapping[str, Json] = {"type": "string", "enum": ["", *map(str, Role.values)]}
LIST: Mapping[str, Json] = {"type": "array", "items": {"type": "string"}}
INVITED: Mapping[str, Json] = {
    "email": {"type": "string", "format": "email", "maxLength": 254},
    "role": {**ROLE, "description": "Empty: they manage nothing. None beyond the role of whoever invites."},
    "roles": {**LIST, "description": "Roles of the project that its apps are told of, by name."},
    "console": {"type": "boolean", "description": "Whoever accepts may enter the console; only superusers say so."},
    "groups": {**LIST, "description": "By name; only superusers, and programs that manage every project."},
}
PROJECT: Json = {"type": "string", "description": "Its id; empty: to this provider alone."}
INVITER: Json = {"type": ["string", "null"], "description": "The `sub` of a person; null: a program or a command."}
LISTS = ("Invitation",)


def every() -> dict[str, dict[str, Json]]:
    return {
        "Invitation": answer_of(
            {
                "id": ID,
                "email": {"type": "string"},
                "project": TEXT_OR_NONE,
                "role": ROLE,
                "roles": LIST,
                "groups": LIST,
                "console": {"type": "boolean"},
                "inviter": INVITER,
                **dict.fromkeys(("created_at", "sent_at", "expires_at"), MOMENT),
            }
        ),
        "ProjectInvitationWanted": object_of(INVITED, ["email"]),
        "InvitationWanted": object_of({**INVITED, "project": PROJECT}, ["email"]),
    }
