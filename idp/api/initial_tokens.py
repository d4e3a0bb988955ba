"""Initial access tokens of a project: whoever has one registers apps in it (RFC 7591 section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from clients import initial_tokens
from clients.initial_tokens import Wanted
from clients.models import Client, InitialAccessToken
from common.json_type import Json
from idp.api.described import PAGE, operation
from idp.api.documents import said_in
from idp.api.problems import not_found, refused
from idp.api.resource import Resource
from idp.api.secrets import MOST
from projects.actors import Actor
from projects.json_shape import Members, Spot, Wrong, as_json, flag, read_members, scope, text, texts
from projects.models import Project
from projects.problems import Problem

SHOWN_APPS = 100  # of one token


def _number(spot: Spot) -> int:
    if isinstance(spot.value, bool) or not isinstance(spot.value, int):
        raise Wrong(f"This must be a whole number, not {spot.kind}.")
    return spot.value


WANTED: Members = {
    "label": text,
    "scope": scope,
    "audience": texts,
    "require_pkce": flag,
    "most": _number,
    "days": _number,
}


class OfInitialTokens(Resource):
    """Members look, as in the console; owners make and revoke them."""

    tag = "initial access tokens"

    def owned(self, key: str) -> tuple[Project, Actor]:
        by = self.by
        project = self.project(key, by)
        if not by.owns(project):
            raise refused("forbidden", "Only an owner of the project lets apps register themselves.")
        return project, by

    def token(self, project: Project, number: int) -> InitialAccessToken:
        found = project.initial_tokens.filter(pk=number).first() if number < MOST else None
        if found is None:
            raise not_found()
        return found


class InitialTokenList(OfInitialTokens):
    @operation(
        "list_initial_access_tokens", "List initial access tokens", answers="InitialAccessTokenPage", parameters=PAGE
    )
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """Those that are over, too. What they are is never shown again."""
        return self.listed(self.project(project).initial_tokens.all(), "pk", represent)

    @operation(
        "create_initial_access_token",
        "Make an initial access token",
        answers="NewInitialAccessToken",
        status=201,
        sends="InitialAccessTokenWanted",
        parameters=("idempotency_key",),
    )
    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        """`initial_access_token` of the answer is shown this once. Apps that come with it may have what `scope` and
        `audience` say, at most. For owners.

        With an Idempotency-Key, a request that comes again is answered 409, and `Location` says which token it made.
        """
        return self.once(lambda: self._make(project), allow=lambda: self.owned(project), secret=True)

    def _make(self, key: str) -> HttpResponse:
        with transaction.atomic():
            project, by = self.owned(key)
            made, token = initial_tokens.make(Wanted(**said_in(self.sent(optional=True), _read)), project, by)  # type: ignore[arg-type]
        said_once = {**represent([made])[0], "initial_access_token": token}
        return self.made(said_once, "projects", key, "initial-access-tokens", str(made.pk))


class OneInitialToken(OfInitialTokens):
    @operation("get_initial_access_token", "Get an initial access token's bounds", answers="InitialAccessToken")
    def get(self, request: HttpRequest, project: str, initial_token: int) -> HttpResponse:
        """With the apps that came with it (`clients`), the newest first, 100 at most."""
        found = self.token(self.project(project), initial_token)
        apps = Client.objects.filter(registration_access__initial_token=found).order_by("-created", "-pk")
        clients: list[Json] = list(apps.values_list("client_id", flat=True)[:SHOWN_APPS])
        return self.shown({**represent([found])[0], "clients": clients})

    @operation("delete_initial_access_token", "Revoke an initial access token", status=204)
    def delete(self, request: HttpRequest, project: str, initial_token: int) -> HttpResponse:
        """Nobody registers with it any more; apps that did stay. For owners."""
        with transaction.atomic():
            found, by = self.owned(project)
            if not initial_tokens.revoke(self.token(found, initial_token), by):
                raise not_found()
        return HttpResponse(status=204)


def represent(rows: Sequence[InitialAccessToken]) -> list[dict[str, Json]]:
    same = ("label", "scope", "require_pkce", "most", "used", "created_at", "expires_at", "revoked_at")
    return [
        {"id": str(one.pk), "audience": as_json(one.audiences), **{name: as_json(getattr(one, name)) for name in same}}
        for one in rows
    ]


def _read(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(WANTED, spot), spot.found
