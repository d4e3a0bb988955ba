"""`connectors`: a door to `upstream.registration`. It says where a problem stands in the file, and has no rules."""

from __future__ import annotations

from idp.configuration.context import Context
from idp.configuration.references import Reference, Unresolved
from idp.configuration.shape import Entry
from projects.problems import RegistrationError
from projects.upstream import document, registration
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector

SECRET, SECRET_FROM = "client_secret", "client_secret_from"
SECRETS = (SECRET, SECRET_FROM)


def apply_connector(context: Context, entry: Entry) -> None:
    key = entry.text("id")
    if not context.first("connector", key, entry.place_of("id")):
        return
    row = registration.locked(key)
    before = registration.metadata_of(row) if row else ConnectorMetadata(id=key)
    secret = _secret(context, entry)
    wanted = document.connector(before, {name: value for name, value in entry.values.items() if name not in SECRETS})
    if wanted.project and context.is_refused_project(wanted.project):
        return  # told already
    try:
        if creating := row is None:
            registration.register(wanted, context.by, secret)
            changed = registration.differences(before, wanted) + ([SECRET] if secret else [])
        else:
            changed = registration.change(row, wanted, context.by, secret)
    except RegistrationError as error:
        for one in error.problems:
            context.problems.add_unless_known(entry.place_at(one.field), one.message)
        return
    keys = [SECRET_FROM if name == SECRET and SECRET_FROM in entry.values else name for name in changed]
    context.ledger.note("connector", key, created=creating, fields=entry.section.in_order(keys))


def _secret(context: Context, entry: Entry) -> str | None:
    """None: the file says nothing of it, and it stays."""
    if all(name in entry.values for name in SECRETS):
        context.problems.add(entry.place_of(SECRET_FROM), f"Give {SECRET} or {SECRET_FROM}, not both.")
    said = entry.values.get(SECRET_FROM)
    if isinstance(said, Reference):
        try:
            return said.resolved(context.environ)
        except Unresolved as error:
            context.problems.add(entry.place_of(SECRET_FROM), str(error))
            return None
    return entry.text(SECRET) or None


def unlisted(file: Entry) -> list[Connector]:
    """Those that a file with `connectors` does not name."""
    if "connectors" not in file.nested:
        return []
    named = [entry.text("id") for entry in file.entries("connectors")]
    return list(Connector.objects.exclude(key__in=named).order_by("key"))
