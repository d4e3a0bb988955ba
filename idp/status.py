"""How things stand, at a glance: cheap to ask, however many tokens there are. What is many is told as about."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Model, QuerySet, Sum

from accounts import outbox
from accounts.mails import Mail
from accounts.models import AccountEvent, AccountEventKind, User
from clients import stream_management
from clients.models import (
    AccessToken,
    Authorization,
    Client,
    Delivery,
    Endings,
    LogoutNotice,
    RefreshToken,
    RefusedRequest,
    SigningKey,
    Stream,
    Webhook,
)
from clients.models.keys import KeyState
from clients.models.logout import NoticeState
from common import clock
from common.schema import missing_migrations
from common.timers import TimerRun
from idp import VERSION
from idp.worker.process import seen
from projects.events import SecurityEvent
from projects.models import Project
from provider import lock_outs
from provider.keys.standing import problems, sealed_under

EXACT = 100_000  # rows: fewer are counted
MOST = 10_000  # events that are counted
SHOWN = 5  # clients with most failures
TIMERS = ("cleartokens", "rotatekeys", "deliverevents", "delivermail")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FAILED_SIGN_INS = (AccountEventKind.SIGN_IN_FAILED, AccountEventKind.SECOND_STEP_FAILED)

Section = dict[str, object]


def status() -> dict[str, Section]:
    now = clock.now()
    return {
        "version": {"version": VERSION, "schema": "current" if not missing_migrations(connection) else "outdated"},
        "keys": _keys(),
        "people": _people(now),
        "clients": _clients(now),
        "tokens": {name: about(model) for name, model in _MANY.items()},
        "outboxes": _outboxes(now),
        "timers": {name: _run(TimerRun.objects.filter(pk=name).first()) for name in TIMERS},
        "workers": {"running": seen()},
    }


_MANY: dict[str, type[Model]] = {
    "authorizations": Authorization,
    "access_tokens": AccessToken,
    "refresh_tokens": RefreshToken,
}


def about(model: type[Model]) -> int:
    """How many rows there are: counted where that is quick, else what the database last estimated."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sum(greatest(reltuples, 0))::bigint FROM pg_class"  # with the parts that it may be divided in
                " WHERE oid = %s::regclass OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %s::regclass)",
                [model._meta.db_table] * 2,
            )
            estimate = int(cursor.fetchone()[0])
        if estimate >= EXACT:
            return estimate
    return int(model._default_manager.count())


def _keys() -> Section:
    keys = list(SigningKey.objects.filter(state__in=[KeyState.ACTIVE, KeyState.NEXT]).order_by("algorithm", "state"))
    return {
        "active": [
            {"algorithm": one.algorithm, "kid": one.kid, "since": one.activated_at, "sealed_under": sealed_under(one)}
            for one in keys
            if one.state == KeyState.ACTIVE
        ],
        "problems": problems(keys),
    }


def _people(now: datetime) -> Section:
    lately = AccountEvent.objects.filter(at__gte=now - HOUR)
    return {
        "accounts": about(User),
        "signed_in_last_hour": lately.filter(kind=AccountEventKind.SIGN_IN)[:MOST].count(),
        "refused_last_hour": lately.filter(kind__in=FAILED_SIGN_INS)[:MOST].count(),
        "lock_outs": len([*lock_outs.of_people(), *lock_outs.of_device_codes()]),
    }


def _clients(now: datetime) -> Section:
    refused = RefusedRequest.objects.filter(last_at__gte=now - HOUR).exclude(client_id="")
    failing = refused.order_by().values("client_id").annotate(times=Sum("count")).order_by("-times", "client_id")
    locks = [*lock_outs.of_clients()][::-1]
    return {
        "projects": Project.objects.count(),
        "clients": Client.objects.count(),
        "disabled": Client.objects.filter(enabled=False).count(),
        "failing": failing.count(),
        "most_failures": [{"client_id": one["client_id"], "times": one["times"]} for one in failing[:SHOWN]],
        "locked_out": [{"client_id": one.who, "network": one.network, "until": one.until} for one in locks[:SHOWN]],
        "stopped": [{"client_id": name, "people": people} for name, people in _stopped()[:SHOWN]],
    }


def _stopped() -> QuerySet[Endings, tuple[str, int]]:
    """Directories that ended very many people."""
    rows = Endings.objects.filter(held_at__isnull=False).order_by("client__client_id")
    return rows.values_list("client__client_id", "number")


def _outboxes(now: datetime) -> Section:
    due = LogoutNotice.objects.filter(state=NoticeState.DUE)
    given_up = SecurityEvent.objects.filter(at__gte=now - DAY, kind="logout_notice.given_up")
    tried = due.exclude(problem="").order_by("next_attempt_at").first()
    return {
        "notices_due": due.order_by()[:MOST].count(),
        "notices_given_up_last_day": given_up[:MOST].count(),
        "last_problem": tried.problem if tried else None,
        "deliveries_due": Delivery.objects.filter(state=NoticeState.DUE).order_by()[:MOST].count(),
        "webhooks_disabled": Webhook.objects.filter(enabled=False).exclude(disabled_because="").count(),
        "streams_paused": Stream.objects.filter(stream_management.GAVE_UP).count(),
        "mails_due": Mail.objects.all()[:MOST].count(),
        "mails_late": outbox.is_late(),
    }


def _run(row: TimerRun | None) -> Section | None:
    if row is None:
        return None
    return {
        "ended_at": row.ended_at,
        "failed": row.failed,
        "said": dict(sorted(row.said.items())),
        "run_by": row.run_by,
    }
