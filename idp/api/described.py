"""What the OpenAPI document says of an operation: written beside the method that it describes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from drf_spectacular.openapi import AutoSchema

from common.json_type import Json
from idp.api.problems import CODES, MEDIA_TYPE
from projects import scopes

Method = TypeVar("Method", bound=Callable[..., object])
SECURITY = "access_token"
ALWAYS = ("unauthorized", "forbidden", "not_acceptable", "too_many_requests", "unavailable")
OF_BODIES = ("malformed", "too_large", "unsupported_media_type", "invalid")
CHANGES = ("conflict", "precondition_failed")

# --- Parameters, by the name they have in `parameters` of an operation ---------------------------------------------


def _parameter(name: str, place: str, schema: Json, description: str, *, required: bool = False) -> dict[str, Json]:
    return {"name": name, "in": place, "required": required, "schema": schema, "description": description}


TEXT: Json = {"type": "string"}
PARAMETERS: dict[str, dict[str, Json]] = {
    "limit": _parameter(
        "limit", "query", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "How many at most."
    ),
    "cursor": _parameter("cursor", "query", TEXT, "`next_cursor` of the page before. It is opaque."),
    "if_match": _parameter("If-Match", "header", TEXT, "Only if it still has this ETag."),
    "if_none_match": _parameter("If-None-Match", "header", TEXT, "`*`: only if there is none yet."),
    "idempotency_key": _parameter(
        "Idempotency-Key",
        "header",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!#-\[\]-~]+$"},
        "A word of your own for this request. Sent again within a day, it gets the answer of the first time.",
    ),
    "dry_run": _parameter(
        "dry_run", "query", {"type": "boolean", "default": False}, "Say what would be done, and do nothing."
    ),
    "everything": _parameter(
        "everything", "query", {"type": "boolean", "default": False}, "With its apps, and whatever else is in it."
    ),
    "username": _parameter("username", "query", TEXT, "Only who has this user name."),
    "email": _parameter("email", "query", TEXT, "Only who has this e-mail address."),
    "name": _parameter("name", "query", TEXT, "Only what is called so, in any capitals."),
    "client_id": _parameter("client_id", "query", TEXT, "Only what is about this client."),
    "kind": _parameter("kind", "query", TEXT, "Only this kind; `client.` stands for all that begin so."),
    "sub": _parameter("sub", "query", TEXT, "Only what is about this person."),
    "audience_asked": _parameter("audience", "query", TEXT, "As the app would send it; several separated by spaces."),
    "scope_asked": _parameter("scope", "query", TEXT, "The scopes asked for; without it, all the client registered."),
    "since": _parameter(
        "since", "query", {"type": "string", "format": "date-time"}, "Only what happened at this moment or later."
    ),
}
PAGE = ("limit", "cursor")
WRITE = ("if_match", "if_none_match")
PATH: dict[str, str] = {  # descriptions of the variables of paths
    "project": "The id of the project.",
    "client_id": "The client id, percent-encoded.",
    "identifier": "The identifier of the API, percent-encoded as a whole: `https%3A%2F%2Fapi.example.com%2Forders`.",
    "username": "The user name, percent-encoded.",
    "secret": "The number of the secret.",
    "audience": "The audience, percent-encoded as a whole.",
    "challenge": "The `consent_challenge` that the browser brought.",
    "kid": "The key id, percent-encoded.",
    "sub": "The `sub` of the person, percent-encoded.",
    "sign_in_id": "The id of the sign-in.",
    "authorization": "The id of the authorization.",
    "key": "The id of the signing key.",
    "guest": "The client id of the guest app, percent-encoded.",
    "initial_token": "The number of the initial access token.",
    "host": "The host, percent-encoded; with its port where only that one is meant.",
    "role": "The name of the role, percent-encoded.",
    "group": "The name of the group, percent-encoded.",
    "invitation": "The id of the invitation.",
    "webhook": "The id of the webhook.",
    "stream": "The id of the event stream.",
    "connector": "The key of the connector.",
    "attribute": "The name of the attribute.",
    "group_id": "The id of the group.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    summary: str
    answers: str = ""  # a schema; none: no body
    status: int = 200
    sends: str = ""
    parameters: tuple[str, ...] = ()
    scope: str = ""  # where it is not the usual one of the method
    also: Mapping[int, str] | None = None  # other statuses of success, with what they mean
    problems: tuple[str, ...] = ()
    patch: bool = False


def operation(
    id: str,
    summary: str,
    *,
    answers: str = "",
    status: int = 200,
    sends: str = "",
    parameters: tuple[str, ...] = (),
    scope: str = "",
    also: Mapping[int, str] | None = None,
    problems: tuple[str, ...] = (),
) -> Callable[[Method], Method]:
    """Mark a method of a view. Its docstring is the description."""
    said = Operation(id, summary, answers, status, sends, parameters, scope, also, problems)

    def mark(method: Method) -> Method:
        method.operation = said  # type: ignore[attr-defined]
        return method

    return mark


def operation_of(view: object, method: str) -> Operation:
    said = getattr(getattr(view, method.lower()), "operation", None)
    if not isinstance(said, Operation):
        raise TypeError(f"{type(view).__name__}.{method.lower()} needs @operation")
    return said


class Described(AutoSchema):
    """The framework looks for views and paths; what an operation is like stands beside it."""

    def get_operation(  # type: ignore[no-untyped-def]
        self, path, path_regex, path_prefix, method, registry
    ):
        return described(self.view, path, method)


def described(view: object, path: str, method: str) -> dict[str, Json]:
    said = operation_of(view, method)
    variables = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    needed = [_parameter(name, "path", TEXT, PATH[name], required=True) for name in variables]
    result: dict[str, Json] = {
        "operationId": said.id,
        "summary": said.summary,
        "description": inspect.cleandoc(getattr(view, method.lower()).__doc__ or said.summary),
        "tags": [str(getattr(view, "tag", path.split("/")[1]))],
        "security": [{SECURITY: [said.scope or (scopes.READ if method == "GET" else scopes.WRITE)]}],
        "parameters": [*needed, *(PARAMETERS[name] for name in said.parameters)],
        "responses": _responses(said, method, has_id=bool(variables)),
    }
    if said.sends:
        media_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
        result["requestBody"] = {"required": True, "content": {media_type: {"schema": ref(said.sends)}}}
    return result


def ref(schema: str) -> dict[str, Json]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _responses(said: Operation, method: str, *, has_id: bool) -> dict[str, Json]:
    found: dict[str, Json] = {str(said.status): _success(said, said.status, HTTPStatus(said.status).phrase)}
    for status, words in (said.also or {}).items():
        found[str(status)] = _success(said, status, words)
    codes = [*ALWAYS, *said.problems]
    codes += ["not_found"] if has_id else []
    codes += OF_BODIES if said.sends else []
    codes += ["malformed"] if said.parameters else []
    codes += CHANGES if method != "GET" else []
    for code in sorted(set(codes), key=lambda code: CODES[code]):
        found[str(CODES[code][0])] = {"$ref": f"#/components/responses/{code}"}
    return found


def _success(said: Operation, status: int, words: str) -> dict[str, Json]:
    headers: dict[str, Json] = {}
    if said.answers:
        headers["ETag"] = {"schema": TEXT, "description": "For If-Match and If-None-Match."}
    if status == HTTPStatus.CREATED:
        headers["Location"] = {"schema": TEXT, "description": "Its address."}
    if "cursor" in said.parameters:
        headers["Link"] = {"schema": TEXT, "description": "The next page (rel=next), if there is one."}
    body: dict[str, Json] = {"content": {"application/json": {"schema": ref(said.answers)}}} if said.answers else {}
    return {"description": words, **({"headers": headers} if headers else {}), **body}


def problem_responses() -> dict[str, Json]:
    """Under their codes, for `components`."""
    content: Json = {MEDIA_TYPE: {"schema": ref("Problem")}}
    return {code: {"description": words, "content": content} for code, (_status, words) in CODES.items()}
