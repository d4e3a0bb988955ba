"""What a project's own consent page reads and answers (protocol section 28)."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from clients.models import ConsentRequest
from common.json_type import Json
from idp.api.described import operation
from idp.api.documents import said_in
from idp.api.problems import not_found, refused
from idp.api.resource import Resource, storable
from projects.actors import Actor
from projects.json_shape import Members, Spot, as_json, read_members, text, texts
from projects.problems import Problem
from projects.sectors import PUBLIC, told_sub
from provider import consent_requests
from provider.consent_requests import AnsweredBefore
from provider.protocol.consent_answer import AUDIENCES, SCOPES

ACCEPTANCE: Members = {SCOPES: texts, AUDIENCES: texts}
REJECTION: Members = {"error_description": text}


class OfConsentRequest(Resource):
    tag = "consent requests"

    def waiting(self, challenge: str, by: Actor, *, lock: bool = False) -> ConsentRequest:
        found = consent_requests.find(challenge, by, lock=lock) if storable(challenge) else None
        if found is None:
            raise not_found()
        return found


class OneConsentRequest(OfConsentRequest):
    @operation("get_consent_request", "Read what a person is asked", answers="ConsentRequest")
    def get(self, request: HttpRequest, challenge: str) -> HttpResponse:
        """By the `consent_challenge` that the browser brought to the page of the project (`consent_uri`)."""
        return self.shown(_represent(self.waiting(challenge, self.by)))


class ConsentAcceptance(OfConsentRequest):
    @operation("accept_consent_request", "Allow it", answers="ConsentAnswered", sends="ConsentAcceptance")
    def post(self, request: HttpRequest, challenge: str) -> HttpResponse:
        """For the person, who said so on the page of the project. Never more than was asked; of an audience also a
        part, an address below it. Send the browser to `redirect_to`."""
        said = said_in(self.sent(), _acceptance)
        with transaction.atomic():
            by = self.by
            row = self.waiting(challenge, by, lock=True)
            scopes, audiences = (_texts(said.get(name)) for name in (SCOPES, AUDIENCES))
            try:
                return self.shown({"redirect_to": consent_requests.accept(row, scopes, audiences, by)})
            except AnsweredBefore:
                raise _answered_before() from None


class ConsentRejection(OfConsentRequest):
    @operation("reject_consent_request", "Reject it", answers="ConsentAnswered", sends="ConsentRejection")
    def post(self, request: HttpRequest, challenge: str) -> HttpResponse:
        """The app is told `access_denied`. Send the browser to `redirect_to`."""
        said = said_in(self.sent(optional=True), _rejection)
        with transaction.atomic():
            by = self.by
            row = self.waiting(challenge, by, lock=True)
            try:
                return self.shown(
                    {"redirect_to": consent_requests.reject(row, str(said.get("error_description", "")), by)}
                )
            except AnsweredBefore:
                raise _answered_before() from None


def _answered_before() -> Exception:
    return refused("conflict", "This request was answered before. The first answer counts.")


def _represent(row: ConsentRequest) -> dict[str, Json]:
    asked, given = consent_requests.asked_by(row), consent_requests.given_before(row)
    return {
        "client": {"client_id": row.client.client_id, "client_name": row.client.name},
        "siblings": list(row.siblings),
        "subject": told_sub(row.user.sub, row.client.home),
        "username": row.user.get_username() if row.client.home.subject_type == PUBLIC else "",
        "requested_scope": list(asked.scopes),
        "requested_access_token_audience": list(asked.audiences),
        "granted_scope": list(given.scopes),
        "granted_access_token_audience": list(given.audiences),
        "answered": row.answer is not None,
        "expires_at": as_json(row.expires_at),
    }


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()


def _acceptance(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(ACCEPTANCE, spot, needed=(SCOPES,)), spot.found


def _rejection(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(REJECTION, spot), spot.found
