"""Requests whose person is asked by a page of the project's own (protocol section 28; as Ory's Hydra has it).

The page gets a challenge, reads by the HTTP API what was asked, and accepts or rejects there. It is told where the
browser goes on. Each is used once, within ten minutes, in the browser that began; who reads the table has neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.db import transaction
from django.urls import reverse

from accounts.models import SignIn, User
from clients.models import ConsentRequest
from common import clock, issuer, sealing
from projects.actors import Actor
from projects.apis import apis_near
from projects.consent import Permission
from projects.events import record
from projects.problems import Problem, require
from provider.keys.mint import digest, opaque
from provider.protocol import consent_answer
from provider.protocol.request import AuthorizationRequest, Choice

LIFETIME = timedelta(minutes=10)
MAX_PER_PERSON = 20  # that wait at once: the oldest makes room
MAX_REASON = 200  # characters
PURPOSE = "consent request"


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes on in the browser: the request as it began, and what the page made of it."""

    query: str
    asked: Permission
    given: Permission
    granted: Permission | None  # None: it was rejected
    reason: str


class AnsweredBefore(Exception):
    """The first answer counts."""


def begin(
    request: AuthorizationRequest,
    user: User,
    sign_in: SignIn,
    *,
    asked: Permission,
    given: Permission,
    siblings: Sequence[str],
) -> str:
    """Keep it, and answer the challenge."""
    now, challenge = clock.now(), opaque()
    own = ConsentRequest.objects.filter(user=user)
    own.filter(expires_at__lte=now).delete()
    newest = own.order_by("-created_at", "-pk").values("pk")[: MAX_PER_PERSON - 1]
    own.exclude(pk__in=newest).delete()
    ConsentRequest.objects.create(
        digest=digest(challenge),
        client_id=request.client.id,
        user=user,
        sid=sign_in.sid,
        sealed=sealing.seal(PURPOSE, request.params.query),
        asked=[list(asked.scopes), list(asked.audiences)],
        given=[list(given.scopes), list(given.audiences)],
        siblings=list(siblings),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    return challenge


def find(challenge: str, by: Actor, *, lock: bool = False) -> ConsentRequest | None:
    """The one that waits behind this challenge, if its project is one that they may change."""
    rows = ConsentRequest.objects.select_related("client__project", "user")
    if lock:
        rows = rows.select_for_update(of=("self",))
    row = rows.filter(digest=digest(challenge), expires_at__gt=clock.now()).first()
    project = row.client.project if row is not None else None
    return row if project is not None and by.edits(project) else None


def asked_by(row: ConsentRequest) -> Permission:
    return _permission(row.asked)


def given_before(row: ConsentRequest) -> Permission:
    return _permission(row.given)


def accept(row: ConsentRequest, scopes: Sequence[str], audiences: Sequence[str], by: Actor) -> str:
    """Where the browser goes on. Raises RegistrationError, AnsweredBefore. The caller has locked the row."""
    asked = Choice(*_pair(row.asked))
    wrong = consent_answer.problems(asked, scopes, audiences, apis_near((*asked.audiences, *audiences)).covers)
    require(Problem(*one) for one in wrong)
    granted = consent_answer.granted(asked, scopes, audiences)
    return _answer(row, [list(granted.scopes), list(granted.audiences)], "", by, "consent.accepted_elsewhere")


def reject(row: ConsentRequest, reason: str, by: Actor) -> str:
    """The same. `reason` is for the app's developers."""
    if len(reason) > MAX_REASON or not reason.isprintable() or not reason.isascii() or {'"', "\\"} & set(reason):
        message = f"At most {MAX_REASON} visible ASCII characters and spaces, no quotes or backslashes."
        require([Problem("error_description", message)])
    return _answer(row, [], reason, by, "consent.rejected_elsewhere")


def _answer(row: ConsentRequest, answer: list[list[str]], reason: str, by: Actor, kind: str) -> str:
    if row.answer is not None:
        raise AnsweredBefore
    verifier = opaque()
    with transaction.atomic():
        row.answer, row.reason, row.verifier = answer, reason, digest(verifier)
        row.save(update_fields=["answer", "reason", "verifier"])
        record(by, kind, row.client.client_id, person=row.user.sub)
    return f"{issuer.url_of(reverse('consent_answer'))}?{urlencode({'consent_verifier': verifier})}"


def taken(verifier: str, user: User, sign_in: SignIn) -> Answered | None:
    """The answer, once: for this person, at the browser where they signed in and began. None: it is not theirs."""
    with transaction.atomic():
        own = ConsentRequest.objects.select_for_update().filter(user=user, sid=sign_in.sid, expires_at__gt=clock.now())
        row = own.filter(verifier=digest(verifier)).first() if verifier else None
        if row is None or row.answer is None:
            return None
        row.delete()
    try:
        query = sealing.unseal(PURPOSE, row.sealed)
    except sealing.Unreadable:
        return None
    granted = _permission(row.answer) if row.answer else None
    return Answered(query, _permission(row.asked), _permission(row.given), granted, row.reason)


def _permission(kept: Sequence[Sequence[str]]) -> Permission:
    return Permission(*_pair(kept))


def _pair(kept: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    scopes, audiences = kept
    return tuple(scopes), tuple(audiences)
