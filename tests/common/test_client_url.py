"""Client ids that are addresses: one spelling each, a path, a name for a host, and never our own (C1, C2, C9, C16)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common import client_url
from common.client_url import Own, Unacceptable, check, shown_host, verdicts

OWN = Own(("https://id.example.com/login", "https://mtls.example.com"))
AT_HOME = Own(("http://localhost:8000",), loopback=True)

GOOD = [
    "https://agent.example/oauth/mcp-oauth-client-metadata",
    "https://agent.example.org/client.json",
    "https://agent.example.org/",
    "https://agent.example.org:8443/client.json",
    "https://agent.example.org/a/.well-known/..b/c.json",
    "https://agent.example.org/a%20b/%C3%BC.json",
    "https://xn--bcher-kva.example/client.json",
    "https://login.id.example.com/client.json",
]
BAD = {
    "C1": {
        "http": "http://agent.example.org/client.json",
        "another scheme": "ftp://agent.example.org/client.json",
        "no scheme": "agent.example.org/client.json",
        "no path": "https://agent.example.org",
        "no path but a query": "https://agent.example.org?client",
        "no host": "https:///client.json",
        "a user name": "https://me@agent.example.org/client.json",
        "an empty user name": "https://@agent.example.org/client.json",
        "a password": "https://me:secret@agent.example.org/client.json",
        "a fragment": "https://agent.example.org/client.json#me",
        "an empty fragment": "https://agent.example.org/client.json#",
        "a query": "https://agent.example.org/client.json?redirect_uri=https://evil.example/",
        "an empty query": "https://agent.example.org/client.json?",
        "a dot": "https://agent.example.org/./client.json",
        "two dots": "https://agent.example.org/a/../client.json",
        "dots at the end": "https://agent.example.org/a/..",
        "an escaped dot": "https://agent.example.org/%2e/client.json",
        "escaped dots": "https://agent.example.org/a/%2E%2e/client.json",
        "half escaped dots": "https://agent.example.org/a/.%2E/client.json",
        "a space": "https://agent.example.org/client .json",
        "a line end": "https://agent.example.org/client.json\n",
        "a tab": "https://agent.example.org/\tclient.json",
        "NUL": "https://agent.example.org/\0",
        "a backslash": "https://agent.example.org\\@evil.example/",
        "letters that are not ASCII": "https://bücher.example/client.json",
        "an IPv4 address": "https://93.184.215.14/client.json",
        "an IPv4 address as old libraries read it": "https://example.0x7f/client.json",
        "a number": "https://2130706433/client.json",
        "an IPv6 address": "https://[2606:4700:4700::1111]/client.json",
        "this machine": "https://localhost/client.json",
        "a name of this machine": "https://app.localhost/client.json",
        "a name without a dot": "https://intranet/client.json",
        "an underscore": "https://my_agent.example.org/client.json",
        "an empty label": "https://agent..example.org/client.json",
        "a label that is too long": f"https://{'a' * 64}.example.org/client.json",
        "too long": "https://agent.example.org/" + "a" * 230,
        "no slashes": "https:agent.example.org/client.json",
    },
    "C2": {
        "capitals in the scheme": "HTTPS://agent.example.org/client.json",
        "capitals in the host": "https://Agent.example.org/client.json",
        "a dot after the host": "https://agent.example.org./client.json",
        "the usual port": "https://agent.example.org:443/client.json",
        "an empty port": "https://agent.example.org:/client.json",
        "a zero before the port": "https://agent.example.org:08443/client.json",
        "a port that is none": "https://agent.example.org:65536/client.json",
        "a port in letters": "https://agent.example.org:https/client.json",
        "an escaped letter": "https://agent.example.org/%63lient.json",
        "small hexadecimal digits": "https://agent.example.org/%c3%bc.json",
        "an escape that is none": "https://agent.example.org/%G0",
        "half an escape": "https://agent.example.org/a%2",
        "an escaped slash": "https://agent.example.org/a%2Fclient.json",
        "an escaped backslash": "https://agent.example.org/a%5Cclient.json",
        "an escaped NUL": "https://agent.example.org/a%00client.json",
    },
    "C16": {
        "our host": "https://id.example.com/client.json",
        "our host at another port": "https://id.example.com:8443/client.json",
        "our second host": "https://mtls.example.com/client.json",
    },
}
CASES = [pytest.param(rule, url, id=f"{rule}: {name}") for rule, urls in BAD.items() for name, url in urls.items()]


@pytest.mark.parametrize("url", GOOD)
def test_an_address_with_one_spelling_and_a_path_is_a_client_id_c1(url: str) -> None:
    check(url, OWN)
    assert [one.rule for one in verdicts(url, OWN)] == ["C1", "C2", "C16"]


@pytest.mark.parametrize(("rule", "url"), CASES)
def test_any_other_is_refused_and_by_the_rule_it_breaks_c1_c2_c16(rule: str, url: str) -> None:
    with pytest.raises(Unacceptable) as refused:
        check(url, OWN)
    assert refused.value.rule == rule
    assert url not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:9000/c.json", "http://127.0.0.1:9000/c", "http://[::1]:9000/c", "https://localhost:9443/c"],
)
def test_documents_on_this_machine_are_for_developers_only_c16(url: str) -> None:
    check(url, AT_HOME)
    with pytest.raises(Unacceptable, match=r"https|a name"):
        check(url, Own(AT_HOME.addresses))


@pytest.mark.parametrize("url", ["http://localhost:8000/c.json", "http://agent.example.org/c.json"])
def test_even_for_developers_not_at_our_own_port_and_nowhere_else_c16(url: str) -> None:
    with pytest.raises(Unacceptable):
        check(url, AT_HOME)


@pytest.mark.parametrize("text", ["https:", "HTTPS://x", "http://x/y", "https:x"])
def test_what_begins_like_an_address_of_the_web_is_one(text: str) -> None:
    assert client_url.is_address(text)


@pytest.mark.parametrize("text", ["", "web", "httpsx", " https://x", "urn:x"])
def test_other_ids_are_none(text: str) -> None:
    assert not client_url.is_address(text)


PIECES = st.lists(
    st.sampled_from(
        [
            "https://",
            "http://",
            "agent",
            ".example",
            "%2e",
            "%2F",
            "..",
            "/",
            "\\",
            "@",
            ":",
            "443",
            "#",
            "?",
            "[::1]",
            "é",
        ]
    ),
    max_size=12,
).map("".join)


@given(PIECES | st.text())
@example("https://[")
@example("https://]/")
@example("https://a.b:/%")
def test_whatever_is_sent_is_judged_and_what_passes_has_one_spelling_c1_c2(text: str) -> None:
    if not any(one.problem for one in verdicts(text, OWN)):
        assert text.startswith("https://")
        assert text.isascii()
        assert not {"#", "?", "@", "\\"} & set(text)
        assert client_url.host_of(text) == client_url.host_of(text).lower() != ""


# --- Shown ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("agent.example.org", "agent.example.org"),
        ("agent.example.org:8443", "agent.example.org:8443"),
        ("xn--bcher-kva.example", "bücher.example"),
        ("xn--e1afmkfd.xn--p1ai", "пример.рф"),
        ("xn--mgbh0fb.example", "مثال.example"),
        ("xn--r8jz45g.example", "例え.example"),
        ("a.xn--bcher-kva.example", "a.bücher.example"),
    ],
)
def test_a_host_is_shown_in_its_own_letters_c9(host: str, shown: str) -> None:
    assert shown_host(host) == shown


@pytest.mark.parametrize(
    "letters",
    [
        "p\u0430ypal",  # a Cyrillic letter among Latin ones
        "\u0430\u0440\u0440\u04cf\u0435",  # Cyrillic letters only, and every one looks Latin
        "g\u03bf\u03bfgle",  # Greek letters among Latin ones
        "a\u200bb",  # a space of no width
        "ab\u0301\u0301\u0301\u00e9",  # more accents than any language writes
        "\u6f22\u0430",
    ],
)
def test_what_looks_like_other_letters_stays_in_ascii_c9(letters: str) -> None:
    host = f"xn--{letters.encode('punycode').decode()}.example"
    assert shown_host(host) == host


@pytest.mark.parametrize("host", ["xn--.example", "xn--99999999.example", "xn--a-.example", "xn--abc.example", "xn--é"])
def test_what_stands_for_no_letters_is_shown_as_it_is_c9(host: str) -> None:
    assert shown_host(host) == host


@given(st.from_regex(r"xn--[a-z0-9-]{0,30}", fullmatch=True))
def test_every_host_can_be_shown_and_nothing_invisible_comes_of_it_c9(label: str) -> None:
    shown = shown_host(label)
    assert shown == label or (shown.isprintable() and not shown.isascii() and "." not in shown)
