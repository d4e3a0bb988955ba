"""What the claims of somebody say now is told by the table of the project, and groups only where they allowed it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts import groups
from accounts.models import SignIn, User
from clients.models import Authorization, Client, Delivery, Stream
from clients.models.stream import DeliveryMethod
from projects import roles
from projects.metadata import RoleMetadata
from projects.models import Project
from provider.telling import sets
from provider.telling.spreading import spread
from tests.provider.telling.inbox import OPERATOR

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream(world: None) -> Stream:
    client, user = Client.objects.get(client_id="web"), User.objects.get(username="owner")
    Client.objects.filter(pk=client.pk).update(scope="openid groups roles ssf.manage")
    signed_in, at = SignIn.objects.create(user=user), timezone.now()
    Authorization.objects.create(client=client, user=user, sign_in=signed_in, scopes=["openid", "groups"], auth_time=at)
    return Stream.objects.create(client=client, method=DeliveryMethod.POLL, events_requested=list(sets.SUPPORTED))


def table(*rows: dict[str, Any]) -> None:
    Project.objects.filter(key="acme").update(claims=[{"told_in": ["id_token"], **row} for row in rows])


def told(kind: str) -> list[Any]:
    spread(lambda: False)
    return [one.data["claims"] for one in Delivery.objects.filter(kind=kind).order_by("pk")]


def into_groups() -> None:
    for name in ("acme-staff", "other"):
        groups.make(name, OPERATOR)
    groups.set_groups_of(User.objects.get(username="owner"), ["acme-staff", "other"], "", OPERATOR)


def test_w6_groups_are_told_as_they_are_unless_the_table_says_otherwise(stream: Stream) -> None:
    into_groups()
    assert told("person.groups_changed") == [{"groups": ["acme-staff", "other"]}]


def test_w6_the_table_filters_and_renames(stream: Stream) -> None:
    table(
        {"name": "teams", "source": "groups", "prefix": "acme-", "rename": {"acme-staff": "staff"}},
        {"name": "app_roles", "source": "roles", "rename": {"reviewer": "judge"}},
    )
    into_groups()
    role = roles.register(RoleMetadata(name="reviewer"), Project.objects.get(key="acme"), OPERATOR)
    roles.grant(role, OPERATOR, users=["owner"])
    assert told("person.groups_changed") == [{"teams": ["staff"]}]
    assert told("person.roles_changed") == [{"app_roles": ["judge"]}]


def test_w6_who_is_in_no_group_any_more_has_an_empty_list(stream: Stream) -> None:
    into_groups()
    groups.set_groups_of(User.objects.get(username="owner"), [], "", OPERATOR)
    assert told("person.groups_changed") == [{"groups": []}] * 2, "as they are when it is told"


def test_w6_of_groups_that_somebody_allowed_nobody_to_know_nothing_is_told(stream: Stream) -> None:
    Authorization.objects.update(scopes=["openid"])
    into_groups()
    assert told("person.groups_changed") == []
