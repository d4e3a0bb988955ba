"""What a project's apps know people by: chosen before anybody signs in, and never told by whom it could be undone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from clients.models import Authorization, Client
from projects import document, registration, subjects
from projects.actors import Actor
from projects.apis import project_facts
from projects.events import SecurityEvent
from projects.models import Api, Consent, Project
from projects.problems import RegistrationError
from projects.sectors import new_salt

pytestmark = pytest.mark.django_db
SALT = "s" * 43


def acme() -> Project:
    return Project.objects.get(key="acme")


def owner() -> User:
    return User.objects.get(username="owner")


def become(kind: str, by: Actor | None = None) -> list[str]:
    wanted = replace(registration.metadata_of(acme()), subject_type=kind)
    return registration.change(acme(), wanted, by or Actor.person(owner()))


def refused(kind: str) -> list[str]:
    with pytest.raises(RegistrationError) as error:
        become(kind)
    return [one.field for one in error.value.problems]


def test_an_owner_chooses_and_the_salt_is_made_once(world: None) -> None:
    assert acme().subject_salt == ""
    assert become("pairwise") == ["subject_type"]
    salt = acme().subject_salt
    assert len(salt) == 43
    found = project_facts(acme())
    assert (found.subject_type, found.subject_salt, found.pairwise) == ("pairwise", salt, True)


def test_an_editor_does_not_choose(world: None) -> None:
    with pytest.raises(RegistrationError) as error:
        become("pairwise", Actor.person(User.objects.get(username="member")))
    assert [one.field for one in error.value.problems] == ["subject_type"]


def test_the_salt_is_told_nowhere(world: None) -> None:
    """With it, whoever has two projects would find out who is who."""
    become("pairwise")
    salt = acme().subject_salt
    told = [registration.metadata_of(acme()), document.represent_project(registration.metadata_of(acme()))]
    told += [project_facts(acme()), *SecurityEvent.objects.values_list("detail", flat=True)]
    assert salt not in repr(told)
    assert "subject_salt" not in document.PROJECT


def _authorized(client_id: str, **more: Any) -> None:
    client, now = Client.objects.get(client_id=client_id), timezone.now()
    Authorization.objects.create(client=client, user=owner(), auth_time=now, **more)


@pytest.mark.parametrize("kind", ["public", "pairwise"])
@pytest.mark.parametrize("way", ["an app", "a guest", "a consent"])
def test_it_stays_once_somebody_signed_in(world: None, way: str, kind: str) -> None:
    become(kind)
    other = {"public": "pairwise", "pairwise": "public"}[kind]
    if way == "an app":
        _authorized("web")
    elif way == "a guest":
        _authorized("stranger", project=acme())  # any client that is not of the project
    else:
        Consent.objects.create(user=owner(), project=acme())
    assert refused(other) == ["subject_type"]
    renamed = replace(registration.metadata_of(acme()), name="Acme & Sons")
    assert registration.change(acme(), renamed, Actor.person(owner())) == ["name"], "all else goes on"


@pytest.mark.parametrize("kept", ["a client", "an API", "nothing"])
def test_pairwise_stays_while_somebody_may_have_been_told(world: None, kept: str) -> None:
    """Whom introspection told a `sub`, and what ended since, is in no row."""
    made = Project.objects.create(key="small", name="Small", subject_type="pairwise", subject_salt=SALT)
    if kept == "a client":
        Client.objects.filter(client_id="stranger").update(project=made)
    if kept == "an API":
        Api.objects.create(project=made, name="Small", identifier="https://small.example")
    wanted = replace(registration.metadata_of(made), subject_type="public")
    found = [one.field for one in subjects.problems(wanted, made)]
    assert found == ([] if kept == "nothing" else ["subject_type"])
    assert not [*subjects.problems(registration.metadata_of(made), made)], "what stays is no question"


def test_who_signed_in_elsewhere_is_nobody_here(world: None) -> None:
    _authorized("stranger")
    assert become("pairwise") == ["subject_type"]


@pytest.mark.parametrize(
    "wrong",
    [{"subject_type": "pairwise"}, {"subject_type": "else"}, {"subject_type": "pairwise", "subject_salt": SALT}],
    ids=["no salt", "no type", "another project's salt"],
)
def test_the_database_takes_no_other(world: None, wrong: dict[str, str]) -> None:
    Project.objects.filter(key="other").update(subject_type="pairwise", subject_salt=SALT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.filter(key="acme").update(**wrong)


# --- A salt that is brought along ----------------------------------------------------------------------------------


def test_a_salt_is_brought_along_before_anybody_signs_in(world: None) -> None:
    become("pairwise")
    project, by = acme(), Actor.operator("test")
    assert subjects.bring(project, SALT, by)
    assert not subjects.bring(acme(), SALT, by)
    assert acme().subject_salt == SALT
    _authorized("web")
    with pytest.raises(RegistrationError, match="This stays"):
        subjects.bring(acme(), new_salt(), by)
    assert not subjects.bring(acme(), SALT, by), "the same file may be applied again"


@pytest.mark.parametrize("salt", ["short", "s" * 44, "ü" * 43, "t" * 43])
def test_a_salt_that_is_none_or_another_projects_is_refused(world: None, salt: str) -> None:
    become("pairwise")
    Project.objects.filter(key="other").update(subject_type="pairwise", subject_salt="t" * 43)
    with pytest.raises(RegistrationError):
        subjects.bring(acme(), salt, Actor.operator("test"))


def test_a_public_project_has_none(world: None) -> None:
    with pytest.raises(RegistrationError, match="subject_type: pairwise"):
        subjects.bring(acme(), SALT, Actor.operator("test"))
