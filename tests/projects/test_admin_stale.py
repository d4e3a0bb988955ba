"""What is sent does not fit what is there any more, or never did: nothing is lost, and nobody gets a fault."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from accounts.models import User
from clients import resources
from clients.models import Client
from clients.secrets import generate
from projects import registration
from projects.actors import Actor
from projects.metadata import ApiMetadata, Membership, ProjectMetadata
from projects.models import Api, ApiScope, ConsentScreen, Member, Project
from projects.problems import RegistrationError
from tests.console import Fields, api, browser, client, console, form_of, keep_web_within_its_project, page, project

__all__ = ["console"]
pytestmark = pytest.mark.usefixtures("console")
OPERATOR = Actor.operator("operator")
NONE = {"TOTAL_FORMS": "0", "INITIAL_FORMS": "0"}


def sent(who: str, url: str, prefix: str, changes: Fields) -> int:
    """The page's form, without any row below it."""
    http = browser(who)
    fields = {name: value for name, value in form_of(http.get(url)).items() if not name.startswith(f"{prefix}-0")}
    fields |= {f"{prefix}-{name}": value for name, value in changes.items()}
    return int(http.post(url, fields).status_code)


# --- Rows below the form -------------------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize("changes", [NONE, {"INITIAL_FORMS": "0"}, {"TOTAL_FORMS": "3", "INITIAL_FORMS": "0"}], ids=str)
@pytest.mark.parametrize("who", ["editor", "owner", "root"])
def test_without_its_row_the_consent_screen_stays(who: str, changes: Fields) -> None:
    assert sent(who, page("projects_project_change", project().pk), "consent_screen", changes) == 302
    assert ConsentScreen.objects.get(project=project()).app_name == "Acme"


def test_a_project_is_added_without_a_consent_screen() -> None:
    url = page("projects_project_add")
    fields = {**form_of(browser("root").get(url)), "name": "New", "key": "new"}
    fields |= {f"consent_screen-{name}": value for name, value in NONE.items()}
    assert browser("root").post(url, fields).status_code == 302
    assert registration.metadata_of(project("new")).consent_screen.app_name == ""


def test_without_their_rows_members_scopes_and_audiences_stay() -> None:
    assert sent("owner", page("projects_project_change", project().pk), "members", NONE) == 302
    assert sent("editor", page("projects_api_change", api().pk), "scopes", NONE) == 302
    assert sent("editor", page("clients_client_change", client().pk), "audience_entries", NONE) == 302
    counts = Member.objects.filter(project=project()).count(), api().scopes.count(), client().audience_entries.count()
    assert counts == (4, 1, 2)


# --- Rows that are gone --------------------------------------------------------------------------------------------


def test_an_api_that_is_gone_is_told_of() -> None:
    http, url = browser("editor"), page("projects_api_change", api().pk)
    fields = form_of(http.get(url))
    Client.objects.get(client_id="web").audience_entries.all().delete()
    resources.delete_api(api(), OPERATOR)
    assert http.post(url, fields).headers["Location"] == page("index")


def test_a_client_that_goes_while_a_secret_is_made_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_late(*args: object, **kwargs: object) -> str:
        Client.objects.filter(client_id="web").delete()
        return str(generate(*args, **kwargs))  # type: ignore[arg-type]

    keep_web_within_its_project()
    url, seen = page("clients_client_new_secret", client().pk), str(client().secrets.get().pk)
    monkeypatch.setattr("clients.secrets.generate", too_late)
    assert browser("editor").post(url, {"seen": seen}).status_code == 404


# --- What goes past the registration, and what comes after it ------------------------------------------------------


@pytest.mark.parametrize("name", ["openid", "email", "admin.clients"])
def test_code_gives_no_scope_of_the_provider_to_an_api(name: str) -> None:
    with pytest.raises(ValidationError):
        ApiScope.objects.create(api=api(), name=name, description="x")
    assert api().scopes.count() == 1


def test_a_project_that_got_the_key_of_a_deleted_one_does_not_get_its_addresses() -> None:
    address = "https://api.gone.example/things"
    members = (Membership("nobody", "editor"),)
    first = registration.register(ProjectMetadata(id="again", name="First", members=members), OPERATOR)
    editor = Actor.person(User.objects.get(username="nobody"))
    resources.register_api(ApiMetadata(identifier=address, name="Things"), first, editor)
    resources.delete_api(Api.objects.get(identifier=address), editor)
    resources.register_api(ApiMetadata(identifier=address, name="Its own again"), first, editor)
    resources.delete_project(Project.objects.get(key="again"), OPERATOR)
    second = registration.register(ProjectMetadata(id="again", name="Second", members=members), OPERATOR)
    editor = Actor.person(User.objects.get(username="nobody"))
    with pytest.raises(RegistrationError) as error:
        resources.register_api(ApiMetadata(identifier=f"{address}/below", name="Things"), second, editor)
    assert [one.field for one in error.value.problems] == ["identifier"]
    resources.register_api(ApiMetadata(identifier=address, name="By a superuser"), second, OPERATOR)
