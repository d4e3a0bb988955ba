"""Stored values that no longer meet today's rules: left alone they block nothing, and nobody adds another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from clients import registration
from clients.metadata import Audience
from clients.models import AudienceEntry, Client
from clients.policy import metadata_of
from idp.configuration import ConfigurationError, apply
from projects import api_registration
from projects import registration as project_registration
from projects.actors import Actor
from projects.models import Api, ApiScope, ConsentScreen
from projects.problems import Problem, RegistrationError
from tests.console import ORDERS, api, browser, client, console, page, problems, project, send

__all__ = ["console"]
pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]
OPERATOR = Actor.operator("operator")
PLAIN = "http://plain.acme.example/x"
BAD = "http://web.acme.example/cb"
GOOD = "https://web.acme.example/cb"


def listed_in_plain_http(settings: Any) -> None:
    """While the provider allowed it."""
    settings.IDP_PLAIN_HTTP_AUDIENCES = True
    AudienceEntry(client=client(), value=PLAIN).save()
    settings.IDP_PLAIN_HTTP_AUDIENCES = False


def redirects_in_plain_http(settings: Any) -> None:
    Client.objects.filter(client_id="web").update(redirect_uris=f"{BAD} {GOOD}")


STORED = [listed_in_plain_http, redirects_in_plain_http]


def by_file(**client_keys: object) -> None:
    said = {"client_id": "web", **client_keys}
    apply({"version": 1, "projects": [{"id": "acme", "name": "Acme", "clients": [said]}]})


def change(**said: Any) -> list[str]:
    return registration.change(client(), metadata_of(client()).changed(said), OPERATOR)


@pytest.mark.parametrize("stored", STORED)
def test_a_file_disables_the_client(stored: Any, settings: Any) -> None:
    stored(settings)
    by_file(enabled=False)
    assert not client().enabled


@pytest.mark.parametrize("who", ["root", "editor"])
@pytest.mark.parametrize("stored", STORED)
def test_the_console_disables_the_client(stored: Any, who: str, settings: Any) -> None:
    stored(settings)
    assert send(browser(who), page("clients_client_change", client().pk), {"enabled": []}).status_code == 302
    assert not client().enabled


@pytest.mark.parametrize("stored", STORED)
def test_its_tokens_end_now(stored: Any, settings: Any) -> None:
    stored(settings)
    now = timezone.now()
    assert change(tokens_not_before=now) == ["tokens_not_before"]
    assert client().tokens_not_before == now


def test_other_entries_are_removed_and_the_stored_one_stays(settings: Any) -> None:
    listed_in_plain_http(settings)
    redirects_in_plain_http(settings)
    kept = metadata_of(client()).audience[-1]
    change(audience=(kept,), redirect_uris=(BAD,))
    assert [one.value for one in client().audience_entries.all()] == [PLAIN]
    assert client().redirect_uri_list == [BAD]


def test_the_stored_one_is_removed_as_well(settings: Any) -> None:
    listed_in_plain_http(settings)
    redirects_in_plain_http(settings)
    by_file(audience=[{"value": ORDERS}], redirect_uris=[GOOD])
    assert [one.value for one in client().audience_entries.all()] == [ORDERS]
    assert client().redirect_uri_list == [GOOD]


def test_an_audience_in_front_of_the_stored_one_is_added(settings: Any) -> None:
    """All rows are written anew then, for they are kept in order."""
    listed_in_plain_http(settings)
    kept = metadata_of(client()).audience[-1]
    change(audience=(Audience("urn:acme:new"), kept))
    assert [one.value for one in client().audience_entries.all()] == ["urn:acme:new", PLAIN]


def test_another_value_of_the_kind_is_refused(settings: Any) -> None:
    listed_in_plain_http(settings)
    redirects_in_plain_http(settings)
    before = metadata_of(client())
    with pytest.raises(RegistrationError) as error:
        change(
            audience=(Audience("http://plain.acme.example/y"), *before.audience),
            redirect_uris=("http://web.acme.example/other", *before.redirect_uris),
        )
    assert {one.field for one in error.value.problems} == {"audience[0].value", "redirect_uris[0]"}
    url = page("clients_client_change", client().pk)
    typed = {"audience_entries-3-value": "http://plain.acme.example/y", "redirect_uris": f"{BAD} http://x.example/"}
    assert set(problems(send(browser("root"), url, typed))) == {"redirect_uris", "inlines"}


def test_a_change_that_makes_a_stored_value_wrong_is_refused() -> None:
    """Nothing was wrong with the grant types before."""
    Client.objects.filter(client_id="web").update(grant_types=["client_credentials"], redirect_uris=BAD)
    with pytest.raises(RegistrationError) as error:
        change(token_endpoint_auth_method="none")
    assert [one.field for one in error.value.problems] == ["grant_types"]


def test_a_row_that_code_saves_is_judged_like_that_too() -> None:
    row = client()
    row.redirect_uris = f"{BAD} {GOOD}"
    with pytest.raises(ValidationError):
        row.save()
    Client.objects.filter(pk=row.pk).update(redirect_uris=f"{BAD} {GOOD}")
    row = client()
    row.enabled = False
    row.save()
    assert not client().enabled


# --- APIs and projects ---------------------------------------------------------------------------------------------


def test_an_api_that_could_not_be_registered_today_is_shared_with_nobody(settings: Any) -> None:
    settings.IDP_PLAIN_HTTP_AUDIENCES = True
    row = Api.objects.create(project=project(), identifier=PLAIN, name="Plain", shared="public")
    settings.IDP_PLAIN_HTTP_AUDIENCES = False
    url = page("projects_api_change", row.pk)
    assert send(browser("editor"), url, {"shared": "private"}).status_code == 302
    assert api(PLAIN).shared == "private"
    named = {"identifier": PLAIN, "name": "Plain", "shared": "public"}
    apply({"version": 1, "projects": [{"id": "acme", "name": "Acme", "apis": [named]}]})
    assert api(PLAIN).shared == "public"


def test_a_scope_that_could_not_be_added_today_stops_no_change_of_its_api() -> None:
    ApiScope.objects.bulk_create([ApiScope(api=api(), name="admin.all", description="Everything")])
    url = page("projects_api_change", api().pk)
    assert send(browser("editor"), url, {"description": "New"}).status_code == 302
    assert api().description == "New"
    before = api_registration.metadata_of(api())
    worse = tuple(replace(one, name="openid") for one in before.scopes[:1])
    with pytest.raises(RegistrationError):
        api_registration.change(api(), replace(before, scopes=(*before.scopes, *worse)), OPERATOR)


def test_a_page_of_a_project_that_could_not_be_named_today_stops_no_file() -> None:
    ConsentScreen.objects.filter(project=project()).update(homepage_uri="ftp://acme.example")
    apply({"version": 1, "projects": [{"id": "acme", "name": "New"}]})
    assert project().name == "New"


# --- Places --------------------------------------------------------------------------------------------------------


def test_a_caller_of_another_project_that_got_there_by_sql_stops_no_file() -> None:
    client().allowed_callers.add(client("foreign"))
    by_file(enabled=False)
    assert not client().enabled


@pytest.mark.parametrize("path", ["audience[2].value", "redirect_uris[1]"])
def test_a_problem_with_an_item_that_the_file_does_not_name_stands_at_the_entry_of_the_client(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise RegistrationError([Problem(path, "No.")])

    monkeypatch.setattr(registration, "change_locked", refuse)
    with pytest.raises(ConfigurationError) as error:
        by_file(enabled=False)
    assert str(error.value).endswith("No.")
    assert "projects[0].clients[0]" in str(error.value)


@pytest.mark.parametrize("path", ["scopes[0].name", "shared_with[1]", "members[3].username", "consent_screen.tos_uri"])
def test_a_problem_that_the_file_does_not_name_stands_at_the_entry_of_the_project_or_the_api(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise RegistrationError([Problem(path, "No.")])

    monkeypatch.setattr(api_registration, "change", refuse)
    monkeypatch.setattr(project_registration, "change", refuse)
    with pytest.raises(ConfigurationError) as error:
        apply({"version": 1, "projects": [{"id": "acme", "name": "Acme"}]})
    assert str(error.value).endswith("No.")
    assert "projects[0]" in str(error.value)
    monkeypatch.undo()
    monkeypatch.setattr(api_registration, "change", refuse)
    named = {"identifier": ORDERS, "name": "Orders"}
    with pytest.raises(ConfigurationError) as error:
        apply({"version": 1, "projects": [{"id": "acme", "name": "Acme", "apis": [named]}]})
    assert str(error.value).endswith("No.")
    assert "projects[0].apis[0]" in str(error.value)
