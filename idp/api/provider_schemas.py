"""JSON Schemas of what is the provider's: its keys, who registers itself, and what it refused."""

from __future__ import annotations

from clients import guests
from clients.initial_tokens import LONGEST, MAX_LABEL, MOST
from clients.models.keys import KeyState
from clients.models.logout import NoticeState
from common.json_type import Json
from common.jws import ALGORITHMS
from idp.api.schema_shapes import FLAG, MOMENT, MOMENT_OR_NONE, TEXT, TEXT_OR_NONE, TEXTS, answer_of, object_of

NUMBER: Json = {"type": "integer"}
LISTS = ("SigningKey", "InitialAccessToken", "Guest", "BlockedHost", "RefusedRequest", "LogoutNotice")
SCOPE: Json = {"type": "string", "description": "Scopes, separated by spaces."}


def every() -> dict[str, dict[str, Json]]:
    return {
        "SigningKey": _signing_key(),
        "AlgorithmWanted": object_of({"algorithm": _enum(*ALGORITHMS)}, ["algorithm"]),
        "RotationStep": answer_of(
            {
                "algorithm": TEXT,
                "action": _enum("publish", "activate", "wait"),
                "kid": TEXT_OR_NONE,
                "not_before": MOMENT_OR_NONE,
            }
        ),
        **_initial_tokens(),
        "Guest": answer_of(
            {
                **dict.fromkeys(("client_id", "client_name", "scope"), TEXT),
                "places": {"type": "array", "items": TEXT, "description": "Where it is, which nobody chooses freely."},
                "source": _enum(*guests.SOURCES),
                "redirect_uris": TEXTS,
                "enabled": FLAG,
                "created_at": MOMENT,
            }
        ),
        "GuestPatch": object_of({"enabled": FLAG}),
        "BlockedHost": answer_of({"host": TEXT, "since": MOMENT, "lifted_at": MOMENT_OR_NONE}),
        "RefusedRequest": _refused_request(),
        "LogoutNotice": _logout_notice(),
        "Explanation": _explanation(),
    }


def _enum(*values: object) -> Json:
    return {"type": "string", "enum": [str(one) for one in values]}


def _signing_key() -> dict[str, Json]:
    return answer_of(
        {
            **dict.fromkeys(("kid", "algorithm"), TEXT),
            "state": _enum(*KeyState.values),
            "created_at": MOMENT,
            **dict.fromkeys(("activated_at", "retired_at", "believed_until"), MOMENT_OR_NONE),
            "public_jwk": {"type": "object", "description": "RFC 7517."},
        }
    )


def _initial_tokens() -> dict[str, dict[str, Json]]:
    bounds: dict[str, Json] = {
        "label": {"type": "string", "maxLength": MAX_LABEL},
        "scope": SCOPE,
        "audience": TEXTS,
        "require_pkce": FLAG,
    }
    shown: dict[str, Json] = {
        "id": TEXT,
        **bounds,
        **dict.fromkeys(("most", "used"), NUMBER),
        **dict.fromkeys(("created_at", "expires_at"), MOMENT),
        "revoked_at": MOMENT_OR_NONE,
    }
    clients: Json = {"type": "array", "items": TEXT, "description": "Apps that came with it, where one is asked for."}
    once: Json = {"type": "string", "description": "Shown by this answer, and never again."}
    wanted: dict[str, Json] = {
        **bounds,
        "most": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 1, "description": "Apps."},
        "days": {
            "type": "integer",
            "minimum": 1,
            "maximum": LONGEST,
            "default": 1,
            "description": "How long it works.",
        },
    }
    return {
        "InitialAccessToken": object_of({**shown, "clients": clients}, list(shown)),
        "NewInitialAccessToken": object_of({**shown, "initial_access_token": once}, [*shown, "initial_access_token"]),
        "InitialAccessTokenWanted": object_of(wanted),
    }


def _refused_request() -> dict[str, Json]:
    same: dict[str, Json] = {
        "id": TEXT,
        **dict.fromkeys(("last_at", "first_at"), MOMENT),
        "count": NUMBER,
        **dict.fromkeys(("description", "project", "client_id", "endpoint", "grant_type", "error", "step"), TEXT),
        "request_ids": {"type": "array", "items": TEXT, "description": "Of the last ones, as people were shown them."},
    }
    network: Json = {"type": "string", "description": "Where it came from: for superusers."}
    return object_of({**same, "network": network}, list(same))


def _logout_notice() -> dict[str, Json]:
    return answer_of(
        {
            "id": TEXT,
            "client_id": TEXT_OR_NONE,
            "state": _enum(*NoticeState.values),
            "attempts": NUMBER,
            **dict.fromkeys(("next_attempt_at", "delivered_at"), MOMENT_OR_NONE),
            "problem": TEXT,
            "created_at": MOMENT,
        }
    )


def _explanation() -> dict[str, Json]:
    """What each value and each grant says is for people and for `manage.py explain`: more may come."""
    objects: Json = {"type": "array", "items": {"type": "object"}}
    none: Json = {"type": "null"}
    return answer_of(
        {
            **dict.fromkeys(("client", "project", "audience"), TEXT),
            "allowed": FLAG,
            "values": objects,
            "grants": objects,
            "advice": TEXTS,
            **dict.fromkeys(("user", "consent", "granted_at"), none),
        }
    )
