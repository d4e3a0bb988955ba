"""Whatever bytes come, the parsers at the edge answer with what was sent or with a refusal, and nothing else."""

from __future__ import annotations

import base64
import string
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.test import RequestFactory
from hypothesis import example, given
from hypothesis import strategies as st

from clients.identifiers import redirect_uri_matches, redirect_uri_problem
from provider import parameters
from provider.authentication_method import Credentials, Sent
from provider.client_authentication import method_used
from provider.keys import mint
from provider.protocol.errors import InvalidClient, InvalidRequest, Refusal
from provider.protocol.request import Params
from tests.world import basic

FORM = "application/x-www-form-urlencoded"
# What a server hands on: bytes as Latin-1. Surrogates cannot come over a wire.
wire = st.binary(max_size=300).map(lambda data: data.decode("latin-1"))
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
spoken = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


# --- Parameters ----------------------------------------------------------------------------------------------------


@given(wire)
@example("a=%ff")
@example("a=%ED%A0%80")
@example("&".join(["a"] * 101))
def test_a_query_is_parameters_or_a_refusal(query: str) -> None:
    try:
        params = parameters.decode(query)
    except InvalidRequest:
        return
    for name, value in params:
        assert "\0" not in name + value
        (name + value).encode()  # no surrogates


@given(st.lists(st.tuples(spoken, spoken), max_size=parameters.MAX_FIELDS))
def test_what_was_sent_is_what_arrives(pairs: list[tuple[str, str]]) -> None:
    assert list(parameters.decode(urlencode(pairs))) == pairs


@given(st.lists(st.tuples(st.sampled_from(["scope", "audience", "resource", "x"]), spoken), max_size=8))
def test_only_audience_and_resource_repeat(pairs: list[tuple[str, str]]) -> None:
    names = [name for name, _value in pairs if name not in ("audience", "resource")]
    assert bool(parameters.repeated(Params(pairs))) == (len(names) != len(set(names)))


@given(body=st.binary(max_size=300), content_type=st.one_of(st.just(FORM), wire), length=st.one_of(st.none(), wire))
def test_a_body_is_a_form_or_a_refusal(body: bytes, content_type: str, length: str | None) -> None:
    more: dict[str, Any] = {} if length is None else {"CONTENT_LENGTH": length}
    request = RequestFactory().post("/", body, content_type=FORM)
    request.META.update(CONTENT_TYPE=content_type, **more)
    try:
        params = parameters.from_body(request)
    except InvalidRequest:
        return
    assert content_type.partition(";")[0].strip().lower() == FORM
    assert not parameters.repeated(params)


@given(spoken)
def test_an_empty_value_counts_as_none(value: str) -> None:
    params = Params([("a", ""), ("a", value), ("b", value)])
    assert params.one("a") == params.one("b") == value
    assert params.one("c") == ""


# --- Client authentication -----------------------------------------------------------------------------------------


def read(params: Params, authorization: str | None) -> Credentials:
    used = Sent(params, authorization)
    return method_used(used).read(used)


@given(st.none() | wire, st.dictionaries(st.sampled_from(["client_id", "client_secret"]), spoken))
@example("Basic OjpBOkI=", {})
@example("Basic dw==", {"client_id": "w"})
def test_a_header_is_credentials_or_a_refusal(header: str | None, body: dict[str, str]) -> None:
    try:
        found = read(Params(list(body.items())), header)
    except (InvalidClient, InvalidRequest):
        assert header is not None, "without a header there is nothing to refuse yet"
        return
    assert found.by_header == bool(header)
    if header:
        assert header.lower().startswith("basic")
        assert not body.get("client_secret")
        assert body.get("client_id") in (None, "", found.client_id)


@given(spoken, spoken, st.sampled_from(["Basic", "basic", "BASIC"]))
def test_both_parts_arrive_as_they_were(client_id: str, secret: str, scheme: str) -> None:
    header = basic(client_id, secret).replace("Basic", scheme)
    assert read(Params(), header) == Credentials(client_id, secret, by_header=True)


@given(st.binary(max_size=60))
def test_what_is_not_text_is_refused(data: bytes) -> None:
    header = "Basic " + base64.b64encode(data).decode()
    try:
        found = read(Params(), header)
    except InvalidClient:
        return
    assert b":" in data
    assert found.secret is not None
    assert "\0" not in found.client_id + found.secret


# --- Tokens --------------------------------------------------------------------------------------------------------


@given(st.one_of(wire, st.lists(st.text(string.ascii_letters + "-_=", max_size=50), max_size=4).map(".".join)))
@example("..")
@example("e30.e30.")
@example("bnVsbA.bnVsbA.bnVsbA")
@example(base64.urlsafe_b64encode(b'{"alg":1,"kid":[],"typ":"JWT"}').decode() + ".e30.e30")
@example(base64.urlsafe_b64encode(b'{"alg":"ES256","kid":"x","typ":"JWT","crit":1}').decode() + ".e30.e30")
@pytest.mark.django_db
def test_nothing_but_our_own_jwts_verifies(token: str) -> None:
    assert mint.verify(token, "JWT") is None


@given(text, text)
def test_a_digest_is_made_of_anything(one: str, other: str) -> None:
    assert (mint.digest(one) == mint.digest(other)) == (one == other)


# --- Redirect URIs -------------------------------------------------------------------------------------------------

hosts = st.sampled_from(["127.0.0.1", "[::1]", "localhost", "app.example", "127.0.0.1.example", "user@127.0.0.1"])
ports = st.sampled_from(["", ":", ":1", ":65535", ":65536", ":x", ":-1", ":\u0661"])
paths = st.sampled_from(["", "/", "/cb", "/cb?x=1", "/cb#f", "/cb?", "/cb#", "/CB", "/%63b", "\\@evil.example/cb"])
uris = st.builds("{}://{}{}{}".format, st.sampled_from(["http", "https", "HTTP"]), hosts, ports, paths)


@given(st.one_of(uris, wire), st.one_of(uris, wire))
def test_redirect_uris_match_exactly_or_by_the_port_of_loopback_alone(registered: str, asked: str) -> None:
    if redirect_uri_problem(registered) or not redirect_uri_matches(registered, asked) or registered == asked:
        return
    one, other = urlsplit(registered), urlsplit(asked)
    assert one.hostname in ("127.0.0.1", "::1")
    assert (one.scheme, one.hostname, one.path, one.query) == (other.scheme, other.hostname, other.path, other.query)
    assert "@" not in asked
    assert "#" not in asked


@given(wire)
def test_any_text_is_refused_or_a_redirect_uri(uri: str) -> None:
    if not redirect_uri_problem(uri):
        assert uri.isascii()
        assert not set(uri) & set(" #\"'<>\\\r\n\t") - {"'"}


@given(text)
def test_what_a_refusal_says_fits_a_header(message: str) -> None:
    said = str(Refusal(message))
    assert all(" " <= letter <= "~" and letter not in '"\\' for letter in said)
