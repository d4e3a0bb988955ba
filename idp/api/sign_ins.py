"""Sign-ins of a person: the browsers that they are signed in with."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts import sign_in
from accounts.models import SignIn
from common.json_type import Json
from idp.api.described import PAGE, operation
from idp.api.people import OfPerson
from idp.api.problems import not_found
from idp.api.resource import identifier_of
from projects.events import record
from projects.json_shape import as_json


class SignInList(OfPerson):
    @operation("list_sign_ins", "List the sign-ins of a person", answers="SignInPage", parameters=PAGE)
    def get(self, request: HttpRequest, sub: str) -> HttpResponse:
        """Those that go on."""
        return self.listed(sign_in.live(self.person(sub)), "pk", represent)

    @operation("delete_sign_ins", "End every sign-in of a person", status=204)
    def delete(self, request: HttpRequest, sub: str) -> HttpResponse:
        """In all browsers; their apps hear of it (OpenID Connect Back-Channel Logout 1.0). What an app has with offline
        access goes on: see `authorizations`."""
        with transaction.atomic():
            person = self.person(sub, locked=True)
            sign_in.end_all(person)
            record(self.by, "sign_in.ended", person=person.sub, all=True)
        return HttpResponse(status=204)


class OneSignIn(OfPerson):
    @operation("delete_sign_in", "End one sign-in", status=204)
    def delete(self, request: HttpRequest, sub: str, sign_in_id: str) -> HttpResponse:
        with transaction.atomic():
            person = self.person(sub)
            if not sign_in.end_one(person, identifier_of(sign_in_id)):
                raise not_found()
            record(self.by, "sign_in.ended", person=person.sub, all=False)
        return HttpResponse(status=204)


def represent(rows: Sequence[SignIn]) -> list[dict[str, Json]]:
    return [
        {
            "id": str(one.pk),
            "auth_time": as_json(one.auth_time),
            "amr": as_json(one.amr),
            "acr": one.acr,
            "created_at": as_json(one.created_at),
            "seen_at": as_json(one.seen_at),
            "user_agent": one.user_agent,
            "address": one.address,
        }
        for one in rows
    ]
