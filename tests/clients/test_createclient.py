"""`manage.py createclient` and `createproject`: from nothing to an app that works, or a sentence that says why not."""

from __future__ import annotations

import json
import shlex
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from clients import secrets
from clients.models import Client, SecurityEvent, SigningKey
from clients.policy import metadata_of
from clients.presets import PRESETS
from common.command import WRONG_USE, Refused, whoever_runs_this
from projects.models import Project
from tests.world import BILLING, ORDERS, App, basic

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
NEEDED = {"web": ["--redirect-uri", "https://a.example/cb"], "spa": ["--redirect-uri", "https://a.example/cb"]}
NEEDED["native"] = ["--redirect-uri", "com.example.a:/cb"]


def told(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def made(*arguments: str) -> Any:
    return json.loads(told("createclient", "--project", "acme", "--format", "json", *arguments))


def refused(*arguments: str) -> Refused:
    with pytest.raises(Refused) as raised:
        told(*arguments)
    assert raised.value.returncode == WRONG_USE
    return raised.value


# --- Clients -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("kind", PRESETS)
def test_each_type_begins_as_such_apps_do(kind: str) -> None:
    answer = made("--type", kind, "--name", "New", *NEEDED.get(kind, []))
    client = Client.objects.get(client_id=answer["client_id"])
    stored = metadata_of(client)
    assert stored.grant_types == PRESETS[kind].metadata.grant_types
    assert (client.name, client.home.key) == ("New", "acme")
    assert client.public == (kind in ("spa", "native", "device"))
    assert bool(answer["client_secret"]) != client.public
    if client.public:
        assert (client.require_pkce, client.rotate_refresh_tokens, client.secrets.count()) == (True, True, 0)
    else:
        [row] = client.secrets.all()
        assert secrets.matches(answer["client_secret"], row.digest)


@pytest.mark.usefixtures("world")
def test_a_machine_gets_a_token_for_its_only_api_with_what_was_printed() -> None:
    answer = made("--type", "machine", "--audience", ORDERS, "--scope", "orders.read")
    assert answer["warnings"] == []
    auth = basic(answer["client_id"], answer["client_secret"])
    token = App(answer["client_id"]).post("/oauth2/token", {"grant_type": "client_credentials"}, auth=auth)
    assert token.json()["scope"] == "orders.read"
    asked = App("web").introspect(token.json()["access_token"])
    assert asked.status_code == 200


@pytest.mark.usefixtures("world")
def test_who_ran_it_is_on_record_and_no_secret_is() -> None:
    answer = made("--type", "machine")
    rows = SecurityEvent.objects.filter(client_id=answer["client_id"])
    assert {row.kind for row in rows} == {"client.created", "client.secret_generated"}
    assert {(row.detail["by"], row.detail["run_by"]) for row in rows} == {("createclient", whoever_runs_this())}
    assert not [row for row in SecurityEvent.objects.all() if answer["client_secret"] in json.dumps(row.detail)]


@pytest.mark.usefixtures("world")
def test_a_dry_run_makes_no_client_and_shows_no_secret() -> None:
    before = (Client.objects.count(), SecurityEvent.objects.count())
    answer = made("--type", "web", "--dry-run", *NEEDED["web"])
    assert (answer["dry_run"], answer["client_secret"]) == (True, None)
    assert (Client.objects.count(), SecurityEvent.objects.count()) == before
    assert "Would make client" in told("createclient", "--type", "api", "--project", "acme", "--dry-run")


@pytest.mark.usefixtures("world")
def test_as_an_environment_it_is_lines_for_a_shell_and_nothing_else() -> None:
    out, err = StringIO(), StringIO()
    arguments = ["--type", "web", "--project", "acme", "--format", "env", *NEEDED["web"]]
    call_command("createclient", *arguments, stdout=out, stderr=err)
    values = dict(line.partition("=")[::2] for line in shlex.split(out.getvalue()))
    assert values.keys() == {"OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"}
    assert secrets.matches(
        values["OIDC_CLIENT_SECRET"], Client.objects.get(client_id=values["OIDC_CLIENT_ID"]).secrets.get().digest
    )


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--type", "machine"], "Without an audience its tokens are for no API"),
        (["--type", "machine", "--audience", ORDERS, "--audience", BILLING], "its requests have to name one"),
        (["--type", "machine", "--audience", "https://else.example/x"], "is no registered API"),
        (["--type", "web", "--redirect-uri", "http://localhost:3000/cb"], "on this machine only"),
        (["--type", "web", *NEEDED["web"], "--scope", "openid"], "gets no refresh token"),
        (["--type", "web", *NEEDED["web"], "--scope", "email offline_access"], "gets no ID token"),
        (
            ["--type", "web", *NEEDED["web"], "--scope", "openid offline_access orders.read"],
            "scopes of APIs are left out",
        ),
        (["--type", "api"], "acts for no API"),
    ],
)
def test_what_will_fail_later_is_said_at_once(arguments: list[str], said: str) -> None:
    assert [one for one in made(*arguments)["warnings"] if said in one]


def test_without_keys_and_in_testing_it_says_so() -> None:
    told("createproject", "acme", "--testing")
    assert not SigningKey.objects.exists()
    warnings = " ".join(made("--type", "web", *NEEDED["web"])["warnings"])
    assert "no signing keys" in warnings
    assert "is in testing" in warnings


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--type", "web"], "--redirect-uri: The authorization code grant needs at least one redirect URI."),
        (["--type", "web", "--redirect-uri", "http://a.example/cb"], "--redirect-uri: .* use https"),
        (["--type", "web", *NEEDED["web"], "--scope", "no.such"], "--scope: Unknown: no.such"),
        (["--type", "machine", "--id", "web"], "--id: Client with this Client ID already exists"),
        (["--type", "machine", "--id", "with\0nul"], "--id: this is no text"),
        (["--type", "machine", "--audience", "nothing at all"], "--audience: "),
        (["--type", "api", "--acts-for", "https://no.example"], "--acts-for: Not found in this project"),
        (["--type", "machine", "--name", "x" * 300], "--name: "),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_nothing_is_made(arguments: list[str], said: str) -> None:
    before = Client.objects.count()
    with pytest.raises(Refused, match=said) as raised:
        told("createclient", "--project", "acme", *arguments)
    assert raised.value.returncode == WRONG_USE
    assert Client.objects.count() == before


@pytest.mark.usefixtures("world")
def test_several_problems_are_told_together_for_programs_too() -> None:
    out = StringIO()
    arguments = ["--type", "web", "--project", "acme", "--scope", "no.such", "--format", "json"]
    with pytest.raises(Refused, match="Nothing was changed:"):
        call_command("createclient", *arguments, stdout=out)
    assert {one["field"] for one in json.loads(out.getvalue())["problems"]} == {"redirect_uris", "scope"}


@pytest.mark.parametrize("key", ["nothing", "no\0\udcff"])
def test_a_project_that_is_not_there_is_wrong_use(key: str) -> None:
    assert "There is no project" in str(refused("createclient", "--type", "web", "--project", key))


# --- Projects ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("world")
def test_a_project_begins_with_its_members_and_its_screen() -> None:
    arguments = ["--name", "Shop", "--owner", "owner", "--viewer", "outsider", "--support-email", "help@shop.example"]
    answer = json.loads(told("createproject", "shop", *arguments, "--format", "json"))
    assert answer["warnings"] == []
    project = Project.objects.get(key="shop")
    assert {(one.user.username, one.role) for one in project.members.all()} == {
        ("owner", "owner"),
        ("outsider", "viewer"),
    }
    assert (project.consent_screen.app_name, project.consent_screen.support_email) == ("Shop", "help@shop.example")
    [row] = SecurityEvent.objects.filter(kind="project.created")[:1]
    assert (row.detail["by"], row.detail["run_by"]) == ("createproject", whoever_runs_this())


@pytest.mark.usefixtures("world")
def test_a_project_says_what_it_lacks_and_a_dry_run_leaves_none() -> None:
    said = told("createproject", "shop", "--testing", "--dry-run").splitlines()
    assert said[0] == "Would make project shop."
    assert [line for line in said if "no owner" in line]
    assert [line for line in said if "nobody can sign in" in line]
    assert not Project.objects.filter(key="shop").exists()


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["acme"], "KEY: "),
        (["Not A Key"], "KEY: "),
        (["no\0\udcff"], "KEY: this is no text"),
        (["shop", "--name", "\udcff"], "--name: this is no text"),
        (["shop", "--owner", "nobody-here"], "--owner, --editor, --viewer: No account has this username"),
        (["shop", "--support-email", "no address"], "consent_screen.*valid email"),
        (["shop", "--testing", "--test-user", "nobody-here"], "--test-user: "),
    ],
)
def test_a_project_that_cannot_be_is_refused_in_a_sentence(arguments: list[str], said: str) -> None:
    before = Project.objects.count()
    with pytest.raises(CommandError, match=said) as raised:
        told("createproject", *arguments)
    assert raised.value.returncode == WRONG_USE
    assert Project.objects.count() == before
