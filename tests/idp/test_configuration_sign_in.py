"""Whom projects and clients let in, by the configuration file, the HTTP API and the console (protocol section 32)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.core import context

from accounts import groups
from accounts.models import User
from clients.models import Client
from clients.stored import metadata_of_all
from idp.configuration import ConfigurationError, apply
from idp.configuration.export import What, export
from projects import registration
from projects.actors import Actor
from projects.models import Project, ProjectRole
from projects.sign_in import LetIn
from tests.world import Browser

pytestmark = pytest.mark.usefixtures("world")

OPERATOR = Actor.operator("test")


def file(rule: str, own: str = "anyone", *, key: str = "acme", client_id: str = "web") -> str:
    return f"""
version: 1
projects:
  - id: {key}
    name: Something
    sign_in: {rule}
    roles: [{{name: editor, users: [owner]}}]
    clients: [{{client_id: {client_id}, grant_types: [authorization_code, refresh_token, client_credentials],
               redirect_uris: ["https://web.acme.example/cb"], sign_in: {own}}}]
"""


def said(key: str = "acme", client_id: str = "web") -> tuple[LetIn, LetIn]:
    [client] = metadata_of_all([Client.objects.get(client_id=client_id)])
    return registration.metadata_of(Project.objects.get(key=key)).sign_in, client.sign_in


def test_a_rule_may_name_roles_that_stand_in_the_same_file() -> None:
    text = file("{roles: [editor]}", "{roles: [Editor]}", key="new", client_id="new-web")
    apply(text)
    assert said("new", "new-web") == (LetIn("roles", ("editor",)), LetIn("roles", ("editor",)))
    assert not apply(text).changed, "and said again it changes nothing"


def test_a_file_says_what_a_rule_names_in_vain() -> None:
    for rule, sentence in (
        ("{roles: [nobody]}", "This project has no role 'nobody'."),
        ("{groups: [nobody]}", "There is no group 'nobody'."),
        ("everybody", "Write 'anyone'"),
        ("{groups: [a], roles: [b]}", "Write 'anyone'"),
    ):
        for text in (file(rule), file("anyone", rule)):
            with pytest.raises(ConfigurationError) as refused:
                apply(text)
            [problem] = refused.value.problems
            assert sentence in str(problem)
            assert "sign_in" in str(problem)


def test_what_is_exported_says_the_same_elsewhere() -> None:
    groups.make("Till staff", OPERATOR)
    apply(file("{groups: [till staff]}", "{roles: [editor]}"))
    before, exported = said(), export(What()).document
    assert not apply(json.dumps(exported)).changed
    Project.objects.update(sign_in="anyone", sign_in_ids=[])
    Client.objects.update(sign_in="anyone", sign_in_ids=[])
    apply(json.dumps(exported))
    assert said() == before == (LetIn("groups", ("Till staff",)), LetIn("roles", ("editor",)))


def test_a_pruned_role_leaves_the_rule_closed() -> None:
    apply(file("{roles: [editor]}"))
    ProjectRole.objects.all().delete()
    assert said()[0] == LetIn("roles")
    assert Browser("owner").authorize("web").status_code == 403


# --- The console ---------------------------------------------------------------------------------------------------


def test_the_console_shows_names_and_an_error_at_them() -> None:
    groups.make("Till staff", OPERATOR)
    groups.make("Owners of keys", OPERATOR)
    apply(file("{groups: [till staff]}"))
    User.objects.create_superuser("root", "root@people.example", "root-pw")
    browser = Browser("root")
    page = browser.http.get(f"/admin/projects/project/{Project.objects.get(key='acme').pk}/change/")
    form = page.context["adminform"].form
    assert form["let_in"].value() == "Till staff"
    typed = {**form.initial, "sign_in": "groups", "let_in": "Till staff\r\n nobody \r\n"}
    with context.request_context(page.wsgi_request):  # who changes it is asked for a fresh proof
        bound = type(form)(data=_posted(typed), instance=form.instance)
        assert [*bound.errors["let_in"]] == ["There is no group 'nobody'."]
        bound = type(form)(data=_posted({**typed, "let_in": "owners of keys\r\ntill staff"}), instance=form.instance)
        assert "let_in" not in bound.errors
    assert bound.wanted.sign_in == LetIn("groups", ("owners of keys", "till staff"))


def _posted(values: dict[str, Any]) -> dict[str, Any]:
    flat = {name: "\n".join(map(str, one)) if isinstance(one, list) else one for name, one in values.items()}
    return {name: one for name, one in flat.items() if one is not None}


@pytest.mark.parametrize("username", ["member", "outsider"])
def test_whoever_only_looks_sees_the_names(username: str) -> None:
    groups.make("Till staff", OPERATOR)
    apply(file("{groups: [till staff]}", "{groups: [till staff]}"))
    apply("version: 1\nprojects: [{id: acme, members: {viewers: [outsider]}}]")
    User.objects.filter(username=username).update(is_staff=True)
    browser = Browser(username)
    for page in (
        f"/admin/projects/project/{Project.objects.get(key='acme').pk}/change/",
        f"/admin/clients/client/{Client.objects.get(client_id='web').pk}/change/",
    ):
        answer = browser.http.get(page)
        assert answer.status_code == 200
        assert "Till staff" in answer.content.decode()


def test_a_group_or_role_that_nobody_has_is_warned_of() -> None:
    groups.make("Empty", OPERATOR)
    report = apply(file("{groups: [empty]}", "{roles: [editor]}"))
    assert [(one.place.path, one.message) for one in report.warnings] == [
        ("projects[0].sign_in", "Nobody is in the group 'empty': it lets nobody in.")
    ]
    text = file("anyone", "{roles: [editor]}").replace("users: [owner]", "users: [], groups: [Empty]")
    [warning] = apply(text).warnings
    assert (warning.place.path, warning.message) == (
        "projects[0].clients[0].sign_in",
        "Nobody has the role 'editor': it lets nobody in.",
    )


def test_a_claim_that_names_what_there_is_not_is_warned_of() -> None:
    rows = "teams: {source: groups, only: [Staff]}, rights: {source: roles, only: [editor, judge]}"
    text = file("anyone").replace("    sign_in: anyone\n", f"    claims: {{{rows}}}\n", 1)
    assert [(one.place.path, one.message) for one in apply(text).warnings] == [
        ("projects[0].claims.teams", "There is no group 'Staff': it is never told."),
        ("projects[0].claims.rights", "There is no role 'judge': it is never told."),
    ]
    with pytest.raises(ConfigurationError, match="There is no group 'Staff'"):
        apply(text, strict=True)
