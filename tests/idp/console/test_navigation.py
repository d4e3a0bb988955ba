"""Where one goes in the console: by task, to what one may see, in the project one looks at."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.admin import site

from idp.console.navigation import MOST_PROJECTS, TASKS, models_of
from projects.models import Member, Project
from tests.console import browser, client, page, project

pytestmark = pytest.mark.usefixtures("console")


def links(html: str, label: str) -> list[str]:
    """Addresses in the part of the page with this beginning, up to the end of its list."""
    return [unescape(one) for one in re.findall(r'href="([^"]*)"', html.partition(label)[2].partition("</nav>")[0])]


@pytest.mark.any_database
def test_every_list_has_one_task() -> None:
    named = [model for task in TASKS for model in models_of(task)]
    assert sorted(named) == sorted(model._meta.label for model in site._registry)


def test_people_go_to_what_they_may_see_and_to_nothing_else() -> None:
    for username, tasks in (
        ("root", ["Overview", "Apps", "APIs", "People", "Activity", "Keys", "Settings"]),
        ("viewer", ["Overview", "Apps", "APIs", "People", "Activity", "Settings"]),
        ("nobody", ["Overview"]),
    ):
        http = browser(username)
        found = http.get(page("index")).context["console"].tasks
        assert [one.label for one in found] == tasks
        assert [http.get(one.url).status_code for one in found] == [200] * len(tasks), username


@pytest.mark.any_database
def test_a_list_shows_its_neighbours_and_says_where_one_is() -> None:
    shown = browser("viewer").get(page("clients_logoutnotice_changelist"))
    [here] = [one for one in shown.context["console"].tasks if one.here]
    assert here.label == "Activity"
    assert [one.label for one in here.pages if one.here] == ["Logout notices"]
    assert "Events of accounts" not in shown.content.decode()


@pytest.mark.any_database
def test_the_page_of_everything_stands_for_the_lists_behind_it() -> None:
    for name in ("activity", "clients_refusedrequest_changelist", "clients_securityevent_changelist"):
        console = browser("viewer").get(page(name), {"project": "acme"}).context["console"]
        [here] = [one for one in console.tasks if one.here]
        assert (here.label, here.url) == ("Activity", f"{page('activity')}?project=acme")
        assert [one.label for one in here.pages] == ["Everything", "Logout notices", "Deliveries", "Inspect a token"]
        assert [one.label for one in here.pages if one.here] == ["Everything"], name


def test_the_project_is_in_the_address_and_goes_along() -> None:
    http = browser("root")
    html = http.get(page("clients_client_changelist"), {"project": "acme"}).content.decode()
    apis = f"{page('projects_api_changelist')}?project=acme"
    assert apis in links(html, 'class="tasks"')
    assert page("accounts_user_changelist") in links(html, 'class="tasks"')
    there = {"_changelist_filters": "project=acme"}
    html = http.get(page("clients_client_change", client().pk), there).content.decode()
    assert apis in links(html, 'class="tasks"')
    assert "Foreign app" not in http.get(page("clients_client_changelist"), {"project": "acme"}).content.decode()


@pytest.mark.any_database
def test_the_project_of_the_list_before_has_no_nul() -> None:
    """It stands in the address of an address, so it was decoded once more than what all pages look at."""
    for query in ({"_changelist_filters": "project=%00"}, {"_changelist_filters": "project=a%00b"}):
        assert browser("root").get(page("index"), query).context["console"]._key == ""


def test_only_projects_that_somebody_may_see_are_offered() -> None:
    assert browser("viewer").get(page("index")).context["console"].projects == []
    both = browser("both").get(page("index"), {"project": "other"}).context["console"]
    assert [one.name for one in both.projects] == ["Acme", "Other people"]
    assert both.project == project("other")
    for key in ("other", "nothing", "x" * 500, "'"):
        shown = browser("viewer").get(page("index"), {"project": key})
        assert shown.context["console"].project is None
        assert "Other people" not in shown.content.decode()


def test_the_menu_of_projects_is_short_and_has_the_chosen_one() -> None:
    Project.objects.bulk_create(Project(key=f"p{number:03}", name=f"P {number:03}") for number in range(40))
    shown = browser("root").get(page("index"), {"project": "p039"}).context["console"]
    assert len(shown.projects) == MOST_PROJECTS
    assert shown.more_projects
    assert [one.name for one in shown.projects if one.chosen] == ["P 039"]


def test_whoever_is_no_member_any_more_is_offered_nothing() -> None:
    Member.objects.filter(user__username="both").delete()
    console = browser("both").get(page("index")).context["console"]
    assert (console.projects, len(console.tasks)) == ([], 1)


@pytest.mark.any_database
def test_a_page_behind_a_row_leads_back_to_it() -> None:
    html = browser("owner").get(page("clients_client_secrets", client().pk)).content.decode()
    assert page("clients_client_connect", client().pk) in links(html, 'class="crumbs"')
    assert page("clients_client_changelist") in links(html, 'class="crumbs"')


@pytest.mark.any_database
def test_cells_of_a_list_say_their_column_and_an_empty_list_says_so() -> None:
    html = browser("owner").get(page("clients_client_changelist")).content.decode()
    assert '<td data-label="Client ID" class="field-client_id">' in html
    assert '<span class="badge good">Enabled</span>' in html
    nothing = browser("owner").get(page("clients_client_changelist"), {"q": "nothing like this"}).content.decode()
    assert "Nothing was found." in nothing
    empty = browser("owner").get(page("clients_authorization_changelist")).content.decode()
    assert "Each time somebody lets an app in" in empty
