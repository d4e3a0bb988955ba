"""What a file says of client secrets: taken as they are, kept as digests, replaced when they change.

`client_secret` and its siblings say one secret: it replaces the one that a file set before, and leaves those that
people made. `client_secrets` says all there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from django.utils import timezone

from clients import registration, secrets
from clients.models import Client, ClientSecret
from common import chosen
from common.chosen import Kept
from idp.configuration.context import Context
from idp.configuration.hashes import Chosen
from idp.configuration.said_secrets import said_of
from idp.configuration.secret_values import GENERATED, LABEL, Said, SaidSecrets
from idp.configuration.shape import Entry
from projects.problems import RegistrationError


def set_secrets(context: Context, client: Client, entry: Entry, *, had_none: bool = False) -> list[str]:
    """Give the client the secrets the file says; without any, a new client that needs one gets one made.

    So does one that had no use for any until now: what was its secret before then has ended, and does not come back.
    """
    said = said_of(context, entry)
    if said is None:
        if not client.uses_secrets or (client.secrets.exists() and not had_none):
            return []
        context.ledger.generated_secrets[client.client_id] = registration.generate_secret(
            client, context.by, label=GENERATED
        )
        return ["client_secret"]
    if client.uses_secrets and not all(one.usable for one in said.secrets):
        return []  # told already
    try:
        return [said.key] if _replace(context, client, said) else []
    except secrets.TooManySecrets as error:
        context.problems.add(entry.place_of(said.key), error)
    except RegistrationError as error:
        context.problems.add_unless_known(entry.place_of(said.key), error.problems[0].message)
    return []


def give_secrets(context: Context, entries: Mapping[Client, Entry]) -> None:
    """New clients get what the file says, or one that is made; those that need none get none."""
    first: dict[Client, Kept] = {}
    made: dict[Client, Kept] = {}
    for client, entry in entries.items():
        said = said_of(context, entry)
        if not client.uses_secrets or (said and said.whole):
            set_secrets(context, client, entry)
        elif said is None:
            context.ledger.generated_secrets[client.client_id], made[client] = secrets.generated()
        elif said.secrets[0].usable:
            first[client] = _keep(context, client.client_id, said.secrets[0])
    registration.give_first_secrets(first, context.by, kind="client.secret_adopted", label=LABEL)
    registration.give_first_secrets(made, context.by, kind="client.secret_generated", label=GENERATED)


def _replace(context: Context, client: Client, said: SaidSecrets) -> bool:
    """Whether anything changed. What ends makes room for what comes."""
    live = [row for row in client.secrets.all() if row.slot is not None]
    rows = _rows_of(context, live, said)
    kept = [row for row in rows if row is not None]
    stale = [row for row in live if row not in kept and (said.whole or row.label == LABEL)]
    for row in stale:
        registration.revoke_secret(row, context.by)
    changed = any(not _expired(row) for row in stale)  # one that had expired ended already
    for one, its in zip(said.secrets, rows, strict=True):
        if its is None:
            changed |= _adopt(context, client, one)
        else:
            changed |= _settle(context, its, one, said)
    return changed


def _rows_of(context: Context, live: Sequence[ClientSecret], said: SaidSecrets) -> list[ClientSecret | None]:
    """The row that each said secret has; a secret that has expired counts as set only where the file says so."""
    free = [row for row in live if said.whole or not _expired(row)]
    found: list[ClientSecret | None] = []
    for one in said.secrets:
        its = next((row for row in free if _matches(context, one, row)), None)
        free = [row for row in free if row is not its]
        found.append(its)
    return found


def _matches(context: Context, said: Said, row: ClientSecret) -> bool:
    if said.digest:
        return chosen.is_of(said.digest, _kept(row))
    if secrets.is_slow(row.digest):
        return context.hashes.fits(said.text, _kept(row))
    return secrets.matches_quickly(said.text, row.digest)


def _adopt(context: Context, client: Client, said: Said) -> bool:
    if said.over:
        return False
    hashed, label = _keep(context, client.client_id, said), LABEL if said.label is None else said.label
    registration.adopt_secret(client, said.text, context.by, label=label, hashed=hashed, expires_at=said.expires_at)
    return True


def _settle(context: Context, row: ClientSecret, one: Said, said: SaidSecrets) -> bool:
    """A secret that is there already: what else the file says of it."""
    if one.text:
        secrets.mark(row, one.text)
    label = row.label if one.label is None else one.label
    if not said.whole or (row.label, row.expires_at) == (label, one.expires_at):
        return False
    registration.describe_secret(row, context.by, label=label, expires_at=one.expires_at)
    return True


def _keep(context: Context, client_id: str, said: Said) -> Kept:
    return chosen.adopted(said.digest) if said.digest else context.hashes.keep(_owner(client_id), said.text)


def chosen_secrets(context: Context, clients: Sequence[Entry]) -> Iterator[Chosen]:
    """Those of the file, each with the slow hashes there are. Which client has which is read at once."""
    ids = [entry.text("client_id") for entry in clients]
    slow: dict[str, list[Kept]] = {}
    quick: dict[str, list[str]] = {}
    for row in ClientSecret.objects.filter(slot__isnull=False, client__client_id__in=ids).select_related("client"):
        if secrets.is_slow(row.digest):
            slow.setdefault(row.client.client_id, []).append(_kept(row))
        else:
            quick.setdefault(row.client.client_id, []).append(row.digest)
    for entry, client_id in zip(clients, ids, strict=True):
        said = said_of(context, entry)
        for one in said.secrets if said else ():
            known = any(secrets.matches_quickly(one.text, digest) for digest in quick.get(client_id, ()))
            if one.text and not known:
                yield Chosen(_owner(client_id), one.text, tuple(slow.get(client_id, ())))


def _owner(client_id: str) -> tuple[str, str]:
    return ("client", client_id)


def _kept(row: ClientSecret) -> Kept:
    return Kept(row.digest, row.fingerprint)


def _expired(row: ClientSecret) -> bool:
    return row.expires_at is not None and row.expires_at <= timezone.now()
