"""`manage.py partition`: divide the access tokens by the day on which they expire, or make one table of them again."""

from __future__ import annotations

from django.core.management.base import CommandError, CommandParser
from django.db import connection

from common.command import DatabaseCommand
from provider import partitions

ELSEWHERE = "Only PostgreSQL divides tables. Others delete what has expired, and need no more."
OWNER = "The table belongs to another role of the database. Run this as the one that runs 'migrate'."


class Command(DatabaseCommand):
    help = "Divide the access tokens by the day on which they expire: each day that is over goes at once."

    def add_arguments(self, parser: CommandParser) -> None:
        undo = "make one table of them again; requests wait until that is done"
        parser.add_argument("--undo", action="store_true", help=undo)
        super().add_arguments(parser)

    def handle(self, *, undo: bool, **options: object) -> None:
        if connection.vendor != "postgresql":
            raise CommandError(ELSEWHERE)
        if not partitions.may_be_kept():
            raise CommandError(OWNER)
        try:
            self._divide(undo, partitions.are_there())
        except (partitions.InUse, partitions.LongLived) as error:
            raise CommandError(str(error)) from None

    def _divide(self, undo: bool, divided: bool) -> None:
        if undo:
            if divided:
                partitions.join()
            self.answer({"divided": False}, ["Access tokens are one table."])
        elif divided:
            kept = partitions.keep()
            said = f"Access tokens are divided by days: {kept.made} made, {kept.dropped} dropped."
            self.answer({"divided": True, "made": kept.made, "dropped": kept.dropped}, [said])
        else:
            end = partitions.divide()
            said = f"Access tokens are divided by days. Those of before go as one part, after {end}."
            self.answer({"divided": True, "before": f"{end}"}, [said])
