"""Back-channel logout: find the apps to notify that a sign-in ended, and notify them.

Ending a sign-in sends nothing and lists nothing: it only records the end. `announce` reads that afterwards, so a crash
in between loses nothing; `deliver` sends. Several processes may do both at once. When an account is deleted, nothing is
left to read afterwards, so its notices are written then.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts.models import SignIn, User
from clients.models import Authorization, LogoutNotice
from clients.models.logout import NoticeState
from common import clock, outbound, sealing
from projects.models import Project
from projects.sectors import told_sid, told_sub
from provider import outboxes
from provider.keys import mint
from provider.outboxes import Attempt as Attempt
from provider.outboxes import Job, Sent, status_problem
from provider.patience import Patience
from provider.protocol import logout
from provider.protocol.errors import TemporarilyUnavailable
from provider.store import events
from provider.telling import occurrences

LOGOUT_TOKEN_TYPE = "logout+jwt"  # noqa: S105 - a header value (Back-Channel Logout 1.0 section 2.4)
BATCH = 500  # sign-ins announced in one transaction


def announce(should_stop: Callable[[], bool]) -> int:
    """Write a notice for every client that is to be notified of an ended sign-in. Returns how many."""
    written, more = 0, True
    while more and not should_stop():
        made, more = _announce_some()
        written += made
    return written


def _announce_some() -> tuple[int, bool]:
    """Write the notices of some ended sign-ins, all or none. Sign-ins that another run has locked are left to it.

    Returns how many notices, and whether there may be more to do.
    """
    ended = SignIn.objects.filter(ended_at__isnull=False, announced_at__isnull=True).order_by("ended_at")
    with transaction.atomic():
        sids = list(ended.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
        used = Authorization.objects.filter(sign_in__in=sids)
        written = _create_notices(used)
        if sids:
            occurrences.of_sign_ins(used)
        SignIn.objects.filter(pk__in=sids).update(announced_at=clock.now())
    return written, len(sids) == BATCH


@receiver(pre_delete, sender=User, dispatch_uid="clients.announce_leaving")
def announce_before_deletion(instance: User, **_signal: object) -> None:
    """Write the notices of a person whose account is about to be deleted, in the transaction that deletes it.

    This includes sign-ins that ended without being announced: afterwards nobody knows which apps the person used.
    """
    _create_notices(Authorization.objects.filter(user=instance, sign_in__isnull=False, sign_in__announced_at=None))


def _create_notices(used: QuerySet[Authorization]) -> int:
    """A notice for each sign-in and each client with a logout URI among these. Existing notices stay."""
    notified = used.exclude(client__backchannel_logout_uri="")
    project = Coalesce("project", "client__project")  # of a guest: the one that let it in
    found = set(notified.values_list("sign_in_id", "user__sub", "client_id", project))
    sectors = Project.objects.in_bulk({one for _sid, _sub, _client, one in found})
    rows = [_notice(sid, sub, client, sectors[one]) for sid, sub, client, one in found if one in sectors]
    LogoutNotice.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _notice(sid: uuid.UUID, sub: str, client_id: int, sector: Project) -> LogoutNotice:
    told = uuid.UUID(told_sid(str(sid), sector))
    return LogoutNotice(sid=told, sub=sub, told_sub=told_sub(sub, sector), client_id=client_id)


class Notices:
    """The outbox of back-channel logout."""

    def next(self, patience: Patience) -> Job | Attempt | None:
        notice = _claim_next(patience)
        if notice is None:
            return None
        if attempt := _without_sending(notice):
            return attempt
        try:
            uri, token = _request(notice)
        except (sealing.Unreadable, TemporarilyUnavailable) as error:  # its key cannot sign: others go on
            return _record(notice, str(error))
        return Job(notice, lambda: _post(uri, token), lambda sent: _record(notice, sent.problem))


def _claim_next(patience: Patience) -> LogoutNotice | None:
    """A notice that is due, counted as tried and due again later: a run that is killed loses nothing.

    Those that failed before come last, and then those first that have waited longest.
    """
    now = clock.now()
    due = LogoutNotice.objects.filter(state=NoticeState.DUE, next_attempt_at__lte=now).exclude(patience.out_of_turn())
    with transaction.atomic():
        locked = due.order_by("attempts", "next_attempt_at").select_for_update(of=("self",), skip_locked=True)
        notice = locked.select_related("client").first()
        if notice is not None:
            notice.attempts += 1
            notice.next_attempt_at = outboxes.next_try(notice.attempts)
            notice.save(update_fields=["attempts", "next_attempt_at"])
    return notice


def _without_sending(notice: LogoutNotice) -> Attempt | None:
    """The outcome of a notice that is not sent any more."""
    if reason := _drop_reason(notice):
        return _save_outcome(notice, NoticeState.DROPPED, reason)
    if notice.attempts > outboxes.MAX_TRIES:  # the last one was interrupted
        return _give_up(notice, notice.problem or "The tries were interrupted.")
    return None


def _record(notice: LogoutNotice, problem: str) -> Attempt:
    if not problem:
        return _save_outcome(notice, NoticeState.DELIVERED, "")
    if notice.attempts >= outboxes.MAX_TRIES:
        return _give_up(notice, problem)
    return _save_outcome(notice, NoticeState.DUE, problem)


def _drop_reason(notice: LogoutNotice) -> str:
    """Why this notice is dropped, or an empty string."""
    client = notice.client
    if client is None:
        return "The client was deleted."
    if not client.enabled:
        return "The client is disabled."
    return "" if client.backchannel_logout_uri else "The client has no back-channel logout URI any more."


def _request(notice: LogoutNotice) -> tuple[str, str]:
    """Where to send it, and the logout token."""
    client = notice.client
    if client is None:
        raise ValueError("There is no client to send it to.")
    claims = logout.logout_token(
        issuer=settings.IDP_ISSUER,
        client_id=client.client_id,
        sub=notice.told_sub,
        sid=str(notice.sid),
        jti=uuid.uuid4().hex,  # new for each try: an app may refuse one that it has seen
        now=clock.seconds(),
    )
    token = mint.sign(claims, client.id_token_signed_response_alg, LOGOUT_TOKEN_TYPE)
    return client.backchannel_logout_uri, token


def _post(uri: str, token: str) -> Sent:
    """No problem, when the app accepted it (Back-Channel Logout 1.0 section 2.8)."""
    try:
        status = outbound.post_form(uri, {"logout_token": token})
    except outbound.Unreachable as error:
        return Sent(None, str(error))
    return Sent(status, "" if status in (200, 204) else status_problem(status))


def _give_up(notice: LogoutNotice, problem: str) -> Attempt:
    client_id = notice.client.client_id if notice.client else ""
    with transaction.atomic():
        attempt = _save_outcome(notice, NoticeState.GIVEN_UP, problem)
        events.logout_notice_given_up(client_id, notice.sub, outboxes.MAX_TRIES, problem)
    return attempt


def _save_outcome(notice: LogoutNotice, state: NoticeState, problem: str) -> Attempt:
    """Store the outcome of this try, unless a later one has stored its own."""
    delivered_at = clock.now() if state == NoticeState.DELIVERED else None
    mine = LogoutNotice.objects.filter(pk=notice.pk, state=NoticeState.DUE, attempts=notice.attempts)
    mine.update(state=state, problem=problem[:300], delivered_at=delivered_at)
    return Attempt(notice.client.client_id if notice.client else "", state, problem)
