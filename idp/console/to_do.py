"""What somebody should look after, each with the link that mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import outbox
from accounts.models import User
from clients.models import ClientSecret, Endings, SigningKey, Webhook
from clients.models.keys import KeyState
from common import clock
from common.timers import TimerRun
from idp.doctor.installation import MONTHLY, NIGHTLY, rotation_and, too_old
from projects.models import Member, Project, Role

WORKER = "manage.py worker"
MOST_NAMED = 3  # of a kind: more are counted
SOON = timedelta(days=14)
TIMERS = {"cleartokens": NIGHTLY, "rotatekeys": MONTHLY}
MAIL = {
    "console": gettext_lazy("Mail is written to the log, and nobody gets it. Set EMAIL_URL."),
    "filebased": gettext_lazy("Mail is written to files, and nobody gets it. Set EMAIL_URL."),
    "dummy": gettext_lazy("Mail is thrown away. Set EMAIL_URL."),
}


@dataclass(frozen=True)
class ToDo:
    said: str
    url: str = ""
    does: str = ""  # what the link says
    typed: str = ""  # where no page mends it: the setting or command that does


def to_do(person: User, projects: QuerySet[Project], *, whole: bool) -> list[ToDo]:
    """`whole`: the installation's own, too."""
    return [*_of_person(person), *(_of_installation(person) if whole else ()), *_of_projects(projects, whole)]


def _of_person(person: User) -> Iterator[ToDo]:
    if not Authenticator.objects.filter(user=person).exists():
        said = _("Your account has no second step: whoever knows its password gets in.")
        yield ToDo(said, reverse("mfa_index"), _("Set one up"))


def _of_installation(person: User) -> Iterator[ToDo]:
    now = clock.now()
    yield from _administrators(person)
    if said := MAIL.get(settings.IDP_MAIL_BACKEND.split(".")[-2]):
        yield ToDo(str(said), typed="EMAIL_URL=smtp+tls://user:password@mail.example.com:587")
    elif outbox.is_late():
        yield ToDo(_("Mail has waited for ten minutes. Does the timer of delivermail run?"), typed=WORKER)
    yield from _keys(now)
    yield from _timers(now)
    yield from _directories()


def _administrators(person: User) -> Iterator[ToDo]:
    with_step = Exists(Authenticator.objects.filter(user=OuterRef("pk")))
    number = User.objects.filter(~with_step, is_superuser=True, is_active=True).exclude(pk=person.pk).count()
    if number:
        said = ngettext(
            "%(number)s other administrator has no second step.",
            "%(number)s other administrators have no second step.",
            number,
        )
        url = reverse("admin:accounts_user_changelist", query={"is_superuser__exact": 1})
        yield ToDo(said % {"number": number}, url, _("See who"))


def _keys(now: datetime) -> Iterator[ToDo]:
    """A next key waits for as long as the one before it signs."""
    waits = Q(state=KeyState.NEXT, created_at__lt=now - rotation_and(10))
    rows = SigningKey.objects.filter(waits | Q(state=KeyState.ACTIVE, activated_at__lt=now - too_old()))
    for key in rows.order_by("algorithm", "state", "kid"):
        fields = {"algorithm": key.algorithm, "age": timesince(key.activated_at or key.created_at, now)}
        if key.state == KeyState.NEXT:
            said = _("The next %(algorithm)s key has waited for %(age)s.") % fields
            yield ToDo(said, reverse("admin:clients_signingkey_activate", args=[key.kid]), _("Activate it"))
        else:
            said = _("The same %(algorithm)s key has signed for %(age)s.") % fields
            yield ToDo(said, reverse("admin:clients_signingkey_changelist"), _("Look at the keys"))


def _timers(now: datetime) -> Iterator[ToDo]:
    """On somebody's own machine they need none until one has run."""
    runs = {one.command: one for one in TimerRun.objects.filter(command__in=[*TIMERS])}
    for command, longest in TIMERS.items():
        run = runs.get(command)
        if run is None:
            if not settings.IS_LOCAL:
                yield ToDo(_("%(command)s has never run. It needs a timer.") % {"command": command}, typed=WORKER)
        elif run.failed:
            yield ToDo(_("%(command)s failed when it last ran.") % {"command": command}, typed=f"manage.py {command}")
        elif now - run.ended_at > longest:
            fields = {"command": command, "age": timesince(run.ended_at, now)}
            yield ToDo(_("%(command)s has not run for %(age)s. Does its timer run?") % fields, typed=WORKER)


def _directories() -> Iterator[ToDo]:
    """By a command, not by a link: whoever lets very many people be ended looks there first what happened."""
    stopped = Endings.objects.filter(held_at__isnull=False).select_related("client").order_by("held_at", "pk")
    for row in stopped[:MOST_NAMED]:
        said = _(
            "The directory %(name)s was stopped: it ended %(number)s people within an hour. If that was no mistake, "
            "manage.py unlock --directory %(id)s lets it go on."
        ) % {"name": row.client.name or row.client.client_id, "number": row.number, "id": row.client.client_id}
        yield ToDo(said, reverse("admin:clients_client_connect", args=[row.client_id]), _("Look at it"))


def _of_projects(projects: QuerySet[Project], whole: bool) -> Iterator[ToDo]:
    if whole:
        owned = Member.objects.filter(role=Role.OWNER, user__is_active=True, project=OuterRef("pk"))
        alone = projects.filter(~Exists(owned)).order_by("name", "key")
        for project in alone[:MOST_NAMED]:
            said = _("The project %(name)s has no owner who can sign in.") % {"name": project.name}
            yield ToDo(said, reverse("admin:projects_project_members", args=[project.pk]), _("Add one"))
    disabled = Webhook.objects.filter(project__in=projects, enabled=False).exclude(disabled_because="")
    for hook in disabled.select_related("project").order_by("project__name", "pk")[:MOST_NAMED]:
        said = _("A webhook of %(name)s took nothing for a day, and is disabled.") % {"name": hook.project.name}
        yield ToDo(said, reverse("admin:clients_webhook_change", args=[hook.pk]), _("Look at it"))
    now = clock.now()
    secrets = ClientSecret.objects.filter(client__project__in=projects, client__enabled=True, slot__isnull=False)
    ending = secrets.filter(expires_at__gt=now, expires_at__lt=now + SOON).select_related("client")
    for secret in ending.order_by("expires_at", "pk")[:MOST_NAMED]:
        said = _("A secret of %(name)s ends on %(day)s.") % {
            "name": secret.client.name or secret.client.client_id,
            "day": f"{secret.expires_at:%Y-%m-%d}",
        }
        yield ToDo(said, reverse("admin:clients_client_secrets", args=[secret.client_id]), _("Make a new one"))
