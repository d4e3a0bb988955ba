"""Fills a Vestibule database for a run, in a process of its own: `prepare CLIENTS TOKENS`, `codes CLIENT COUNT`, ...

One code and its tokens come about as a person gets them, in a browser's requests; the others are copies of these
rows with other keys, made by the database. So nothing here knows what columns there are, the copies are as good as
the one that was made, and millions take minutes.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("IDP_ISSUER", "http://localhost:8000")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import F, Model  # noqa: E402
from django.test import Client as Http  # noqa: E402

from accounts.models import User  # noqa: E402
from clients.models import AccessToken, Client, ClientSecret, DeviceGrant, Grant, RefreshToken  # noqa: E402
from idp.configuration import apply  # noqa: E402
from provider.facts import find_client  # noqa: E402
from provider.keys import keyring, mint  # noqa: E402
from provider.protocol import device  # noqa: E402
from provider.protocol.request import Params  # noqa: E402
from provider.store import devices  # noqa: E402
from tests.benchmarks.flows import API, CHALLENGE, REDIRECT_URI, VERIFIER  # noqa: E402
from tests.benchmarks.proofs import public_jwk  # noqa: E402
from tests.world import App, Browser, redirected  # noqa: E402

SCOPE = "openid profile email offline_access read"
_GRANTS = "authorization_code, refresh_token, 'urn:ietf:params:oauth:grant-type:token-exchange'"
_SIGNS_IN = f"grant_types: [{_GRANTS}], redirect_uris: ['{REDIRECT_URI}'], scope: {SCOPE}"
WORLD = f"""
version: 1
users: [{{username: bench, password: {secrets.token_urlsafe(12)}, email: bench@people.example, given_name: Ben}}]
projects:
  - id: bench
    name: Benchmark
    apis: [{{identifier: {API}, name: Bench, scopes: {{read: Read}}}}]
    clients:
      - {{client_id: bench-machine, grant_types: [client_credentials], scope: read}}
      - {{client_id: bench-key, grant_types: [client_credentials], scope: read,
         token_endpoint_auth_method: private_key_jwt, jwks: {json.dumps({"keys": [public_jwk()]})}}}
      - {{client_id: bench-jwt, grant_types: [client_credentials], scope: read, access_token_format: jwt,
         audience: [{API}]}}
      - {{client_id: bench-api, grant_types: [client_credentials], scope: read, introspection: project}}
      - {{client_id: bench-web, {_SIGNS_IN}, rotate_refresh_tokens: true}}
      - {{client_id: bench-device, grant_types: [refresh_token, '{device.GRANT_TYPE}'], scope: {SCOPE}}}
      - {{client_id: bench-kept, {_SIGNS_IN}}}
      - {{client_id: bench-other, grant_types: [client_credentials], scope: read}}
"""

# SQL. `n` is the number of a copy; the clients and people beside those of the benchmark are numbered from 1.
NAME = "'filler-' || n"
_FILLERS = "(array(select id from {table} where {column} like 'filler-%%' order by id))"  # made once for a statement
CLIENTS = _FILLERS.format(table="clients_client", column="client_id")
PEOPLE = _FILLERS.format(table="accounts_user", column="username")
TURN = f"1 + n %% cardinality({PEOPLE})"  # one person after the other


@dataclass(frozen=True)
class Texts:
    """Numbered codes or tokens, as long as ours are, which Python and the database can both tell."""

    seed: str

    @classmethod
    def new(cls) -> Texts:
        return cls(mint.opaque()[:31])

    @classmethod
    def of(cls, what: str) -> Texts:
        """The same ones in every process of this installation."""
        return cls(mint.digest(settings.SECRET_KEY + what)[:31])

    def __getitem__(self, number: int) -> str:
        return f"{self.seed}{number:012}"

    @property
    def digest(self) -> str:
        """`mint.digest` in SQL."""
        return f"encode(sha256(convert_to('{self.seed}' || lpad(n::text, 12, '0'), 'UTF8')), 'hex')"

    def uuid(self, number: str = "n") -> str:
        """An id instead, in SQL."""
        return f"md5('{self.seed}' || ({number}))::uuid"


OF_CLIENTS, OF_PEOPLE = Texts.of("clients' tokens"), Texts.of("people's tokens")
SIGN_INS, AUTHORIZATIONS = Texts.of("sign-ins"), Texts.of("authorizations")


def copies(row: Model, count: int, **columns: str) -> None:
    """Copy a row that often; the given columns get what the SQL says, an automatic key is made anew."""
    meta: Any = type(row)._meta
    given = {meta.get_field(name): text for name, text in columns.items()}
    fields = [field for field in meta.concrete_fields if field is not meta.auto_field]
    quote = connection.ops.quote_name
    names = ", ".join(quote(one.column) for one in fields)
    values = ", ".join(given.get(one, f"old.{quote(one.column)}") for one in fields)
    table, key = quote(meta.db_table), quote(meta.pk.column)
    numbers = "generate_series(1, %s) as n"
    statement = f"insert into {table} ({names}) select {values} from {table} old, {numbers} where old.{key} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [count, meta.pk.get_db_prep_value(row.pk, connection)])


@contextmanager
def bare(model: type[Model]) -> Iterator[None]:
    """A table without indexes and foreign keys while it is filled; making them afterwards takes a tenth of the time."""
    table = connection.ops.quote_name(model._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local maintenance_work_mem = '1GB'")
        cursor.execute(
            "select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass"
            " and contype in ('p', 'u', 'f') order by contype <> 'p'",
            [table],
        )
        constraints = cursor.fetchall()
        for name, _text in constraints:
            cursor.execute(f'alter table {table} drop constraint "{name}"')
        cursor.execute("select indexrelid::regclass, pg_get_indexdef(indexrelid) from pg_index"
                       " where indrelid = %s::regclass", [table])  # fmt: skip
        indexes = cursor.fetchall()
        for name, _text in indexes:
            cursor.execute(f"drop index {name}")
        yield
        for _name, text in indexes:
            cursor.execute(text)
        for name, text in constraints:
            cursor.execute(f'alter table {table} add constraint "{name}" {text}')


def http() -> Http:
    return Http(headers={"host": "localhost:8000"})


def _code(client_id: str) -> str:
    browser = Browser("bench", http())
    request = {"redirect_uri": REDIRECT_URI, "scope": SCOPE, "code_challenge": CHALLENGE}
    page = browser.authorize(client_id, **request)
    return str(redirected(browser.answer(page) if page.status_code == 200 else page)["code"])


def _device(client_id: str) -> DeviceGrant:
    """A device that somebody allowed, and that has a day to ask."""
    client = find_client(client_id)
    assert client is not None
    begun = devices.begin(client, Params([("scope", SCOPE)]), "")
    browser = Browser("bench", http())
    browser.answer(browser.http.get(browser.http.post("/device", {"user_code": begun.user_code})["Location"]))
    known = DeviceGrant.objects.filter(digest=mint.digest(begun.device_code))
    known.update(expires=F("expires") + timedelta(days=1))
    return known.select_related("authorization").get()


def codes(client_id: str, count: int) -> list[str]:
    """Codes, each of an authorization of its own, of one person after the other."""
    if client_id == "bench-device":
        return _authorized(_device(client_id), count)
    template = Grant.objects.select_related("authorization").get(digest=mint.digest(_code(client_id)))
    return _authorized(template, count)


def refresh_tokens(count: int) -> list[str]:
    """Refresh tokens of `bench-web`, likewise."""
    known = RefreshToken.objects.select_related("authorization")
    return _authorized(known.get(digest=mint.digest(AUTHORIZATIONS[1])), count)


def _authorized(template: Grant | RefreshToken | DeviceGrant, count: int) -> list[str]:
    texts = Texts.new()
    assert template.authorization is not None
    more = {"user_digest": texts.digest} if isinstance(template, DeviceGrant) else {}
    with transaction.atomic():
        person = {"user": f"{PEOPLE}[{TURN}]", "sign_in": SIGN_INS.uuid(TURN)}
        copies(template.authorization, count, id=texts.uuid(), **person)
        copies(template, count, digest=texts.digest, authorization=texts.uuid(), **more)
    return [texts[number] for number in range(1, count + 1)]


def prepare(clients: int, tokens: int) -> dict[str, str]:
    """Tables, keys, the clients of the benchmark; and that many clients, people and access tokens."""
    call_command("migrate", verbosity=0)
    keyring.ensure_keys()
    found = apply(WORLD, path="benchmark.yaml").generated_secrets
    with transaction.atomic():
        _more_clients(clients)
        copies(
            User.objects.get(username="bench"),
            clients,
            username=NAME,
            sub=Texts.of("subs").uuid(),
            email=f"{NAME} || '@people.example'",
        )
        of_person = _more_authorizations(clients, found["bench-web"])
    of_client = _issued("bench-other", found["bench-other"], grant_type="client_credentials", scope="read")
    with bare(AccessToken):
        copies(of_client, tokens // 2, digest=OF_CLIENTS.digest, application=f"{CLIENTS}[1 + n %% {clients}]")
        turn = AUTHORIZATIONS.uuid(f"1 + n %% {clients}")
        copies(of_person, tokens // 2, digest=OF_PEOPLE.digest, authorization=turn)
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")  # or the database would do it in the middle of the run
    return found


def _more_clients(count: int) -> None:
    template = Client.objects.get(client_id="bench-other")
    copies(template, count, client_id=NAME)
    copies(ClientSecret.objects.get(client=template), count, client=f"{CLIENTS}[n]")


def _more_authorizations(count: int, secret: str) -> AccessToken:
    """Everybody has signed in and keeps a refresh token. The access token that somebody got."""
    exchange = {"code": _code("bench-web"), "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    token = _issued("bench-web", secret, grant_type="authorization_code", **exchange)
    one = token.authorization
    assert one is not None
    assert one.sign_in is not None
    person = f"{PEOPLE}[n]"
    copies(one.sign_in, count, sid=SIGN_INS.uuid(), user=person)
    copies(one, count, id=AUTHORIZATIONS.uuid(), user=person, sign_in=SIGN_INS.uuid())
    refresh = RefreshToken.objects.get(authorization=one)
    copies(refresh, count, digest=AUTHORIZATIONS.digest, authorization=AUTHORIZATIONS.uuid())
    return token


def _issued(client_id: str, secret: str, **request: str) -> AccessToken:
    answer: Any = _AppWith(client_id, http(), secret).token(**request)
    return AccessToken.objects.get(digest=mint.digest(answer.json()["access_token"]))


def spread(count: int, of: int) -> list[int]:
    """At most so many numbers, from all parts of what there is."""
    return list(range(1, of + 1, max(1, of // count)))[:count]


def client_ids(count: int) -> list[str]:
    """They all have the secret of `bench-other`."""
    return [
        f"filler-{number}" for number in spread(count, Client.objects.filter(client_id__startswith="filler").count())
    ]


def access_tokens(count: int, filled: int, *kinds: Texts) -> list[str]:
    """Of those that were filled in, `filled` of all kinds. The kinds take turns."""
    return [kind[number] for number in spread(count // len(kinds), filled // 2) for kind in kinds]


class _AppWith(App):
    """A client whose secret was just made."""

    def __init__(self, client_id: str, http: Http, secret: str) -> None:
        super().__init__(client_id, http)
        self._secret = secret

    @property
    def secret(self) -> str:
        return self._secret


COMMANDS: dict[str, Callable[..., list[str]]] = {
    "codes": lambda client_id, count: codes(client_id, int(count)),
    "refresh_tokens": lambda count: refresh_tokens(int(count)),
    "client_ids": lambda count: client_ids(int(count)),
    "access_tokens": lambda count, filled: access_tokens(int(count), int(filled), OF_CLIENTS, OF_PEOPLE),
    "people": lambda count, filled: access_tokens(int(count), int(filled), OF_PEOPLE),
}

if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "prepare":
        sys.stdout.write(json.dumps(prepare(*map(int, arguments))))
    else:
        sys.stdout.write("\n".join(COMMANDS[command](*arguments)))
