"""What several processes share and one of them does: whoever holds its lease.

A lease is a row with an end, which its holder puts off while it works. When the holder dies nobody has to notice: the
lease runs out, and the next process takes it. One that stood still for longer than its lease may wake up and go on, so
what is done under a lease must bear to be done twice.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, models

from common import clock


class Lease(models.Model):
    """Its table belongs to the app `clients`."""

    name = models.CharField(primary_key=True, max_length=150)
    holder = models.CharField(max_length=150)
    until = models.DateTimeField()

    class Meta:
        app_label = "clients"

    def __str__(self) -> str:
        return f"{self.name}, held by {self.holder} until {self.until}"


_TABLE = Lease._meta.db_table
_TAKE = (
    f"INSERT INTO {_TABLE} (name, holder, until) VALUES (%s, %s, %s) "  # noqa: S608 - a table of ours
    "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until "
    f"WHERE {_TABLE}.holder = excluded.holder OR {_TABLE}.until < %s"
)


def take(name: str, holder: str, length: timedelta) -> bool:
    """Take it, or put off its end: one statement decides. False: another one holds it."""
    now, moment = clock.now(), connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [name, holder, moment(now + length), moment(now)])
        return bool(cursor.rowcount == 1)


def give_back(name: str, holder: str) -> None:
    Lease.objects.filter(name=name, holder=holder).delete()


def held(prefix: str) -> list[Lease]:
    """The leases of such a name that somebody holds now."""
    return list(Lease.objects.filter(name__startswith=prefix, until__gt=clock.now()).order_by("name"))


def forget_those_of_the_dead(prefix: str) -> None:
    """Those that ran out: of names that nobody takes again."""
    Lease.objects.filter(name__startswith=prefix, until__lt=clock.now() - timedelta(hours=1)).delete()
