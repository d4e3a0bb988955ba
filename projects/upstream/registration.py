"""The one place where a connector is made, changed and deleted. Doors ask here, and have no rules.

Superusers only, also of one that a project alone sees: who comes by it is signed in for everybody's apps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import attributes
from common import sealing
from projects.actors import Actor, Right
from projects.events import Detail, acting, record
from projects.models import Project
from projects.problems import Problem, new_problems, require
from projects.rules import quoted
from projects.upstream import rules, saml_keys
from projects.upstream.choices import Kind
from projects.upstream.connectors import PURPOSE, secret_of
from projects.upstream.ends import end_sign_ins
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector

LISTS = ("domains", "owns_domains", "mfa_acr_values")
MAPPINGS = ("attributes", "groups")
APART = ("id", "project", *LISTS, *MAPPINGS)
# Who somebody is there: others answer for other people.
WHOSE = ("kind", "issuer", "tenant")
LONGEST_SECRET = 10_000
UNTOLD = ("client_secret", "saml_key")
TOLD_APART = ("metadata", *MAPPINGS)  # too long for an event


def metadata_of(row: Connector) -> ConnectorMetadata:
    """What a connector is now."""
    found = {one.name: getattr(row, one.name) for one in fields(ConnectorMetadata) if one.name not in APART}
    found |= {name: tuple(getattr(row, name)) for name in LISTS}
    found |= {name: dict(getattr(row, name)) for name in MAPPINGS}
    return ConnectorMetadata(id=row.key, project=row.project.key if row.project else "", **found)


# --- Problems ------------------------------------------------------------------------------------------------------


def problems(
    wanted: ConnectorMetadata, by: Actor, row: Connector | None = None, secret: str | None = None
) -> list[Problem]:
    """Everything that stands in the way of this connector."""
    if not by.may(Right.MANAGE_CONNECTORS):
        return [Problem("id", _("Only a superuser may change connectors."))]
    before = metadata_of(row) if row else None
    found = new_problems(lambda one: list(rules.problems(one)), wanted, before)
    if row is None and Connector.objects.filter(key=wanted.id).exists():
        found.append(Problem("id", _("There is a connector with this key already.")))
    if wanted.project and not Project.objects.filter(key=wanted.project).exists():
        found.append(Problem("project", _("There is no project with this key."), "missing", wanted.project))
    if secret is not None and (len(secret) > LONGEST_SECRET or "\0" in secret):
        found.append(Problem("client_secret", _("The secret is too long, or has a character that nobody can type.")))
    return [*found, *_attributes(wanted), *(_whose(wanted, before) if before else ())]


def _attributes(wanted: ConnectorMetadata) -> Iterator[Problem]:
    if not wanted.attributes:
        return
    known = attributes.schema()
    for name in wanted.attributes:
        if name not in known:
            yield Problem("attributes", _("There is no attribute %(name)s.") % {"name": quoted(name)}, "missing", name)


def _whose(wanted: ConnectorMetadata, before: ConnectorMetadata) -> Iterator[Problem]:
    if wanted.id != before.id:
        yield Problem("id", _("The key of a connector stays."))
    for name in WHOSE:
        if getattr(wanted, name) != getattr(before, name) and _has_people(before.id):
            sentence = _("People are linked by it, and this would make others of them. Make another connector.")
            yield Problem(name, sentence)


def _has_people(key: str) -> bool:
    return bool(SocialAccount.objects.filter(provider=key).exists())


# --- Writing -------------------------------------------------------------------------------------------------------


def register(wanted: ConnectorMetadata, by: Actor, secret: str | None = None) -> Connector:
    """A new connector. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        require(problems(wanted, by, secret=secret))
        row = Connector(key=wanted.id)
        _write(row, wanted, secret)
        record(by, "connector.created", connector=row.key, type=row.kind, project=wanted.project)
    return row


def locked(key: str) -> Connector | None:
    """The connector of this key; nobody else changes it until the transaction ends."""
    return Connector.objects.select_for_update(of=("self",)).select_related("project").filter(key=key).first()


def change(
    row: Connector, wanted: ConnectorMetadata, by: Actor, secret: str | None = None, *, new_key: bool = False
) -> list[str]:
    """Make it what is wanted, and answer what that changed. No secret: it stays. `new_key`: of SAML; the one before
    signs nothing any more. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        row.refresh_from_db(from_queryset=Connector.objects.select_for_update())
        require(problems(wanted, by, row, secret))
        before = metadata_of(row)
        moved = differences(before, wanted)
        if secret is not None and secret != _secret_now(row):
            moved.append("client_secret")
        if new_key and wanted.kind == Kind.SAML:
            row.saml_key = ""
            moved.append("saml_key")
        if not moved:
            return []
        _write(row, wanted, secret if "client_secret" in moved else None)
        record(by, "connector.changed", connector=row.key, **_told(moved, before, wanted))
        if before.enabled and not wanted.enabled:
            record(by, "connector.ended", connector=row.key, sign_ins=end_sign_ins(row.key))
    return moved


def delete(row: Connector, by: Actor) -> None:
    """With everybody's links, and what came by it. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        if not by.may(Right.MANAGE_CONNECTORS):
            require([Problem("id", _("Only a superuser may change connectors."))])
        record(by, "connector.deleted", connector=row.key, people=people_of(row.key))
        row.delete()


def people_of(key: str) -> int:
    """How many are linked."""
    return int(SocialAccount.objects.filter(provider=key).count())


def differences(before: ConnectorMetadata, after: ConnectorMetadata) -> list[str]:
    return [one.name for one in fields(after) if getattr(before, one.name) != getattr(after, one.name)]


def _secret_now(row: Connector) -> str:
    try:
        return secret_of(row)
    except sealing.Unreadable:
        return ""


def _told(moved: Sequence[str], before: ConnectorMetadata, after: ConnectorMetadata) -> dict[str, Detail]:
    plain = [name for name in moved if name not in (*TOLD_APART, *UNTOLD)]
    told: dict[str, Detail] = {
        name: {"before": str(getattr(before, name)), "after": str(getattr(after, name))} for name in plain
    }
    if apart := sorted(set(moved) - set(plain)):
        told["also"] = apart
    return told


def _write(row: Connector, wanted: ConnectorMetadata, secret: str | None) -> None:
    for one in fields(wanted):
        if one.name not in APART:
            setattr(row, one.name, getattr(wanted, one.name))
    for name in LISTS:
        setattr(row, name, list(getattr(wanted, name)))
    for name in MAPPINGS:
        setattr(row, name, dict(getattr(wanted, name)))
    row.project = Project.objects.get(key=wanted.project) if wanted.project else None
    if secret is not None:
        row.secret = sealing.seal(PURPOSE, secret) if secret else ""
    if row.kind == Kind.SAML and not row.saml_key:
        row.saml_key, row.saml_certificate = saml_keys.new(row.key)
    row.save()
