"""What every resource of the API does alike: who may ask, how bodies come and answers go, and what is refused.

A view says which scope each method needs only where that is not the usual one, and answers with `shown`, `listed` and
`done`. Whatever it raises becomes a problem (`problems.of_exception`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote

import orjson
from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from common import issuer
from common.json_type import Json
from idp.api import body, pages, preconditions, problems, rates, repeats
from idp.api.access import Caller, caller_of
from idp.api.described import Described
from projects.actors import Actor
from projects.models import Project
from projects.scopes import READ, WRITE
from provider import dpop_nonces

Row = TypeVar("Row", bound=Model)
BASE = "/api/v1"
READING = ("GET", "HEAD")
JSON = "application/json"


def url_of(*steps: str) -> str:
    """The address of a resource."""
    return settings.IDP_ISSUER + BASE + "".join(f"/{quote(step, safe='')}" for step in steps)


class OnlyJson(BaseContentNegotiation):
    """There is one form of each answer, and no parameter that asks for another."""

    def select_parser(self, request: Request, parsers: list[BaseParser]) -> BaseParser | None:  # type: ignore[override]
        sent = (request.content_type or "").partition(";")[0].strip().lower()
        known = [one for one in parsers if request.method == "PATCH" or not isinstance(one, body.MergePatch)]
        return next((one for one in known if one.media_type == sent), None)

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        sent = str(request.META.get("HTTP_ACCEPT") or "*/*").lower()
        wanted = {one.partition(";")[0].strip() for one in sent.split(",")}
        if wanted.isdisjoint({"*/*", "application/*", JSON, problems.MEDIA_TYPE}):
            raise NotAcceptable
        return renderers[0], JSON


class Resource(APIView):
    """A view of the API. Its docstring is the description of the resource in the OpenAPI document."""

    http_method_names = ["get", "put", "patch", "delete", "head", "post"]  # no OPTIONS: no CORS
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JSONRenderer,)
    parser_classes = (body.StrictJson, body.MergePatch)
    content_negotiation_class = OnlyJson
    schema = Described()
    # Seconds since people proved who they are, for changes; 0: a sign-in that the console accepts will do.
    fresh_within = 0
    caller: Caller

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Programs read one language."""
        with translation.override("en"):
            response = super().dispatch(request, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        if "HTTP_DPOP" in request.META:
            for name, value in dpop_nonces.header().items():
                response[name] = value
        return response

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        body.refuse_too_large(request._request)
        super().initial(request, *args, **kwargs)
        method = request.method or ""
        fresh_within = 0 if method in READING else self.fresh_within
        self.caller = caller_of(request._request, self.scope_of(method), fresh_within=fresh_within)
        rates.count(request._request, self.caller)

    def scope_of(self, method: str) -> str:
        return READ if method in READING else WRITE

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        return problems.answer(problems.of_exception(exc, self.request._request))

    # --- Who, and where ---

    @property
    def by(self) -> Actor:
        """Who acts, with the roles of this moment."""
        return self.caller.actor()

    def seen(self, key: str, by: Actor) -> Project | None:
        """The project of this key, if they know of it."""
        return by.visible().filter(key=key).first() if storable(key) else None

    def project(self, key: str, by: Actor | None = None) -> Project:
        found = self.seen(key, by or self.by)
        if found is None:
            raise problems.not_found()
        return found

    def editable(self, key: str, by: Actor) -> Project:
        """The same, for whoever may change what is in it."""
        project = self.project(key, by)
        if not by.edits(project):
            raise problems.refused("forbidden", "Your role in this project lets you look only.")
        return project

    # --- What was sent ---

    def sent(self, *, optional: bool = False) -> Mapping[str, Json]:
        """The body, which is an object. `optional`: none at all says nothing."""
        value: Json = self.request.data
        if str(self.request.META.get("CONTENT_LENGTH") or "0") == "0":
            value = {} if optional else None
        if not isinstance(value, Mapping):
            raise problems.refused("malformed", "The body is a JSON object.")
        return value

    def require(self, current: Json | None) -> None:
        """What the request makes depend on the representation as it is; None: there is nothing yet."""
        preconditions.require(self.request._request, None if current is None else orjson.dumps(current))

    # --- Answers ---

    def shown(self, representation: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """A representation with its ETag; nothing to whoever has it already."""
        written = orjson.dumps(representation)
        response = HttpResponse(written, status=status, content_type=JSON)
        if self.request.method in READING and preconditions.unchanged(self.request._request, written):
            response = HttpResponse(status=304)
            del response["Content-Type"]
        response["ETag"] = preconditions.etag(written)
        for name, value in (headers or {}).items():
            response[name] = value
        return response

    def made(self, representation: Json, *steps: str, created: bool = True) -> HttpResponse:
        """What was written: 201 with its address when it is new."""
        if not created:
            return self.shown(representation)
        return self.shown(representation, 201, {"Location": url_of(*steps)})

    def listed(self, rows: QuerySet[Row], by: str, represent: Callable[[list[Row]], Sequence[Json]]) -> HttpResponse:
        """A page of a list (`pages.page`)."""
        said, headers = pages.page(self.request._request, rows, by, represent)
        return self.shown(said, headers=headers)

    def once(
        self, make: Callable[[], HttpResponse], *, allow: Callable[[], object], secret: bool = False
    ) -> HttpResponse:
        """For POST: Idempotency-Key."""
        return repeats.once(self.request._request, self.caller.name, make, allow=allow, secret=secret)

    def flag(self, name: str) -> bool:
        """A parameter of the query that is `true` or `false`, or not there."""
        sent = pages.parameter(self.request._request, name)
        if sent not in (None, "true", "false"):
            raise problems.refused("malformed", f"{name} is true or false.")
        return sent == "true"


class NotFound(Resource):
    """Whatever address there is none of."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        raise problems.not_found()


def storable(text: str) -> bool:
    """Whether a row may have it: no database takes a NUL or half of a surrogate pair, and no id is that long."""
    return len(text) <= 2048 and not any(one == "\0" or "\ud800" <= one <= "\udfff" for one in text)


def identifier_of(text: str) -> uuid.UUID:
    """Of a row that has one; what is none is not there."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise problems.not_found() from None


def base_path() -> str:
    return issuer.path() + BASE
