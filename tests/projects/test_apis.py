"""APIs read from the database: as a whole, however many there are."""

from __future__ import annotations

from typing import Any

import pytest

from common import cache
from projects import apis
from projects.facts import ApiFacts
from projects.models import Api, ApiScope, Project

pytestmark = pytest.mark.django_db
HOST = "https://many.example"


def register(number: int) -> list[Api]:
    acme, other = (Project.objects.create(key=key, name=key) for key in (f"acme{number}", f"other{number}"))
    made = [
        Api.objects.create(project=acme, identifier=f"{HOST}/{number}/{one}", name="Api", shared="listed")
        for one in range(number)
    ]
    for one in made:
        one.shared_with.add(other)
        ApiScope.objects.create(api=one, name=f"read.{one.pk}", description="Read")
        ApiScope.objects.create(api=one, name="write", description="Write")
    return made


@pytest.mark.parametrize("number", [1, 30])
def test_thousands_are_read_by_as_few_statements_as_one(number: int, django_assert_num_queries: Any) -> None:
    made = register(number)
    cache.current()
    with django_assert_num_queries(3 + 1):  # APIs, their scopes, whom they are shared with; and the version
        near = apis.apis_near([f"{HOST}/x"])
    assert len(list(near)) == number
    last = made[-1]
    found = near.resolve(f"{last.identifier}/7")
    assert found == ApiFacts(
        identifier=last.identifier,
        project_id=last.project_id,
        shared="listed",
        shared_with=frozenset(project.pk for project in last.shared_with.all()),
        scopes=frozenset({f"read.{last.pk}", "write"}),
    )


def test_every_fact_of_an_api_is_read() -> None:
    """What `ApiFacts` has and no column is named for would be a default for ever."""
    further = {"scopes", "shared_with", "guest_scopes", "pairwise"}  # of other rows
    assert {*apis.COLUMNS, *further} == set(ApiFacts.__dataclass_fields__)


@pytest.mark.any_database
def test_to_guests_a_project_has_no_claim_table() -> None:
    rows = [{"name": "teams", "source": "groups", "scope": "profile"}]
    acme = Project.objects.create(key="acme", name="Acme", guest_apps="any", claims=rows)
    assert {row.name for row in apis.project_facts(acme).claims} >= {"teams", "roles"}
    assert apis.guest_terms(acme).claims == ()
