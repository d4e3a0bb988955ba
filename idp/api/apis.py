"""APIs (resource servers) and their scopes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from clients import resources
from common.json_type import Json
from idp.api import deletion
from idp.api.described import PAGE, WRITE, operation
from idp.api.documents import patched, placed, refuse_another, said_in
from idp.api.problems import not_found
from idp.api.resource import Resource, storable
from projects import api_registration, document, matcher
from projects.actors import Actor
from projects.api_registration import metadata_of, metadata_of_all
from projects.document import place_in_api, read_api, represent_api
from projects.metadata import ApiMetadata
from projects.models import Api, Project

_ONE_SLASH = re.compile(r"(?i)\A(https?):/(?!/)")  # proxies make one of two in a path


class ApiList(Resource):
    tag = "apis"

    @operation("list_apis", "List APIs", answers="ApiPage", parameters=PAGE)
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        """Those of the project, in the order of their addresses."""
        return self.listed(self.project(project).apis.all(), "canonical", _represent)


class OneApi(Resource):
    tag = "apis"

    @operation("get_api", "Get an API", answers="Api")
    def get(self, request: HttpRequest, project: str, identifier: str) -> HttpResponse:
        canonical = _canonical(_identifier(identifier))
        found = self.project(project).apis.filter(canonical=canonical).first() if canonical else None
        if found is None:
            raise not_found()
        return self.shown(represent_api(metadata_of(found)))

    @operation(
        "put_api",
        "Create or replace an API",
        answers="Api",
        sends="Api",
        parameters=WRITE,
        also={201: "It is new."},
    )
    def put(self, request: HttpRequest, project: str, identifier: str) -> HttpResponse:
        """Members that are not named get their defaults, so scopes that are not named go. `tokens_not_before` stays."""
        with transaction.atomic():
            found, home, by = self._locked(project, identifier)
            return self._write(found, home, by, _identifier(identifier), self.sent())

    @operation("patch_api", "Change parts of an API", answers="Api", sends="Api", parameters=("if_match",))
    def patch(self, request: HttpRequest, project: str, identifier: str) -> HttpResponse:
        """JSON Merge Patch (RFC 7396): `{"scopes": {"orders.read": "See your orders"}}` adds a scope or changes its
        words, and null in place of the words takes it away."""
        with transaction.atomic():
            found, home, by = self._locked(project, identifier)
            if found is None:
                raise not_found()
            values = patched(represent_api(metadata_of(found)), self.sent())
            return self._write(found, home, by, found.identifier, values)

    @operation("delete_api", "Delete an API", answers="Deletion", parameters=("dry_run", "if_match"))
    def delete(self, request: HttpRequest, project: str, identifier: str) -> HttpResponse:
        """With its scopes. Not while a client lists it among its audiences."""
        with transaction.atomic():
            found, _home, by = self._locked(project, identifier)
            if found is None:
                raise not_found()
            self.require(represent_api(metadata_of(found)))
            obstacles = resources.obstacles([found], by)
            return deletion.delete(self, found, obstacles, lambda: resources.delete_api(found, by))

    def _locked(self, key: str, identifier: str) -> tuple[Api | None, Project, Actor]:
        """The API, its project and who acts. Nobody else changes an API until the transaction ends."""
        home = self.editable(key, self.by)
        canonical = _canonical(_identifier(identifier))
        found = api_registration.locked(canonical, home) if canonical else None
        by = self.by
        self.editable(key, by)
        return found, home, by

    def _write(
        self, found: Api | None, home: Project, by: Actor, identifier: str, values: Mapping[str, Json]
    ) -> HttpResponse:
        before = metadata_of(found) if found else None
        self.require(represent_api(before) if before else None)
        said = said_in(values, read_api)
        refuse_another(said, "identifier", identifier, lambda one: _canonical(one) or one)
        blank = ApiMetadata(identifier=before.identifier if before else identifier)
        wanted = document.api(replace(blank, tokens_not_before=before.tokens_not_before if before else None), said)
        with placed(lambda field: place_in_api(field, wanted)):
            if found is None:
                found = resources.register_api(wanted, home, by)
            else:
                api_registration.change(found, wanted, by)
        steps = ("projects", home.key, "apis", found.identifier)
        return self.made(represent_api(metadata_of(found)), *steps, created=before is None)


def _represent(apis: Sequence[Api]) -> list[dict[str, Json]]:
    return [represent_api(one) for one in metadata_of_all(apis)]


def _identifier(sent: str) -> str:
    return _ONE_SLASH.sub(r"\1://", sent)


def same_address(sent: str) -> str:
    """What is equal for two spellings of one address."""
    return _canonical(_identifier(sent)) or sent


def _canonical(identifier: str) -> str:
    """Empty: no API has this identifier."""
    try:
        return matcher.canonical(identifier) if storable(identifier) else ""
    except matcher.Malformed:
        return ""
