"""Several senders at once, and a receiver that is killed in the middle: nothing is lost, nothing out of order."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import AccountEvent, User
from clients import webhooks
from clients.models import Delivery, Webhook
from clients.models.logout import NoticeState
from clients.webhooks import WebhookMetadata
from projects.models import Project
from tests.provider.telling.inbox import OPERATOR
from tests.provider.telling.test_telling import used
from tests.provider.test_deliverevents import started

pytestmark = [
    pytest.mark.usefixtures("world"),
    pytest.mark.postgresql,  # a database that several processes can reach
    pytest.mark.django_db(transaction=True),
]
PEOPLE = ("owner", "member", "outsider")
EVENTS = 15  # of each person


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def receiver(port: int, kept: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.provider.telling.dying_receiver", str(port), str(kept)]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR)
    wait_for(lambda: _answers(port))
    return process


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def wait_for(happens: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.02)


@pytest.fixture
def senders() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for one in processes:
        one.terminate()
        one.communicate(timeout=30)


def test_a_receiver_that_is_killed_loses_nothing_and_gets_nothing_out_of_order(
    senders: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    port, kept = free_port(), tmp_path / "kept"
    kept.touch()
    url = f"http://127.0.0.1:{port}/hook"
    webhooks.register(WebhookMetadata(url=url), Project.objects.get(key="acme"), OPERATOR)
    subs = {User.objects.get(username=name).sub for name in PEOPLE}
    for name in PEOPLE:
        used(name)
    first = receiver(port, kept)
    senders += [started("--interval", "0.1") for _ in range(3)]
    for number in range(EVENTS):
        kind = "account.activated" if number % 2 else "account.deactivated"
        AccountEvent.objects.bulk_create(AccountEvent(sub=sub, kind=kind) for sub in subs)
    wait_for(lambda: kept.read_bytes().count(b"\n") >= len(subs) * EVENTS // 3)
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_for(lambda: Webhook.objects.get().failures > 0)
    second = receiver(port, kept)
    try:
        _soon_again()
        wait_for(lambda: not Delivery.objects.exclude(state=NoticeState.DELIVERED).exists())
    finally:
        second.kill()
        second.wait()
    _check(kept, subs)


def _soon_again() -> None:
    """As if the time had passed for which a webhook that failed is left alone."""

    def due() -> bool:
        Webhook.objects.update(not_before=None)
        Delivery.objects.filter(state=NoticeState.DUE, attempts__gt=0).update(
            next_attempt_at=Webhook.objects.get().created_at
        )
        return Delivery.objects.filter(state=NoticeState.DELIVERED).count() > len(PEOPLE) * EVENTS // 3

    time.sleep(1)  # who was at it when the receiver died has heard of it
    wait_for(due)


def _check(kept: Path, subs: set[str]) -> None:
    """Of each person: every event, in its order. What came twice came before anything that follows it."""
    came: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in kept.read_text().splitlines():
        message_id, _space, body = line.partition(" ")
        said = json.loads(body)
        came[said["data"]["sub"]].append((message_id, said["type"]))
    assert came.keys() == subs
    for messages in came.values():
        once = list(dict.fromkeys(messages))
        assert [kind.rpartition(".")[2] for _id, kind in once] == [
            "activated" if number % 2 else "deactivated" for number in range(EVENTS)
        ]
        assert messages == sorted(messages, key=once.index)
