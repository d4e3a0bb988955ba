"""Two people who save at once do not get past each other's checks."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Http

from clients.models import Client
from idp.configuration import ConfigurationError, apply
from projects.models import Api
from tests.console import Fields, browser, form_of, page, project
from tests.races.racing import ROUNDS, race

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("console"),
]
FEW = max(ROUNDS // 8, 1)  # pages of the console take long to draw
OVERLAP = "This address overlaps an API of another project."
ADDRESSES = ["https://new.example", "https://new.example/a", "https://new.example/a/b", "https://new.example/a/b/c"]


def _form(people: list[Any], number: int) -> tuple[Any, dict[str, Any]]:
    """The page to add an API, filled in: every other one for the other project, each address over or below the rest."""
    http = people[number % len(people)]
    key = ("acme", "other")[number % 2]
    shown = form_of(http.get(page("projects_api_add")))
    name = {"project": project(key).pk, "identifier": ADDRESSES[number % len(ADDRESSES)], "name": f"New {number}"}
    return http, {**shown, **name}


def test_overlapping_apis_saved_at_once_end_with_one_project() -> None:
    """Eight forms at the same moment: whoever is second hears what it would have heard a minute later."""
    people = [browser(name) for name in ("editor", "outsider")]
    for _ in range(FEW):
        forms = [_form(people, number) for number in range(8)]
        answers = race(lambda number: forms[number][0].post(page("projects_api_add"), forms[number][1]))  # noqa: B023
        owners = set(Api.objects.filter(origin="https://new.example:443").values_list("project__key", flat=True))
        assert len(owners) == 1, owners
        assert {answer.status_code for answer in answers} <= {200, 302}
        refused = [answer for number, answer in enumerate(answers) if ("acme", "other")[number % 2] not in owners]
        # As text: what a page was made of is not kept apart for pages made at the same time.
        assert [OVERLAP in answer.content.decode() for answer in refused] == [True] * 4
        Api.objects.filter(origin="https://new.example:443").delete()


def test_overlapping_apis_of_two_files_applied_at_once_end_with_one_project() -> None:
    def work(number: int) -> str:
        key = ("acme", "other")[number % 2]
        entry = f"{{identifier: {ADDRESSES[number % 4]}, name: New {number}}}"
        try:
            apply(f"version: 1\nprojects: [{{id: {key}, apis: [{entry}]}}]", path=f"{key}.yaml")
        except ConfigurationError as error:
            return str(error)
        return ""

    for _ in range(FEW):
        answers = race(work)
        owners = set(Api.objects.filter(origin="https://new.example:443").values_list("project__key", flat=True))
        assert len(owners) == 1, owners
        refused = [answer for number, answer in enumerate(answers) if ("acme", "other")[number % 2] not in owners]
        assert all(OVERLAP in answer for answer in refused), refused
        Api.objects.filter(origin="https://new.example:443").delete()


def _insisting(http: Http, url: str, fields: Fields) -> int:
    """Saves again what the page shows, as long as others were quicker and it tells of them."""
    answer = http.post(url, fields)
    for _again in range(8):
        if answer.status_code != 200:
            break
        answer = http.post(url, form_of(answer))
    return answer.status_code


def test_a_client_disabled_while_its_page_is_saved_stays_disabled() -> None:
    """The pages were opened while it was enabled, so each of them would enable it again."""
    root, editors = browser("root"), [browser("editor") for _ in range(7)]
    url = page("clients_client_change", Client.objects.get(client_id="web").pk)
    for _ in range(FEW):
        off = {name: value for name, value in form_of(root.get(url)).items() if name != "enabled"}
        opened = [form_of(http.get(url)) for http in editors]

        def work(number: int) -> int:
            if number == 0:
                return _insisting(root, url, off)  # noqa: B023
            return editors[number - 1].post(url, {**opened[number - 1], "name": f"By {number}"}).status_code  # noqa: B023

        assert set(race(work)) <= {200, 302}
        row = Client.objects.get(client_id="web")
        assert not row.enabled
        assert row.held
        Client.objects.filter(client_id="web").update(enabled=True, disabled_by_superuser=False)
