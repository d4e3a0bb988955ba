"""What a registration does beside finding problems: who may, what is on record, and what cannot pass by it unseen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from clients import registration, secrets
from clients.metadata import Audience, ClientMetadata
from clients.models import Client, ClientSecret, SecurityEvent
from clients.policy import metadata_of
from projects.actors import Actor, Right
from projects.problems import Problem, RegistrationError
from tests.console import ORDERS, client, project

pytestmark = pytest.mark.usefixtures("console")

OPERATOR = Actor.operator("test")
TEN_THOUSAND_DAYS = 10**9


def person(username: str) -> Actor:
    return Actor.person(User.objects.get(username=username))


def events(client_id: str = "web") -> list[tuple[str, dict[str, Any]]]:
    return [(one.kind, one.detail) for one in SecurityEvent.objects.filter(client_id=client_id).order_by("pk")]


def refused(act: Callable[[], object]) -> tuple[Problem, ...]:
    with pytest.raises(RegistrationError) as error:
        act()
    return error.value.problems


# --- Who may -------------------------------------------------------------------------------------------------------


def test_a_superuser_and_an_operator_have_every_right_and_a_member_none() -> None:
    assert person("root").rights == OPERATOR.rights == frozenset(Right)
    assert person("owner").rights == person("nobody").rights == frozenset()


def test_a_superuser_who_was_deactivated_has_no_right() -> None:
    User.objects.filter(username="root").update(is_active=False)
    assert person("root").rights == frozenset()
    assert not person("root").edits(project())


@pytest.mark.parametrize("username", ["viewer", "outsider", "nobody"])
def test_who_does_not_edit_the_project_changes_nothing_of_its_clients(username: str) -> None:
    by, web = person(username), client()
    acts: list[Callable[[], object]] = [
        lambda: registration.register(ClientMetadata(), project(), by),
        lambda: registration.change(web, metadata_of(web).changed({"client_name": "Mine"}), by),
        lambda: registration.delete(web, by),
        lambda: registration.generate_secret(web, by),
        lambda: registration.adopt_secret(web, "chosen", by),
        lambda: registration.revoke_secret(web.secrets.get(), by),
    ]
    for act in acts:
        assert [one.field for one in refused(act)] == ["project"]
    assert (client().name, client().secrets.filter(slot__isnull=False).count()) == ("Acme web", 1)


# --- What is on record ---------------------------------------------------------------------------------------------


def test_every_step_of_a_clients_life_is_an_event_with_its_actor() -> None:
    by = person("editor")
    made = registration.register(ClientMetadata(client_id="new", client_name="New"), project(), by)
    registration.generate_secret(made, by, label="first")
    registration.adopt_secret(made, "chosen", by, label="second")
    registration.revoke_secret(made.secrets.get(label="first"), by)
    registration.change(made, metadata_of(made).changed({"scope": "openid", "enabled": False}), by)
    registration.delete(made, by)
    assert [kind for kind, _detail in events("new")] == [
        "client.created",
        "client.secret_generated",
        "client.secret_adopted",
        "client.secret_revoked",
        "client.changed",
        "client.disabled",
        "client.deleted",
    ]
    assert set(SecurityEvent.objects.filter(client_id="new").values_list("sub", flat=True)) == {by.sub}


def test_a_change_is_told_with_before_and_after() -> None:
    web = client()
    wanted = metadata_of(web).changed({"redirect_uris": ("https://new.example/cb",), "client_name": "Other"})
    assert registration.change(web, wanted, OPERATOR) == ["client_name", "redirect_uris"]
    before = ["https://web.acme.example/cb", "https://web.acme.example/other"]
    moved = {"before": before, "after": ["https://new.example/cb"]}
    named = {"before": "Acme web", "after": "Other"}
    assert events() == [("client.changed", {"client_name": named, "redirect_uris": moved, "by": "test"})]


def test_what_is_wanted_already_changes_nothing_and_is_no_event() -> None:
    web = client()
    assert registration.change(web, metadata_of(web), OPERATOR) == []
    assert events() == []


def test_entries_of_the_allowlist_that_stay_keep_their_rows() -> None:
    web = client()
    rows = list(web.audience_entries.values_list("pk", flat=True))
    wanted = (Audience(ORDERS), Audience("urn:acme:queue", default=True), Audience("urn:acme:third"))
    registration.change(web, metadata_of(web).changed({"audience": wanted}), OPERATOR)
    kept = list(web.audience_entries.values_list("pk", "value", "default"))
    assert [pk for pk, _value, _default in kept][:2] == rows
    assert [(value, default) for _pk, value, default in kept][1:] == [
        ("urn:acme:queue", True),
        ("urn:acme:third", False),
    ]
    registration.change(web, metadata_of(web).changed({"audience": wanted[::-1]}), OPERATOR)
    assert [row.value for row in web.audience_entries.all()] == [one.value for one in wanted[::-1]]


def test_a_public_client_is_given_no_secret() -> None:
    for act in (
        lambda: registration.generate_secret(client("spa"), OPERATOR),
        lambda: registration.adopt_secret(client("spa"), "chosen", OPERATOR),
    ):
        assert [one.field for one in refused(act)] == ["client_secret"]


# --- What cannot pass by it unseen ---------------------------------------------------------------------------------


DELETIONS: dict[str, Callable[[], object]] = {
    "registration": lambda: registration.delete(client("spa"), OPERATOR),
    "row": lambda: client("spa").delete(),
    "query": lambda: Client.objects.filter(client_id="spa").delete(),
}


@pytest.mark.parametrize("way", DELETIONS)
def test_the_id_of_a_deleted_client_is_never_used_again_however_it_was_deleted(way: str) -> None:
    DELETIONS[way]()
    [(kind, detail)] = events("spa")
    assert (kind, detail["project"], detail["by"]) == (
        "client.deleted",
        "acme",
        "test" if way == "registration" else "code",
    )
    again = {"client_id": "spa", "project": project(), "token_endpoint_auth_method": "none", "client_type": "public"}
    for act in (Client(**again).full_clean, Client(**again).save, lambda: Client.objects.create(**again)):
        with pytest.raises(ValidationError, match="never used again"):
            act()
    found = refused(lambda: registration.register(ClientMetadata(client_id="spa"), project(), OPERATOR))
    assert [one.field for one in found] == ["client_id"]


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("access_token_lifetime", TEN_THOUSAND_DAYS, "access_token_lifetime"),
        ("refresh_token_lifetime", 0, "refresh_token_lifetime"),
        ("redirect_uris", "http://web.acme.example/cb", "redirect_uris"),
        ("grant_types", ["implicit"], "grant_types"),
        ("scope", 'open"id', "scope"),
        ("id_token_signed_response_alg", "HS256", "id_token_signed_response_alg"),
        ("backchannel_logout_uri", "http://web.acme.example", "backchannel_logout_uri"),
    ],
)
def test_a_row_is_not_saved_with_what_a_registration_refuses(field: str, value: object, at: str) -> None:
    row = client()
    setattr(row, field, value)
    for act in (row.full_clean, row.save):
        with pytest.raises(ValidationError) as refusal:
            act()
        assert at in refusal.value.message_dict


@pytest.mark.parametrize("field", ["access_token_lifetime", "id_token_lifetime", "refresh_token_lifetime"])
def test_not_even_an_update_makes_a_lifetime_longer_than_ten_years(field: str) -> None:
    for seconds in (0, TEN_THOUSAND_DAYS):
        with pytest.raises(IntegrityError), transaction.atomic():
            Client.objects.filter(client_id="web").update(**{field: seconds})
    Client.objects.filter(client_id="web").update(**{field: 10 * 365 * 24 * 3600})


def test_a_row_saved_past_the_registration_is_on_record_as_nobodys_doing() -> None:
    row = client()
    row.name = "By some script"
    row.save()
    row.audience_entries.create(value="urn:acme:script")
    row.audience_entries.get(value="urn:acme:script").delete()
    secrets.generate(row, label="script")
    told = [(kind, detail["by"]) for kind, detail in events()]
    expected = ["client.saved", "audienceentry.created", "audienceentry.deleted", "clientsecret.created"]
    assert told == [(kind, "code") for kind in expected]


def test_what_goes_with_a_deleted_client_is_told_by_its_deletion_alone() -> None:
    client().delete()
    assert [kind for kind, _detail in events()] == ["client.deleted"]
    assert not ClientSecret.objects.filter(client__client_id="web").exists()


def test_an_update_still_changes_what_it_says_and_nothing_more() -> None:
    Client.objects.filter(client_id="web").update(name="Updated")
    assert client().name == "Updated"
    assert events() == []
