"""`manage.py doctor --conformance`: it looks at the running installation, and leaves nothing behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from clients.models import AccessToken, Authorization, Client
from common import leases
from common.command import NO, WRONG_USE
from idp.conformance import PASSED, CannotRun, examination, runner, scene
from idp.conformance import run as running
from idp.conformance.app import App
from idp.conformance.http import Answer, Request
from idp.conformance.table import AT_ONCE, CHECKS
from projects.commands import operator
from projects.events import SecurityEvent
from projects.models import Project
from tests.idp.conformance.here import Fault, Here, Send, granting

BY = operator("doctor")


def run(*arguments: str) -> tuple[int, str, str]:
    out = StringIO()
    try:
        call_command("doctor", "--conformance", *arguments, stdout=out, stderr=StringIO())
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def nothing_is_left() -> bool:
    rows = (User, Project, Client, Authorization, AccessToken)
    return not any(model._default_manager.exists() for model in rows) and not leases.held(scene.LEASE)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fault | None], None]:
    """Asked in this process, perhaps through a fault."""

    def wire(fault: Fault | None) -> None:
        transport = Here()
        transport.fault = fault
        monkeypatch.setattr(examination, "Wire", lambda *_where: transport)

    return wire


@pytest.mark.django_db(transaction=True)
def test_a_running_server_is_asked_over_http(
    live_server: Any, keys: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few of each kind: all of them are asked below, in this process."""
    settings.IDP_ISSUER = live_server.url
    settings.CSRF_TRUSTED_ORIGINS = [live_server.url]
    few = (
        *("oidcc-discovery-endpoint-verification", "oidcc-server", "audience-05", "audience-08"),
        *("safety-garbage", "safety-host-header", "safety-consent-forged", "safety-bound-tokens"),
    )
    monkeypatch.setattr(runner, "AT_ONCE", [one for one in AT_ONCE if one.name in few])
    status, said, error = run("--quick", "--url", live_server.url.replace("localhost", "127.0.0.1"))
    assert (status, error) == (0, "")
    assert said.splitlines()[-1] == "10 passed, 0 failed, 2 not applicable"
    assert nothing_is_left()


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.usefixtures("keys")
def test_everything_passes_here_and_nothing_is_left_nor_told(
    here: Callable[[Fault | None], None], tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every secret, code and token that was sent or came, of which the report has none."""
    settings.IDP_REFRESH_GRACE_SECONDS = 0  # by the clock of the database, with which nobody travels
    seen: set[str] = set()

    def noted(request: Request, send: Send) -> Answer:
        answer = send(request)
        seen.update(re.findall(r"[\w.-]{20,}", f"{request.target} {request.headers} {request.body!r} {answer.text}"))
        return answer

    here(noted)
    page = tmp_path / "report.html"
    with time_machine.travel(timezone.now(), tick=True) as traveller:
        monkeypatch.setattr(running, "rest", lambda seconds: traveller.shift(seconds))
        status, said, error = run("--report", str(page), "--format", "json")
    document = json.loads(said)
    assert [(one["check"], one["got"]) for one in document["checks"] if one["state"] != PASSED] == []
    assert (status, error, document["passed"]) == (0, "", len(CHECKS))
    assert nothing_is_left()
    made = SecurityEvent.objects.filter(kind__in=["project.created", "project.deleted", "person.created"])
    assert {event.detail["by"] for event in made} == {"doctor"}
    names = {one["check"] for one in document["checks"]}
    secret = {one for one in seen if re.search("[0-9]", one) and ".invalid" not in one} - names
    assert len(secret) > 300
    assert [one for one in secret if one in said + page.read_text()] == []


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.usefixtures("keys")
def test_what_failed_ends_with_1_and_names_the_check(here: Callable[[Fault | None], None], monkeypatch: Any) -> None:
    here(granting("/oauth2/token"))
    monkeypatch.setattr(running, "SOON", 0.0)
    monkeypatch.setattr(runner, "AT_ONCE", [one for one in AT_ONCE if one.name == "safety-grants"])
    status, said, error = run("--quick")
    assert (status, error) == (NO, "Not everything is as it has to be.")
    assert "failed          safety-grants" in said
    assert "not applicable  oidcc-codereuse-30seconds" in said
    assert nothing_is_left()


@pytest.mark.django_db
@pytest.mark.any_database
def test_an_issuer_that_does_not_answer_is_one_sentence(settings: Any) -> None:
    settings.IDP_ISSUER = "http://127.0.0.1:1"
    status, said, error = run()
    assert (status, said) == (NO, "")
    assert error.startswith("http://127.0.0.1:1 does not answer (ConnectionRefusedError")
    assert nothing_is_left()


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.usefixtures("keys")
def test_servers_of_another_database_are_one_sentence(
    here: Callable[[Fault | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    here(None)
    monkeypatch.setattr(App, "machine", lambda _app, **_params: Answer(401))
    assert "Do servers and commands have one DATABASE_URL?" in run()[2]
    assert nothing_is_left()


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_run_leaves_nothing(error: type[BaseException]) -> None:
    with pytest.raises(error), scene.made(BY, lambda _tag: ()):
        raise error
    assert nothing_is_left()


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.usefixtures("keys")
def test_what_a_killed_run_left_goes_with_the_next_and_nothing_else_does() -> None:
    left = scene._make(BY, lambda _tag: (), "a run that was killed")
    kept = User.objects.create(username="tester")
    project = Project.objects.get(key=scene.KEY)
    project.test_users.add(kept)
    with scene.made(BY, lambda _tag: ()):
        assert not Project.objects.filter(pk=project.pk, created_at=project.created_at).exists()
        assert not User.objects.filter(username=left.username).exists()
    assert [*User.objects.all()] == [kept]


@pytest.mark.django_db
@pytest.mark.any_database
def test_a_project_of_somebody_else_stays() -> None:
    Project.objects.create(key=scene.KEY, name="Somebody's", status="testing")
    with pytest.raises(CannotRun, match="that no run made"), scene.made(BY, lambda _tag: ()):
        pass
    assert Project.objects.filter(key=scene.KEY).exists()
    assert not leases.held(scene.LEASE)


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.usefixtures("keys")
def test_two_runs_do_not_clear_each_other_away() -> None:
    with (
        scene.made(BY, lambda _tag: ()) as first,
        pytest.raises(CannotRun, match="Another run is under way"),
        scene.made(BY, lambda _tag: ()),
    ):
        pass
    assert first.username
    assert nothing_is_left()


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.usefixtures("keys")
def test_a_run_that_stood_still_leaves_the_next_one_alone() -> None:
    with (
        time_machine.travel(timezone.now(), tick=True) as traveller,
        scene.made(BY, lambda _tag: ()) as first,
    ):
        traveller.shift(scene.HELD * 2)
        with scene.made(BY, lambda _tag: ()) as second:
            with pytest.raises(CannotRun, match="Another run began"):
                first.go_on()
            scene.clear(BY, first.username)
            assert User.objects.filter(username=second.username).exists()
            second.go_on()
    assert nothing_is_left()


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.usefixtures("keys")
def test_nobody_else_can_use_what_a_run_makes() -> None:
    with scene.made(BY, lambda _tag: ()) as made:
        project, person = Project.objects.get(key=scene.KEY), User.objects.get(username=made.username)
        assert (project.status, list(project.test_users.all())) == ("testing", [person])
        assert not project.members.exists()
        assert (person.is_staff, person.is_superuser) == (False, False)
        assert person.email.endswith(".invalid")
        for client in project.clients.all():
            assert all(".invalid/" in uri for uri in client.redirect_uri_list)
        assert made.password not in repr(made)


@pytest.mark.django_db
@pytest.mark.any_database
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--only", "disk"], "--conformance looks at all of it"),
        (["--url", "ftp://node"], "--url takes the address of a node"),
        (["--url", "http://node/path"], "--url takes the address of a node"),
        (["--report", "/nowhere/at/all.html"], "--report: there is no such directory"),
    ],
)
def test_what_was_typed_wrongly_changes_nothing(arguments: list[str], sentence: str) -> None:
    status, said, error = run(*arguments)
    assert (status, said) == (WRONG_USE, "")
    assert error.startswith(sentence)


def test_the_page_of_operators_shows_as_many_checks_as_there_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    assert f"\n{len(CHECKS)} passed, 0 failed, 0 not applicable\n" in page


@pytest.mark.django_db
@pytest.mark.any_database
def test_its_options_are_for_it_alone() -> None:
    with pytest.raises(CommandError, match="belong to --conformance") as refused:
        call_command("doctor", "--quick", stdout=StringIO())
    assert refused.value.returncode == WRONG_USE
