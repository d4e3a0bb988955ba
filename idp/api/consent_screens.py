"""What people see of a project when they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from common.json_type import Json
from idp.api.described import operation
from idp.api.documents import patched, placed, said_in
from idp.api.resource import Resource
from projects import document, registration
from projects.metadata import Screen
from projects.models import Project
from projects.registration import metadata_of

WHERE = "consent_screen"


class ConsentScreen(Resource):
    @operation("get_consent_screen", "Get the consent screen", answers="ConsentScreen")
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        return self.shown(_represent(self.project(project)))

    @operation(
        "put_consent_screen",
        "Replace the consent screen",
        answers="ConsentScreen",
        sends="ConsentScreen",
        parameters=("if_match",),
    )
    def put(self, request: HttpRequest, project: str) -> HttpResponse:
        """Texts that are not named are empty. Editors may do this."""
        with transaction.atomic():
            return self._write(self._locked(project), self.sent())

    @operation(
        "patch_consent_screen",
        "Change parts of the consent screen",
        answers="ConsentScreen",
        sends="ConsentScreen",
        parameters=("if_match",),
    )
    def patch(self, request: HttpRequest, project: str) -> HttpResponse:
        with transaction.atomic():
            found = self._locked(project)
            return self._write(found, patched(_represent(found), self.sent()))

    def _locked(self, key: str) -> Project:
        found = Project.objects.select_for_update().get(pk=self.editable(key, self.by).pk)
        self.editable(key, self.by)
        return found

    def _write(self, project: Project, values: Mapping[str, Json]) -> HttpResponse:
        self.require(_represent(project))
        with placed(lambda field: field.removeprefix(WHERE).removeprefix(".")):
            said = said_in({WHERE: values}, document.read_project)
            blank = replace(metadata_of(project), consent_screen=Screen())
            registration.change(project, document.project(blank, said), self.by)
        return self.shown(_represent(project))


def _represent(project: Project) -> dict[str, Json]:
    return dict(asdict(metadata_of(project).consent_screen))
