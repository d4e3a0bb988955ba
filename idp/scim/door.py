"""Who may come in: a client by itself, by an access token of ours with the scope `scim.manage`. Then it is answered.

Each address names, for each method, the function that answers. It is imported when it is asked for the first time, by
a caller who was let in: a server that nobody asks never reads `scim2_models`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from urllib.parse import quote

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from rest_framework.exceptions import MethodNotAllowed, NotAcceptable
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts.directory import MAX_SOURCE
from common.json_type import Json
from idp.api import body, preconditions, rates
from idp.api.access import caller_of
from idp.api.resource import JSON, READING, OnlyJson, Resource
from idp.scim import errors
from idp.scim.errors import MEDIA_TYPE
from projects.access import Roles
from projects.actors import Actor
from projects.scopes import SCIM

BASE = "/scim/v2"
NOBODY = Roles(is_superuser=False, by_project={})
ACCEPTABLE = {"*/*", "application/*", JSON, MEDIA_TYPE}


class ScimJson(body.StrictJson):
    media_type = MEDIA_TYPE


class OnlyScim(OnlyJson):
    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        sent = str(request.META.get("HTTP_ACCEPT") or "*/*").lower()
        if ACCEPTABLE.isdisjoint(one.partition(";")[0].strip() for one in sent.split(",")):
            raise NotAcceptable
        return renderers[0], MEDIA_TYPE


class At(Resource):
    """An address of SCIM. `ways`: by method, the path of the function that answers."""

    ways: Mapping[str, str] = {}
    parser_classes = (ScimJson, body.StrictJson)  # type: ignore[assignment]
    content_negotiation_class = OnlyScim

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        body.refuse_too_large(request._request)
        super(Resource, self).initial(request, *args, **kwargs)
        self.caller = caller_of(request._request, SCIM)
        if self.caller.user is not None:
            raise errors.forbidden("People and groups are brought by a client that asks with a token of its own.")
        rates.count(request._request, self.caller)

    @property
    def allowed_methods(self) -> list[str]:
        return [*self.ways]

    @property
    def by(self) -> Actor:
        """The client, with no role anywhere: what it may do is what this door lets through."""
        return Actor.machine(self.caller.token.client.client_id, NOBODY)

    @property
    def source(self) -> str:
        return source_of(self.caller.token.client.client_id)

    def get(self, request: HttpRequest, key: str = "") -> HttpResponse:
        return self._answered(key)

    def post(self, request: HttpRequest, key: str = "") -> HttpResponse:
        return self._answered(key)

    def put(self, request: HttpRequest, key: str = "") -> HttpResponse:
        return self._answered(key)

    def patch(self, request: HttpRequest, key: str = "") -> HttpResponse:
        return self._answered(key)

    def delete(self, request: HttpRequest, key: str = "") -> HttpResponse:
        return self._answered(key)

    def _answered(self, key: str) -> HttpResponse:
        method = "GET" if self.request.method == "HEAD" else str(self.request.method)
        if self.ways and method not in self.ways:
            raise MethodNotAllowed(method)
        return loaded(self.ways.get(method, "idp.scim.door.nothing"))(self, key)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        return errors.answer(errors.of_exception(exc, self.request._request))

    # --- Answers ---

    def told(self, said: Mapping[str, Json], *, status: int = 200, tag: str = "", location: str = "") -> HttpResponse:
        response = HttpResponse(orjson.dumps(said), status=status, content_type=MEDIA_TYPE)
        for name, value in (("ETag", tag), ("Location", location)):
            if value:
                response[name] = value
        return response

    def unchanged(self, written: bytes) -> HttpResponse | None:
        """304, for whoever has this representation already."""
        if self.request.method not in READING or not preconditions.unchanged(self.request._request, written):
            return None
        response = HttpResponse(status=304)
        del response["Content-Type"]
        response["ETag"] = preconditions.etag(written)
        return response


@lru_cache(maxsize=32)
def loaded(path: str) -> Callable[[At, str], HttpResponse]:
    """In a thread of its own, once: pydantic looks for the text of each class in every frame that waits for it, and
    below a request there are many."""
    with ThreadPoolExecutor(1) as pool:
        found: Callable[[At, str], HttpResponse] = pool.submit(import_string, path).result()
    return found


def source_of(client_id: str) -> str:
    """What marks people, groups and memberships as this client's."""
    source = f"scim:{client_id}"
    return source if len(source) <= MAX_SOURCE else f"scim:sha256:{hashlib.sha256(client_id.encode()).hexdigest()}"


def address_of(*steps: str) -> str:
    return settings.IDP_ISSUER + BASE + "".join(f"/{quote(step, safe='')}" for step in steps)


def nothing(asked: At, key: str) -> HttpResponse:
    raise errors.not_found()


def no_bulk(asked: At, key: str) -> HttpResponse:
    raise errors.not_offered("Bulk operations are not supported. Send the requests one by one.")


def no_search(asked: At, key: str) -> HttpResponse:
    raise errors.not_offered("Search below /Users or /Groups: several kinds at once are not supported.")


def nobody(asked: At, key: str) -> HttpResponse:
    raise errors.not_offered("A client has no account of its own here.")
