"""Fills a Vestibule database for a run, in a process of its own: `prepare CLIENTS TOKENS`, `codes CLIENT COUNT`.

One code comes about as a person makes one, in a browser's requests; the others are copies of its rows with other
keys. So nothing here knows what columns there are, and the copies are as good as the one that was made.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import django

os.environ.setdefault("IDP_ISSUER", "http://localhost:8000")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import Model  # noqa: E402
from django.test import Client as Http  # noqa: E402

from clients import keyring  # noqa: E402
from clients.models import AccessToken, Client, ClientSecret, Grant  # noqa: E402
from clients.oauth import mint  # noqa: E402
from idp.accounts.models import User  # noqa: E402
from idp.configuration import apply  # noqa: E402
from tests.benchmarks.flows import API, CHALLENGE, REDIRECT_URI  # noqa: E402
from tests.world import App, Browser, redirected  # noqa: E402

BATCH = 20_000
SCOPE = "openid profile email offline_access read"
_SIGNS_IN = f"grant_types: [authorization_code, refresh_token], redirect_uris: ['{REDIRECT_URI}'], scope: {SCOPE}"
WORLD = f"""
version: 1
users: [{{username: bench, password: {secrets.token_urlsafe(12)}, email: bench@people.example, given_name: Ben}}]
projects:
  - id: bench
    name: Benchmark
    apis: [{{identifier: {API}, name: Bench, scopes: {{read: Read}}}}]
    clients:
      - {{client_id: bench-machine, grant_types: [client_credentials], scope: read}}
      - {{client_id: bench-jwt, grant_types: [client_credentials], scope: read, access_token_format: jwt,
         audience: [{API}]}}
      - {{client_id: bench-api, grant_types: [client_credentials], scope: read, introspection: project}}
      - {{client_id: bench-web, {_SIGNS_IN}, rotate_refresh_tokens: true}}
      - {{client_id: bench-kept, {_SIGNS_IN}}}
      - {{client_id: bench-other, grant_types: [client_credentials], scope: read}}
"""


def copies(row: Model, **columns: Sequence[Any]) -> None:
    """Copy a row as often as the given columns have values; an automatic key is made anew."""
    meta: Any = type(row)._meta
    given = {meta.get_field(name): values for name, values in columns.items()}
    fields = [field for field in meta.concrete_fields if field is not meta.auto_field]
    quote = connection.ops.quote_name
    types = [(one.rel_db_type if one.primary_key else one.cast_db_type)(connection) for one in given]
    arrays = ", ".join(f"%s::{one}[]" for one in types)
    new = ", ".join(f"v{index}" for index in range(len(given)))
    taken = [f"new.v{list(given).index(one)}" if one in given else f"old.{quote(one.column)}" for one in fields]
    table, key = quote(meta.db_table), quote(meta.pk.column)
    into = f"insert into {table} ({', '.join(quote(one.column) for one in fields)})"
    values = f"select {', '.join(taken)} from {table} old, unnest({arrays}) as new({new}) where old.{key} = %s"  # noqa: S608
    prepared = [[field.get_db_prep_value(one, connection) for one in column] for field, column in given.items()]
    with connection.cursor() as cursor:
        cursor.execute(f"{into} {values}", [*prepared, meta.pk.get_db_prep_value(row.pk, connection)])


def batches(count: int) -> Iterator[range]:
    for start in range(0, count, BATCH):
        yield range(start, min(start + BATCH, count))


def http() -> Http:
    return Http(headers={"host": "localhost:8000"})


def codes(client_id: str, count: int) -> list[str]:
    browser = Browser("bench", http())
    request = {"redirect_uri": REDIRECT_URI, "scope": SCOPE, "code_challenge": CHALLENGE}
    page = browser.authorize(client_id, **request)
    code = redirected(browser.answer(page) if page.status_code == 200 else page)["code"]
    grant = Grant.objects.select_related("authorization").get(digest=mint.digest(code))
    made = [mint.opaque() for _ in range(count - 1)]
    authorizations = [uuid.uuid4() for _ in made]
    with transaction.atomic():
        copies(grant.authorization, id=authorizations)
        copies(grant, digest=[mint.digest(one) for one in made], authorization=authorizations)
    return [code, *made]


def prepare(clients: int, tokens: int) -> dict[str, str]:
    """Tables, keys, the clients of the benchmark; and more clients, people and tokens nobody will ask for."""
    call_command("migrate", verbosity=0)
    keyring.ensure_keys()
    found = apply(WORLD, path="benchmark.yaml").generated_secrets
    _more_clients(clients)
    _more_people(clients)
    _more_tokens(tokens, found["bench-other"])
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    return found


def _more_clients(count: int) -> None:
    template = Client.objects.get(client_id="bench-other")
    secret = ClientSecret.objects.get(client=template)
    for batch in batches(count - Client.objects.count()):
        names = [f"filler-{index}" for index in batch]
        with transaction.atomic():
            copies(template, client_id=names)
            copies(secret, client=list(Client.objects.filter(client_id__in=names).values_list("pk", flat=True)))


def _more_people(count: int) -> None:
    template = User.objects.get(username="bench")
    for batch in batches(count - 1):
        names = [f"filler-{index}" for index in batch]
        copies(
            template,
            username=names,
            sub=[uuid.uuid4() for _ in batch],
            email=[f"{one}@people.example" for one in names],
        )


def _more_tokens(count: int, secret: str) -> None:
    """Opaque access tokens, spread over the clients."""
    answer: Any = _AppWith("bench-other", http(), secret).token(grant_type="client_credentials", scope="read")
    template = AccessToken.objects.get(digest=mint.digest(answer.json()["access_token"]))
    owners = list(Client.objects.filter(client_id__startswith="filler-").values_list("pk", flat=True))
    for batch in batches(count - 1):
        spread = [owners[index % len(owners)] for index in batch]
        copies(template, digest=[mint.digest(mint.opaque()) for _ in batch], application=spread)


class _AppWith(App):
    """A client whose secret was just made."""

    def __init__(self, client_id: str, http: Http, secret: str) -> None:
        super().__init__(client_id, http)
        self._secret = secret

    @property
    def secret(self) -> str:
        return self._secret


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        sys.stdout.write(json.dumps(prepare(int(sys.argv[2]), int(sys.argv[3]))))
    else:
        sys.stdout.write("\n".join(codes(sys.argv[2], int(sys.argv[3]))))
