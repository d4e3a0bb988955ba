"""A directory that ends very many people at once is stopped until somebody lets it go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from clients import endings
from clients.models import Client, Endings
from common import clock
from idp.console.to_do import to_do
from idp.metrics.gauges import numbers
from projects.events import SecurityEvent
from projects.models import Project
from tests.idp.scim.conftest import Scim, provisioner
from tests.world import Response

pytestmark = pytest.mark.django_db


@pytest.fixture
def brought(scim: Scim, settings: Any) -> list[str]:
    """Five people of a directory that may end two of them in an hour."""
    settings.IDP_SCIM_ENDINGS_PER_HOUR = 2
    return [str(scim.make("Users", userName=f"person-{number}")["id"]) for number in range(5)]


def deactivated(scim: Scim, sub: str) -> Response:
    return scim.patch(f"/Users/{sub}", {"op": "replace", "path": "active", "value": False})


def replaced(scim: Scim, sub: str) -> Response:
    return scim.ask("PUT", f"/Users/{sub}", {"userName": sub, "active": False})


def deleted(scim: Scim, sub: str) -> Response:
    return scim.ask("DELETE", f"/Users/{sub}")


def stop(scim: Scim, brought: list[str]) -> None:
    for sub in brought[:2]:
        assert deactivated(scim, sub).status_code == 200
    assert deactivated(scim, brought[2]).status_code == 403


@pytest.mark.parametrize("end", [deactivated, replaced, deleted])
def test_whoever_ends_too_many_is_stopped_whichever_way(
    scim: Scim, brought: list[str], end: Callable[[Scim, str], Response]
) -> None:
    for sub in brought[:2]:
        assert end(scim, sub).status_code in (200, 204)
    for sub in brought[2:]:
        answer = end(scim, sub)
        assert answer.status_code == 403
        assert answer["Content-Type"] == "application/scim+json"
        assert "ends nobody more until whoever runs this provider lets it go on" in answer.json()["detail"]
    assert User.objects.filter(sub__in=brought[2:], is_active=True).count() == 3
    event = SecurityEvent.objects.get(kind="directory.stopped")
    assert (event.client_id, event.detail["by"], event.detail["people"]) == ("directory", "directory", 2)


def test_all_else_goes_on(scim: Scim, brought: list[str]) -> None:
    stop(scim, brought)
    assert scim.make("Users", userName="newcomer")["active"] is True
    assert scim.patch(f"/Users/{brought[4]}", {"op": "add", "path": "nickName", "value": "n"}).status_code == 200
    assert scim.patch(f"/Users/{brought[0]}", {"op": "add", "path": "active", "value": True}).status_code == 200
    assert replaced(scim, brought[1]).status_code == 200, "who is deactivated already does not end once more"
    assert deactivated(scim, brought[0]).status_code == 403


def test_another_directory_has_a_limit_of_its_own(scim: Scim, brought: list[str]) -> None:
    stop(scim, brought)
    other = provisioner("elsewhere")
    assert deactivated(other, str(other.make("Users", userName="theirs")["id"])).status_code == 200


def test_what_was_refused_for_another_reason_is_not_counted(scim: Scim, brought: list[str]) -> None:
    for _ in range(3):
        sent = {"op": "replace", "value": {"active": False, "timezone": "Nowhere"}}
        assert scim.patch(f"/Users/{brought[0]}", sent).status_code == 400
    assert deactivated(scim, brought[0]).status_code == 200


def test_it_is_counted_anew_after_an_hour_and_a_stop_stays(scim: Scim, brought: list[str]) -> None:
    for sub in brought[:2]:
        assert deactivated(scim, sub).status_code == 200
    Endings.objects.update(begun_at=clock.now() - timedelta(hours=1))
    assert deactivated(scim, brought[2]).status_code == 200
    assert deactivated(scim, brought[3]).status_code == 200
    assert deactivated(scim, brought[4]).status_code == 403
    Endings.objects.update(begun_at=clock.now() - timedelta(hours=1))
    assert deactivated(scim, brought[4]).status_code == 403, "time alone lets nobody go on"


def unlocked(*arguments: str) -> str:
    out = StringIO()
    call_command("unlock", "--directory", *arguments, stdout=out)
    return out.getvalue()


def test_an_operator_lets_it_go_on_for_a_day(scim: Scim, brought: list[str]) -> None:
    stop(scim, brought)
    assert unlocked("directory", "--dry-run") == "directory directory from anywhere: would be lifted\n"
    assert deactivated(scim, brought[2]).status_code == 403
    assert unlocked("directory") == "directory directory from anywhere: lifted\n"
    assert SecurityEvent.objects.get(kind="directory.let_go_on").detail["by"] == "unlock"
    for sub in brought[2:]:
        assert deactivated(scim, sub).status_code == 200
    assert unlocked("directory") == "Nothing is locked.\n"
    with pytest.raises(CommandError, match="There is no client nobody"):
        unlocked("nobody")


def test_after_that_day_it_is_limited_again(world: None, settings: Any) -> None:
    settings.IDP_SCIM_ENDINGS_PER_HOUR = 1
    web = Client.objects.get(client_id="web")
    Endings.objects.create(client=web, most=1, free_until=timezone.now() + timedelta(days=1))
    for _ in range(5):
        endings.count(web.pk, lambda: 5)
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        endings.count(web.pk, lambda: 5)
        with pytest.raises(endings.TooMany):
            endings.count(web.pk, lambda: 5)


def test_whoever_looks_after_the_provider_is_told(scim: Scim, brought: list[str]) -> None:
    def told() -> list[str]:
        root = User.objects.get(username="owner")
        return [one.said for one in to_do(root, Project.objects.none(), whole=True) if "directory" in one.said]

    def stopped() -> float:
        return next(float(one.value) for one in numbers() if one.name == "directories_stopped")

    def status() -> str:
        out = StringIO()
        call_command("status", stdout=out)
        return out.getvalue()

    assert (told(), stopped(), "stopped" in status()) == ([], 0, False)
    stop(scim, brought)
    assert stopped() == 1
    assert "directory: stopped, for it ended 2 people within an hour (unlock --directory)" in status()
    assert len(told()) == 1
    assert "ended 2 people within an hour" in told()[0]
    assert "manage.py unlock --directory directory" in told()[0]


@pytest.mark.any_database
def test_who_is_told_nothing_of_it_ends_as_many_as_it_likes(scim: Scim, brought: list[str], settings: Any) -> None:
    settings.IDP_SCIM_ENDINGS_PER_HOUR = 0
    assert {deactivated(scim, sub).status_code for sub in brought} == {200}
    assert not Endings.objects.exists()


@pytest.mark.any_database
@pytest.mark.parametrize(("people", "most"), [(0, 10), (50, 10), (100, 20), (2_499, 499), (100_000, 500)])
def test_unless_somebody_says_how_many_it_is_a_part_of_its_people(
    world: None, settings: Any, people: int, most: int
) -> None:
    settings.IDP_SCIM_ENDINGS_PER_HOUR = None
    endings.count(Client.objects.get(client_id="web").pk, lambda: people)
    assert Endings.objects.get().most == most
