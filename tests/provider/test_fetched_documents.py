"""Documents of clients: fetched through one door, once, seldom, never twice for nothing (C4, C5, C14)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache

from common import counters, outbound
from provider import document_keys, document_rules, fetched_documents
from provider.fetched_documents import FetchedDocuments, Unavailable
from provider.protocol.client_document import Answer
from tests.provider.document_server import publish, serving_document
from tests.provider.key_server import KeyServer

HERE = "192.0.2.7"
ELSEWHERE = "https://agent.example.org/client.json"


class Clock:
    """The clocks of the module, which a test moves."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.passed

    def time(self) -> float:
        return time.time() + self.passed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(fetched_documents, "time", made)
    return made


@pytest.fixture
def server(settings: Any) -> Iterator[KeyServer]:
    settings.IS_LOCAL = settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = settings.IDP_LOOPBACK_CLIENT_DOCUMENTS = True
    with serving_document() as made:
        yield made


@pytest.fixture
def documents() -> FetchedDocuments:
    return FetchedDocuments()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed may be asked for again at once."""
    monkeypatch.setattr(fetched_documents, "_refuse_too_soon", lambda _client_id: None)


def refusal(documents: FetchedDocuments, client_id: str, **options: Any) -> Unavailable:
    with pytest.raises(Unavailable) as refused:
        documents.find(client_id, HERE, **options)
    return refused.value


def test_it_is_fetched_once_and_kept_c5(server: KeyServer, documents: FetchedDocuments) -> None:
    for _ in range(3):
        assert documents.find(server.url, HERE).client_name == "Agent"
    assert server.asked == 1


def test_many_at_once_fetch_once_c5(
    server: KeyServer, documents: FetchedDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched_documents, "MAX_WAITING", 8)
    documents = FetchedDocuments()
    server.slow = 0.3
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _number: documents.find(server.url, HERE).client_name, range(8)))
    assert (found, server.asked) == (["Agent"] * 8, 1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Cache-Control": "max-age=1"}, 60), ({}, 600), ({"Cache-Control": "max-age=31536000"}, 86_400)],
)
def test_it_counts_for_as_long_as_its_headers_say_within_bounds_c5(
    server: KeyServer, documents: FetchedDocuments, clock: Clock, headers: dict[str, str], seconds: int
) -> None:
    server.headers.update(headers)
    documents.find(server.url, HERE)
    publish(server, client_name="Renamed")
    clock.passed = seconds - 5
    assert documents.find(server.url, HERE).client_name == "Agent"
    clock.passed = seconds + 1
    assert documents.find(server.url, HERE).client_name == "Renamed"


def test_when_it_is_gone_there_is_none_however_good_it_was_c11(
    server: KeyServer, documents: FetchedDocuments, clock: Clock
) -> None:
    documents.find(server.url, HERE)
    server.status = 410
    clock.passed = 601
    assert "the status is 410" in str(refusal(documents, server.url))


@pytest.mark.parametrize("status", [201, 204, 301, 302, 304, 307, 400, 404, 410, 500, 503])
def test_only_200_is_an_answer_and_no_redirect_is_followed_c3(
    server: KeyServer, documents: FetchedDocuments, status: int
) -> None:
    server.status, server.headers["Location"] = status, server.url
    refused = refusal(documents, server.url)
    assert (refused.rule, refused.later, server.asked) == ("C3", False, 1)
    assert refused.host == server.url.split("/")[2]


def test_what_is_too_long_is_not_read_c3(server: KeyServer, documents: FetchedDocuments) -> None:
    server.body = server.body + b" " * 5_120
    assert "too long" in str(refusal(documents, server.url))


def test_errors_are_not_kept_c5(server: KeyServer, documents: FetchedDocuments, at_once: None) -> None:
    server.status = 500
    refusal(documents, server.url)
    server.status = 200
    assert documents.find(server.url, HERE).client_name == "Agent"


def test_documents_that_are_refused_are_not_kept_c5(
    server: KeyServer, documents: FetchedDocuments, at_once: None
) -> None:
    publish(server, client_id="https://other.example/", client_name=None)
    refused = refusal(documents, server.url)
    assert refused.rule == "C2"
    assert [one.rule for one in refused.verdicts if one.problem] == ["C2", "C7"]
    publish(server)
    assert documents.find(server.url, HERE).client_name == "Agent"


def test_what_failed_is_not_asked_again_at_once_by_any_process_c5(
    server: KeyServer, documents: FetchedDocuments
) -> None:
    server.status = 404
    refusal(documents, server.url)
    for one in (documents, FetchedDocuments()):
        assert "a moment ago" in str(refusal(one, server.url))
    assert server.asked == 1


def test_a_bad_address_at_a_host_does_not_stand_in_the_way_of_a_good_one_c5(
    server: KeyServer, documents: FetchedDocuments
) -> None:
    """Else anybody could keep the clients of a host out by naming what is not there."""
    assert refusal(documents, server.url + "x").rule == "C2"
    assert documents.find(server.url, HERE).client_name == "Agent"


def test_a_host_at_which_nobody_answers_is_left_alone_for_a_while_c5(
    settings: Any, documents: FetchedDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = True
    asked: list[str] = []

    def nobody(url: str, *_rest: object, **_options: object) -> Any:
        asked.append(url)
        raise outbound.Unreachable("Nobody is there.")

    monkeypatch.setattr(outbound, "get_with_headers", nobody)
    assert refusal(documents, ELSEWHERE).rule == "C4"
    assert "a moment ago" in str(refusal(documents, ELSEWHERE + "x"))
    assert refusal(documents, ELSEWHERE.replace("agent", "other")).host == "other.example.org"
    assert len(asked) == 2


def test_one_network_makes_us_ask_only_so_often_c5(
    server: KeyServer, documents: FetchedDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched_documents, "PER_NETWORK", counters.Limit("test-network", 3, 300))
    for number in range(5):
        refusal(documents, f"{server.url}{number}")
    assert server.asked == 3
    assert documents.find(server.url, "198.51.100.9").client_name == "Agent"


@pytest.mark.parametrize("limit", ["PER_HOST", "IN_ALL"])
def test_all_networks_together_make_us_ask_only_so_often_c5(
    server: KeyServer, documents: FetchedDocuments, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(fetched_documents, limit, counters.Limit("test-all", 3, 60))
    for number in range(5):
        with pytest.raises(Unavailable):
            documents.find(f"{server.url}{number}", f"192.0.2.{number}")
    assert server.asked == 3


def test_a_client_that_was_read_before_does_not_wait_behind_strangers_c5(
    server: KeyServer, documents: FetchedDocuments, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents.find(server.url, HERE)
    monkeypatch.setattr(fetched_documents, "IN_ALL", counters.Limit("test-all", 0, 60))
    assert "Too many" in str(refusal(documents, f"{server.url}x"))
    clock.passed = 601
    assert documents.find(server.url, HERE).client_name == "Agent"
    assert FetchedDocuments().find(server.url, HERE, known=True).client_name == "Agent"


def test_slow_hosts_hold_few_requests_and_few_threads_c5(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_WAITING", "MAX_FETCHES"):
        monkeypatch.setattr(fetched_documents, name, 1)
    documents = FetchedDocuments()
    with ThreadPoolExecutor(1) as pool:
        with server.held():
            slow = pool.submit(documents.find, server.url, HERE)
            server.is_asked()
            assert "Too many" in str(refusal(documents, f"{server.url}x"))
            assert "Too many" in str(refusal(documents, server.url))
            assert not slow.done(), "nobody waited for it"
        slow.result()


def test_memory_is_bounded_c5(server: KeyServer, documents: FetchedDocuments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched_documents, "MAX_KEPT", 2)
    documents.find(server.url, HERE)
    for number in range(3):
        refusal(documents, f"{server.url}{number}")
    assert documents.at_hand(server.url) is None


class Redis(LocMemCache):
    """A cache that all processes see, as far as this module can tell."""


def test_processes_share_what_one_of_them_read_and_each_judges_it_c5(
    server: KeyServer, documents: FetchedDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Redis("documents", {})
    monkeypatch.setattr(counters, "shared", lambda: cache)
    documents.find(server.url, HERE)
    assert FetchedDocuments().find(server.url, HERE).client_name == "Agent"
    assert server.asked == 1
    kept = cache.get(counters.key_of(fetched_documents.KEPT, server.url))
    cache.set(counters.key_of(fetched_documents.KEPT, server.url), {**kept, "body": b"{}"})
    assert FetchedDocuments().find(server.url, HERE).client_name == "Agent"
    assert server.asked == 2


def test_a_mistake_of_ours_is_told_and_nobody_waits_for_ever(
    server: KeyServer, documents: FetchedDocuments, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fetched_documents, "fetch", lambda _client_id: 1 / 0)
    assert "could not be read" in str(refusal(documents, server.url))
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    "address",
    [
        "https://id.example.com/c",
        "https://me@agent.example.org/c",
        "https://agent.example.org",
        "https://2130706433/c",
    ],
)
def test_nothing_is_asked_of_an_address_that_is_no_client_id_c1_c16(
    settings: Any, documents: FetchedDocuments, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    settings.IDP_ISSUER = "https://id.example.com"
    monkeypatch.setattr(outbound, "get_with_headers", lambda *_sent: pytest.fail("It was asked."))
    refused = refusal(documents, address)
    assert refused.rule in ("C1", "C16")
    assert refused.host == ""


@pytest.mark.parametrize("switch", ["IS_LOCAL", "IDP_LOOPBACK_CLIENT_DOCUMENTS"])
def test_this_machine_is_asked_only_where_it_says_so_c16(
    server: KeyServer, documents: FetchedDocuments, settings: Any, switch: str
) -> None:
    setattr(settings, switch, False)
    assert refusal(documents, server.url).rule == "C1"
    assert server.asked == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a00:1"])
def test_a_name_that_leads_to_our_neighbours_is_not_asked_c4(
    settings: Any, documents: FetchedDocuments, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    settings.IS_LOCAL = False
    monkeypatch.setattr(outbound, "_resolve", lambda _target, _deadline: [(2, (address, 443))])
    assert str(refusal(documents, ELSEWHERE)) == "agent.example.org leads nowhere on the public internet."


def test_networks_of_our_own_are_for_registered_apps_and_no_strangers_c4(
    settings: Any, documents: FetchedDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IS_LOCAL, settings.IDP_PRIVATE_LOGOUT_NETWORKS = False, ["10.0.0.0/8"]
    monkeypatch.setattr(outbound, "_resolve", lambda _target, _deadline: [(2, ("10.0.0.1", 443))])
    assert str(refusal(documents, ELSEWHERE)) == "agent.example.org leads nowhere on the public internet."
    with pytest.raises(outbound.Unreachable, match="leads nowhere on the public internet"):
        document_keys.of_guests.key_set("https://agent.example.org/keys")


def test_keys_and_addresses_in_it_meet_the_rules_of_every_registration_c6_c8() -> None:
    body = (
        b'{"client_id": "%s", "client_name": "A", "redirect_uris": ["http://evil.example/", "https://a.example/cb#x", '
        b'"http://127.0.0.1/cb", "com.example.app:/cb"]}' % ELSEWHERE.encode()
    )
    found = document_rules.read(ELSEWHERE, Answer("application/json", body))
    assert found.redirect_uris == ("http://127.0.0.1/cb", "com.example.app:/cb")
