"""A client certificate as proxies pass it on: believed from them alone, and read in one way only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import certificates
from common.certificates import canonical_name, of_connection, read, subject_named
from tests.provider.certified import HEADER, VERIFIED_HEADER, Connected

TILL = Connected()
FROM_PROXY = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_CLIENT_CERT": TILL.escaped}


@pytest.fixture(autouse=True)
def _proxy(settings: Any) -> None:
    settings.IDP_TRUSTED_PROXIES = ["10.0.0.0/8"]
    settings.IDP_CLIENT_CERTIFICATE_HEADER = HEADER
    settings.IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER = VERIFIED_HEADER


@pytest.mark.parametrize("sent", [TILL.escaped, TILL.structured], ids=["nginx", "RFC 9440"])
def test_both_forms_are_the_same_certificate(sent: str) -> None:
    found = read(sent)
    assert found is not None
    assert (found.thumbprint, found.subject) == (TILL.thumbprint, TILL.certificate.subject)
    assert found.names == {
        "dns": {"till.acme.example"},
        "uri": {"urn:acme:till"},
        "ip": {"192.0.2.7"},
        "email": {"till@acme.example"},
    }
    assert read(Connected(names=()).structured).names == {}  # type: ignore[union-attr]


@pytest.mark.parametrize("address", ["192.0.2.1", "", "x", "::1"], ids=lambda address: f"A9 {address!r}")
def test_only_a_configured_proxy_says_so(address: str) -> None:
    assert of_connection(FROM_PROXY) is not None
    assert of_connection({**FROM_PROXY, "REMOTE_ADDR": address}) is None


def test_without_a_header_in_the_settings_there_are_none(settings: Any) -> None:
    settings.IDP_CLIENT_CERTIFICATE_HEADER = ""
    assert of_connection(FROM_PROXY) is None
    assert not certificates.are_passed_on()
    assert not certificates.are_verified()


@pytest.mark.parametrize(
    ("said", "verified"),
    [
        ("SUCCESS", True),
        ("success", False),
        ("FAILED:x", False),
        ("NONE", False),
        ("SUCCESS,SUCCESS", False),
        ("", False),
    ],
)
def test_only_one_word_of_the_proxy_vouches_for_it(said: str, verified: bool) -> None:
    found = of_connection({**FROM_PROXY, "HTTP_X_CLIENT_VERIFY": said})
    assert found is not None
    assert found.verified is verified


def test_nobody_vouches_where_no_header_says_so(settings: Any) -> None:
    settings.IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER = ""
    found = of_connection({**FROM_PROXY, "HTTP_X_CLIENT_VERIFY": "SUCCESS"})
    assert found is not None
    assert not found.verified


@pytest.mark.parametrize(
    "sent",
    [
        f"{TILL.escaped},{TILL.escaped}",
        f"{TILL.structured}, {TILL.structured}",
        TILL.escaped[:-40],
        TILL.structured[:-1],
        f"{TILL.escaped}{TILL.escaped}",
        ":",
        "::",
        ":AAAA:",
        "\u00e9",
        "x" * 20_000,
        "%",
        "-----BEGIN%20CERTIFICATE-----%0A-----END%20CERTIFICATE-----",
    ],
    ids=[
        *("two escaped", "two structured", "half escaped", "half structured", "one after the other"),
        *("a colon", "two colons", "no certificate", "no ASCII", "long", "a percent sign", "nothing in it"),
    ],
)
def test_two_headers_or_half_of_one_are_none(sent: str) -> None:
    assert read(sent) is None


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda data: f":{data.hex()}:")))
def test_whatever_is_sent_is_a_certificate_or_none(sent: str) -> None:
    assert read(sent) is None


@given(st.text(max_size=60))
def test_whatever_is_registered_is_a_name_or_none(text: str) -> None:
    subject_named(text)
    for kind in ("dns", "uri", "ip", "email"):
        once = canonical_name(kind, text)
        assert canonical_name(kind, once) == once


def test_a_whole_subject_is_compared_typed() -> None:
    """A9: attribute by attribute, in their order; not as a text."""
    mine = TILL.certificate.subject
    assert subject_named("CN=Till\\, one,OU=Tills,O=Acme,C=DE") == mine
    assert subject_named("2.5.4.3=Till\\, one,OU=Tills,O=Acme,C=DE") == mine
    for other in ("CN=Till,OU=Tills,O=Acme,C=DE", "C=DE,O=Acme,OU=Tills,CN=Till\\, one", "CN=Till\\, one", "", "x"):
        assert subject_named(other) != mine
