"""Who reaches what in the console, page by page: people see their projects, and nothing tells them of others."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import SignIn, User
from clients.models import Authorization, Client, LogoutNotice, SecurityEvent
from projects.models import Member, Project, Role
from tests.console import OPEN, REPORTS, api, browser, client, form_of, page, project, send
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console")

LISTS = [
    "projects_project_changelist",
    "projects_api_changelist",
    "clients_client_changelist",
    "clients_authorization_changelist",
    "clients_securityevent_changelist",
    "clients_logoutnotice_changelist",
]
MEMBERS = ["owner", "editor", "viewer"]
FOREIGN_WORDS = ["Other people", "Hidden reports", REPORTS, OPEN, "Foreign app", "foreign"]
NOWHERE = 999_999


@pytest.fixture(autouse=True)
def _activity(console: None) -> None:
    person = User.objects.get(username="person")
    for client_id in ("web", "foreign"):
        Authorization.objects.create(client=client(client_id), user=person, auth_time=timezone.now())
        SecurityEvent.objects.create(kind="test.happened", client_id=client_id, detail={"of": client_id})
        ended = SignIn.objects.create(user=person, ended_at=timezone.now())
        LogoutNotice.objects.create(client=client(client_id), sid=ended.pk, sub=person.sub)


def foreign_pages() -> list[tuple[str, object]]:
    event = SecurityEvent.objects.get(client_id="foreign", kind="test.happened")
    return [
        ("projects_project", project("other").pk),
        ("projects_api", api(REPORTS).pk),
        ("projects_api", api(OPEN).pk),
        ("clients_client", client("foreign").pk),
        ("clients_authorization", Authorization.objects.get(client=client("foreign")).pk),
        ("clients_securityevent", event.pk),
        ("clients_logoutnotice", LogoutNotice.objects.get(client=client("foreign")).pk),
    ]


@pytest.mark.any_database
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("username", MEMBERS)
def test_lists_show_the_own_project_and_nothing_else(name: str, username: str) -> None:
    text = browser(username).get(page(name)).content.decode()
    assert "Acme" in text or "web" in text
    for word in FOREIGN_WORDS:
        assert word not in text


@pytest.mark.parametrize("name", LISTS)
def test_a_search_finds_nothing_of_other_projects(name: str) -> None:
    response = browser("owner").get(page(name), {"q": "foreign"})
    assert response.status_code == 200
    assert response.context["cl"].result_count == 0
    assert browser("root").get(page(name), {"q": "acme"}).status_code == 200


@pytest.mark.parametrize("name", ["projects_api", "clients_client", "clients_authorization"])
def test_lists_are_filtered_by_project_and_offer_only_the_own(name: str) -> None:
    for key, found in (("acme", True), ("other", False), ("missing", False)):
        response = browser("owner").get(page(f"{name}_changelist"), {"project": key})
        assert bool(response.context["cl"].result_count) is found
        assert "Other people" not in response.content.decode()


@pytest.mark.parametrize("action", ["change", "delete", "history"])
def test_a_foreign_thing_is_as_missing_as_one_that_never_was(action: str) -> None:
    for name, key in foreign_pages():
        here, nowhere = (browser("owner").get(page(f"{name}_{action}", one)) for one in (key, _missing(key)))
        assert _shape(here) == _shape(nowhere), name
        assert here.status_code != 200


@pytest.mark.parametrize("action", ["change", "delete"])
def test_a_foreign_thing_cannot_be_changed_or_deleted(action: str) -> None:
    for name, key in foreign_pages():
        here, nowhere = (
            browser("owner").post(page(f"{name}_{action}", one), {"post": "yes", "name": "Taken"})
            for one in (key, _missing(key))
        )
        assert _shape(here) == _shape(nowhere), name
        assert here.status_code != 200
    assert project("other").name == "Other people"
    assert client("foreign").name == "Foreign app"
    assert len(foreign_pages()) == 7


@pytest.mark.parametrize("path", ["secrets", "new_secret"])
def test_secrets_of_a_foreign_client_are_as_missing(path: str) -> None:
    name = f"clients_client_{path}"
    for method in ("get", "post"):
        here, nowhere = (getattr(browser("owner"), method)(page(name, key)) for key in (client("foreign").pk, NOWHERE))
        assert here.status_code == nowhere.status_code
        assert here.status_code in (404, 405)
    assert client("foreign").secrets.count() == 1


def _missing(key: object) -> object:
    return NOWHERE if isinstance(key, int) else "00000000-0000-4000-8000-000000000000"


def _shape(response: Response) -> tuple[int, str]:
    return response.status_code, response.get("Location", "")


@pytest.mark.parametrize(
    ("name", "key"), [("projects_project", project), ("projects_api", api), ("clients_client", client)]
)
def test_viewers_look_and_change_nothing(name: str, key: object) -> None:
    row = key()  # type: ignore[operator]
    http = browser("viewer")
    shown = http.get(page(f"{name}_change", row.pk))
    assert shown.status_code == 200
    assert b'name="_save"' not in shown.content
    assert http.get(page(f"{name}_history", row.pk)).status_code == 200
    assert http.post(page(f"{name}_change", row.pk), {"name": "Mine"}).status_code == 403
    assert http.get(page(f"{name}_delete", row.pk)).status_code == 403
    assert http.post(page(f"{name}_delete", row.pk), {"post": "yes"}).status_code == 403
    assert http.get(page(f"{name}_add")).status_code == 403
    assert http.post(page(f"{name}_add"), {"name": "Mine"}).status_code == 403
    row.refresh_from_db()
    assert row.name != "Mine"


@pytest.mark.parametrize("username", ["owner", "editor"])
def test_owners_and_editors_change_apis_and_clients(username: str) -> None:
    http = browser(username)
    assert send(http, page("projects_api_change", api().pk), {"description": f"By {username}"}).status_code == 302
    assert send(http, page("clients_client_change", client().pk), {"name": f"By {username}"}).status_code == 302
    assert api().description == client().name == f"By {username}"


def test_a_role_in_one_project_gives_nothing_in_another() -> None:
    http = browser("both")  # editor of other, viewer of acme
    assert http.post(page("clients_client_change", client("web").pk), {"name": "Mine"}).status_code == 403
    assert send(http, page("clients_client_change", client("foreign").pk), {"name": "Ours"}).status_code == 302
    assert (client("web").name, client("foreign").name) == ("Acme web", "Ours")


@pytest.mark.parametrize("name", ["projects_api_add", "clients_client_add"])
def test_a_new_thing_goes_to_a_project_one_edits_only(name: str) -> None:
    for username, offered in (("owner", {"acme"}), ("both", {"other"}), ("root", {"acme", "other"})):
        choices = browser(username).get(page(name)).context["adminform"].form.fields["project"].queryset
        assert {one.key for one in choices} == offered


@pytest.mark.parametrize("username", ["owner", "both"])
def test_a_tampered_project_is_refused(username: str) -> None:
    target = project("other" if username == "owner" else "acme")
    fields = {
        "project": target.pk,
        "name": "Planted",
        "identifier": "https://planted.example/api",
        "client_id": "planted",
    }
    for name in ("projects_api_add", "clients_client_add"):
        response = send(browser(username), page(name), fields)
        assert "project" in response.context["adminform"].form.errors
    assert target.apis.filter(name="Planted").count() == target.clients.filter(name="Planted").count() == 0


def test_permissions_of_the_framework_count_for_nothing() -> None:
    viewer = User.objects.get(username="viewer")
    viewer.user_permissions.set(Permission.objects.all())
    http = browser("viewer")
    assert http.get(page("projects_project_add")).status_code == 403
    assert http.post(page("clients_client_change", client().pk), {"name": "Mine"}).status_code == 403
    assert http.get(page("accounts_user_changelist")).status_code == 403
    assert http.get(page("clients_signingkey_changelist")).status_code == 403


def test_staff_without_a_project_get_an_empty_console() -> None:
    http = browser("nobody")
    index = http.get(page("index"))
    assert index.status_code == 200
    assert index.context["app_list"] == []
    for name in (*LISTS, "accounts_user_changelist", "clients_signingkey_changelist"):
        assert http.get(page(name)).status_code == 403


def test_the_first_superuser_finds_an_empty_console_ready() -> None:
    Client.objects.all().delete()
    Project.objects.all().delete()
    http = browser("root")
    assert "Add" in http.get(page("index")).content.decode()
    for name in ("projects_project", "projects_api", "clients_client"):
        assert http.get(page(f"{name}_changelist")).status_code == 200
        assert http.get(page(f"{name}_add")).status_code == 200
    for name in ("projects_api", "clients_client"):
        assert "There is no project yet. Add one first." in http.get(page(f"{name}_add")).content.decode()


def test_whoever_takes_their_last_role_away_is_led_to_where_they_may_be() -> None:
    """And not to a list that refuses them."""
    http = browser("owner")
    url = page("projects_project_change", project().pk)
    mine = str(Member.objects.get(user__username="owner").pk)
    keys = {name: value for name, value in form_of(http.get(url)).items() if re.fullmatch(r"members-\d+-id", name)}
    row = next(name for name, value in keys.items() if value == mine)
    assert send(http, url, {row.replace("-id", "-DELETE"): "on"}).headers["Location"] == page("index")
    Member.objects.update(role=Role.OWNER)
    Client.objects.all().delete()
    gone = browser("editor").post(page("projects_project_delete", project().pk), {"name": "Acme"})
    assert gone.headers["Location"] == page("index")


def test_a_page_reads_roles_once() -> None:
    url = page("clients_client_change", client().pk)
    http = browser("owner")
    with CaptureQueriesContext(connection) as asked:
        assert http.get(url).status_code == 200
    of_roles = [query for query in asked if query["sql"].startswith("SELECT") and "projects_member" in query["sql"]]
    assert len(of_roles) == 2  # and the object itself is looked for among those they may see


def test_somebody_who_stops_being_a_member_sees_nothing_at_once() -> None:
    http = browser("owner")
    assert http.get(page("clients_client_change", client().pk)).status_code == 200
    project().members.filter(user__username="owner").delete()
    assert http.get(page("clients_client_change", client().pk)).status_code != 200
    assert http.get(page("index")).context["app_list"] == []


@pytest.mark.parametrize(
    ("app", "model", "field"),
    [
        ("projects", "member", "user"),
        ("projects", "project", "test_users"),
        ("clients", "authorization", "user"),
        ("clients", "authorization", "client"),
        ("clients", "client", "project"),
        ("clients", "client", "introspects"),
        ("projects", "api", "shared_with"),
    ],
)
def test_autocompletes_tell_nothing_about_others(app: str, model: str, field: str) -> None:
    query = {"app_label": app, "model_name": model, "field_name": field, "term": ""}
    response = browser("owner").get(page("autocomplete"), query)
    assert response.status_code in (200, 403)
    if response.status_code == 200:
        found = [one["text"] for one in response.json()["results"]]
        assert found
        assert set(found) <= {"Acme", "Acme web", "Acme single page"}


def test_another_column_as_key_reaches_nothing() -> None:
    http = browser("owner")
    for column in ("client_id", "project", "name"):
        address = page("clients_client_change", "foreign") + f"?_to_field={column}&_popup=1"
        assert http.get(address).status_code in (302, 400)
        assert http.get(page("clients_client_changelist"), {"_to_field": column, "_popup": "1"}).status_code == 400


@pytest.mark.parametrize(
    ("name", "lookup"),
    [
        ("clients_client_changelist", "scope__startswith"),
        ("clients_client_changelist", "secrets__digest__startswith"),
        ("clients_client_changelist", "project__members__user__password__startswith"),
        ("clients_authorization_changelist", "user__email__startswith"),
        ("clients_authorization_changelist", "user__password__startswith"),
        ("projects_project_changelist", "members__user__email"),
        ("projects_api_changelist", "project__name__startswith"),
    ],
)
def test_columns_that_no_filter_offers_cannot_be_guessed(name: str, lookup: str) -> None:
    for username in ("owner", "root"):
        assert browser(username).get(page(name), {lookup: "a"}).status_code == 400


@pytest.mark.parametrize(
    ("name", "lookup"),
    [
        ("clients_authorization_changelist", "created_at__year"),
        ("clients_logoutnotice_changelist", "created_at__day__gt"),
        ("clients_securityevent_changelist", "at__iso_year"),
    ],
)
def test_comparisons_that_no_filter_makes_are_refused(name: str, lookup: str) -> None:
    """No calendar has this year, and no column of a database the number."""
    http = browser("owner")
    assert http.get(page(name), {lookup: "99999999999"}).status_code == 400
    field = lookup.partition("__")[0]
    offered = {f"{field}__gte": "2026-01-01 00:00:00+00:00", f"{field}__lt": "2026-02-01 00:00:00+00:00"}
    assert http.get(page(name), offered).status_code == 200


def test_no_page_looks_up_any_row_of_any_table() -> None:
    kind = ContentType.objects.get_for_model(Client).pk
    answers = [browser("owner").get(f"{page('index')}r/{kind}/{key}/") for key in (client("foreign").pk, NOWHERE)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert b"get_absolute_url" not in answers[0].content + answers[1].content


def test_nothing_is_deleted_in_bulk() -> None:
    client().audience_entries.all().delete()
    for username in ("owner", "root"):
        response = browser(username).post(
            page("projects_api_changelist"),
            {"action": "delete_selected", "_selected_action": [str(api(OPEN).pk), str(api().pk)], "post": "yes"},
        )
        assert response.status_code in (200, 302)
    assert api(OPEN)
    assert api()
