"""What is installed here: variables, settings, keys, timers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings as configured
from django.core import checks

from accounts.mails import Mail
from clients import stream_management
from clients.models import Client, SigningKey, Stream, Webhook
from clients.models.keys import KeyState
from common import clock
from common.command_output import ago, number
from common.timers import TimerRun
from idp.doctor import Finding, failed, ok, warning
from idp.worker.process import seen
from provider.keys.needed import next_is_under_another
from provider.keys.standing import problems

NIGHTLY, MONTHLY, AT_ONCE = timedelta(days=2), timedelta(days=40), timedelta(minutes=15)


def rotation_and(days: int) -> timedelta:
    """How old a key may be: it signs until it is rotated, and this many days are for a timer that comes late."""
    return timedelta(days=configured.IDP_KEY_ROTATION_DAYS + days)


def too_old() -> timedelta:
    """For a key that signs."""
    return rotation_and(70)


def settings() -> Iterator[Finding]:
    """All that `check --deploy` says, misspelt variables and style sheets that were not collected among it."""
    found = [one for one in checks.run_checks(include_deployment_checks=True) if not one.is_silenced()]
    for one in found:
        remedy = one.hint or f"See {one.id} of 'manage.py check --deploy'."
        yield failed(one.msg, remedy) if one.is_serious() else warning(one.msg, remedy)
    if not found:
        yield ok("check --deploy has nothing to say")


def keys() -> Iterator[Finding]:
    stored = list(SigningKey.objects.filter(state__in=[KeyState.ACTIVE, KeyState.NEXT]))
    wrong = problems(stored)
    for problem in wrong:
        yield failed(problem, "'manage.py keys' shows every key and the secret it needs.")
    if wrong:
        return
    active = [one for one in stored if one.state == KeyState.ACTIVE]
    for one in active:
        if one.activated_at and clock.now() - one.activated_at > too_old():
            age = ago(one.activated_at, clock.now())
            yield warning(
                f"{one.algorithm}: the key signs since {age}.", "Run the worker, or rotatekeys from a monthly timer."
            )
        if next_is_under_another(one.algorithm):
            yield warning(
                f"{one.algorithm}: the next key needs another secret than the one that signs.",
                "Restart every server with these IDP_KEY_SECRETS, then run rotatekeys --servers-restarted.",
            )
    yield ok(f"{number(len(active), 'key signs', 'keys sign')}, each has a next one, and all of them open")


def timers() -> Iterator[Finding]:
    """Whether what has to run now and then does."""
    yield from _timer("cleartokens", NIGHTLY, "a nightly timer", needed=True)
    yield from _timer("rotatekeys", MONTHLY, "a monthly timer", needed=True)
    told = Client.objects.exclude(backchannel_logout_uri="").exists() or Webhook.objects.exists()
    told = told or Stream.objects.exists()
    yield from _timer("deliverevents", AT_ONCE, "a timer of every minute, or as a service", needed=told)
    yield from _timer("delivermail", AT_ONCE, "a timer of every minute, or as a service", needed=Mail.objects.exists())
    yield from _webhooks()
    yield from _streams()
    if running := seen():
        yield ok(f"the worker runs: {', '.join(running)}")


def _streams() -> Iterator[Finding]:
    """The same of event streams."""
    for one in Stream.objects.filter(stream_management.GAVE_UP).select_related("client"):
        said = f"The event stream of {one.client.client_id} is paused ({one.reason})"
        yield warning(said, "The app or an editor enables it; what waits for it is kept for 30 days.")


def _webhooks() -> Iterator[Finding]:
    """Those that took nothing for a day. Their owners have got a mail; whoever runs this may know why."""
    for one in Webhook.objects.filter(enabled=False).exclude(disabled_because="").select_related("project"):
        said = f"A webhook of {one.project.key} is disabled ({one.disabled_because})."
        yield warning(said, "Its owners enable it in the console; what waits for it is kept for 30 days.")


def _timer(command: str, longest: timedelta, how: str, *, needed: bool) -> Iterator[Finding]:
    row, remedy = TimerRun.objects.filter(pk=command).first(), f"Run the worker, or {command} from {how}."
    if row is None:
        yield warning(f"{command} has never run.", remedy) if needed else ok(f"{command} has nothing to do yet")
        return
    said = f"{command} ran {ago(row.ended_at, clock.now())}"
    if row.failed:
        yield warning(f"{said}, and failed: {row.said.get('error', row.said)}", f"Run {command} by hand.")
    elif needed and clock.now() - row.ended_at > longest:
        yield warning(f"{said}.", remedy)
    else:
        yield ok(said)
