"""Lists of the console: where they end, where a row leads, and what an empty one says."""

from __future__ import annotations

import pytest
from django.contrib.admin import site

from accounts import console_lists
from accounts.models import User
from projects.models import Project
from tests.console import api, browser, client, page, project

pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]


def test_a_list_ends_after_so_many_rows_and_says_how_to_see_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_lists, "MOST", 5)
    User.objects.bulk_create(User(username=f"one-{n}") for n in range(20))
    answer = browser("root").get(page("accounts_user_changelist"))
    assert answer.context["cl"].result_count == 5
    assert "5 people or more. To see others, search or choose filters." in answer.content.decode()


def test_a_short_list_says_how_many_there_are() -> None:
    answer = browser("root").get(page("projects_project_changelist"))
    assert answer.context["cl"].result_count == Project.objects.count()
    assert "or more" not in answer.content.decode()


def test_a_row_leads_to_the_first_tab() -> None:
    leads = {
        "clients_client": page("clients_client_connect", client().pk),
        "projects_project": page("projects_project_overview", project().pk),
        "projects_api": page("projects_api_callers", api().pk),
        "accounts_user": page("accounts_user_person", User.objects.get(username="person").pk),
    }
    http = browser("root")
    for name, first in leads.items():
        assert f'href="{first}"' in http.get(page(f"{name}_changelist")).content.decode()
        assert http.get(first).status_code == 200


def test_the_history_of_a_person_and_of_an_api_has_their_tabs() -> None:
    person, http = User.objects.get(username="person"), browser("root")
    for address, first in (
        (page("accounts_user_history", person.pk), page("accounts_user_person", person.pk)),
        (page("projects_api_history", api().pk), page("projects_api_callers", api().pk)),
    ):
        html = http.get(address).content.decode()
        assert f'href="{first}"' in html
        assert f'<a href="{address}" aria-current="page">' in html


@pytest.mark.parametrize("model", [model for model in site._registry if model._meta.app_label != "auth"])
def test_an_empty_list_says_what_comes_there_and_offers_no_deed(model: type[User]) -> None:
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    answer = browser("root").get(page(f"{name}_changelist"))
    if answer.context["cl"].result_count == 0:
        html = answer.content.decode()
        assert "Nothing is here yet." in html
        assert 'class="actions"' not in html


def test_dates_have_the_fields_of_the_browser_and_labels_no_colon() -> None:
    html = browser("root").get(page("clients_client_change", client().pk)).content.decode()
    assert 'type="date" name="tokens_not_before_0"' in html or 'name="tokens_not_before_0" type="date"' in html
    assert "Name:</label>" not in html
    assert "DateTimeShortcuts" not in html


def test_a_wrong_key_is_said_in_plain_words() -> None:
    answer = browser("root").post(page("projects_project_add"), {"name": "New", "key": "not a key"})
    assert "Use lower case letters, digits and hyphens." in answer.content.decode()
    assert "slug" not in answer.content.decode()


@pytest.mark.parametrize(("most", "counted", "offered"), [(100, 100, True), (5, 100, False), (100, 5, False)])
def test_all_are_offered_where_no_more_are_there_than_are_counted_and_done_at_once(
    most: int, counted: int, offered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = site.get_model_admin(User)
    monkeypatch.setattr(people, "list_per_page", 2, raising=False)
    monkeypatch.setattr(people, "most_at_once", most, raising=False)
    monkeypatch.setattr(console_lists, "MOST", counted)
    User.objects.bulk_create(User(username=f"one-{n}") for n in range(20))
    assert (
        'class="question hidden"' in browser("root").get(page("accounts_user_changelist")).content.decode()
    ) is offered
