"""Whether a client signed something: by which of its keys, by which algorithm, and as what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients import keys as registered
from common import jws
from common.jws import ALGORITHMS
from provider import client_keys, fetched_keys
from provider.client_keys import UNTYPED, verified
from provider.protocol.facts import ClientFacts
from tests.foreign_keys import KEYS, OTHERS, public, signed
from tests.provider.key_server import KeyServer, serving_keys
from tests.provider.protocol.building import client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keys")]

CLAIMS = {"iss": "web"}
ANY = frozenset({UNTYPED, "jwt", "x+jwt"})


def having(*keys: dict[str, Any], **more: Any) -> ClientFacts:
    return client("web", jwks=registered.text_of(registered.settled({"keys": list(keys)})), **more)


def read(token: str, of: ClientFacts | None, algorithms: Any = ALGORITHMS) -> object:
    return verified(token, of, types=ANY, algorithms=algorithms)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_its_key_signed_is_its_word(algorithm: str) -> None:
    web = having(public(KEYS[algorithm], kid="one"))
    assert read(signed(KEYS[algorithm], algorithm, CLAIMS, kid="one"), web) == CLAIMS
    assert read(signed(KEYS[algorithm], algorithm, CLAIMS), web) == CLAIMS, "the only one there is"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_of_an_unknown_client_or_one_without_keys_there_is_none(algorithm: str) -> None:
    token = signed(KEYS[algorithm], algorithm, CLAIMS)
    assert read(token, None) is None
    assert read(token, client("web")) is None


def test_two_keys_at_once_so_that_one_can_follow_the_other_a5() -> None:
    web = having(public(KEYS["ES256"], kid="old"), public(OTHERS["ES256"], kid="new"))
    assert read(signed(KEYS["ES256"], "ES256", CLAIMS, kid="old"), web) == CLAIMS
    assert read(signed(OTHERS["ES256"], "ES256", CLAIMS, kid="new"), web) == CLAIMS
    assert read(signed(OTHERS["ES256"], "ES256", CLAIMS, kid="old"), web) is None
    assert read(signed(OTHERS["ES256"], "ES256", CLAIMS), web) is None, "it has to say which"
    assert read(signed(OTHERS["ES256"], "ES256", CLAIMS, kid="other"), web) is None


def test_a_key_without_an_id_has_its_thumbprint() -> None:
    web = having(public(KEYS["ES256"]), public(OTHERS["ES256"]))
    assert read(signed(KEYS["ES256"], "ES256", CLAIMS, kid=jws.thumbprint(public(KEYS["ES256"]))), web) == CLAIMS


def test_a_key_for_one_algorithm_verifies_no_other_a5() -> None:
    web = having(public(KEYS["PS256"], kid="one", alg="PS256"))
    assert read(signed(KEYS["PS256"], "PS256", CLAIMS, kid="one"), web) == CLAIMS
    assert read(signed(KEYS["RS256"], "RS256", CLAIMS, kid="one"), web) is None


def test_only_algorithms_that_are_asked_for_count_a5() -> None:
    web = having(public(KEYS["ES256"], kid="one"))
    token = signed(KEYS["ES256"], "ES256", CLAIMS)
    assert read(token, web, {"ES256"}) == CLAIMS
    assert read(token, web, {"PS256"}) is None
    assert read(token, web, {"none", "HS256"}) is None


@pytest.mark.parametrize(
    ("typ", "good"),
    [
        (None, True),
        ("JWT", True),
        ("jwt", True),
        ("application/x+jwt", True),
        ("X+JWT", True),
        ("at+jwt", False),
        ("dpop+jwt", False),
        ("", True),
        (1, False),
        (["JWT"], False),
    ],
)
def test_it_is_of_a_type_that_is_asked_for(typ: Any, good: bool) -> None:
    token = signed(KEYS["ES256"], "ES256", CLAIMS, typ=typ)
    assert (read(token, having(public(KEYS["ES256"]))) is not None) is good


@pytest.mark.parametrize("kid", [1, ["one"], {}, True])
def test_a_kid_that_is_no_text_names_no_key_g9(kid: Any) -> None:
    assert read(signed(KEYS["ES256"], "ES256", CLAIMS, kid=kid), having(public(KEYS["ES256"], kid="one"))) is None


def test_no_shared_secret_signs_whatever_is_registered() -> None:
    """The classic: HMAC with the public key."""
    token = f"{jws.encode(json.dumps({'alg': 'HS256'}).encode())}.{jws.encode(b'{}')}.AAAA"
    assert read(token, having(public(KEYS["ES256"])), {"HS256", "ES256"}) is None


def test_an_unknown_client_costs_a_verification_too(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verify = jws.Parts.verified_by

    def counted(parts: jws.Parts, key: jws.PublicKey, algorithm: str) -> bool:
        checked.append(algorithm)
        return verify(parts, key, algorithm)

    monkeypatch.setattr(jws.Parts, "verified_by", counted)
    for algorithm in ALGORITHMS:
        for of in (None, client("web"), having(public(OTHERS["ES256"], kid="one"))):
            checked.clear()
            assert read(signed(KEYS[algorithm], algorithm, CLAIMS, kid="one"), of) is None
            assert checked == [algorithm]


@pytest.fixture
def server(settings: Any) -> Iterator[KeyServer]:
    settings.IS_LOCAL = True
    fetched_keys.shared.clear()
    with serving_keys() as made:
        yield made
    fetched_keys.shared.clear()


def test_keys_at_an_address_are_fetched(server: KeyServer) -> None:
    server.has(public(KEYS["EdDSA"], kid="one"))
    web = client("web", jwks_uri=server.url)
    assert read(signed(KEYS["EdDSA"], "EdDSA", CLAIMS, kid="one"), web) == CLAIMS
    assert read(signed(OTHERS["EdDSA"], "EdDSA", CLAIMS, kid="one"), web) is None
    assert server.asked == 1


def test_a_key_set_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    web, token = having(public(KEYS["ES256"])), signed(KEYS["ES256"], "ES256", CLAIMS)
    assert read(token, web) == CLAIMS
    monkeypatch.setattr(jws, "public_key", None)
    assert read(token, web) == CLAIMS


@given(st.text(max_size=200))
def test_whatever_text_comes_is_verified_or_not(text: str) -> None:
    assert read(text, client_with_key()) is None


def client_with_key() -> ClientFacts:
    return having(public(KEYS["ES256"]))


def test_the_module_says_what_untyped_is() -> None:
    assert client_keys.UNTYPED == ""
