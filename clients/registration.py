"""The one place where a client is made, changed and deleted, and where its secrets are made and ended.

Doors (console, configuration file, commands, APIs) translate what they were sent into `ClientMetadata`, and
`Problem.field` into a place of their own. They have no rules.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from clients import guest_registration, lists, secrets
from clients.around import Around
from clients.changes import differences as differences
from clients.changes import record_change, told
from clients.identifiers import new_client_id
from clients.metadata import ClientMetadata
from clients.models import Client, ClientSecret
from clients.policy import metadata_of, problems
from clients.reach import apis_named, is_bound, secret_problem
from common import clock
from common.chosen import Kept
from projects import admission
from projects.actors import Actor, Right
from projects.events import acting, record, record_all
from projects.models import Project
from projects.problems import Problem, RegistrationError, require

MANUAL = Client.RegistrationSource.MANUAL
SHOWN = 10  # how many of the things that stand in the way of a deletion are named


def register(wanted: ClientMetadata, project: Project, by: Actor, *, source: str = MANUAL) -> Client:
    """A new client. Raises RegistrationError; IntegrityError when somebody else took the id in this very moment.

    `source`: whether somebody vouches for it, or it registered itself.
    """
    [made] = register_all([wanted], project, by, source=source)
    if isinstance(made, Client):
        return made
    raise RegistrationError(made)


def register_all(
    wanted: Sequence[ClientMetadata], project: Project, by: Actor, *, source: str = MANUAL
) -> list[Client | list[Problem]]:
    """New clients, in a few statements however many they are. In place of one that cannot be made, its problems."""
    named = [replace(one, client_id=one.client_id or new_client_id()) for one in wanted]
    around = Around(named, project)
    with acting(by), transaction.atomic():
        found = [problems(one, project, by, around=around) for one in named]
        good = [one for one, wrong in zip(named, found, strict=True) if not wrong]
        made = Client.objects.bulk_create([_new(one, project, by, source) for one in good])
        lists.write_new(dict(zip(made, good, strict=True)))
        about = {one.client_id: {"project": project.key, "introspection": one.introspection} for one in made}
        record_all(by, "client.created", about)
    by_id = {client.client_id: client for client in made}
    return [wrong or by_id[one.client_id] for one, wrong in zip(named, found, strict=True)]


def _new(wanted: ClientMetadata, project: Project, by: Actor, source: str) -> Client:
    client = Client(project=project, registration_source=source)
    client.take(wanted)
    admission.keep(client, wanted.sign_in, project)
    client.disabled_by_superuser = _held(wanted, ClientMetadata(), by)
    return client


def locked(client_ids: Collection[str], project: Project | None = None) -> dict[str, Client]:
    """Those there are of these ids, with all that they list; nobody else changes them until the transaction ends.

    `project`: those of this one only.
    """
    rows = Client.objects.select_for_update(of=("self",)).select_related("project").order_by("pk")
    rows = rows if project is None else rows.filter(project=project)
    with_lists = rows.prefetch_related(*lists.ALL, "secrets")
    return {client.client_id: client for client in with_lists.filter(client_id__in=client_ids)}


def is_already(client: Client, wanted: ClientMetadata, by: Actor) -> bool:
    """Whether `change` would change nothing. What stands in the way of a change is then no matter either."""
    before = metadata_of(client).settled()
    sleeping = not client.uses_secrets and any(secret.slot is not None for secret in client.secrets.all())
    return not sleeping and not differences(before, _after(client, before, wanted, by))


def change(client: Client, wanted: ClientMetadata, by: Actor) -> list[str]:
    """Make it what is wanted, and answer what that changed. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        client.refresh_from_db(from_queryset=Client.objects.select_for_update(of=("self",)))
        return change_locked(client, wanted, by)


def change_locked(client: Client, wanted: ClientMetadata, by: Actor) -> list[str]:
    """`change`, of a client that `locked` answered in this transaction."""
    with acting(by), transaction.atomic():
        stored = metadata_of(client)
        require(_problems(client, wanted, stored, by))
        before, after, moved = outcome(client, stored, wanted, by)
        if moved:
            client.take(after)
            if client.project is not None:
                admission.keep(client, after.sign_in, client.project)
            client.disabled_by_superuser = bool(after.held)
            client.save()
            lists.write(client, after, moved)
            record_change(by, client.client_id, before, after, moved)
        if not (client.uses_secrets and before.uses_secrets) and _end_secrets(client, by):
            moved.append("client_secret")
    vars(client).pop("_prefetched_objects_cache", None)  # lists that were read before are not true any more
    return moved


def outcome(
    client: Client, stored: ClientMetadata, wanted: ClientMetadata, by: Actor
) -> tuple[ClientMetadata, ClientMetadata, list[str]]:
    """What it is, what it becomes, and in which fields these differ. For whoever has asked for problems."""
    before = stored.settled()
    after = _switched(before, _after(client, before, wanted, by))
    if client.guest:
        after = guest_registration.bounded(before, after)
    if client.registered_itself:
        after = guest_registration.asked_anew(before, after)
    moved = differences(before, after)
    if "held" in moved and "enabled" not in moved:
        moved.append("enabled")  # by somebody whom members do not overrule
    return before, after, moved


def _problems(client: Client, wanted: ClientMetadata, stored: ClientMetadata, by: Actor) -> list[Problem]:
    if client.project is None:
        return guest_registration.problems(wanted, client.registration_source, by, stored)
    return problems(wanted, client.project, by, client, stored)


def _after(client: Client, before: ClientMetadata, wanted: ClientMetadata, by: Actor) -> ClientMetadata:
    let_in = admission.settled(wanted.sign_in, client.project)
    return replace(_as_registered(wanted).settled(), held=_held(wanted, before, by), sign_in=let_in)


def _switched(before: ClientMetadata, after: ClientMetadata) -> ClientMetadata:
    """What a disabled client had is over for good: enabling it revives nothing."""
    if before.enabled == after.enabled:
        return after
    return replace(after, tokens_not_before=clock.end_of_all_before(after.tokens_not_before, on=after.enabled))


def _as_registered(wanted: ClientMetadata) -> ClientMetadata:
    """APIs by the identifiers they were registered with. One that nobody knows stays: it is a problem, not nothing."""
    found = apis_named(wanted.acts_for)
    named = dict.fromkeys(found[one].identifier if one in found else one for one in wanted.acts_for)
    return replace(wanted, acts_for=tuple(named))


def _end_secrets(client: Client, by: Actor) -> bool:
    """Those of a client that has no use for them, or had none: else they would wake up when it has one again."""
    ended = [revoke_secret(secret, by) for secret in client.secrets.filter(slot__isnull=False)]
    return any(ended)


def _held(wanted: ClientMetadata, before: ClientMetadata, by: Actor) -> bool:
    """Whether members of the project may not enable it again: who switched it off last decides."""
    if wanted.enabled:
        return False
    if wanted.held is not None:
        return wanted.held
    return by.may(Right.OVERRULE_MEMBERS) if before.enabled else bool(before.held)


def with_default_audience(wanted: ClientMetadata) -> ClientMetadata:
    """This, with the only API of an app that signs nobody in as its default: most such apps send a scope alone.

    For doors where somebody ticks boxes; a file says what it means.
    """
    machine = wanted.grant_types == ("client_credentials",) and len(wanted.audience) == 1
    return replace(wanted, audience=(replace(wanted.audience[0], default=True),)) if machine else wanted


# --- Deleting ------------------------------------------------------------------------------------------------------


def obstacles(client: Client, along: Collection[Client] = ()) -> list[str]:
    """Sentences that say why it must not be deleted now; `along`: clients that are deleted together with it.

    No caller listed means every client of the project: the last one listed does not go unnoticed.
    """
    gone = {client.pk, *(one.pk for one in along)}
    left_open = client.may_call.exclude(pk__in=gone).exclude(allowed_callers__in=Client.objects.exclude(pk__in=gone))
    return [
        _(
            "%(client)s lists it as the only allowed caller: without it every client of the project could get ID "
            "tokens for %(client)s. Change that list first."
        )
        % {"client": target.client_id}
        for target in left_open[:SHOWN]
    ]


def delete(client: Client, by: Actor, *, along: Collection[Client] = ()) -> None:
    """End it and everything of it. Its id is never used again: `clients.tombstones` sees to that."""
    with acting(by), transaction.atomic():
        guest_registration.may_change(client, by)
        require(Problem("client_id", sentence) for sentence in obstacles(client, along))
        client.delete()


# --- Secrets -------------------------------------------------------------------------------------------------------


def generate_secret(client: Client, by: Actor, *, label: str = "", expires_at: datetime | None = None) -> str:
    """A new secret. It is answered here and cannot be read again. Raises RegistrationError, secrets.TooManySecrets."""
    with acting(by), transaction.atomic():
        _may_have_secrets(client, by)
        secret = secrets.generate(client, label=label, expires_at=expires_at)
        record(by, "client.secret_generated", client.client_id, label=label)
    return secret


def give_first_secrets(kept: Mapping[Client, Kept], by: Actor, *, kind: str, label: str) -> None:
    """Secrets of clients that were made in this transaction: nobody else gives them one. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        for client in kept:
            _may_have_secrets(client, by)
        secrets.give_first(kept, label=label)
        record_all(by, kind, {client.client_id: {"label": label} for client in kept})


def adopt_secret(
    client: Client,
    secret: str,
    by: Actor,
    *,
    label: str = "",
    hashed: Kept | None = None,
    expires_at: datetime | None = None,
) -> None:
    """A secret that somebody chose. Raises RegistrationError, secrets.TooManySecrets."""
    with acting(by), transaction.atomic():
        _may_have_secrets(client, by)
        secrets.adopt(client, secret, label=label, hashed=hashed, expires_at=expires_at)
        record(by, "client.secret_adopted", client.client_id, label=label)


def describe_secret(secret: ClientSecret, by: Actor, *, label: str, expires_at: datetime | None) -> None:
    """What it is called, and when it ends by itself. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        _may_have_secrets(secret.client, by)
        before, secret.label, secret.expires_at = secret.expires_at, label, expires_at
        secret.save(update_fields=["label", "expires_at"])
        ends = {"before": told(before), "after": told(expires_at)}
        record(by, "client.secret_described", secret.client.client_id, label=label, expires_at=ends)


def revoke_secret(secret: ClientSecret, by: Actor) -> bool:
    """Whether it was this call that ended it."""
    with acting(by), transaction.atomic():
        client = secret.client
        guest_registration.may_change(client, by)
        if client.secrets.select_for_update().filter(pk=secret.pk, revoked_at__isnull=True).first() is None:
            return False
        secrets.revoke(secret)
        record(by, "client.secret_revoked", client.client_id, label=secret.label)
    return True


def limit_secret(secret: ClientSecret, by: Actor, until: datetime) -> bool:
    """Let it end then; never later than it would. Whether that was earlier than before."""
    with acting(by), transaction.atomic():
        client = secret.client
        guest_registration.may_change(client, by)
        row = client.secrets.select_for_update().filter(pk=secret.pk, revoked_at__isnull=True).first()
        if row is None or (row.expires_at is not None and row.expires_at <= until):
            return False
        row.expires_at = until
        row.save(update_fields=["expires_at"])
        record(by, "client.secret_limited", client.client_id, label=row.label, until=until.isoformat())
    return True


def _may_have_secrets(client: Client, by: Actor) -> None:
    guest_registration.may_change(client, by)
    if client.public:
        require([Problem("client_secret", _("A public client has no secret. Leave this key out."))])
    if not client.uses_secrets:
        message = _("This client proves who it is in another way, and has no secret. Leave this key out.")
        require([Problem("client_secret", message)])
    bound = client.project is not None and is_bound(by)
    if bound and (problem := secret_problem(metadata_of(client), client.home, by)):
        require([Problem("client_secret", problem)])
