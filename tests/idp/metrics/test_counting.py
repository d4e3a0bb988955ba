"""What a process counts, by names of ours alone."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db.models.signals import post_save
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from accounts import changes
from accounts.events import many_recorded
from accounts.models import AccountEvent, AccountEventKind, User
from clients.models import SecurityEvent
from common.arrival import Arrival
from common.meter import Watching
from idp.fast_path import BY_PATH
from idp.metrics import counting
from idp.metrics.counting import Counts, codes
from idp.named_paths import NAMES, endpoint_of
from projects.events import NOBODY_KNOWN, record_all, record_each
from provider.grants import GRANTS
from tests.provider.endpoints.raw import Rubbish, send
from tests.world import SECRETS, basic


@dataclass
class Counted:
    counts: Counts
    registry: CollectorRegistry

    def said(self) -> dict[str, float]:
        """Each series that is not nothing, as Prometheus reads it."""
        self.counts.add_up()
        lines = generate_latest(self.registry).decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#") and "_created" not in line)
        return {name: float(value) for name, _space, value in pairs if float(value)}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    registry = CollectorRegistry()
    made = Counted(Counts(registry), registry)
    monkeypatch.setattr(Watching, "meters", (made.counts,))
    return made


def came(**said: object) -> Arrival:
    arrival = Arrival("rid", time.perf_counter())
    for name, value in said.items():
        setattr(arrival, name, value)
    return arrival


@dataclass
class Someone:
    project_key: str
    client_id: str = "web"


def ask(path: str, form: dict[str, str], authorization: str = "") -> int:
    extra = {"HTTP_AUTHORIZATION": authorization} if authorization else {}
    return send("POST", path, Rubbish("no rubbish", body=urlencode(form).encode(), extra=extra)).status


def series(endpoint: str, status: int, *, grant: str = "", error: str = "", project: str = "") -> str:
    labels = {"endpoint": endpoint, "error": error, "grant": grant, "project": project, "status": str(status)}
    return "vestibule_requests_total{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


@pytest.mark.django_db
def test_a_request_is_counted_by_endpoint_grant_error_and_the_project_of_who_proved_it(
    counted: Counted, world: None
) -> None:
    form = {"grant_type": "client_credentials"}
    assert ask("/oauth2/token", form, basic("service", SECRETS["service"])) == 200
    assert ask("/oauth2/token", form, basic("service", "wrong")) == 401
    assert ask("/oauth2/token", {"grant_type": "nonsense-4711"}) == 400
    assert ask("/nonsense-4711", {}) == 404
    said = counted.said()
    kinds = {name for name in said if name.startswith("vestibule_requests_total")}
    assert kinds == {
        series("token", 200, grant="client_credentials", project="acme"),
        series("token", 401, grant="client_credentials", error="invalid_client"),
        series("token", 400, error="unsupported_grant_type"),
        series("other", 404),
    }
    assert said['vestibule_request_seconds_count{endpoint="token"}'] == 3
    assert "4711" not in str(said)


@pytest.mark.any_database
def test_what_is_no_name_of_ours_becomes_no_label(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_PROJECTS", 2)
    counted.counts.answered("token", came(grant="sent-by-somebody", error="sent-by-somebody"), 400, {})
    for project in ("a", "b", "c", "d", "a"):
        counted.counts.answered("token", came(client=Someone(project)), 200, {})
    assert {name: number for name, number in counted.said().items() if "requests_total" in name} == {
        series("token", 400, grant="other", error="other"): 1,
        series("token", 200, project="a"): 2,
        series("token", 200, project="b"): 1,
        series("token", 200, project="other"): 2,
    }


@pytest.mark.any_database
def test_lengths_that_are_added_at_once_are_those_the_library_adds_one_by_one() -> None:
    lengths = [0.0004, 0.001, 0.0011, 0.3, 5, 99]
    registries = [CollectorRegistry(), CollectorRegistry()]
    ours, theirs = (Histogram("took", "", buckets=counting.BUCKETS, registry=one) for one in registries)
    counting._observe(ours, lengths)
    for one in lengths:
        theirs.observe(one)
    said = [re.sub(rb"took_created.*", b"", generate_latest(one)) for one in registries]
    assert said[0] == said[1]


@pytest.mark.any_database
def test_every_path_has_a_name_of_the_table_whatever_follows() -> None:
    assert {endpoint_of(path) for path in BY_PATH} <= NAMES
    for path, name in {
        "/oauth2/token": "token",
        "/oauth2/authorize": "authorize",
        "/oauth2/authorize/": "authorize",
        "/accounts/login/": "account",
        "/admin/clients/client/7/change/": "console",
        "/api/v1/projects": "api",
        "/scim/v2/Users/7": "scim",
        "/healthz/ready": "health",
        "/": "home",
        "/oauth2/token/x/healthz/": "other",
        "": "other",
    }.items():
        assert endpoint_of(path) == name or path == "", path
        assert endpoint_of(path) in NAMES


@pytest.mark.any_database
def test_the_codes_are_those_of_refusals_and_of_grants() -> None:
    assert {"invalid_grant", "invalid_target", "temporarily_unavailable", "access_denied"} <= codes()
    assert {code for grant in GRANTS.values() for code in grant.codes.values()} <= codes()
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes())


@pytest.fixture
def listening(counted: Counted) -> Iterator[Counted]:
    before = list(logging.getLogger().handlers)
    counted.counts.listen()
    yield counted
    for model in (AccountEvent, SecurityEvent):
        post_save.disconnect(sender=model, dispatch_uid=f"metrics.{model.__name__}")
    many_recorded.disconnect(dispatch_uid="metrics.many")
    logging.getLogger().handlers = before


@pytest.mark.django_db
def test_events_of_many_at_once_are_counted_one_by_one(listening: Counted) -> None:
    people = [User.objects.create(username=name) for name in ("ann", "bob")]
    changes.deactivate(people)
    record_each(NOBODY_KNOWN, "person.changed", [{"person": one.sub} for one in people])
    record_all(NOBODY_KNOWN, "client.changed", {"web": {}, "shop": {}})
    assert {name: number for name, number in listening.said().items() if "events" in name} == {
        'vestibule_events_total{kind="account.deactivated",log="account"}': 2,
        'vestibule_events_total{kind="client.changed",log="security"}': 2,
        'vestibule_events_total{kind="person.changed",log="security"}': 2,
    }


@pytest.mark.django_db
def test_events_are_counted_by_kind(listening: Counted) -> None:
    AccountEvent.objects.create(kind=AccountEventKind.SIGN_IN)
    AccountEvent.objects.create(kind=AccountEventKind.SIGN_IN_FAILED).save()
    SecurityEvent.objects.create(kind="client.locked_out")
    SecurityEvent.objects.create(kind="nobody knows")
    assert {name: number for name, number in listening.said().items() if "events" in name} == {
        'vestibule_events_total{kind="sign_in",log="account"}': 1,
        'vestibule_events_total{kind="sign_in.failed",log="account"}': 1,
        'vestibule_events_total{kind="client.locked_out",log="security"}': 1,
        'vestibule_events_total{kind="other",log="security"}': 1,
    }


@pytest.mark.any_database
def test_neighbours_that_do_not_answer_are_counted(listening: Counted, caplog: Any) -> None:
    for name in ("common.counters", "provider.endpoints.http", "elsewhere"):
        logging.getLogger(name).error("It does not answer.")
    logging.getLogger("common.counters").info("It does.")
    said = listening.said()
    assert said['vestibule_trouble_total{neighbour="cache"}'] == 1
    assert said['vestibule_trouble_total{neighbour="database"}'] == 1
    assert said['vestibule_log_lines_total{level="error"}'] == 3


@pytest.mark.any_database
def test_whoever_is_heard_of_waits_for_no_file(listening: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its directory may be gone: then nothing is counted, and everything else goes on."""

    def no_file(*_labels: str) -> Counter:
        raise FileNotFoundError(2, "No such file or directory")

    with monkeypatch.context() as gone:
        gone.setattr(Counter, "labels", no_file)
        logging.getLogger("common.counters").error("It does not answer.")
        listening.counts.event(AccountEvent, AccountEvent(kind=AccountEventKind.SIGN_IN), created=True)
        listening.counts.event(SecurityEvent, SecurityEvent(kind="token.reuse"), created=True)
        with pytest.raises(FileNotFoundError):
            listening.counts.add_up()
    listening.counts.event(SecurityEvent, SecurityEvent(kind="token.reuse"), created=True)
    assert listening.said()['vestibule_events_total{kind="token.reuse",log="security"}'] >= 1


@pytest.mark.any_database
def test_every_kind_is_there_before_anything_happens(counted: Counted) -> None:
    """Whoever asks how much it rose has to have seen it at 0."""
    counted.counts.add_up()
    lines = generate_latest(counted.registry).decode().splitlines()
    for kind in ("token.reuse", "client.locked_out", "other"):
        assert f'vestibule_events_total{{kind="{kind}",log="security"}} 0.0' in lines
    assert 'vestibule_events_total{kind="sign_in.locked_out",log="account"} 0.0' in lines
    assert 'vestibule_trouble_total{neighbour="cache"} 0.0' in lines
    assert 'vestibule_log_lines_total{level="error"} 0.0' in lines


@pytest.mark.any_database
def test_what_the_process_heard_that_forked_this_one_is_not_counted_again(
    listening: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Thread, "start", lambda _thread: None)
    logging.getLogger("elsewhere").error("Before the fork.")
    listening.counts.answered("token", came(), 200, {})
    listening.counts.begin()
    assert not listening.said()


@pytest.mark.any_database
def test_loggers_of_trouble_are_there() -> None:
    """A module that moves takes its numbers with it."""
    assert set(counting.TROUBLE) <= set(logging.root.manager.loggerDict)
