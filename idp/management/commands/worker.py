"""`manage.py worker`: mail, notices, webhooks, clearing and the rotation of keys, in one process. As a service."""

from __future__ import annotations

import sys
import threading

from django.core.management.base import CommandParser

from common.command import DONE, NO, DatabaseCommand
from idp.worker import process
from idp.worker.hand import Hand
from idp.worker.jobs import JOBS, Said


class Command(DatabaseCommand):
    help = "Do what no request does, until SIGTERM: mail, notices, webhooks, clearing, rotation of keys."
    needs_database = False  # it waits for a database that is not there yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due and end")
        super().add_arguments(parser)

    def handle(self, *, once: bool, **options: object) -> None:
        if not once:
            sys.exit(DONE if process.serve() else NO)
        holder = process.new_holder()  # another run from cron may still be at it
        hands = [Hand(job, holder, threading.Event()) for job in JOBS]
        for hand in hands:
            hand.turn()
        found = {hand.job.name: {"error": hand.trouble} if hand.trouble else hand.said for hand in hands}
        self.answer(found, [f"{name}: {_sentence(said)}" for name, said in found.items()])
        if any(said and (said.get("error") or said.get("given_up")) for said in found.values()):
            sys.exit(NO)


def _sentence(said: Said | None) -> str:
    if said is None:
        return "not due"
    return str(said["error"]) if "error" in said else ", ".join(f"{name} {value}" for name, value in said.items())
