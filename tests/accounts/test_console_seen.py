"""Two people at one form of the console: the second save undoes nothing of the first without a word."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import console_seen
from accounts.models import User
from projects.models import Api, ApiScope
from projects.upstream.models import Connector
from tests.console import ORDERS, api, browser, client, form_of, page, problems, project
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console")
TOLD = "Somebody changed this since the page was shown: "
URIS = "redirect_uris"


def web() -> str:
    return page("clients_client_change", client().pk)


def shown(response: Response, name: str) -> object:
    return form_of(response)[name]


def test_what_somebody_else_saved_meanwhile_stays() -> None:
    editor, root = browser("editor"), browser("root")
    old = form_of(editor.get(web()))
    assert root.post(web(), {**form_of(root.get(web())), "name": "Renamed"}).status_code == 302
    answer = editor.post(web(), {**old, "post_logout_redirect_uris": "https://web.acme.example/bye"})
    [told] = problems(answer)["__all__"]
    assert told.startswith(f"{TOLD}Name. Nothing is saved yet.")
    assert shown(answer, "name") == "Renamed", "they did not touch it"
    assert client().post_logout_redirect_uris == ""
    assert editor.post(web(), form_of(answer)).status_code == 302
    assert (client().name, client().post_logout_redirect_uris) == ("Renamed", "https://web.acme.example/bye")


def test_what_both_changed_is_told_at_its_field_and_what_was_typed_stays() -> None:
    editor, root = browser("editor"), browser("root")
    old = form_of(editor.get(web()))
    assert root.post(web(), {**form_of(root.get(web())), "name": "By root"}).status_code == 302
    answer = editor.post(web(), {**old, "name": "By the editor"})
    assert problems(answer)["name"] == ["This was changed meanwhile. It is now: “By root”."]
    assert shown(answer, "name") == "By the editor"
    assert editor.post(web(), form_of(answer)).status_code == 302, "they have read it, and insist"
    assert client().name == "By the editor"


def test_what_it_is_now_is_said_as_the_page_says_it() -> None:
    http = browser("root")
    old = form_of(http.get(web()))
    theirs = {"access_token_format": "jwt", "require_pkce": [], "id_token_lifetime": "77"}
    assert http.post(web(), {**old, **theirs}).status_code == 302
    told = problems(http.post(web(), {**old, "access_token_format": "", "id_token_lifetime": "88"}))
    assert "JWT: checked locally, valid until it expires" in told["access_token_format"][-1]
    assert "“77”" in told["id_token_lifetime"][-1]
    assert "require_pkce" not in told, "nobody touched it"


def test_what_was_chosen_is_named() -> None:
    http = browser("root")
    row = Connector.objects.create(key="work", name="Work", issuer="https://idp.example", client_id="us")
    url = page("upstream_connector_change", row.pk)
    old = form_of(http.get(url))
    Connector.objects.update(project=project("other"))
    told = problems(http.post(url, {**old, "project": str(project().pk)}))
    assert told["project"] == ["This was changed meanwhile. It is now: “Other people”."]


def test_a_second_click_on_the_same_button_is_no_somebody_else() -> None:
    http = browser("editor")
    fields = {**form_of(http.get(web())), "name": "Twice"}
    assert [http.post(web(), fields).status_code for _ in range(2)] == [302, 302]


def test_rows_below_the_form_are_watched_like_it() -> None:
    http, url = browser("editor"), page("projects_api_change", api().pk)
    old = form_of(http.get(url))
    ApiScope.objects.filter(api=api()).update(description="By somebody else")
    answer = http.post(url, {**old, "name": "Mine"})
    [row] = problems(answer)["inlines"]
    assert row["__all__"][0].startswith(f"{TOLD}Description shown to people.")
    assert http.post(url, form_of(answer)).status_code == 302
    now = Api.objects.get(identifier=ORDERS)
    assert (now.name, now.scopes.get().description) == ("Mine", "By somebody else")


def scopes_page() -> str:
    """Rows in the order of their names: orders.end, orders.read, orders.write."""
    for name in ("orders.write", "orders.end"):
        ApiScope.objects.create(api=api(), name=name, description=name)
    return page("projects_api_change", api().pk)


def test_a_row_that_somebody_else_deleted_is_told_and_the_others_can_be_saved() -> None:
    http, url = browser("editor"), scopes_page()
    old = form_of(http.get(url))
    ApiScope.objects.filter(name="orders.end").delete()
    new = {"scopes-3-name": "orders.new", "scopes-3-description": "New"}
    answer = http.post(url, {**old, "scopes-2-description": "Mine", **new})
    assert [str(one) for one in formset(answer).non_form_errors()] == [str(console_seen.GONE)]
    assert str(console_seen.GONE) in answer.content.decode()
    assert set(api().scopes.values_list("name", "description")) == {
        ("orders.read", "See your orders"),
        ("orders.write", "orders.write"),
    }
    assert http.post(url, form_of(answer)).status_code == 302
    assert set(api().scopes.values_list("name", "description")) == {
        ("orders.read", "See your orders"),
        ("orders.write", "Mine"),
        ("orders.new", "New"),
    }


def test_two_who_delete_the_same_row_want_the_same() -> None:
    http, url = browser("editor"), scopes_page()
    fields = {**form_of(http.get(url)), "scopes-0-DELETE": "on", "name": "Renamed"}
    ApiScope.objects.filter(name="orders.end").delete()
    assert http.post(url, fields).status_code == 302
    assert api().name == "Renamed"


def test_a_row_of_another_is_no_row_of_this_one() -> None:
    """And what is no number at all is none either."""
    http, url = browser("editor"), scopes_page()
    foreign = ApiScope.objects.get(name="open.read")
    for key in (str(foreign.pk), "x", "", "9" * 30):
        fields = {**form_of(http.get(url)), "scopes-1-id": key, "scopes-1-description": "Taken"}
        assert formset(http.post(url, fields)).non_form_errors() == [str(console_seen.GONE)]
    assert not ApiScope.objects.filter(description="Taken").exists()
    assert ApiScope.objects.get(pk=foreign.pk).api == foreign.api


@pytest.mark.parametrize("number", ["999999999", "-1", "x", "", "9" * 5_000])
@pytest.mark.parametrize("name", ["INITIAL_FORMS", "TOTAL_FORMS"])
def test_numbers_of_rows_that_nobody_showed_hold_nobody_up(name: str, number: str) -> None:
    http, url = browser("editor"), scopes_page()
    before = set(api().scopes.values_list("name", "description"))
    answer = http.post(url, {**form_of(http.get(url)), f"scopes-{name}": number})
    assert answer.status_code in (200, 302)
    assert set(api().scopes.values_list("name", "description")) == before


def formset(response: Response) -> Any:
    assert response.status_code == 200
    [table] = response.context["inline_admin_formsets"]
    return table.formset


def test_people_are_watched_and_so_are_settings_of_projects() -> None:
    http = browser("root")
    http.post("/accounts/reauthenticate/", {"password": "root-pw"})
    person = User.objects.get(username="nobody")
    for url, mine, theirs in (
        (page("projects_project_change", project().pk), {"longest_grant": "90000"}, {"name": "Renamed"}),
        (page("accounts_user_change", person.pk), {"last_name": "Doe"}, {"first_name": "Pat"}),
    ):
        old = form_of(http.get(url))
        assert http.post(url, {**old, **theirs}).status_code == 302
        answer = http.post(url, {**old, **mine})
        assert problems(answer)["__all__"][0].startswith(TOLD)
        assert form_of(answer).items() >= {**mine, **theirs}.items()


def test_a_form_that_says_nothing_of_what_it_showed_is_taken_as_it_is() -> None:
    http = browser("editor")
    for said in ("", "{", "[]", "[" * 100_000, '{"client.0.name": 5}'):
        fields = {**form_of(http.get(web())), "name": f"Of a program {said[:9]!r}", console_seen.FIELD: said}
        assert http.post(web(), fields).status_code == 302


def test_marks_tell_nothing_of_a_value() -> None:
    marks = str(form_of(browser("editor").get(web()))[console_seen.FIELD])
    assert client().name not in marks
    assert "acme.example" not in marks
