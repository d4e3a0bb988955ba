"""What a person allowed projects."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from common.json_type import Json
from idp.api.described import PAGE, operation
from idp.api.people import OfPerson
from idp.api.problems import not_found
from idp.api.resource import storable
from projects.json_shape import as_json
from projects.models import Consent
from provider import access, revocation
from provider.revocation import Whose
from provider.telling.relations import NOTHING_LEFT


class ConsentList(OfPerson):
    @operation("list_consents", "List what a person allowed projects", answers="ConsentPage", parameters=PAGE)
    def get(self, request: HttpRequest, sub: str) -> HttpResponse:
        """One for each project that asked them. Where nobody is asked there are `authorizations` only."""
        return self.listed(_of(self.person(sub)).select_related("project"), "pk", represent)


class OneConsent(OfPerson):
    @operation("delete_consent", "Take back what a person allowed a project", status=204)
    def delete(self, request: HttpRequest, sub: str, project: str) -> HttpResponse:
        """Everything that its apps, and guests that it let in, have of this person ends, and they are asked again."""
        with transaction.atomic():
            person = self.person(sub)
            rows = _of(person).select_for_update(of=("self",)).select_related("project")
            found = rows.filter(project__key=project).first() if storable(project) else None
            if found is None:
                raise not_found()
            revocation.revoke(Whose(user=person, project=found.project), self.by)
        return HttpResponse(status=204)


def _of(person: User) -> QuerySet[Consent]:
    """Those that give something. Rows of a project that is gone wait to be cleared."""
    return access.consents(person).filter(project__key__isnull=False).exclude(**NOTHING_LEFT)


def represent(rows: Sequence[Consent]) -> list[dict[str, Json]]:
    return [
        {
            "project": one.project.key,
            "scopes": as_json(one.scopes),
            "audiences": as_json(one.audiences),
            "created_at": as_json(one.created_at),
            "updated_at": as_json(one.updated_at),
            "ends_at": as_json(one.ends_at),
        }
        for one in rows
    ]
