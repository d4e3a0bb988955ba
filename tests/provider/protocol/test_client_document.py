"""What the document of a client may say, and what counts of it (C2, C3, C6, C7, C8, C12)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.client_url import Unacceptable
from provider.protocol.client_document import MAX_BYTES, Answer, Document, Rules, left_out, read, verdicts
from provider.protocol.facts import Json

URL = "https://agent.example.org/client.json"
CALLBACK = "https://agent.example.org/callback"
KEY: Json = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "anything"}]}
LEAST: dict[str, Json] = {"client_id": URL, "client_name": "Agent", "redirect_uris": [CALLBACK]}
MARK = "Call +1 555 0100"
RULES = Rules(
    redirect_uri=lambda uri: "" if uri.startswith("https://") else f"{uri}: use https",
    jwks=lambda jwks: "" if isinstance(jwks, dict) and "bad" not in jwks else "bad keys",
    jwks_uri=lambda uri: "" if uri.startswith("https://") else f"{uri}: use https",
    algorithms=("ES256", "EdDSA"),
)


def answer(members: Json, content_type: str = "application/json") -> Answer:
    return Answer(content_type, json.dumps(members).encode())


def document(**members: Json) -> Document:
    return read(URL, answer({**LEAST, **members}), RULES)


def refusal(sent: Answer, url: str = URL) -> Unacceptable:
    with pytest.raises(Unacceptable) as refused:
        read(url, sent, RULES)
    told = {one.rule: one.problem for one in verdicts(url, sent, RULES)}
    assert MARK not in str(refused.value), "a page of ours shows it"
    assert told[refused.value.rule] == str(refused.value)
    return refused.value


def test_three_members_are_enough_c7() -> None:
    assert document() == Document(URL, "Agent", (CALLBACK,), ("authorization_code",), "", "none")
    assert {one.problem for one in verdicts(URL, answer(LEAST), RULES)} == {""}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/ld+json",
        "application/x.a+json",
    ],
)
def test_json_by_any_of_its_names_is_read_c3(content_type: str) -> None:
    assert read(URL, answer(LEAST, content_type), RULES).client_name == "Agent"


@pytest.mark.parametrize(
    "content_type", ["", "text/html", "text/json", "application/jsonx", "application/+json", "json"]
)
def test_any_other_type_is_refused_c3(content_type: str) -> None:
    assert refusal(answer(LEAST, content_type)).rule == "C3"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"text"',
        b"null",
        b"{",
        b"\xff\xfe{}",
        b'{"client_id": NaN}',
        b'{"client_id": "a", "client_id": "b"}',
        b'{"jwks": {"keys": [], "keys": []}}',
        b"[" * 5_000,
        b'{"a": ' * 800 + b"1" + b"}" * 800,
        b" " * (MAX_BYTES + 1),
    ],
    ids=range(12),
)
def test_what_is_no_object_with_one_reading_is_refused_c3(body: bytes) -> None:
    assert refusal(Answer("application/json", body)).rule in ("C3", "C2")


@pytest.mark.parametrize(
    "client_id",
    [None, "", 7, [URL], URL + "/", URL.upper(), URL.replace("org/", "org:443/"), "https://other.example/c"],
)
def test_its_client_id_is_its_address_letter_by_letter_c2(client_id: Json) -> None:
    assert refusal(answer({**LEAST, "client_id": client_id})).rule == "C2"


@pytest.mark.parametrize(
    "members",
    [
        {"client_secret": MARK},
        {"token_endpoint_auth_method": MARK},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": MARK},
        {"client_secret": None},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": "anything"},
        {"token_endpoint_auth_method": ["none"]},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEY, "jwks_uri": "https://agent.example.org/keys"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://agent.example.org/keys"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": 7},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"bad": True}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEY, "token_endpoint_auth_signing_alg": "HS256"},
        {"jwks": {"bad": True}},
        {"jwks": "text"},
    ],
    ids=str,
)
def test_nothing_in_it_is_secret_and_a_key_is_a_good_one_c6(members: dict[str, Json]) -> None:
    assert refusal(answer({**LEAST, **members})).rule == "C6"


def test_with_keys_it_proves_itself_by_them_and_without_a_word_by_nothing_c6() -> None:
    by_key = document(token_endpoint_auth_method="private_key_jwt", jwks=KEY, token_endpoint_auth_signing_alg="ES256")
    assert (by_key.auth_method, by_key.jwks, by_key.assertion_algorithm) == ("private_key_jwt", KEY, "ES256")
    elsewhere = document(token_endpoint_auth_method="private_key_jwt", jwks_uri="https://agent.example.org/keys")
    assert (elsewhere.jwks, elsewhere.jwks_uri) == (None, "https://agent.example.org/keys")
    assert document(jwks=KEY).auth_method == "none"


@pytest.mark.parametrize(
    "members",
    [
        {"client_name": ""},
        {"client_name": "  "},
        {"client_name": None},
        {"client_name": {"en": "Agent"}},
        {"client_name": "a" * 256},
        {"client_name": "Agent\u202etxt"},
        {"client_name": "Agent\u200b"},
        {"client_name": "\ud800"},
        {"client_name": "a\0b"},
        {"grant_types": [MARK]},
        {"response_types": [MARK]},
        {"grant_types": "authorization_code"},
        {"grant_types": []},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["refresh_token"]},
        {"response_types": ["token"]},
        {"response_types": "code"},
    ],
    ids=ascii,
)
def test_it_has_a_name_people_can_read_and_a_grant_we_have_c7(members: dict[str, Json]) -> None:
    assert refusal(answer({**LEAST, **members})).rule == "C7"


def test_of_lists_it_keeps_what_we_have_and_ignores_what_it_does_not_know_c7() -> None:
    read_ = document(
        grant_types=["refresh_token", "client_credentials", "authorization_code", "urn:any", 7],
        response_types=["code", "id_token"],
        client_uri="https://agent.example.org",
        contacts=["ops@agent.example.org"],
        x={"y": [1, 2]},
    )
    assert read_.grant_types == ("authorization_code", "refresh_token")


@pytest.mark.parametrize(
    "uris",
    [None, [], [7], "https://a.example/cb", {}, [MARK], ["javascript:alert(1)"], ["http://evil.example/"], ["a"] * 101],
)
def test_it_names_where_answers_go_c8(uris: Json) -> None:
    sent = {name: value for name, value in {**LEAST, "redirect_uris": uris}.items() if value is not None}
    too_many = isinstance(uris, list) and len(uris) > 100
    assert refusal(answer({**sent, "redirect_uris": [str(n) for n in range(101)]} if too_many else sent)).rule == "C8"


def test_an_address_that_no_client_may_register_is_left_out_c8() -> None:
    assert document(redirect_uris=["javascript:alert(1)", CALLBACK, CALLBACK]).redirect_uris == (CALLBACK,)


def test_a_scope_is_optional_and_has_the_letters_of_one_c12() -> None:
    assert document().scope == ""
    assert document(scope="openid  notes openid").scope == "openid notes"
    for bad in ("a\nb", 'a"', ["a"], "ü"):
        assert refusal(answer({**LEAST, "scope": bad})).rule == "C12"


def test_whoever_wrote_it_is_told_what_counts_for_nothing() -> None:
    members = {
        **LEAST,
        "redirect_uris": ["a:b", CALLBACK],
        "grant_types": ["authorization_code", "client_credentials"],
        "logo_uri": "https://agent.example.org/logo.svg",
        "x": 1,
    }
    assert left_out(answer(members), RULES) == [
        "redirect_uris[0] is left out: a:b: use https",
        "The grant 'client_credentials' is left out: guests use authorization_code and refresh_token.",
        "logo_uri is not shown to people.",
        "Not read here: x.",
    ]
    assert left_out(Answer("text/html", b""), RULES) == []


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([URL, CALLBACK, "none"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [*LEAST, "grant_types", "response_types", "scope", "jwks", "jwks_uri", "token_endpoint_auth_method"]
)


@given(st.dictionaries(NAMES | st.text(max_size=8), VALUES, max_size=8), st.booleans())
def test_whatever_stands_in_it_is_read_or_refused_c3(members: dict[str, Json], least: bool) -> None:
    sent = answer({**LEAST, **members} if least else members)
    problems = [one.problem for one in verdicts(URL, sent, RULES) if one.problem]
    if problems:
        assert str(refusal(sent)) in problems
    else:
        assert read(URL, sent, RULES).redirect_uris
    left_out(sent, RULES)


@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_refused_or_read_c3(body: bytes) -> None:
    assert verdicts(URL, Answer("application/json", body), RULES)
