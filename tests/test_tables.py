"""A claim, a scope, a client authentication method, a signing algorithm: each is one row, and everything follows.

Here a row is added to each table, as a later version would; nothing else of the product knows of it. It stands at the
top because the tables belong to several layers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.test import Client as Http

from accounts.models import User
from clients import profile as registered_profile
from clients import rules
from clients.models import Client, SigningKey
from clients.models.choices import AuthMethod, RefreshTokens
from common import cache
from common.jws import ALGORITHMS, Rsa
from idp import discovery
from projects.choices import SignIn
from projects.models import Api, ApiScope
from projects.scopes import SIGN_IN_SCOPES, Scope
from provider.authentication_method import Credentials, Method, Sent
from provider.client_authentication import METHODS, authenticate
from provider.keys import keyring, mint
from provider.protocol import claims
from provider.protocol import profile as requested_profile
from provider.protocol.claims import CLAIMS, Claim
from provider.protocol.errors import InvalidClient, InvalidRequest
from provider.protocol.facts import TOKEN_EXCHANGE, ClientFacts
from provider.protocol.request import Params
from provider.store import statements
from provider.store.person import PERSON, Fact
from tests.world import ORDERS, App, Browser, basic, claims_of, header_of

ADDRESS = "192.0.2.1"


REMEMBERED = (statements._written, discovery._metadata_document, claims.claims_of)


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    """What a process derives from the tables once, as they do not grow while it runs."""
    for remembered in REMEMBERED:
        remembered.cache_clear()
    yield
    for remembered in REMEMBERED:
        remembered.cache_clear()


# --- A claim -------------------------------------------------------------------------------------------------------

GROUPS = "SELECT {}(g.name) FROM accounts_user_groups m JOIN auth_group g ON g.id = m.group_id WHERE m.user_id = u.id"


@pytest.fixture
def groups(world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows: what people read, what apps are told, where it comes from. And somebody it speaks of."""
    monkeypatch.setitem(SIGN_IN_SCOPES, "badges", Scope("See which badges you have"))
    monkeypatch.setitem(CLAIMS, "badges", Claim("badges"))
    fact = Fact(
        f"COALESCE(({GROUPS.format('json_agg')}), '[]')", json=True, sqlite=f"({GROUPS.format('json_group_array')})"
    )
    monkeypatch.setitem(PERSON, "badges", fact)
    User.objects.get(username="owner").groups.add(Group.objects.create(name="staff"))
    web = Client.objects.get(client_id="web")
    web.scope += " badges"
    web.save()


def test_a_claim_that_is_added_is_listed(groups: None) -> None:
    metadata = Http().get("/.well-known/openid-configuration").json()
    assert "badges" in metadata["claims_supported"]
    assert "badges" in metadata["scopes_supported"]


def test_a_claim_that_is_added_is_asked_for_in_its_words_and_told(groups: None) -> None:
    browser = Browser("owner")
    page = browser.authorize("web", scope="openid badges")
    assert b"See which badges you have" in page.content
    tokens = browser.tokens("web", scope="openid badges")
    assert claims_of(tokens["id_token"])["badges"] == ["staff"]
    assert App("web").userinfo(tokens["access_token"]).json()["badges"] == ["staff"]
    other = browser.tokens("web", scope="openid email")
    assert "badges" not in claims_of(other["id_token"])
    assert "badges" not in App("web").userinfo(other["access_token"]).json()


def test_a_claim_that_is_added_may_be_asked_for_alone(groups: None) -> None:
    tokens = Browser("owner").tokens("web", claims='{"userinfo": {"badges": null}}')
    assert App("web").userinfo(tokens["access_token"]).json()["badges"] == ["staff"]
    assert "badges" not in claims_of(tokens["id_token"])


def test_an_empty_list_is_told_and_not_left_out(groups: None) -> None:
    tokens = Browser("member").tokens("web", scope="openid badges")
    assert App("web").userinfo(tokens["access_token"]).json()["badges"] == []


def test_every_claim_is_a_fact_or_says_how_it_is_made_and_has_a_scope_with_words() -> None:
    assert [name for name, claim in CLAIMS.items() if claim.value is None and name not in PERSON] == []
    assert {claim.scope for claim in CLAIMS.values()} <= set(SIGN_IN_SCOPES)


# --- A scope -------------------------------------------------------------------------------------------------------


def test_an_api_cannot_have_a_scope_that_is_added(groups: None) -> None:
    with pytest.raises(ValidationError, match="belongs to signing in"):
        ApiScope(api=Api.objects.get(identifier=ORDERS), name="badges", description="x").full_clean()


# --- A client authentication method --------------------------------------------------------------------------------


class Spoken(Method):
    """Whoever says its word is the client."""

    parameters = ("spoken_word",)

    def used(self, sent: Sent) -> bool:
        return bool(sent.params.one("spoken_word"))

    def read(self, sent: Sent) -> Credentials:
        assertion = sent.params.one("spoken_word")
        return Credentials(assertion.partition(".")[0], assertion)

    def proves(self, client: ClientFacts | None, presented: Credentials) -> bool:
        return client is not None and presented.secret == f"{client.client_id}.signed"


@pytest.fixture
def assertion(world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "spoken_word", Spoken())


def asserted(assertion: str, authorization: str | None = None, **more: str) -> ClientFacts:
    return authenticate(Params([("spoken_word", assertion), *more.items()]), authorization, ADDRESS)


def test_a_method_that_is_added_proves_clients_and_is_listed(assertion: None) -> None:
    assert asserted("web.signed").client_id == "web"
    metadata = discovery.metadata()
    for endpoint in ("token", "revocation", "introspection"):
        assert "spoken_word" in metadata[f"{endpoint}_endpoint_auth_methods_supported"]


@pytest.mark.parametrize("sent", ["web.forged", "nobody.signed", "."])
def test_a_method_that_is_added_refuses_like_the_others(assertion: None, sent: str) -> None:
    with pytest.raises(InvalidClient) as refused:
        asserted(sent)
    with pytest.raises(InvalidClient) as usual:
        authenticate(Params([("client_id", "web"), ("client_secret", "wrong")]), None, ADDRESS)
    assert str(refused.value) == str(usual.value)


def test_a_method_that_is_added_is_no_second_way(assertion: None) -> None:
    for authorization, more in ((basic("web", "web-secret"), {}), (None, {"client_secret": "web-secret"})):
        with pytest.raises(InvalidRequest, match="one way"):
            asserted("web.signed", authorization, **more)


def test_the_profile_demands_the_same_of_registrations_and_of_requests() -> None:
    """The steps of the protocol know nothing of registration, so both say it."""
    assert registered_profile.METHODS == requested_profile.METHODS
    assert set(registered_profile.GRANT_TYPES) == requested_profile.GRANT_TYPES
    assert registered_profile.FORBIDDEN == requested_profile.FORBIDDEN
    assert TOKEN_EXCHANGE == rules.TOKEN_EXCHANGE


def test_every_method_clients_may_register_can_be_used_and_the_other_way_round() -> None:
    assert list(METHODS) == list(AuthMethod)
    assert [name for name, method in METHODS.items() if method.public] == [AuthMethod.NONE]


# --- A signing algorithm -------------------------------------------------------------------------------------------


@pytest.fixture
def ps384(world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    scheme = padding.PSS(padding.MGF1(hashes.SHA384()), salt_length=hashes.SHA384.digest_size)
    monkeypatch.setitem(ALGORITHMS, "PS384", Rsa(scheme, hashes.SHA384(), {"kty": "RSA", "size": 2048}))
    keyring.ensure_keys()


def test_an_algorithm_that_is_added_has_keys_signs_is_believed_and_listed(ps384: None) -> None:
    web = Client.objects.get(client_id="web")
    web.id_token_signed_response_alg = "PS384"
    web.full_clean()
    web.save()
    token = Browser("owner").tokens("web")["id_token"]
    assert header_of(token)["alg"] == "PS384"
    assert mint.verify(token, mint.ID_TOKEN_TYPE) is not None
    assert mint.verify(token[:-4] + "AAAA", mint.ID_TOKEN_TYPE) is None
    assert "PS384" in discovery.metadata()["id_token_signing_alg_values_supported"]
    keys = Http().get("/.well-known/jwks.json").json()["keys"]
    assert [key["kty"] for key in keys if key["alg"] == "PS384"] == ["RSA", "RSA"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_algorithm_signs_with_a_key_of_another_kind(world: None, algorithm: str) -> None:
    other = next(name for name, row in ALGORITHMS.items() if row.key["kty"] != ALGORITHMS[algorithm].key["kty"])
    key = next(key for key in cache.once(mint.active_keys).values() if key.algorithm == other)
    with pytest.raises(TypeError, match="needs"):
        ALGORITHMS[algorithm].sign(b"", mint._private_key(key.kid, key.private_jwk, keyring.secrets_fingerprint()))
    with pytest.raises(TypeError, match="needs"):
        ALGORITHMS[algorithm].verify(b"", b"", mint.public_key(key))


# --- The database lists no row -------------------------------------------------------------------------------------

TABLES = {
    Client: (
        *("token_endpoint_auth_method", "id_token_signed_response_alg", "userinfo_signed_response_alg"),
        *("authorization_signed_response_alg", "request_object_signing_alg"),
    ),
    SigningKey: ("algorithm",),
}


@pytest.mark.parametrize("model", [Client, SigningKey, ApiScope])
def test_no_constraint_names_a_row(model: type[models.Model]) -> None:
    written = " ".join(repr(one.deconstruct()) for one in model._meta.constraints)
    rows = {*ALGORITHMS, *SIGN_IN_SCOPES, *METHODS} - {AuthMethod.NONE, RefreshTokens.OFFLINE_ACCESS, *SignIn.values}
    assert [row for row in rows if f"'{row}'" in written] == []


def test_no_column_writes_its_choices_into_a_migration() -> None:
    for model, names in TABLES.items():
        for name in names:
            field = model._meta.get_field(name)
            assert isinstance(field, models.Field)
            assert callable(field.deconstruct()[3]["choices"]), name
            assert field.max_length == (40 if name == "token_endpoint_auth_method" else 16)


def test_a_version_with_more_rows_needs_no_migration() -> None:
    """The tables grow before Django reads the models, as they would in that version."""
    grown = """
from common.jws import ALGORITHMS
from projects.scopes import SIGN_IN_SCOPES
ALGORITHMS["PS384"] = ALGORITHMS["RS256"]
SIGN_IN_SCOPES["badges"] = SIGN_IN_SCOPES["openid"]
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "makemigrations", "--check", "--dry-run"])
"""
    done = subprocess.run(
        [sys.executable, "-c", grown],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "idp.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("id_token_signed_response_alg", ("HS256", "HS512", "none", "")),
        ("userinfo_signed_response_alg", ("HS256", "HS512", "none")),
        ("authorization_signed_response_alg", ("HS256", "none", "")),
        ("request_object_signing_alg", ("HS256", "none")),
        ("token_endpoint_auth_method", ("none", "")),
    ],
)
def test_the_database_refuses_what_no_row_may_be(world: None, column: str, values: tuple[str, ...]) -> None:
    for value in values:
        with pytest.raises(IntegrityError), transaction.atomic():
            Client.objects.filter(client_id="web").update(**{column: value})
    with pytest.raises(IntegrityError), transaction.atomic():
        Client.objects.filter(client_id="spa").update(token_endpoint_auth_method="client_secret_post")


@pytest.mark.django_db
@pytest.mark.parametrize("algorithm", ["HS256", "none", ""])
def test_the_database_keeps_no_key_of_a_shared_secret(keys: None, algorithm: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.filter(algorithm="ES256", state="next").update(algorithm=algorithm)
