"""What was asked for, and which audiences a client may ask for at all (sections 0, 1, 3 and 4)."""

from __future__ import annotations

import pytest

from projects.matcher import MAX_LENGTH
from provider.protocol.audience import Asked, classify, named, permitted, values
from provider.protocol.errors import InvalidAudience, InvalidRequest, InvalidTarget, Refusal
from provider.protocol.facts import ClientFacts, Entry, Registry
from tests.provider.protocol.building import (
    ACME,
    BILLING,
    ORDERS,
    OTHER,
    QUEUE,
    api,
    client,
    listed,
    registry,
    sent,
)

SIBLING = client("sibling")
STRANGER = client("stranger", project=OTHER)
FOREIGN = "https://api.other.example/reports"


# --- Reading the parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "read"),
    [
        ("a", ["a"]),
        ("a b", ["a", "b"]),
        (["a", "b"], ["a", "b"]),
        (["b a", "c", "a d"], ["b", "a", "c", "d"]),
        (["a", "a", "a"], ["a"]),
        ("  a   b  ", ["a", "b"]),
        (["", " ", "a"], ["a"]),
        ("", []),
    ],
)
def test_values_are_repeated_or_separated_by_spaces_and_counted_once(
    audience: str | list[str], read: list[str]
) -> None:
    assert values(sent(audience=audience), "audience") == read


def test_no_parameter_is_no_value() -> None:
    assert values(sent(scope="openid"), "audience") == []


@pytest.mark.parametrize("name", ["audience", "resource"])
@pytest.mark.parametrize("control", ["\t", "\n", "\r", "\0", "\x1f", "\x7f", "\x85", "\x9f"])
def test_control_characters_are_refused(name: str, control: str) -> None:
    with pytest.raises(InvalidRequest, match="control"):
        values(sent(**{name: f"https://h/a{control}b"}), name)
    with pytest.raises(InvalidRequest, match="control"):
        values(sent(**{name: ["https://h/a", f"https://h/a{control}b"]}), name)


def test_what_lies_next_to_control_characters_is_read() -> None:
    assert values(sent(audience="https://h/~a \u00a0"), "audience") == ["https://h/~a", "\u00a0"]


def test_the_longest_value_passes_and_a_longer_one_does_not() -> None:
    longest = "https://h/" + "a" * (MAX_LENGTH - 10)
    assert values(sent(audience=longest), "audience") == [longest]
    assert classify(sent(audience=longest), client(allowlist=listed("https://h")), Registry()).apis == (longest,)
    with pytest.raises(InvalidRequest, match=str(MAX_LENGTH)):
        values(sent(audience=longest + "a"), "audience")


@pytest.mark.parametrize("name", ["audience", "resource"])
def test_twenty_values_pass_and_twenty_one_do_not(name: str) -> None:
    words = [f"https://h/{number}" for number in range(21)]
    assert named(sent(**{name: words[:20]})) == words[:20]
    with pytest.raises(InvalidRequest, match="20"):
        named(sent(**{name: words}))
    with pytest.raises(InvalidRequest, match="20"):
        classify(sent(**{name: " ".join(words)}), client(allowlist=listed("https://h")), Registry())


def test_audience_and_resource_are_counted_together() -> None:
    words = [f"https://h/{number}" for number in range(21)]
    with pytest.raises(InvalidRequest):
        named(sent(audience=words[:11], resource=words[11:]))


def test_a_value_sent_thirty_times_counts_once() -> None:
    assert named(sent(audience=["https://h"] * 30)) == ["https://h"]


# --- What a value is: the first match wins -------------------------------------------------------------------------


def test_the_own_client_id_asks_for_nothing() -> None:
    assert classify(sent(audience="web"), client("web"), Registry()) == Asked()


def test_the_client_id_of_a_sibling_is_a_target_and_no_audience() -> None:
    asked = classify(sent(audience=[ORDERS, "sibling"]), client(), registry(clients=[SIBLING]))
    assert asked == Asked(apis=(ORDERS,), targets=(SIBLING,))


def test_a_client_goes_before_an_allowlist_entry_of_the_same_name() -> None:
    caller = client(allowlist=listed("sibling"))
    assert classify(sent(audience="sibling"), caller, registry(clients=[SIBLING])).targets == (SIBLING,)


def test_a_client_goes_before_an_address_of_the_same_name() -> None:
    sibling = client(ORDERS)
    assert classify(sent(audience=ORDERS), client(), registry(clients=[sibling])).targets == (sibling,)


def test_client_ids_are_compared_as_they_are_written() -> None:
    with pytest.raises(InvalidAudience):
        classify(sent(audience="SIBLING"), client(), registry(clients=[SIBLING]))


def test_a_client_that_registered_itself_is_nobodys_target() -> None:
    itself = client("sibling", registered_by_administrator=False)
    with pytest.raises(InvalidAudience):
        classify(sent(audience="sibling"), client(), registry(clients=[itself]))
    listing_it = client(allowlist=listed("sibling"))
    assert classify(sent(audience="sibling"), listing_it, registry(clients=[itself])) == Asked(apis=("sibling",))


@pytest.mark.parametrize("word", [ORDERS, "HTTPS://API.acme.example/orders", f"{ORDERS}/7"])
def test_an_address_is_checked_against_the_allowlist(word: str) -> None:
    assert len(classify(sent(audience=word), client(), Registry()).apis) == 1


@pytest.mark.parametrize(
    "word",
    [
        *("https://api.acme.example/users", f"{ORDERS}x", "https://", "https://h\\x", "https://@h", "custom://h/a"),
        *("HTTPS://h", "hTTPS://h", "soap.beep://h", "git+ssh://h", "ms-app://h", "h2://h"),
    ],
)
def test_an_address_outside_the_allowlist_is_an_invalid_target(word: str) -> None:
    with pytest.raises(InvalidTarget):
        classify(sent(audience=word), client(), Registry())


@pytest.mark.parametrize("word", ["queue", QUEUE, "mailto:orders@acme.example"])
def test_names_and_opaque_uris_are_allowed_exactly_as_listed(word: str) -> None:
    assert classify(sent(audience=word), client(allowlist=listed(word)), Registry()).apis == (word,)


@pytest.mark.parametrize("word", ["queues", "urn:acme:queue:1", "urn:acme", "é", "a|b", "/orders", "1https://h"])
def test_what_is_neither_listed_nor_an_address_looks_like_an_unknown_client(word: str) -> None:
    with pytest.raises(InvalidAudience):
        classify(sent(audience=word), client(allowlist=listed("queue", QUEUE)), Registry())


# --- Whether a client exists does not show -------------------------------------------------------------------------

OTHER_MISTAKES = [
    {},
    {"resource": "https://not.listed.example/"},
    {"resource": "no-uri"},
    {"audience": ["https://not.listed.example/"]},
    {"audience": ["https://@malformed"]},
    {"audience": ["nobody-else"]},
]


@pytest.mark.parametrize("other", OTHER_MISTAKES, ids=str)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    "target",
    [
        None,
        STRANGER,
        client("sibling", enabled=False),
        client("sibling", allowed_callers=frozenset({"picky"})),
        client("sibling", registered_by_administrator=False),
    ],
    ids=["unknown", "foreign", "disabled", "not allowed", "registered itself"],
)
def test_a_refused_target_is_answered_before_every_other_mistake(
    target: ClientFacts | None, first: bool, other: dict[str, str | list[str]]
) -> None:
    name = target.client_id if target else "nobody"
    words = list(other.get("audience", []))
    words = [name, *words] if first else [*words, name]
    params = sent(**{**other, "audience": words})
    with pytest.raises(InvalidAudience):
        classify(params, client(), registry(clients=[target] if target else []))


# --- resource (RFC 8707) -------------------------------------------------------------------------------------------


def test_resource_is_split_like_audience() -> None:
    assert classify(sent(resource=[f"{ORDERS} {BILLING}", ORDERS]), client(), Registry()).apis == (ORDERS, BILLING)


def test_resource_values_come_before_audience_values() -> None:
    asked = classify(sent(audience=ORDERS, resource=BILLING), client(), Registry())
    assert asked.apis == (BILLING, ORDERS)


def test_resource_is_never_a_client() -> None:
    caller = client(allowlist=listed("sibling"))
    for word in ("sibling", "web"):
        with pytest.raises(InvalidTarget, match="absolute URI"):
            classify(sent(resource=word), caller, registry(clients=[SIBLING]))
    assert classify(sent(resource=ORDERS), client(), registry(clients=[client(ORDERS)])).targets == ()


def test_resource_may_be_an_opaque_uri_on_the_allowlist() -> None:
    assert classify(sent(resource=QUEUE), client(allowlist=listed(QUEUE)), Registry()).apis == (QUEUE,)
    with pytest.raises(InvalidTarget):
        classify(sent(resource=QUEUE), client(), Registry())


@pytest.mark.parametrize("name", ["audience", "resource"])
@pytest.mark.parametrize("word", ["https://api.acme.example/../orders", "https://u@api.acme.example", "https://h:0"])
def test_a_malformed_address_is_told_so(name: str, word: str) -> None:
    with pytest.raises(InvalidTarget, match="malformed"):
        classify(sent(**{name: word}), client(), Registry())


def test_audiences_are_counted_once_in_their_canonical_form_and_keep_their_order() -> None:
    asked = classify(
        sent(resource=ORDERS, audience=[BILLING, "HTTPS://api.acme.example:443/orders/", f"{BILLING}/"]),
        client(),
        Registry(),
    )
    assert asked.apis == (ORDERS, BILLING)


# --- Allowed, and the value tokens carry ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "requested", "carried"),
    [
        ("https://H.example/a/", "https://h.example/a", "https://H.example/a/"),
        ("https://h.example:443", "https://h.example/", "https://h.example:443"),
        ("https://h.example/a", "HTTPS://H.example:443/a/B/", "https://h.example/a/B"),
        ("https://h.example/%61", "https://h.example/a", "https://h.example/%61"),
        ("https://h.example/a", "https://h.example/%61/%7e", "https://h.example/a/~"),
        ("https://h.example/a?x=1", "https://h.example/a?x=1", "https://h.example/a?x=1"),
        ("URN:acme", "urn:acme", "URN:acme"),
        ("http://[::1]:80/", "http://[0:0::1]", "http://[::1]:80/"),
    ],
)
def test_tokens_carry_the_entry_as_written_or_the_canonical_form(entry: str, requested: str, carried: str) -> None:
    assert permitted(requested, client(allowlist=listed(entry)), Registry()) == carried


def test_tokens_carry_the_identifier_of_the_api_before_the_value_of_the_entry() -> None:
    caller = client(allowlist=listed(f"{ORDERS}/"))
    orders = api("HTTPS://api.acme.example/orders")
    assert permitted(ORDERS, caller, registry(orders)) == orders.identifier
    assert permitted(f"{ORDERS}/7", caller, registry(orders)) == f"{ORDERS}/7", "below it the canonical form"


def test_an_exact_entry_allows_nothing_below_it() -> None:
    caller = client(allowlist=(Entry(BILLING, "exact"),))
    assert permitted(BILLING, caller, Registry()) == BILLING
    with pytest.raises(InvalidTarget):
        permitted(f"{BILLING}/7", caller, Registry())


@pytest.mark.parametrize("word", [ORDERS, QUEUE, "name", "https://h"])
def test_an_empty_allowlist_allows_nothing(word: str) -> None:
    with pytest.raises(InvalidTarget):
        permitted(word, client(allowlist=()), registry(api(ORDERS)))


@pytest.mark.parametrize(
    ("shared", "shared_with", "allowed"),
    [
        ("private", frozenset(), False),
        ("private", frozenset({ACME.id}), False),
        ("listed", frozenset(), False),
        ("listed", frozenset({3}), False),
        ("listed", frozenset({3, ACME.id}), True),
        ("public", frozenset(), True),
    ],
)
def test_an_api_of_another_project_needs_to_be_shared(shared: str, shared_with: frozenset[int], allowed: bool) -> None:
    foreign = api(FOREIGN, project_id=OTHER.id, shared=shared, shared_with=shared_with)
    caller = client(allowlist=listed(FOREIGN))
    for word in (FOREIGN, f"{FOREIGN}/2026"):
        if allowed:
            assert permitted(word, caller, registry(foreign)) == word
        else:
            with pytest.raises(InvalidTarget):
                permitted(word, caller, registry(foreign))


def test_an_entry_above_another_projects_api_does_not_open_it() -> None:
    caller = client(allowlist=listed("https://api.other.example"))
    known = registry(api(FOREIGN, project_id=OTHER.id))
    assert permitted("https://api.other.example/else", caller, known) == "https://api.other.example/else"
    with pytest.raises(InvalidTarget):
        permitted(f"{FOREIGN}/2026", caller, known)


def test_the_most_specific_api_decides() -> None:
    caller = client(allowlist=listed("https://api.acme.example"))
    known = registry(api("https://api.acme.example"), api(ORDERS, project_id=OTHER.id))
    assert permitted(BILLING, caller, known) == BILLING
    with pytest.raises(InvalidTarget):
        permitted(f"{ORDERS}/7", caller, known)


def test_whose_api_it_is_does_not_show_in_the_answer() -> None:
    answers: set[tuple[str, str]] = set()
    for known in (Registry(), registry(api(FOREIGN, project_id=OTHER.id))):
        for caller in (client(), client(allowlist=listed(FOREIGN))):
            try:
                permitted(FOREIGN, caller, known)
            except Refusal as refusal:
                answers.add((refusal.code, str(refusal)))
    assert len(answers) == 1
