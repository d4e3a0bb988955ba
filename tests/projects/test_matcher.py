"""When does an audience cover another? The 55 vectors, each rule of parsing, and what holds for every text."""

from __future__ import annotations

import json
import re
import string
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projects.matcher import MAX_LENGTH, Malformed, Mode, canonical, check_registrable, covers, matches, parse

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "vectors" / "audience.json").read_text())


def test_the_vectors_are_complete() -> None:
    assert len(VECTORS) == 55
    assert {one["allow"] for one in VECTORS} == {True, False}


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{case['entry']} {case['requested']}")
def test_the_vectors_hold(case: dict[str, Any]) -> None:
    assert covers(case["entry"], case["requested"]) is case["allow"]


# --- Rule 1: characters and length ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "character", [*'\\"<>^`{|}# ', "\0", "\t", "\n", "\x1f", "\x7f", "\x85", "é", "\u2028", "\ud800"]
)
@pytest.mark.parametrize("around", ["{}", "name{}", "urn:x{}", "https://h/a{}", "https://h{}/a", "https://h/a?x={}"])
def test_characters_that_are_never_allowed(around: str, character: str) -> None:
    text = around.replace("{}", character)
    with pytest.raises(Malformed):
        parse(text)
    assert not covers(text, text)


def test_the_length_is_1_to_2048() -> None:
    assert parse("a").canonical == "a"
    assert len(parse("https://h/" + "a" * 2038).canonical) == MAX_LENGTH == 2048
    for text in ("", "a" * 2049):
        with pytest.raises(Malformed):
            parse(text)


# --- Rules 2 and 3: names and opaque URIs --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["orders", "Orders", "a/b", "//h/a", "1https://h/a", "a.b.c", "%", ".", "..", "@"])
def test_a_name_equals_itself_or_nothing(name: str) -> None:
    assert parse(name).kind == "name"
    assert covers(name, name)
    assert not covers(name, f"{name}/x")
    assert not covers(name, name.upper() if name != name.upper() else name.lower() + "x")


@pytest.mark.parametrize(
    ("entry", "requested", "allowed"),
    [
        ("urn:acme:queue", "urn:acme:queue", True),
        ("URN:acme:queue", "urn:acme:queue", True),
        ("urn:acme:queue", "urn:acme:Queue", False),
        ("urn:acme:queue", "urn:acme:queue:1", False),
        ("urn:acme", "urn:acme/x", False),
        ("urn:acme", "urn:acme?x", False),
        ("mailto:a@h.example", "mailto:a@h.example", True),
        ("https:h/a", "https:h/a/b", False),
        ("https:h", "https://h", False),
        ("https:/h/a", "https:/h/a/b", False),
        ("h:443", "h:443", True),
        ("H2.c-d+e:x", "h2.c-d+e:x", True),
    ],
)
def test_an_opaque_uri_equals_itself_or_nothing(entry: str, requested: str, allowed: bool) -> None:
    assert parse(entry).kind == "opaque"
    assert covers(entry, requested) is allowed


# --- Rule 4: authority ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authority",
    [
        *("", ":443", "@h", "u@h", "u:p@h", "h@", "h.", ".h", "h..g", "-h", "h-", "h.-g", "*", "*.h", "h%41", "h%2e"),
        *("h:", "h:0", "h:00443", "h:0443", "h:65536", "h:99999", "h:-1", "h:+443", "h:4a", "h:443:443", "h: 443"),
        *(
            "[",
            "]",
            "[]",
            "[::1",
            "::1",
            "[::1]x",
            "[::1]x443",
            "[::1]:",
            "[::g]",
            "[::1%25eth0]",
            "[fe80::1%eth0]",
            "[127.0.0.1]",
        ),
        *("[::1]:0", "h!", "h$", "h&", "h'", "h(", "h,", "h;", "h=", "h+", "h~"),
    ],
)
def test_a_malformed_authority_is_refused(authority: str) -> None:
    for text in (f"https://{authority}", f"https://{authority}/a", f"https://{authority}?q"):
        with pytest.raises(Malformed):
            parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://h", "https://h"),
        ("https://h/", "https://h"),
        ("HTTPS://H.Example:443/", "https://h.example"),
        ("http://h:80", "http://h"),
        ("http://h:443", "http://h:443"),
        ("https://h:80", "https://h:80"),
        ("https://h:1", "https://h:1"),
        ("https://h:65535", "https://h:65535"),
        ("https://a_b.h-1.example", "https://a_b.h-1.example"),
        ("https://_a.b_", "https://_a.b_"),
        ("https://a-_-b.c-_-d", "https://a-_-b.c-_-d"),
        ("https://192.0.2.1", "https://192.0.2.1"),
        ("https://[0:0:0:0:0:0:0:1]:443/a", "https://[::1]/a"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://h?x=1", "https://h?x=1"),
        ("https://h/?x=/../%", "https://h?x=/../%"),
        ("https://h/a?", "https://h/a?"),
        ("custom://h/a/", "custom://h/a"),
        ("custom://h:80", "custom://h:80"),
        ("https://h/@a:b", "https://h/@a:b"),
    ],
)
def test_the_canonical_form(text: str, expected: str) -> None:
    assert canonical(text) == expected


def test_a_host_is_no_longer_than_a_name_in_the_dns() -> None:
    longest = ".".join(["a" * 49] * 5) + ".abc"
    assert len(longest) == 253
    assert parse(f"https://{longest}/a").host == longest
    with pytest.raises(Malformed):
        parse(f"https://{longest}d/a")


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://H/a?x", "https://h:443"),
        ("http://h:8000", "http://h:8000"),
        ("https://[0::1]/a", "https://[::1]:443"),
        ("custom://h/a", "custom://h:"),
        ("URN:acme:queue", "urn:acme:queue"),
        ("name", ""),
    ],
)
def test_the_origin_is_what_prefixes_never_cross(text: str, origin: str) -> None:
    assert parse(text).origin == origin


# --- Rule 5: path --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *("/%", "/%4", "/%4g", "/%g4", "/a%", "/%2F", "/%2f", "/%5C", "/%5c", "/%00", "/%0a", "/%1F", "/%7f"),
        *("//", "/a//b", "//a", "/a//", "/.", "/..", "/./a", "/a/.", "/a/./", "/../a", "/a/..", "/a/../b"),
        *("/%2e", "/%2E%2e", "/.%2e/a", "/a/%2e./b", "/%2e/"),
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_refused(path: str) -> None:
    with pytest.raises(Malformed):
        parse(f"https://h{path}")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/%61", "/a"),
        ("/%7E%2d%5f%41", "/~-_A"),
        ("/%c3%a9", "/%C3%A9"),
        ("/%3f%23", "/%3F%23"),
        ("/%2561", "/%2561"),
        ("/%252f", "/%252f"),
        ("/...", "/..."),
        ("/.a", "/.a"),
        ("/a;b=1,c", "/a;b=1,c"),
        ("/a/", "/a"),
    ],
)
def test_escapes_are_decoded_once_where_that_changes_nothing(path: str, expected: str) -> None:
    assert canonical(f"https://h{path}") == f"https://h{expected}"


# --- Rule 6: prefix and exact --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "requested", "mode", "allowed"),
    [
        ("https://h/a", "https://h/a/b", "prefix", True),
        ("https://h/a", "https://h/a/b", "exact", False),
        ("https://h/a", "https://h:443/a/", "exact", True),
        ("https://h", "https://h/a", "exact", False),
        ("https://h/a/b", "https://h/a", "prefix", False),
        ("https://h/a", "https://h/ab", "prefix", False),
        ("https://h/a", "https://h/a?x", "prefix", False),
        ("https://h/a?x", "https://h/a", "prefix", False),
        ("https://h/a?x", "https://h/a/b?x", "prefix", False),
        ("https://h/a?x", "https://h/a/?x", "prefix", True),
        ("custom://h/a", "custom://h/a", "prefix", True),
        ("custom://h/a", "custom://h/a/b", "prefix", False),
        ("wss://h", "wss://h/a", "prefix", False),
        ("http://localhost/a", "http://localhost/a/b", "prefix", True),
    ],
)
def test_prefix_and_exact(entry: str, requested: str, mode: Mode, allowed: bool) -> None:
    assert covers(entry, requested, mode) is allowed


# --- What may be registered ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["https://h", "http://localhost:8000/a", "http://127.0.0.1", "http://[::1]/a", "urn:x:y", "name", "custom://h/a"],
)
def test_what_may_be_registered(value: str) -> None:
    assert check_registrable(value) == parse(value)


@pytest.mark.parametrize("scheme", ["javascript", "data", "file", "blob", "about", "vbscript", "JavaScript", "FILE"])
def test_schemes_that_are_never_registered(scheme: str) -> None:
    for value in (f"{scheme}:x", f"{scheme}://h/a"):
        with pytest.raises(Malformed, match="never"):
            check_registrable(value, plain_http=True)


@pytest.mark.parametrize("value", ["http://h", "HTTP://h", "http://localhost.h.example", "http://127.0.0.2"])
def test_plain_http_is_for_loopback_unless_the_deployment_says_otherwise(value: str) -> None:
    with pytest.raises(Malformed, match="https"):
        check_registrable(value)
    assert check_registrable(value, plain_http=True) == parse(value)


def test_what_is_malformed_is_not_registered() -> None:
    with pytest.raises(Malformed):
        check_registrable("https://h/..")


# --- What holds for every text -------------------------------------------------------------------------------------
# `texts` may be malformed, `good_texts` never are.

host_labels = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=4)
hosts = st.one_of(
    st.lists(host_labels, min_size=1, max_size=3).map(".".join),
    st.ip_addresses(v=6).map(lambda address: f"[{address.exploded}]"),
    st.sampled_from(["H.example", "h.example", "localhost"]),
)
pieces = st.text(string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@%", max_size=6)
escapes = st.sampled_from(["%41", "%7e", "%c3%a9", "%20", "%2561", "%3F"])
segments = st.lists(pieces | escapes, max_size=3).map("".join)
urls = st.builds(
    lambda scheme, host, port, path, end, query: (
        f"{scheme}://{host}{port}" + "".join(f"/{one}" for one in path) + end + query
    ),
    st.sampled_from(["https", "HTTPS", "http", "custom"]),
    hosts,
    st.sampled_from(["", "", ":443", ":80", ":8443"]),
    st.lists(segments, max_size=4),
    st.sampled_from(["", "/"]),
    st.sampled_from(["", "", "?", "?x=1"]),
)
opaque = st.builds(lambda scheme, rest: f"{scheme}:{rest}", st.sampled_from(["urn", "URN", "mailto"]), pieces)
names = pieces.filter(lambda text: bool(text) and ":" not in text)
near = st.sampled_from([one[side] for one in VECTORS for side in ("entry", "requested")])
# Few parts, so that two of them often meet; and what attackers put in their place.
close = st.builds(
    lambda scheme, authority, path, query: f"{scheme}://{authority}" + "".join(f"/{one}" for one in path) + query,
    st.sampled_from(["https", "https", "HTTPS", "http"]),
    st.sampled_from(
        ["h", "h", "H", "h:443", "h:80", "h.", "g", "h@g", "g@h", "h:g@h", "[::1]", "[0::1]", "h\\g", "h%2fg"]
    ),
    st.lists(
        st.sampled_from(["a", "a", "%61", "A", "b", "", ".", "..", "%2e", "%2e.", "%2f", "a%2Fb", "%00"]), max_size=3
    ),
    st.sampled_from(["", "", "", "?", "?q", "#", "#f"]),
)
texts = st.one_of(close, close, urls, opaque, names, near)
MODES = st.sampled_from(["prefix", "exact"])


good_segments = st.one_of(
    st.sampled_from(["a", "a", "%61", "A", "b", "%C3%A9", "%c3%a9", "...", "%2561", "%2541"]),
    st.text(string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@", min_size=1, max_size=4),
).filter(lambda one: one not in (".", ".."))
below = st.lists(good_segments, max_size=2).map(lambda path: "".join(f"/{one}" for one in path))
places = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{port}{path}",
    st.sampled_from(["https", "HTTPS", "http"]),
    st.sampled_from(["h", "H"]) | hosts,
    st.sampled_from(["", "", ":443", ":80", ":8443"]),
    below,
)
good_urls = st.builds(lambda place, end: place + end, places, st.sampled_from(["", "", "/", "?", "?q", "/?q"]))
good_texts = st.one_of(good_urls, good_urls, opaque, names, st.sampled_from(["custom://h/a", "custom://h/a/"]))


@given(st.text(max_size=80) | texts)
@example("https://[")
@example("https://[::1]]")
@example("https://h:" + "9" * 2000)
@example("https://h:\u0661")
@example("\ud800")
@example("%" * 2048)
def test_parse_refuses_with_one_error_only(text: str) -> None:
    with suppress(Malformed):
        assert parse(text).canonical


@given(texts, texts, MODES)
def test_nothing_crosses_scheme_host_or_port(entry: str, requested: str, mode: Mode) -> None:
    if not covers(entry, requested, mode):
        return
    one, other = parse(entry), parse(requested)
    assert (one.kind, one.scheme, one.host, one.port) == (other.kind, other.scheme, other.host, other.port)
    assert one.origin == other.origin


@given(close | urls, close | urls)
def test_nothing_crosses_what_the_standard_library_reads_as_scheme_host_or_port(entry: str, requested: str) -> None:
    """Read by another parser: two readings of one address are how matchers are fooled."""
    if not covers(entry, requested):
        return
    standard = {"http": 80, "https": 443}
    one, other = urlsplit(entry), urlsplit(requested)
    assert one.scheme == other.scheme
    assert parse(entry).host == parse(requested).host
    assert (one.port or standard.get(one.scheme)) == (other.port or standard.get(other.scheme))
    assert not other.username
    assert not other.password
    if not one.netloc.startswith("["):
        assert one.hostname == other.hostname


@given(texts, texts)
def test_nothing_admits_dot_segments_escaped_separators_user_names_or_fragments(entry: str, requested: str) -> None:
    if not covers(entry, requested):
        return
    assert "#" not in requested
    assert "\\" not in requested
    if parse(requested).kind != "url":
        assert parse(entry) == parse(requested)
        return
    authority, slash, path = requested.partition("://")[2].partition("?")[0].partition("/")
    assert "@" not in authority
    assert not re.search(r"%(2f|5c|[01][0-9a-f]|7f)", path, re.IGNORECASE)
    plain = re.sub(r"%2e", ".", path, flags=re.IGNORECASE)
    assert not {".", ".."} & set(plain.split("/"))
    assert "//" not in slash + path


@given(good_texts)
def test_everything_covers_itself(text: str) -> None:
    assert covers(text, text)
    assert covers(text, text, "exact")


@given(good_texts)
def test_the_canonical_form_is_stable_and_names_the_same_thing(text: str) -> None:
    form = parse(text).canonical
    assert canonical(form) == form
    assert parse(form) == parse(text)
    for mode in ("prefix", "exact"):
        assert covers(text, form, mode)
        assert covers(form, text, mode)


@given(good_texts, good_texts)
def test_the_canonical_form_is_equal_exactly_when_both_cover_each_other(one: str, other: str) -> None:
    same = parse(one).canonical == parse(other).canonical
    assert same == (covers(one, other) and covers(other, one))
    assert same == covers(one, other, "exact")


@given(places, below, below)
def test_covering_goes_down_the_path_from_step_to_step(place: str, further: str, deeper: str) -> None:
    assert covers(place, place + further)
    assert covers(place + further, place + further + deeper)
    assert covers(place, place + further + deeper)
    assert covers(place + further, place) == (further == ""), "and never up"


@given(texts, texts, texts)
def test_covering_is_transitive(one: str, two: str, three: str) -> None:
    if covers(one, two) and covers(two, three):
        assert covers(one, three)


@given(texts, texts)
def test_exact_never_allows_more_than_prefix(entry: str, requested: str) -> None:
    if covers(entry, requested, "exact"):
        assert covers(entry, requested, "prefix")


@given(good_texts, good_texts, MODES)
def test_covers_is_matches_for_texts(entry: str, requested: str, mode: Mode) -> None:
    assert covers(entry, requested, mode) == matches(parse(entry), parse(requested), mode)
