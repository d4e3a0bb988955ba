"""Connectors by every door: the configuration file, the HTTP API and the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.management import call_command
from django.test import Client as Http

from accounts.models import Group, GroupMember, SignIn, User
from clients.models import Authorization
from common import sealing
from idp.configuration import ConfigurationError, apply
from idp.configuration.export import What, export
from idp.configuration.export_secrets import SecretsAs
from idp.configuration.prune import Prune
from projects.access import Roles
from projects.actors import Actor
from projects.events import SecurityEvent
from projects.problems import RegistrationError
from projects.upstream import registration, saml_keys
from projects.upstream.choices import Kind
from projects.upstream.connectors import saml_key_of, secret_of
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector
from tests.console import browser, page, problems, send
from tests.projects.upstream.elsewhere import BY, SECRET
from tests.world import Browser

pytestmark = pytest.mark.django_db
FILE = """
version: 1
connectors:
  - {id: corp, name: Corp, issuer: https://login.corp.example, client_id: us, client_secret_from: "env:THEIRS",
     domains: [corp.example], owns_domains: [corp.example], attributes: {nickname: nick}, groups_claim: groups}
"""
OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"
ENVIRON = {"THEIRS": "of them"}


def applied(text: str = FILE, **more: Any) -> list[str]:
    return [str(one) for one in apply(text, environ=ENVIRON, **more).drift]


# --- Rules ---------------------------------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"id": "Corp"}, "id"),
    ({"id": "a/b"}, "id"),
    ({"id": "x" * 41}, "id"),
    ({"name": " "}, "name"),
    ({"kind": "myspace"}, "kind"),
    ({"issuer": ""}, "issuer"),
    ({"issuer": "http://login.corp.example"}, "issuer"),
    ({"issuer": "https://user@login.corp.example"}, "issuer"),
    ({"issuer": "https://login.corp.example/?a=b"}, "issuer"),
    ({"issuer": "https://login.corp.example#a"}, "issuer"),
    ({"issuer": "https://10.0.0.1"}, "issuer"),
    ({"issuer": "https://[::1"}, "issuer"),
    ({"issuer": "ftp://login.corp.example"}, "issuer"),
    ({"issuer": "https://login.corp.example/\0"}, "issuer"),
    ({"client_id": ""}, "client_id"),
    ({"tenant": "72f988bf-86f1-41af-91ab-2d7cd011db47"}, "tenant"),
    ({"kind": "entra", "issuer": "", "tenant": "common"}, "tenant"),
    ({"kind": "entra", "issuer": "", "tenant": ""}, "tenant"),
    ({"kind": "google"}, "issuer"),
    ({"kind": "saml", "issuer": "", "client_id": ""}, "metadata_uri"),
    ({"kind": "ldap", "search_base": "dc=corp", "issuer": "ldap://corp.example"}, "issuer"),
    ({"kind": "ldap", "issuer": "ldaps://corp.example"}, "search_base"),
    ({"kind": "ldap", "search_base": "dc=a", "issuer": "ldaps://c.example", "search_filter": "uid=x"}, "search_filter"),
    ({"domains": ("Corp.example",)}, "domains[0]"),
    ({"domains": ("corp",)}, "domains[0]"),
    ({"domains": ("a.example", "a.example")}, "domains[1]"),
    ({"owns_domains": ("*.corp.example",)}, "owns_domains[0]"),
    ({"owns_domains": ("müller.example",)}, "owns_domains[0]"),
    ({"mfa_acr_values": ("high",)}, "mfa_acr_values"),
    ({"groups": {"a": ""}}, "groups"),
    ({"attributes": {"nothing": "x"}}, "attributes"),
    ({"project": "nowhere"}, "project"),
]


def wanted(**more: Any) -> ConnectorMetadata:
    said = {"id": "corp", "name": "Corp", "issuer": "https://login.corp.example", "client_id": "us", **more}
    return ConnectorMetadata(**said)


@pytest.mark.any_database
@pytest.mark.parametrize(("more", "field"), WRONG, ids=[str(one) for one in range(len(WRONG))])
def test_what_is_no_connector_is_refused_in_its_place(more: dict[str, Any], field: str) -> None:
    assert field in [one.field for one in registration.problems(wanted(**more), BY)]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"kind": "google", "issuer": ""},
        {"kind": "github", "issuer": ""},
        {"kind": "github", "issuer": "https://github.corp.example"},
        {"kind": "entra", "issuer": "", "tenant": "72f988bf-86f1-41af-91ab-2d7cd011db47"},
        {"kind": "saml", "issuer": "", "client_id": "", "metadata_uri": "https://idp.corp.example/metadata"},
        {"kind": "ldap", "issuer": "ldaps://ldap.corp.example", "search_base": "dc=corp"},
        {"trusts_mfa": True, "mfa_acr_values": ("high",), "project": ""},
    ],
)
def test_every_kind_has_a_form_that_is_right(more: dict[str, Any]) -> None:
    assert registration.problems(wanted(**more), BY) == []


def test_only_superusers_change_connectors() -> None:
    owner = Actor(Roles(is_superuser=False, by_project={}), name="owner")
    assert [one.field for one in registration.problems(wanted(), owner)] == ["id"]
    made = registration.register(wanted(), BY)
    with pytest.raises(RegistrationError):
        registration.delete(made, owner)


# --- The file ------------------------------------------------------------------------------------------------------


def test_a_file_makes_a_connector_and_applied_again_it_changes_nothing() -> None:
    assert applied() == ["created connector corp"]
    row = Connector.objects.get()
    assert secret_of(row) == "of them"
    assert "of them" not in row.secret
    assert applied() == []
    again = apply(FILE, environ={"THEIRS": "another"}).drift
    assert [str(one) for one in again] == ["updated connector corp: client_secret_from"]


def test_an_export_leaves_the_secret_out_and_says_so() -> None:
    applied()
    exported = export(What())
    assert "of them" not in str(exported)
    assert exported.left_out == ["Connector corp: client_secret is not in the file."]
    assert applied_document(exported.document) == []
    by_reference = export(What(secrets=SecretsAs.VARIABLES))
    assert by_reference.references == ["CONNECTOR_CORP_SECRET"]


def applied_document(document: Any) -> list[str]:
    return [str(one) for one in apply(document, environ=ENVIRON).drift]


def test_a_mistake_is_told_in_its_place_and_nothing_is_applied() -> None:
    with pytest.raises(ConfigurationError) as error:
        applied(FILE.replace("[corp.example], owns", "[Corp], owns"))
    assert [one.place.path for one in error.value.problems] == ["connectors[0].domains[0]"]
    assert not Connector.objects.exists()


def test_pruning_deletes_what_the_file_does_not_list() -> None:
    applied()
    assert applied("version: 1", prune=Prune.LISTED) == []
    assert applied("version: 1\nconnectors: []", prune=Prune.LISTED) == ["deleted connector corp"]


def test_changes_are_events_and_none_has_the_secret() -> None:
    row = registration.register(wanted(), BY, SECRET)
    registration.change(row, wanted(name="Corporation"), BY, "another secret")
    registration.delete(row, BY)
    kinds = list(SecurityEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["connector.created", "connector.changed", "connector.deleted"]
    changed = SecurityEvent.objects.get(kind="connector.changed").detail
    assert changed["name"] == {"before": "Corp", "after": "Corporation"}
    assert changed["also"] == ["client_secret"]
    assert SECRET not in str(list(SecurityEvent.objects.values_list("detail", flat=True)))


def test_the_example_of_the_documentation_applies() -> None:
    chapter = OPERATIONS.read_text().partition("\n## Sign-in from elsewhere")[2].partition("\n## ")[0]
    secrets = {f"{name}_SECRET": "s" for name in ("CORP", "GOOGLE", "GITHUB", "ENTRA", "LDAP")}
    for example in chapter.split("```yaml\n")[1:]:
        apply(example.partition("```")[0], environ=secrets)
    assert {one.kind for one in Connector.objects.all()} == set(Kind.values)


def test_a_new_secret_of_the_installation_takes_over_those_of_connectors(settings: Any) -> None:
    row = registration.register(wanted(), BY, "of them")
    Connector.objects.update(saml_key=sealing.seal(saml_keys.PURPOSE, "of SAML"))
    settings.IDP_KEY_SECRETS = ["n" * 40, *settings.IDP_KEY_SECRETS]
    call_command("resealfactors", format="json")
    settings.IDP_KEY_SECRETS = settings.IDP_KEY_SECRETS[:1]
    row.refresh_from_db()
    assert (secret_of(row), saml_key_of(row)) == ("of them", "of SAML")
    settings.IDP_KEY_SECRETS = ["o" * 40]
    page = Http().post("/accounts/from/corp/")
    assert page.status_code == 503
    assert b"not set up completely" in page.content


# --- Whose people --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{"issuer": "https://evil.example"}, {"kind": "google", "issuer": ""}])
def test_who_answers_for_linked_people_stays(world: None, more: dict[str, Any]) -> None:
    """Another issuer would speak of other people by the same words."""
    row = registration.register(wanted(), BY)
    registration.change(row, wanted(issuer="https://other.corp.example"), BY)
    SocialAccount.objects.create(user=User.objects.get(username="owner"), provider="corp", uid="1")
    with pytest.raises(RegistrationError, match="Make another connector"):
        registration.change(row, wanted(**more), BY)


def came_by(key: str) -> tuple[Authorization, SignIn]:
    """The member has an app with offline access, by a sign-in that came from elsewhere."""
    Browser("member").tokens("web", scope="openid offline_access")
    found = Authorization.objects.get(user__username="member")
    assert found.sign_in is not None
    SignIn.objects.filter(pk=found.sign_in.pk).update(connector=key)
    return found, found.sign_in


@pytest.mark.parametrize("how", ["disabled", "deleted", "with its project"])
def test_g2_a_connector_that_is_gone_takes_its_sign_ins_and_tokens_along(world: None, how: str) -> None:
    row = registration.register(wanted(project="other"), BY)
    (there, came), other = came_by("corp"), SignIn.objects.create(user=User.objects.get(username="owner"))
    if how == "disabled":
        registration.change(row, wanted(project="other", enabled=False), BY)
    elif how == "deleted":
        registration.delete(row, BY)
    else:
        assert row.project is not None
        row.project.clients.all().delete()
        row.project.delete()
    there.refresh_from_db()
    assert there.ended_at is not None
    for one in (came, other):
        one.refresh_from_db()
    assert came.ended_at is not None
    assert other.ended_at is None


def test_a_deleted_connector_leaves_nobody_linked_and_takes_its_groups_back(world: None) -> None:
    row, owner = registration.register(wanted(), BY), User.objects.get(username="owner")
    SocialAccount.objects.create(user=owner, provider="corp", uid="1")
    group = Group.objects.create(name="Staff")
    for source in ("", "connector:corp"):
        GroupMember.objects.create(user=owner, group=group, source=source)
    registration.delete(row, BY)
    assert not SocialAccount.objects.exists()
    assert GroupMember.objects.get().source == ""


# --- The console ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("console")
def test_a_superuser_adds_changes_and_deletes_a_connector() -> None:
    new = {
        "name": "Corp",
        "key": "corp",
        "kind": "oidc",
        "issuer": "https://login.corp.example",
        "client_id": "us",
        "client_secret": "of them",
        "domains": "corp.example\ncorp2.example",
        "attributes": "nickname = nick",
        "groups": "cn=admins, dc = Administrators",
    }
    answer = send(browser("root"), page("upstream_connector_add"), new)
    assert answer.status_code == 302, problems(answer)
    row = Connector.objects.get()
    assert row.domains == ["corp.example", "corp2.example"]
    assert (row.attributes, row.groups) == ({"nickname": "nick"}, {"cn=admins, dc": "Administrators"})
    assert secret_of(row) == "of them"
    shown = browser("root").get(page("upstream_connector_change", row.pk))
    assert b"of them" not in shown.content
    assert b"/accounts/from/corp/callback" in shown.content
    assert send(browser("root"), page("upstream_connector_change", row.pk), {"name": "Two"}).status_code == 302
    row.refresh_from_db()
    assert (row.name, secret_of(row)) == ("Two", "of them")
    refused = send(browser("root"), page("upstream_connector_change", row.pk), {"issuer": "http://evil.example"})
    assert "issuer" in problems(refused)
    browser("root").post(page("upstream_connector_delete", row.pk), {"post": "yes"})
    assert not Connector.objects.exists()


@pytest.mark.usefixtures("console")
@pytest.mark.parametrize("username", ["owner", "editor"])
def test_nobody_else_sees_connectors_in_the_console(username: str) -> None:
    registration.register(wanted(), BY)
    assert browser(username).get(page("upstream_connector_changelist")).status_code == 403
