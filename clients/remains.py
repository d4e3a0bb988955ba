"""What is left of a deleted person, client or project: rows that are worth nothing, and may be very many.

Whoever deletes something busy does not wait for them. Every lookup of a code or token asks for the person and the
client, so it ends with their row. Few rows are cleared with it; many are left to `cleartokens`, which clears in pieces.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connections
from django.db.models import Max, Model, QuerySet
from django.db.models.signals import post_delete
from django.dispatch import receiver

from accounts.models import SignIn, User
from clients.deleting import deletes_many
from clients.models import AccessToken, Authorization, Client, DeviceGrant
from projects.models import Consent, Project, ProjectRole
from projects.sign_in import BY_ROLES

Rows = QuerySet[AccessToken] | QuerySet[DeviceGrant] | QuerySet[Authorization] | QuerySet[Consent] | QuerySet[SignIn]
FEW = 2_000  # rows of one kind that a request clears
# Who may leave rows behind, and the columns by whose numbers those name them.
LEAVERS: dict[type[Model], tuple[tuple[type[Model], str], ...]] = {
    User: ((Authorization, "user"), (Consent, "user"), (SignIn, "user")),
    Client: ((Authorization, "client"), (AccessToken, "application"), (DeviceGrant, "client")),
    Project: ((Consent, "project"), (Authorization, "project")),
}


@receiver(post_delete, sender=User, dispatch_uid="clients.remains_of_person")
def _of_person(instance: User, **_signal: object) -> None:
    _clear(
        Authorization.objects.filter(user=instance.pk),
        Consent.objects.filter(user=instance.pk),
        SignIn.objects.filter(user=instance.pk),
    )


@receiver(post_delete, sender=Client, dispatch_uid="clients.remains_of_client")
def _of_client(instance: Client, **_signal: object) -> None:
    if not deletes_many():
        clear_of_clients([instance.pk])


def clear_of_clients(keys: Collection[int]) -> None:
    """Of these, which are deleted."""
    _clear(
        AccessToken.objects.filter(application__in=keys),
        DeviceGrant.objects.filter(client__in=keys),
        Authorization.objects.filter(client__in=keys),
    )


@receiver(post_delete, sender=Project, dispatch_uid="clients.remains_of_project")
def _of_project(instance: Project, **_signal: object) -> None:
    left = Authorization.objects.filter(consent__project=instance.pk)  # of clients that were busy
    guests = Authorization.objects.filter(project=instance.pk)
    _clear(left, guests, Consent.objects.filter(project=instance.pk))


def _clear(*kinds: Rows) -> None:
    """Delete these rows in this order, unless there are many of a kind: then all of them wait."""
    if any(rows.values_list("pk")[FEW:].exists() for rows in kinds):
        return
    for rows in kinds:
        rows.delete()


def after_migrate(using: str, **_signal: object) -> None:
    """Numbers are not given again: whoever had one next would have the tokens of who had it before.

    SQLite forgets the highest one when a table is made anew, which is how Django changes tables there.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        if connection.vendor != "sqlite" or any(owner._meta.db_table not in there for owner in LEAVERS):
            return
        highest = {
            owner._meta.db_table: max(
                rows._base_manager.using(using).aggregate(most=Max(column))["most"] or 0 for rows, column in left
            )
            for owner, left in LEAVERS.items()
        }
        if ProjectRole._meta.db_table in there:
            highest[ProjectRole._meta.db_table] = _highest_role(using)
        for table, most in highest.items():
            values = {"table": table, "most": most}
            cursor.execute("UPDATE sqlite_sequence SET seq = max(seq, %(most)s) WHERE name = %(table)s", values)
            cursor.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT %(table)s, %(most)s"
                " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = %(table)s)",
                values,
            )


def _highest_role(using: str) -> int:
    """Of those that rules of who may sign in name, which no other role may become."""
    found = [Project._base_manager.using(using), Client._base_manager.using(using)]
    rules = [rows.filter(sign_in=BY_ROLES).values_list("sign_in_ids", flat=True) for rows in found]
    return max((int(one) for rule in rules for ids in rule for one in ids), default=0)
