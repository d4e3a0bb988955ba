"""The OpenAPI document: public, and made once (docs/openapi.json is the same one)."""

from __future__ import annotations

from functools import lru_cache

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator

from common.json_type import Json
from idp import VERSION
from idp.api import preconditions, schemas
from idp.api.described import SECURITY, problem_responses
from idp.api.problems import answer, refused
from idp.api.resource import BASE
from idp.api.table import RESOURCES
from projects.apis import own_identifier
from projects.scopes import ADMIN_SCOPES

MAX_AGE = 3600  # seconds
ABOUT = """Everything that the console can do, for programs. Each request has an access token of this provider:
`resource={issuer}/api/v1` with the scope `admin.read` or `admin.write`. People can do what their role in each project
lets them do, and a client by itself what it was given (`administers`).

Errors are `application/problem+json` (RFC 9457). `PUT` creates or replaces, and may be repeated. Every representation
has an `ETag`. Lists have pages. docs/api.md leads through it in ten minutes."""


def document() -> dict[str, Json]:
    generator = SchemaGenerator(patterns=RESOURCES)
    generator._initialise_endpoints()
    paths: dict[str, Json] = generator.parse(None, True)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Vestibule", "version": VERSION, "description": ABOUT.format(issuer=settings.IDP_ISSUER)},
        "servers": [{"url": settings.IDP_ISSUER + BASE}],
        "paths": paths,
        "components": {
            "schemas": schemas.every(),
            "responses": problem_responses(),
            "securitySchemes": {SECURITY: _security()},
        },
    }


def _security() -> Json:
    scopes: dict[str, Json] = {name: scope.words for name, scope in ADMIN_SCOPES.items()}
    endpoints = f"{settings.IDP_ISSUER}/oauth2"
    return {
        "type": "oauth2",
        "description": f"An access token for {own_identifier()}: send `resource` with it.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": f"{endpoints}/authorize",
                "tokenUrl": f"{endpoints}/token",
                "scopes": scopes,
            },
            "clientCredentials": {"tokenUrl": f"{endpoints}/token", "scopes": scopes},
        },
    }


@lru_cache(maxsize=4)
def _written(issuer: str) -> bytes:
    return orjson.dumps(document())


@csrf_exempt
def openapi(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return answer(refused("method_not_allowed", Allow="GET, HEAD"))
    body = _written(settings.IDP_ISSUER)
    response = HttpResponse(body, content_type="application/json")
    if preconditions.unchanged(request, body):
        response = HttpResponse(status=304)
    response["ETag"] = preconditions.etag(body)
    response["Cache-Control"] = f"public, max-age={MAX_AGE}"
    return response
