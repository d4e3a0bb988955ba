"""Before a change that hurts the console says whom, in numbers; and nothing is changed before somebody read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.utils import timezone

from accounts.models import Group, GroupMember, User
from clients import consequences
from clients.models import AudienceEntry, Authorization, Client
from projects import api_registration, registration
from projects.actors import Actor
from projects.metadata import ApiMetadata, ProjectMetadata
from projects.models import Api, Consent, Project, ProjectRole, RoleGrant
from projects.sign_in import LetIn
from projects.upstream import registration as connectors
from projects.upstream.metadata import ConnectorMetadata
from tests.console import ORDERS, api, browser, client, form_of, page, project, send

pytestmark = pytest.mark.usefixtures("console")
OPERATOR = Actor.operator("tests")


def allow(*usernames: str) -> None:
    web = client()
    assert web.project is not None
    for username in usernames:
        user = User.objects.get(username=username)
        said = Consent.objects.create(user=user, project=web.project, scopes=["openid"])
        moment = timezone.now()
        Authorization.objects.create(user=user, client=web, consent=said, scopes=["openid"], auth_time=moment)


def said(**changes: Any) -> list[str]:
    now = registration.metadata_of(project())
    return [one.sentence for one in consequences.of_project(project(), now, replace(now, **changes))]


def said_of_api(by: Actor = OPERATOR, **changes: Any) -> list[str]:
    now: ApiMetadata = api_registration.metadata_of(api())
    return [one.sentence for one in consequences.of_api(api(), now, replace(now, **changes), by)]


def test_a_project_that_nobody_uses_hurts_nobody() -> None:
    assert said(status="testing", sign_in=LetIn("groups", ()), longest_grant=1) == []


def test_testing_shuts_out_all_but_the_test_users() -> None:
    allow("person", "nobody", "viewer")
    assert said(status="testing") == ["3 people lose access at once."]
    [sentence] = said(status="testing", test_users=("person",))
    assert sentence == "2 people lose access at once. 1 test user signs in anew."
    assert said(status="testing", test_users=("person", "nobody", "viewer")) == ["3 test users sign in anew."]
    Project.objects.filter(key="acme").update(status="testing")
    assert said(status="production") == ["Every token of its apps ends: 3 people have to sign in anew."]


def test_a_test_user_who_is_taken_off_ends_the_tokens_of_all() -> None:
    allow("person", "nobody")
    Project.objects.filter(key="acme").update(status="testing")
    project().test_users.set(User.objects.filter(username__in=["person", "nobody"]))
    assert said(test_users=("person",)) == ["Every token of its apps ends: 2 people have to sign in anew."]
    assert said(test_users=("person", "nobody", "viewer")) == []


def test_whom_a_narrower_rule_shuts_out_is_counted() -> None:
    allow("person", "nobody", "viewer")
    staff = Group.objects.create(name="staff")
    GroupMember.objects.create(group=staff, user=User.objects.get(username="person"))
    role = ProjectRole.objects.create(project=project(), name="reader")
    RoleGrant.objects.create(role=role, group=staff)
    RoleGrant.objects.create(role=role, user=User.objects.get(username="viewer"))
    assert said(sign_in=LetIn("groups", ("staff",))) == ["2 people lose access at once."]
    assert said(sign_in=LetIn("roles", ("reader",))) == ["1 person loses access at once."]
    registration.change(project(), _with(sign_in=LetIn("groups", ("staff",))), OPERATOR)
    assert said(sign_in=LetIn("roles", ("reader",))) == [], "whoever was let in still is"
    assert said(sign_in=LetIn()) == []


def test_a_shorter_grant_ends_what_is_older() -> None:
    allow("person", "nobody")
    old = Authorization.objects.order_by("created_at", "pk")[0]
    Authorization.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=9))
    assert said(longest_grant=86_400) == ["1 person loses access at once."]
    assert said(longest_grant=30 * 86_400) == []


def test_a_scope_that_goes_names_how_many_apps_ask_for_it() -> None:
    assert said_of_api(scopes=()) == ["orders.read goes: 1 app may no longer ask for it."]
    Client.objects.filter(client_id="web").update(scope="openid orders.readers")
    assert said_of_api(scopes=()) == []


def test_an_api_that_is_shared_no_longer_counts_apps_of_others() -> None:
    Api.objects.filter(identifier=ORDERS).update(shared="public")
    AudienceEntry.objects.create(client=client("foreign"), value=ORDERS)
    assert said_of_api(shared="private") == ["1 app of another project loses this API at once."]
    assert said_of_api(shared="listed", shared_with=("other",)) == []
    assert said_of_api(shared="public") == []


@pytest.mark.parametrize(("username", "seen"), [("owner", False), ("both", True), ("root", True)])
def test_apps_of_projects_that_one_does_not_see_are_not_counted(username: str, seen: bool) -> None:
    Api.objects.filter(identifier=ORDERS).update(shared="public")
    AudienceEntry.objects.create(client=client("foreign"), value=ORDERS)
    Client.objects.filter(client_id="foreign").update(scope="openid orders.read")
    by = Actor.person(User.objects.get(username=username))
    if seen:
        assert said_of_api(by, shared="private") == ["1 app of another project loses this API at once."]
        assert said_of_api(by, scopes=()) == ["orders.read goes: 2 apps may no longer ask for it."]
    else:
        assert said_of_api(by, shared="private") == ["Apps of projects that you do not see lose this API at once."]
        assert said_of_api(by, scopes=()) == [
            "orders.read goes: 1 app may no longer ask for it. "
            "Apps of projects that you do not see may no longer ask for orders.read."
        ]


# --- In the console ------------------------------------------------------------------------------------------------


def test_nothing_is_changed_before_it_was_read_and_the_form_is_kept() -> None:
    allow("person")
    http, url = browser("root"), page("projects_project_change", project().pk)
    asked = send(http, url, {"status": "testing", "name": "Acme two"})
    assert asked.status_code == 200
    assert "1 person loses access at once." in asked.content.decode()
    assert (project().status, project().name) == ("production", "Acme")
    assert http.post(url, form_of(asked)).status_code == 302
    assert (project().status, project().name) == ("testing", "Acme two")


def test_what_was_not_on_that_page_is_asked_once_more() -> None:
    allow("person")
    Authorization.objects.update(created_at=timezone.now() - timedelta(days=9))
    http, url = browser("root"), page("projects_project_change", project().pk)
    asked = form_of(send(http, url, {"status": "testing"}))
    again = http.post(url, {**asked, "longest_grant": "60"})
    assert again.status_code == 200
    assert project().status == "production"
    assert http.post(url, form_of(again)).status_code == 302
    assert (project().status, project().longest_grant) == ("testing", 60)


def test_an_api_asks_too() -> None:
    http, url = browser("owner"), page("projects_api_change", api().pk)
    asked = send(http, url, {"scopes-0-DELETE": "on"})
    assert "orders.read goes" in asked.content.decode()
    assert api().scopes.count() == 1
    assert http.post(url, form_of(asked)).status_code == 302
    assert api().scopes.count() == 0


def _with(**changes: Any) -> ProjectMetadata:
    return replace(registration.metadata_of(project()), **changes)


def test_a_connector_that_is_disabled_says_who_comes_by_it() -> None:
    wanted = ConnectorMetadata(id="corp", name="Corp", kind="oidc", issuer="https://corp.example", client_id="us")
    row = connectors.register(wanted, OPERATOR)
    http, url = browser("root"), page("upstream_connector_change", row.pk)
    SocialAccount.objects.create(user=User.objects.get(username="person"), provider="corp", uid="1")
    shown = form_of(http.get(url))
    del shown["enabled"]
    asked = http.post(url, shown)
    assert "1 person can no longer sign in by it." in asked.content.decode()
    row.refresh_from_db()
    assert row.enabled
    assert http.post(url, form_of(asked)).status_code == 302
    row.refresh_from_db()
    assert not row.enabled
