"""Which parts of a PostgreSQL that is spread over several (Citus) a request asks, as docs/operations.md says.

The tables of tokens would be spread by their Authorization; what is small or seldom written would be whole everywhere.
A statement is run by one of them if it binds the Authorization of each row it touches to the same value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection

from clients.models import Client
from idp.metrics.gauges import GROWING
from provider.protocol.exchange import ACCESS_TOKEN
from provider.protocol.facts import TOKEN_EXCHANGE
from tests.world import ORDERS, App, Browser, Response

CHAPTER = (Path(__file__).parents[3] / "docs" / "operations.md").read_text().partition("\n### Several PostgreSQLs\n")[2]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in CHAPTER.partition("\n#")[0].splitlines()]
# By table: the column it would be spread by, or a word for how else it would be kept.
KEPT = {row[0].strip("`"): row[1].strip("`") for row in ROWS if row[0].startswith("`") and len(row) == 3}
SPREAD = {table: column for table, column in KEPT.items() if column not in ("everywhere", "by itself")}
# By request: which parts its statements ask, in their order.
PROMISED = {row[0]: row[1] for row in ROWS if len(row) == 2 and row[0] not in ("request", "---")}

MENTION = re.compile(
    r'(FROM|JOIN|UPDATE|INTO) "?([a-z_]+)"?(?: (?!SET|WHERE|ON|JOIN|LEFT|INNER|ORDER|LIMIT)([a-z])\b)?'
)


@dataclass(frozen=True, slots=True)
class Statement:
    text: str
    values: Sequence[object]

    def asks(self) -> str:
        """`one` part, `all` of them, or `none`: it names no part at all, which no such database would take."""
        tables = [one for one in MENTION.finditer(self.text) if one[2] in SPREAD]
        if any(one[1] == "INTO" and self._inserted(one) is None for one in tables):
            return "none"
        reaches = "one" if all(self._bound(one, tables) for one in tables) else "all"
        apart = {one[2] for one in MENTION.finditer(self.text) if KEPT.get(one[2]) == "by itself"}
        return " + ".join([reaches, *sorted(apart)])

    def tables(self) -> set[str]:
        return {one[2] for one in MENTION.finditer(self.text)}

    def _inserted(self, mention: re.Match[str]) -> object:
        columns = self.text[mention.end() :].partition("(")[2].partition(")")[0].replace('"', "").split(", ")
        return self.values[self.text[: mention.start()].count("%s") + columns.index(SPREAD[mention[2]])]

    def _bound(self, mention: re.Match[str], tables: list[re.Match[str]]) -> bool:
        """By a value, or by a column of another table that is."""
        if mention[1] == "INTO":
            return True
        place = "" if mention[1] == "UPDATE" else f"{mention[3]}."
        column = f"{place}{SPREAD[mention[2]]}"
        if re.search(rf"(WHERE|AND) {re.escape(column)} = %s", self.text):
            return True
        others = [one for one in tables if one is not mention and one[3]]
        same = [one for one in others if self._equal(column, f"{one[3]}.{SPREAD[one[2]]}")]
        return any(self._bound(one, [two for two in tables if two is not mention]) for one in same)

    def _equal(self, one: str, other: str) -> bool:
        return f"{one} = {other}" in self.text or f"{other} = {one}" in self.text


@pytest.mark.parametrize(
    ("statement", "parts"),
    [
        (Statement("SELECT 1 FROM clients_refreshtoken r WHERE r.digest = %s", ["x"]), "all"),
        (
            Statement("SELECT 1 FROM clients_refreshtoken r WHERE r.digest = %s AND r.authorization_id = %s", "xy"),
            "one",
        ),
        (
            Statement(
                "SELECT 1 FROM clients_refreshtoken r JOIN clients_authorization a ON a.id = r.authorization_id"
                " LEFT JOIN accounts_user u ON u.id = a.user_id WHERE a.id = %s",
                ["x"],
            ),
            "one",
        ),
        (Statement("UPDATE clients_grant SET used_at = %s WHERE digest = %s", ["x", "y"]), "all"),
        (Statement("INSERT INTO clients_accesstoken (digest, authorization_id) VALUES (%s, %s)", ["x", "y"]), "one"),
        (Statement("INSERT INTO clients_accesstoken (digest, authorization_id) VALUES (%s, %s)", ["x", None]), "none"),
        (Statement("INSERT INTO clients_securityevent (kind) VALUES (%s)", ["x"]), "one + clients_securityevent"),
    ],
)
def test_what_is_read_of_a_statement(statement: Statement, parts: str) -> None:
    assert statement.asks() == parts


def test_every_table_that_grows_has_its_place() -> None:
    assert {model._meta.db_table for model in GROWING.values()} <= KEPT.keys()
    columns = {f"{table}.{column}" for table, column in SPREAD.items()}
    assert columns == {
        "clients_authorization.id",
        *(f"clients_{one}.authorization_id" for one in ("grant", "refreshtoken", "accesstoken")),
    }


# --- What the requests send ------------------------------------------------------------------------------------------

OFFLINE = {"scope": "openid email orders.read offline_access", "audience": ORDERS}


def of_web(what: str) -> str:
    return str(Browser("owner").tokens("web", **OFFLINE)[what])


def a_refresh(client_id: str, scope: str) -> Callable[[], Response]:
    token = Browser("owner").tokens(client_id, scope=scope)["refresh_token"]
    return lambda: App(client_id).refresh(token)


def an_exchange() -> Callable[[], Response]:
    asked = {"subject_token": of_web("access_token"), "subject_token_type": ACCESS_TOKEN}
    return lambda: App("web").token(grant_type=TOKEN_EXCHANGE, **asked)


def a_code() -> Callable[[], Response]:
    code = Browser("owner").code("web", **OFFLINE)
    return lambda: App("web").exchange(code)


def with_token(ask: str) -> Callable[[], Response]:
    token = of_web("access_token")
    return lambda: App("web").userinfo(token) if ask == "userinfo" else App("web").introspect(token)


def own_token() -> Response:
    return App("web").token(grant_type="client_credentials")


# The format of the client's access tokens, and what prepares the request.
REQUESTS: dict[str, tuple[str, Callable[[], Callable[[], Response]]]] = {
    "code": ("opaque", a_code),
    "refresh, rotating": ("opaque", lambda: a_refresh("desk", "openid offline_access")),
    "refresh, kept": ("opaque", lambda: a_refresh("web", "openid offline_access")),
    "introspection of an opaque token": ("opaque", lambda: with_token("introspect")),
    "userinfo with an opaque token": ("opaque", lambda: with_token("userinfo")),
    "token exchange": ("opaque", an_exchange),
    "client credentials, opaque": ("opaque", lambda: own_token),
    "code, JWT": ("jwt", a_code),
    "introspection of a JWT": ("jwt", lambda: with_token("introspect")),
    "userinfo with a JWT": ("jwt", lambda: with_token("userinfo")),
    "client credentials, JWT": ("jwt", lambda: own_token),
}


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.usefixtures("world")
def test_each_request_asks_the_parts_that_the_page_names() -> None:
    """Of the tables that grow; what a process remembers is read from others."""
    assert REQUESTS.keys() == PROMISED.keys()
    web = Client.objects.get(client_id="web")
    web.grant_types.append(TOKEN_EXCHANGE)
    found = {}
    for name, (token_format, prepare) in REQUESTS.items():
        web.access_token_format = token_format
        web.save()
        asks = [one.asks() for one in sent_by(prepare()) if one.tables() & KEPT.keys()]
        found[name] = ", ".join(asks) or "nothing"
    assert found == PROMISED


def sent_by(request: Callable[[], Response]) -> list[Statement]:
    sent: list[Statement] = []

    def watch(execute: Callable[..., object], text: str, values: Sequence[object], *more: object) -> object:
        sent.append(Statement(" ".join(text.split()), values))
        return execute(text, values, *more)

    with connection.execute_wrapper(watch):
        answer = request()
    assert answer.status_code == 200, answer.content
    return sent
