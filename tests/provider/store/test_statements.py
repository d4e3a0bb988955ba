"""How many statements a request costs on PostgreSQL when the process is warm, and that they are one commit.

Counted where they are sent, so that none goes uncounted: those of psycopg's cursors and the prepared ones alike.
BEGIN and COMMIT are not counted; that there is one commit is read from the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.http import HttpResponse

from accounts import groups
from accounts.models import User
from clients.models import AccessToken, Authorization, Client, SecurityEvent
from common import cache, prepared
from projects import registration, roles
from projects.actors import Actor
from projects.claim_table import PLACES, ClaimRow
from projects.metadata import RoleMetadata
from provider.protocol.exchange import ACCESS_TOKEN, REFRESH_TOKEN
from provider.protocol.facts import TOKEN_EXCHANGE
from tests.provider.devices import Device, add_devices, connect
from tests.world import ORDERS, App, Browser, Response

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("warm")]
Statements = list[str]
OPERATOR = Actor.operator("test")


@pytest.fixture
def warm(world: None, monkeypatch: Any) -> None:
    """A process that remembers nothing of the tests before."""
    Client.objects.filter(client_id="blind").update(access_token_format="jwt")
    monkeypatch.setattr(cache, "_shared", cache.Snapshot(None, float("-inf")))


@pytest.fixture
def sent(monkeypatch: Any, settings: Any) -> Iterator[Callable[..., Statements]]:
    """What a request sends to the database; it has to succeed, or to be answered with this status."""

    def sent_by(request: Callable[[], HttpResponse], status: int = 200) -> Statements:
        statements: Statements = []

        execute, execute_prepared = psycopg.Cursor.execute, prepared._execute

        def noting(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
            statements.append(" ".join(str(query).split()))
            return execute(self, query, *args, **kwargs)

        def noting_prepared(statement: str, *args: Any) -> Any:
            statements.append(" ".join(statement.split()))
            return execute_prepared(statement, *args)

        with monkeypatch.context() as patched:
            patched.setattr(psycopg.Cursor, "execute", noting)
            patched.setattr(prepared, "_execute", noting_prepared)
            response = request()
        assert response.status_code == status, response.content
        return statements

    settings.IDP_FACTS_MAX_AGE = 3600
    cache.current()
    yield sent_by
    settings.IDP_FACTS_MAX_AGE = 0


def credentials(client_id: str) -> Response:
    return App(client_id).token(grant_type="client_credentials")


def offline(client_id: str) -> dict[str, Any]:
    return Browser("owner").tokens(client_id, scope="openid email orders.read offline_access", audience=ORDERS)


def test_the_count_sees_every_cursor(sent: Any) -> None:
    def request() -> HttpResponse:
        Client.objects.count()
        psycopg.Cursor(connection.connection).execute("SELECT 1", prepare=True)
        prepared.send("SELECT %s::text", ["x"])
        return HttpResponse()

    assert len(sent(request)) == 3


def test_the_hot_ones_are_prepared(sent: Any) -> None:
    """Planning one anew for every request costs more than running it."""
    token = offline("web")["access_token"]
    App("web").userinfo(token)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        prepared = [statement for (statement,) in cursor.fetchall()]
    assert any("FROM clients_accesstoken" in statement for statement in prepared)
    assert any(statement.startswith("WITH allowed AS (UPDATE clients_grant") for statement in prepared)


def test_client_credentials_write_once(sent: Any) -> None:
    credentials("service")
    (insert,) = sent(lambda: credentials("service"))
    assert insert.startswith("INSERT INTO clients_accesstoken")


def test_client_credentials_with_a_jwt_need_no_database(sent: Any) -> None:
    credentials("blind")
    assert sent(lambda: credentials("blind")) == []


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_introspection_and_userinfo_read_once(sent: Any, kind: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=kind)
    cache._shared.confirm(float("-inf"))
    token = offline("web")["access_token"]
    app = App("web")
    for ask in (app.introspect, app.userinfo):
        ask(token)
        (select,) = sent(lambda ask=ask: ask(token))
        assert select.startswith("SELECT")


def test_what_is_known_of_people_costs_no_statement(sent: Any) -> None:
    known = dict.fromkeys(("nickname", "picture", "birthdate", "department"), "x")
    User.objects.filter(username="owner").update(attributes={**known, "address": {"country": "FR"}})
    token = offline("web")["access_token"]
    app = App("web")
    app.userinfo(token)
    (_select,) = sent(lambda: app.userinfo(token))


def test_introspecting_a_clients_own_jwt_reads_once(sent: Any) -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    cache._shared.confirm(float("-inf"))
    token = credentials("web").json()["access_token"]
    App("web").introspect(token)
    (select,) = sent(lambda: App("web").introspect(token))
    assert "clients_revokedtoken" in select


def test_tokeninfo_reads_twice(sent: Any) -> None:
    token = {"access_token": offline("web")["access_token"]}
    App("web").post("/oauth2/tokeninfo", token, auth=None)
    assert len(sent(lambda: App("web").post("/oauth2/tokeninfo", token, auth=None))) == 2


@pytest.mark.parametrize("kind", ["opaque", "jwt", "refresh_token"])
def test_an_exchange_reads_once_and_writes_once(sent: Any, kind: str) -> None:
    web = Client.objects.get(client_id="web")
    web.grant_types.append(TOKEN_EXCHANGE)
    web.access_token_format = "jwt" if kind == "jwt" else "opaque"
    web.save()
    cache._shared.confirm(float("-inf"))
    refresh = kind == "refresh_token"
    subject = offline("web")["refresh_token" if refresh else "access_token"]
    asked = {"subject_token": subject, "subject_token_type": REFRESH_TOKEN if refresh else ACCESS_TOKEN}
    App("web").token(grant_type=TOKEN_EXCHANGE, **asked)
    select, write = sent(lambda: App("web").token(grant_type=TOKEN_EXCHANGE, **asked))
    assert select.startswith("SELECT")
    assert "INSERT INTO clients_securityevent" in write


@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_a_refresh_reads_once_and_writes_once(sent: Any, client_id: str) -> None:
    """Whether it rotates or not."""
    Client.objects.filter(client_id="spa").update(scope="openid email orders.read offline_access")
    app, scope = App(client_id), {"audience": ORDERS} if client_id == "web" else {}
    answer = Browser("owner").tokens(client_id, scope="openid email offline_access", **scope)
    token = app.refresh(answer["refresh_token"]).json().get("refresh_token", answer["refresh_token"])
    read, write = sent(lambda: app.refresh(token))
    assert read.startswith("SELECT")
    assert write.startswith("WITH allowed AS (UPDATE")


def test_a_refresh_for_a_sibling_keeps_its_event_with_it(sent: Any) -> None:
    token = offline("web")["refresh_token"]
    App("web").refresh(token, audience="sibling")
    read, write = sent(lambda: App("web").refresh(token, audience="sibling"))
    assert read.startswith("SELECT")
    assert "INSERT INTO clients_securityevent" in write
    assert SecurityEvent.objects.filter(kind="token.cross_client").count() == 2


def test_a_code_is_read_once_and_used_once(sent: Any) -> None:
    Browser("owner").tokens("web", scope="openid offline_access")
    code = Browser("owner").code("web", scope="openid offline_access")
    read, write = sent(lambda: App("web").exchange(code))
    assert read.startswith("SELECT")
    assert write.startswith("WITH allowed AS (UPDATE clients_grant")


def test_everything_a_rotation_writes_is_one_commit() -> None:
    token = Browser("owner").tokens("desk", scope="openid offline_access")["refresh_token"]
    AccessToken.objects.all().delete()
    assert App("desk").refresh(token).status_code == 200
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT xmin::text FROM (SELECT xmin FROM clients_authorization UNION ALL"
            " SELECT xmin FROM clients_accesstoken UNION ALL"
            " SELECT xmin FROM clients_refreshtoken WHERE generation = 1) AS written"
        )
        assert len(cursor.fetchall()) == 1
    assert Authorization.objects.get().generation == 1


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/api/v1",
    ],
)
def test_constant_documents_need_no_database(sent: Any, path: str) -> None:
    app = App("web")
    app.http.get(path)
    assert sent(lambda: app.http.get(path)) == []


def told(on: bool) -> None:
    """Whether an app is told of groups and roles; the owner has some."""
    if on:
        web = Client.objects.get(client_id="web")
        web.scope += " groups roles"
        web.save()
        acme, owner = web.project, User.objects.get(username="owner")
        assert acme is not None
        choir = groups.make("choir", OPERATOR)
        groups.set_members(choir, [owner], "", OPERATOR)
        roles.register(RoleMetadata(name="singer", groups=("choir",)), acme, OPERATOR)
        row = ClaimRow(name="roles", source="roles", told_in=PLACES)
        registration.change(acme, replace(registration.metadata_of(acme), claims=(row,)), OPERATOR)
    cache._shared.confirm(float("-inf"))


@pytest.mark.parametrize("on", [True, False], ids=["told", "not told"])
def test_groups_and_roles_cost_no_statement_and_nothing_where_nobody_is_told(sent: Any, on: bool) -> None:
    told(on)
    scope = "openid offline_access groups roles" if on else "openid offline_access"
    Browser("owner").tokens("web", scope=scope)
    code = Browser("owner").code("web", scope=scope)
    read, _write = sent(lambda: App("web").exchange(code))
    tokens = Browser("owner").tokens("web", scope=scope)
    refreshed, _write = sent(lambda: App("web").refresh(tokens["refresh_token"]))
    (seen,) = sent(lambda: App("web").userinfo(tokens["access_token"]))
    (looked_at,) = sent(lambda: App("web").introspect(tokens["access_token"]))
    for statement in (read, refreshed, seen, looked_at):
        assert ("projects_rolegrant" in statement) is on
    answer = App("web").introspect(tokens["access_token"]).json()
    assert answer.get("roles") == (["singer"] if on else None)


def test_a_device_that_waits_asks_in_one_statement_and_its_tokens_cost_one_more(sent: Any) -> None:
    add_devices()
    device = Device().begin()
    connect(device)
    device.tokens()
    device = Device().begin()
    device.poll()
    device.wait(10)
    (asked,) = sent(device.poll, 400)
    assert asked.startswith("WITH polled AS (UPDATE clients_devicegrant")
    connect(device)
    asked, write = sent(device.poll)
    assert asked.startswith("WITH polled AS (UPDATE clients_devicegrant"), "which finds none that waits, and reads"
    assert write.startswith("WITH allowed AS (UPDATE clients_devicegrant")
