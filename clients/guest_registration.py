"""Making and changing guest apps; `clients.registration` changes and deletes them by this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from clients import guests
from clients.identifiers import new_client_id
from clients.metadata import ClientMetadata
from clients.models import Client
from clients.models.client import ID_LISTED
from clients.models.values import CHOICES
from common import clock
from projects.actors import Actor
from projects.events import GUEST_DELETED, SecurityEvent, acting, record
from projects.guests import places_of
from projects.problems import Problem, new_problems, require

NOT_YOURS = gettext_lazy("You may not change this app.")


def register_guest(wanted: ClientMetadata, by: Actor, source: str) -> Client:
    """A new guest. Whether one may register now is for the door to say, which anybody may knock at.

    Whoever registers gets an id of 128 random bits, which nobody had or will have. The address of a document may come
    again: what was signed for it before is over. So nothing has to be kept of those that are gone.

    Raises RegistrationError; IntegrityError when somebody else took the id in this very moment.
    """
    client_id = wanted.client_id if source == guests.CIMD else new_client_id()
    began = clock.end_of_all_before(None, on=True) if _was_there(client_id) else None
    named = guests.as_guest(replace(wanted, client_id=client_id, tokens_not_before=began))
    with acting(by), transaction.atomic():
        require([*guests.problems(named, source, CHOICES), *_id_problems(named.client_id)])
        client = Client(project=None, registration_source=source)
        client.take(named)
        [made] = Client.objects.bulk_create([client])
        where = list(places_of(made.client_id, named.redirect_uris))
        record(by, "client.created", made.client_id, source=source, name=named.client_name, hosts=where)
    return made


def _id_problems(client_id: str) -> Iterator[Problem]:
    if Client.objects.filter(client_id=client_id).exists():
        yield Problem("client_id", _("Client with this Client ID already exists."), "taken")
    elif Client.objects.filter(audience_entries__canonical=client_id).exists():
        yield Problem("client_id", str(ID_LISTED))
    elif User.objects.filter(sub=client_id).exists():
        yield Problem("client_id", _("A client ID must not be the sub of a person: tokens name both."))


def _was_there(client_id: str) -> bool:
    return SecurityEvent.objects.filter(kind=GUEST_DELETED, client_id=client_id).exists()


def problems(wanted: ClientMetadata, source: str, by: Actor, before: ClientMetadata) -> list[Problem]:
    """Everything that stands in the way of this change of a guest."""
    if not by.manages_guest(before.client_id):
        return [Problem("client_id", str(NOT_YOURS))]
    found = new_problems(lambda one: guests.problems(one, source, CHOICES), guests.as_guest(wanted), before)
    if wanted.client_id != before.client_id:
        found.append(Problem("client_id", _("A client ID stays for ever. Create another client instead.")))
    if (wanted.enabled, bool(wanted.held)) != (before.enabled, bool(before.held)) and not by.roles.is_superuser:
        found.append(Problem("enabled", _("Only a superuser disables or enables such an app.")))
    return found


def may_change(client: Client, by: Actor) -> None:
    """Raises RegistrationError when they may not: of a guest, or of a project's client."""
    if client.project is None and not by.manages_guest(client.client_id):
        require([Problem("client_id", str(NOT_YOURS))])
    if client.project is not None and not by.edits(client.project):
        require([Problem("project", _("You may not change the clients of this project."))])


def bounded(before: ClientMetadata, after: ClientMetadata) -> ClientMetadata:
    """What it is to be, as far as a guest may be it."""
    over = max(filter(None, (before.tokens_not_before, after.tokens_not_before)), default=None)
    return replace(guests.as_guest(after).settled(), tokens_not_before=over)


def asked_anew(before: ClientMetadata, after: ClientMetadata) -> ClientMetadata:
    """This, for whoever registered itself, as a guest or in a project.

    One that is not what people saw when they allowed it something has lost all of that (rule C10).
    """
    if not guests.is_another(before, after):
        return after
    return replace(after, tokens_not_before=clock.end_of_all_before(after.tokens_not_before, on=False))


def note_document(client_id: str, *, gone_since: datetime | None) -> None:
    """Since when the document that says what this guest is cannot be read (rule C11); None: it can."""
    with transaction.atomic():
        client = Client.objects.select_for_update(of=("self",)).filter(client_id=client_id, project=None).first()
        if client is not None and (client.document_gone_since is None) != (gone_since is None):
            client.document_gone_since = gone_since
            client.save(update_fields=["document_gone_since"])
