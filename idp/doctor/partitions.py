"""Access tokens that are divided by days: whether days come and go, and what would hold up those who write."""

from __future__ import annotations

from collections.abc import Iterator

from clients.models import Client
from common.command_output import number
from idp.doctor import Finding, failed, ok, warning
from provider import partitions

MANY = 100_000  # rows that are moved while everybody waits: seconds
SECONDS_A_DAY = 86_400
BY_OWNER = (
    "Run the worker, or cleartokens, as the role of the database that owns the tables: no other makes and drops days."
    " 'partition' does it at once; 'partition --undo' makes one table of them again."
)
BEFORE_THEY_WAIT = "Shorten it, or run 'partition --undo' before many such tokens wait."


def parts() -> Iterator[Finding]:
    if partitions.are_bound():
        yield failed(partitions.STILL_BOUND, "Until then tokens are issued; then they are not.")
    if not partitions.are_there():
        yield ok("access tokens are one table, as they are unless 'partition' divided them")
        return
    found = partitions.standing()
    if found.missing:
        days = ", ".join(map(str, found.missing))
        yield warning(f"No part is there for access tokens that expire on {days}: they wait in the rest.", BY_OWNER)
    if found.over:
        yield warning(f"{number(len(found.over), 'part')} of days that are over: {found.over[0]} …", BY_OWNER)
    yield from _waiting(found.waiting)
    if not found.missing and not found.over:
        yield ok("access tokens are divided by days, and the days ahead are made")


def _waiting(rows: int) -> Iterator[Finding]:
    """Tokens beyond the days that are made wait in the rest, and are moved as a whole when their day is."""
    waits = f"about {rows:,} wait in {partitions.REST}, and everybody waits while a day of them is moved"
    most = partitions.DAYS_AHEAD * SECONDS_A_DAY
    longer = Client.objects.filter(access_token_lifetime__gt=most).order_by("-access_token_lifetime", "client_id")
    if (first := longer.first()) is not None:
        whose = " and ".join([first.client_id, *([number(others, "other")] if (others := longer.count() - 1) else [])])
        said = f"Access tokens of {whose} live for more than {partitions.DAYS_AHEAD} days: {waits}."
        yield warning(said, BEFORE_THEY_WAIT)
    elif rows > MANY:
        yield warning(f"Of access tokens {waits}.", "Run 'partition' while few people are there.")
