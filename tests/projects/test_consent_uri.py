"""Who names a page that asks people in place of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.models import User
from projects import registration
from projects.actors import Actor
from projects.models import Project
from projects.problems import RegistrationError

pytestmark = pytest.mark.django_db
PAGE = "https://consent.acme.example/ask"


def test_only_a_superuser_lets_another_page_answer_for_people(world: None) -> None:
    project, owner = Project.objects.get(key="acme"), Actor.person(User.objects.get(username="owner"))
    wanted = replace(registration.metadata_of(project), consent_uri=PAGE)
    with pytest.raises(RegistrationError) as refused:
        registration.change(project, wanted, owner)
    assert [problem.field for problem in refused.value.problems] == ["consent_uri"]
    assert registration.change(project, wanted, Actor.operator("tests")) == ["consent_uri"]
    renamed = replace(registration.metadata_of(project), name="Acme & Sons")
    assert registration.change(project, renamed, owner) == ["name"], "what is there stays"
    assert registration.change(project, replace(renamed, consent_uri=""), owner) == ["consent_uri"]
