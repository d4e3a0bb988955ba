"""What the API tells of a pairwise project's people: below the project as it knows them, to operators by their own."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import User
from clients.models import Authorization, Client, Delivery, SecurityEvent, StreamExclusion
from clients.sectors import known_as
from projects.models import Project
from projects.sectors import told_sub
from provider.store import events
from tests.idp.api.caller import Api, person
from tests.idp.api.test_signals import BASE, DISABLED, deactivated, made, polled, receiver
from tests.provider.telling.test_telling import used
from tests.world import ISSUER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff"), pytest.mark.any_database]


def acme() -> Project:
    return Project.objects.get(key="acme")


def own() -> str:
    return User.objects.get(username="owner").sub


@pytest.fixture
def known() -> str:
    """What Acme's apps know the owner by."""
    Project.objects.filter(key="acme").update(subject_type="pairwise", subject_salt="s" * 43)
    return told_sub(own(), acme())


def texts(api: Api, address: str) -> str:
    answer = api.get(f"/api/v1/{address}")
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def test_below_the_project_it_is_the_projects_and_for_operators_their_own(known: str) -> None:
    used("owner", "web")
    used("owner", "stranger")
    events.signed_out_by("web", own(), asked=True)
    SecurityEvent.objects.create(kind="authorization.ended", client_id="web", detail={"person": own()})
    member = person("member")
    for address in ("projects/acme/authorizations", "projects/acme/events"):
        text = texts(member, address)
        assert known in text, address
        assert own() not in text, address
    assert "." not in json.loads(texts(member, "projects/acme/authorizations"))["items"][0]["auth_time"], "in seconds"
    assert own() in texts(person("root"), f"users/{own()}/authorizations")
    assert own() in texts(person("root"), "events")
    assert known not in texts(person("root"), "projects/other/authorizations")


def test_the_type_is_set_here_and_the_salt_is_not_shown(known: str) -> None:
    text = texts(person("owner"), "projects/acme")
    assert json.loads(text)["subject_type"] == "pairwise"
    assert "s" * 43 not in text


def test_a_stream_tells_and_takes_what_the_project_knows(known: str) -> None:
    api = receiver()
    stream = made(api)
    used("owner", "web")
    for nobody in (own(), known.replace("-8", "-9", 1)):
        about = {"stream_id": stream["stream_id"], "subject": {"format": "iss_sub", "iss": ISSUER, "sub": nobody}}
        assert api.post(f"{BASE}/subjects/remove", about).status_code == 204
    assert not StreamExclusion.objects.exists()
    for subject in (
        {"format": "iss_sub", "iss": ISSUER, "sub": known},
        {"format": "email", "email": "owner@people.example"},
    ):
        about = {"stream_id": stream["stream_id"], "subject": subject}
        assert api.post(f"{BASE}/subjects/remove", about).status_code == 204
        assert StreamExclusion.objects.get().sub == known
        assert api.post(f"{BASE}/subjects/add", about).status_code == 200
        assert not StreamExclusion.objects.exists()
    deactivated()
    [told] = polled(api, stream)
    assert list(told["events"]) == [DISABLED]
    assert told["sub_id"] == {"format": "iss_sub", "iss": ISSUER, "sub": known}
    kept = Delivery.objects.get()
    assert (kept.sub, kept.happened_at.microsecond) == (known, 0)


@pytest.mark.parametrize("sub", ["", "nobody", "web", str(UUID(int=4 << 76 | 2 << 62))])
def test_what_is_never_told_is_looked_for_among_nobody(known: str, sub: str, django_assert_num_queries: Any) -> None:
    project = acme()
    for said in (sub, known.upper(), known.replace("-", "")):
        with django_assert_num_queries(0):
            assert known_as(said, project) is None


def test_a_guest_that_it_let_in_is_known_to_it_as_well(known: str) -> None:
    guest, user = Client.objects.get(client_id="stranger"), User.objects.get(username="owner")
    Authorization.objects.create(client=guest, user=user, project=acme(), auth_time=timezone.now())
    found = known_as(known, acme())
    assert found is not None
    assert found.username == "owner"
