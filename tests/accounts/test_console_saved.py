"""What a page of the console says once it did something: of apps and people, for that is what its lists are called."""

from __future__ import annotations

import pytest

from accounts.models import User
from tests.console import browser, client, page, project, send

pytestmark = pytest.mark.usefixtures("console")


def test_an_app_that_was_changed_is_named_and_leads_to_itself() -> None:
    http, url = browser("editor"), page("clients_client_change", client().pk)
    answer = send(http, url, {"name": "Bread & <b>Butter</b>"})
    assert answer["Location"] == page("clients_client_changelist")
    link = f'<a href="{url}"><bdi>Bread &amp; &lt;b&gt;Butter&lt;/b&gt;</bdi></a>'
    assert [str(one) for one in http.get(answer["Location"]).context["messages"]] == [f"“{link}” is saved."]


def test_whoever_stays_stays_and_the_list_keeps_its_filters() -> None:
    http = browser("root")
    url = f"{page('projects_project_change', project().pk)}?_changelist_filters=status__exact%3Dproduction"
    assert send(http, url, {"_continue": "x"})["Location"] == url
    assert send(http, url)["Location"] == f"{page('projects_project_changelist')}?status__exact=production"


def test_what_was_deleted_is_named() -> None:
    http = browser("root")
    http.post("/accounts/reauthenticate/", {"password": "root-pw"})
    User.objects.create_user("goes")
    person = User.objects.get(username="goes")
    answer = http.post(page("accounts_user_delete", person.pk), {"post": "yes"})
    assert answer["Location"] == page("accounts_user_changelist")
    assert [str(one) for one in http.get(answer["Location"]).context["messages"]] == ["“goes” is deleted."]
