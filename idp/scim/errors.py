"""What went wrong, as RFC 7644 section 3.12 has it. What everybody refuses alike is worded by `idp.api.problems`."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

import orjson
from django.http import HttpRequest, HttpResponse

from idp.api import problems
from idp.api.problems import Refused
from projects.problems import Problem

MEDIA_TYPE = "application/scim+json"
SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"
# Of our own codes: what SCIM calls it, where it has a word.
TYPES = {"malformed": "invalidSyntax", "invalid": "invalidValue"}
# Where a field of ours stands in a resource.
PLACES = {
    "username": "userName",
    "email": "emails",
    "given_name": "name.givenName",
    "family_name": "name.familyName",
    "is_active": "active",
    "name": "displayName",
    "external_id": "externalId",
    "attributes.middle_name": "name.middleName",
    "attributes.nickname": "nickName",
    "attributes.profile": "profileUrl",
    "attributes.picture": "photos",
    "attributes.phone_number": "phoneNumbers",
    "attributes.address": "addresses",
    "attributes.zoneinfo": "timezone",
    "attributes.locale": "locale",
}


@dataclass
class Unfit(Exception):
    """The request is not done. `kind` is a scimType, or nothing."""

    detail: str
    kind: str = ""
    status: int = HTTPStatus.BAD_REQUEST
    headers: dict[str, str] = field(default_factory=dict)


def not_found() -> Unfit:
    return Unfit("There is nothing here, or nothing that you may know of.", status=HTTPStatus.NOT_FOUND)


def forbidden(detail: str) -> Unfit:
    return Unfit(detail, status=HTTPStatus.FORBIDDEN)


def taken(detail: str) -> Unfit:
    return Unfit(detail, "uniqueness", HTTPStatus.CONFLICT)


def not_offered(detail: str) -> Unfit:
    return Unfit(detail, status=HTTPStatus.NOT_IMPLEMENTED)


def of_exception(error: Exception, request: HttpRequest) -> Unfit:
    if isinstance(error, Unfit):
        return error
    found = problems.of_exception(error, request)
    status = HTTPStatus.BAD_REQUEST if found.code == "invalid" else found.status
    return Unfit(_words(found), TYPES.get(found.code, ""), status, dict(found.headers))


def _words(error: Refused) -> str:
    if not error.errors:
        return error.detail
    return " ".join(_sentence(one) for one in error.errors[: problems.MOST])


def _sentence(problem: Problem) -> str:
    place = PLACES.get(problem.field, problem.field.removeprefix("attributes."))
    return f"{place}: {problem.message}" if place else problem.message


def answer(error: Unfit) -> HttpResponse:
    kind = {"scimType": error.kind} if error.kind else {}
    said = {"schemas": [SCHEMA], "status": str(int(error.status)), **kind, "detail": error.detail}
    response = HttpResponse(orjson.dumps(said), status=error.status, content_type=MEDIA_TYPE)
    for name, value in {"Cache-Control": "no-store", **error.headers}.items():
        response[name] = value
    response._has_been_logged = True  # type: ignore[attr-defined]  # what was refused says so itself
    return response
