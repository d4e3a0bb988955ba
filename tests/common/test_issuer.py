"""The issuer is written in one way, and every issuer that starts is answered."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http.request import split_domain_port, validate_host
from hypothesis import example, given
from hypothesis import strategies as st

from common import issuer
from common.issuer import checked_issuer, hosts_of
from projects import matcher

GOOD = [
    "https://id.example.com",
    "https://id.example.com:8443",
    "https://xn--exmple-cua.test",
    "https://192.0.2.7",
    "https://[2001:db8::1]:8443",
    "http://localhost:8000",
    "http://127.0.0.1:9109",
    "http://[::1]:9109",
    "https://example.com/auth",
    "https://example.com/realms/Acme-1.2_~",
    "http://localhost:8000/auth",
]
OTHERWISE = {
    "https://ID.Example.com": "https://id.example.com",
    "HTTPS://id.example.com": "https://id.example.com",
    "https://id.example.com.": "https://id.example.com",
    "https://ex\N{LATIN SMALL LETTER A WITH DIAERESIS}mple.test": "https://xn--exmple-cua.test",
    "https://exa\N{COMBINING DIAERESIS}mple.test": "https://xn--exmple-cua.test",
    "https://fa\N{LATIN SMALL LETTER SHARP S}.test": "https://xn--fa-hia.test",
    "http://[0:0:0:0:0:0:0:1]:9109": "http://[::1]:9109",
    "https://[2001:DB8::1]": "https://[2001:db8::1]",
    "https://example.com/auth/": "https://example.com/auth",
    "https://id.example.com?": "https://id.example.com",
    "https://id.example.com/#": "https://id.example.com",
    "https://id.example.com//": "https://id.example.com",
    " https://id.example.com": "https://id.example.com",
    "https://id.example.com\n": "https://id.example.com",
}
REFUSED = [
    "https://my_host.example",
    "https://-id.example.com",
    "https://id..example.com",
    "https://id.example.com:0",
    "https://127.1",
    "https://192.0.2.256",
    "https://0x7f.1",
    "https://id.0x7f",
    "https://[fe80::1%25eth0]",
    "https://[::1",
    "https://a b.example",
    "https://%65xample.com",
    "https://" + "a" * 64 + ".example",
    "https://user@id.example.com",
    "https://id.example.com?a=b",
    "https://example.com/auth//x",
    "https://example.com/a/../b",
    "https://example.com/.well-known",
    "https://example.com/a%20b",
    "https://example.com/a;b",
    "http://id.example.com",
    "id.example.com",
    "ftp://id.example.com",
    "",
]


def answered(accepted: str) -> bool:
    """Whether Django's host check admits what browsers send for this issuer."""
    sent = issuer.split(accepted)[0].partition("://")[2]
    return validate_host(split_domain_port(sent)[0], hosts_of(accepted))


@pytest.mark.parametrize("value", GOOD)
def test_an_issuer_that_starts_is_answered(value: str) -> None:
    assert checked_issuer(value) == value
    assert answered(value)
    assert matcher.parse(value).canonical == value


@pytest.mark.parametrize(("value", "written"), OTHERWISE.items())
def test_one_that_browsers_write_otherwise_is_refused_with_the_form_to_write(value: str, written: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        checked_issuer(value)
    assert str(refused.value) == f"IDP_ISSUER must be written as browsers write it, {written}, not {value!r}."
    assert checked_issuer(written) == written


@pytest.mark.parametrize("value", REFUSED)
def test_what_no_browser_can_send_is_refused_in_a_sentence(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^(The path of )?IDP_ISSUER .*\.$"):
        checked_issuer(value)


@given(
    st.text(max_size=30) | st.from_regex(r"[a-zA-Z0-9._\-\[\]:]{1,20}(:[0-9]{1,5})?(/[a-z.]{0,5}){0,2}", fullmatch=True)
)
@example("localhost")
@example("[::1]")
def test_whatever_is_written_there_it_is_refused_or_answered(text: str) -> None:
    try:
        accepted = checked_issuer(f"https://{text}")
    except ImproperlyConfigured:
        return
    assert answered(accepted)
    assert checked_issuer(accepted) == accepted


def test_on_loopback_all_its_names_are_ours() -> None:
    assert hosts_of("http://[::1]:8000") == ["[::1]", "localhost", "127.0.0.1"]
    assert hosts_of("https://id.example.com/auth") == ["id.example.com"]


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("/auth/accounts/", True),
        ("/auth", True),
        ("/auth/?a=/../b", True),
        ("/authority/", False),
        ("/", False),
        ("/shop/", False),
        ("/auth/../shop/", False),
        ("/auth/%2e%2E/shop/", False),
        ("/auth/.\t./shop/", False),
        ("/auth\\..\\shop", False),
        ("https://example.com/auth/", False),
        ("%2fauth/", False),
        ("%5cauth/", False),
    ],
)
def test_beside_other_sites_only_what_is_below_the_path_is_ours(settings: Any, address: str, ours: bool) -> None:
    settings.IDP_ISSUER = "https://example.com/auth"
    assert issuer.holds(address) == ours


def test_what_has_an_origin_of_its_own_holds_every_path(settings: Any) -> None:
    settings.IDP_ISSUER = "https://id.example.com"
    assert issuer.holds("/shop/../auth?x")
    for other in ("", "shop", "../shop", "https:evil.example/..", "https://id.example.com/", "%2Fshop"):
        assert not issuer.holds(other), other
    assert issuer.url_of("/accounts/") == "https://id.example.com/accounts/"


def test_a_path_of_ours_is_added_to_the_origin(settings: Any) -> None:
    settings.IDP_ISSUER = "https://example.com/auth"
    assert (issuer.origin(), issuer.path()) == ("https://example.com", "/auth")
    assert issuer.url_of("/auth/accounts/") == "https://example.com/auth/accounts/"
