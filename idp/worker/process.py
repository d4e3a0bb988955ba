"""The worker as a process: a thread for each job, and one that looks after them."""

from __future__ import annotations

import faulthandler
import logging
import os
import secrets
import threading
import time
from contextlib import suppress
from datetime import timedelta

from django.db import Error

from common import leases
from common.command import whoever_runs_this
from common.service import stopping_on_signals
from idp.worker.hand import PATIENCE, Hand
from idp.worker.jobs import JOBS, Job, Said, Turn

logger = logging.getLogger("vestibule.worker")
STOP_SECONDS = 30.0  # for what is in hand
SEEN = "worker "  # the lease of this name and a number says that a worker is there
SEEN_EVERY, SEEN_FOR = 20.0, timedelta(minutes=1)


def new_holder() -> str:
    """The name of one worker. In a container every process has the same number, and a machine may have several."""
    return f"{whoever_runs_this()} {os.getpid()}-{secrets.token_hex(3)}"


def _present(holder: str) -> Job:
    """Says that this worker is there, for `status`, `doctor` and the metrics."""

    def run(_turn: Turn) -> Said:
        leases.take(f"{SEEN}{holder}", holder, SEEN_FOR)
        leases.forget_those_of_the_dead(SEEN)
        return {}

    return Job("presence", run, SEEN_EVERY, on_record=False)


def seen() -> list[str]:
    """The workers that are there, by the user and machine that run them."""
    return [one.holder.partition(" ")[0] for one in leases.held(SEEN)]


def serve(stop: threading.Event | None = None) -> bool:
    """Work until SIGTERM. False: something in hand did not come to its end."""
    stop, holder = stop or threading.Event(), new_holder()
    hands = [Hand(job, holder, stop) for job in (*JOBS, _present(holder))]
    with stopping_on_signals(stop):
        logger.info("Working: %s.", ", ".join(job.name for job in JOBS))
        for hand in hands:
            hand.thread.start()
        while not stop.wait(1.0):
            for hand in hands:
                if hand.stuck():
                    _give_up(hand)
        return _finished(hands, holder)


def _finished(hands: list[Hand], holder: str) -> bool:
    until = time.monotonic() + STOP_SECONDS
    for hand in hands:
        hand.thread.join(max(until - time.monotonic(), 0))
    left = [hand.job.name for hand in hands if hand.thread.is_alive()]
    if left:
        logger.error("Stopped in the middle of %s: it takes too long to end.", ", ".join(left))
        return False  # perhaps because the database does not answer
    with suppress(Error):  # it runs out by itself
        leases.give_back(f"{SEEN}{holder}", holder)
    return True


def _give_up(hand: Hand) -> None:
    """A wait without an end of its own, as for a database whose machine has gone: a new process begins anew."""
    logger.error("%s has got nowhere for %s seconds, so this process ends. It waits here:", hand.job.name, PATIENCE)
    faulthandler.dump_traceback()  # lines of code, no values
    os._exit(1)
