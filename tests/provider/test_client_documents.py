"""Clients that their document makes: without a row, with one that follows it, and after it is gone (C10 to C15)."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clients import registration
from clients.guest_registration import note_document
from clients.metadata import ClientMetadata
from clients.models import Client, SecurityEvent
from clients.policy import metadata_of
from common import clock, counters
from projects.actors import Actor
from projects.facts import OUTSIDE
from projects.models import Project
from provider import (
    client_documents,
    client_keys,
    document_keys,
    document_rules,
    facts,
    fetched_documents,
    fetched_keys,
)
from provider.client_documents import arrive, attend, facts_of, find_client, row_of
from provider.fetched_documents import Unavailable
from provider.protocol.client_document import Answer
from provider.protocol.errors import InvalidGrant
from provider.protocol.facts import ClientFacts
from tests.foreign_keys import KEYS, OTHERS, public, signed
from tests.provider.assertions import claims, token_request
from tests.provider.document_server import CALLBACK, grown_old, publish, taking_documents
from tests.provider.key_server import KeyServer
from tests.world import Browser, Response

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
HERE = "192.0.2.7"
OLD, NEW = public(KEYS["ES256"], kid="old"), public(OTHERS["ES256"], kid="new")


@pytest.fixture
def agent(settings: Any) -> Iterator[KeyServer]:
    with taking_documents(settings) as server:
        yield server


@pytest.fixture
def read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed may be asked for again at once."""
    monkeypatch.setattr(fetched_documents, "_refuse_too_soon", lambda _client_id: None)


def seen(agent: KeyServer) -> ClientFacts:
    arrive(agent.url, HERE)
    found = find_client(agent.url)
    assert found is not None
    return found


def taken_in(agent: KeyServer) -> ClientFacts:
    return row_of(seen(agent))


def changed(agent: KeyServer, **members: Any) -> ClientFacts:
    """After its developer published another document, and it was read."""
    publish(agent, **members)
    grown_old()
    return seen(agent)


def fetches() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "client-document"]


def settled() -> None:
    for thread in fetches():
        thread.join(timeout=10)


def attended(agent: KeyServer) -> ClientFacts:
    """A refresh, and what its fetch found; and another one."""
    for _ in range(2):
        found = facts.find_client(agent.url)
        assert found is not None
        attend(found)
        settled()
    again = facts.find_client(agent.url)
    assert again is not None
    return again


def test_without_a_row_it_is_a_guest_as_its_document_says_c15(agent: KeyServer) -> None:
    publish(agent, grant_types=["authorization_code", "refresh_token"], scope="notes")
    found = seen(agent)
    assert (found.guest, found.id, found.project, found.name) == (True, 0, OUTSIDE, "Agent")
    assert (found.redirect_uris, found.scopes, found.public, found.rotates) == ((CALLBACK,), ("notes",), True, True)
    assert not Client.objects.filter(client_id=agent.url).exists()


def test_its_row_is_made_once_and_says_the_same_c15(agent: KeyServer) -> None:
    before = seen(agent)
    row = row_of(before)
    assert row.id == Client.objects.get(client_id=agent.url).pk
    assert replace(row, id=0, tokens_not_before=None, document_read_at=None) == before
    assert row_of(row) is row
    assert row_of(before) == row, "somebody else's consent was quicker"


def test_its_row_cannot_be_made_of_a_document_that_counts_no_longer(agent: KeyServer) -> None:
    before = seen(agent)
    fetched_documents.shared.clear()
    with pytest.raises(Exception, match="too long ago"):
        row_of(before)


@pytest.mark.usefixtures("read_again")
@pytest.mark.parametrize(
    ("members", "over"),
    [
        ({"client_name": "Another"}, True),
        ({"redirect_uris": ["http://127.0.0.1/other"]}, True),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [NEW]}}, True),
        ({"scope": "notes"}, False),
    ],
    ids=["name", "redirect URIs", "keys", "scope"],
)
def test_the_row_follows_the_document_and_what_people_did_not_see_is_over_c10(
    agent: KeyServer, members: dict[str, Any], over: bool
) -> None:
    before = taken_in(agent)
    after = changed(agent, **members)
    assert (after.tokens_not_before != before.tokens_not_before) is over
    row = Client.objects.get(client_id=agent.url)
    assert (row.name, row.redirect_uri_list, row.scope) == (
        after.name,
        list(after.redirect_uris),
        " ".join(after.scopes),
    )
    assert SecurityEvent.objects.filter(client_id=agent.url).exclude(kind="client.created").exists()


@pytest.mark.usefixtures("read_again")
def test_the_same_document_again_changes_nothing(agent: KeyServer) -> None:
    publish(agent, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [OLD]}, scope="b a")
    before = taken_in(agent)
    number = SecurityEvent.objects.count()
    grown_old()
    assert seen(agent) == before
    assert (agent.asked, SecurityEvent.objects.count()) == (2, number)


@pytest.mark.usefixtures("read_again")
def test_a_disabled_one_stays_disabled_whatever_its_document_says(agent: KeyServer) -> None:
    taken_in(agent)
    row = Client.objects.get(client_id=agent.url)
    before = metadata_of(row)
    registration.change(row, before.changed({"enabled": False}), Actor.operator("the tests"))
    assert not changed(agent, client_name="Another").enabled


@pytest.mark.usefixtures("read_again")
def test_a_process_that_remembers_an_older_document_does_not_turn_the_row_back_c10(
    agent: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_in(agent)
    another = fetched_documents.FetchedDocuments()
    another.find(agent.url, HERE)
    after = changed(agent, client_name="Another")
    note_document(agent.url, gone_since=clock.now())
    monkeypatch.setattr(another, "at_hand", lambda client_id, _grace=0.0: another.look_again(client_id)[0])
    monkeypatch.setattr(fetched_documents, "shared", another)
    publish(agent, client_name="Another")
    grown_old(another)
    with agent.held():
        assert seen(agent).name == "Another"
        now = facts.find_client(agent.url)
        assert now is not None
        attend(now)
        again = facts.find_client(agent.url)
        assert again is not None
        assert (again.name, again.tokens_not_before) == ("Another", after.tokens_not_before)
        assert again.document_gone_since is not None, "what was read before it went says nothing"
    settled()


# --- Refreshing ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("read_again")
def test_a_refresh_waits_for_no_document_c14(agent: KeyServer) -> None:
    client = taken_in(agent)
    grown_old()
    with agent.held():
        attend(client)
        assert fetches(), "it goes on"
        agent.is_asked(2)
    settled()
    assert agent.asked == 2


def test_a_refresh_asks_for_nothing_that_counts_still_c14(agent: KeyServer) -> None:
    client = taken_in(agent)
    for _ in range(3):
        attend(client)
    assert agent.asked == 1


@pytest.mark.usefixtures("read_again")
def test_a_refresh_hears_that_the_document_changed_c10(agent: KeyServer) -> None:
    taken_in(agent)
    publish(agent, client_name="Another")
    grown_old()
    with pytest.raises(InvalidGrant, match="changed"):
        attended(agent)


@pytest.mark.usefixtures("read_again")
def test_when_it_is_gone_refreshing_goes_on_for_a_week_and_then_ends_c11(agent: KeyServer) -> None:
    taken_in(agent)
    agent.status = 410
    grown_old()
    since = attended(agent).document_gone_since
    assert since is not None
    assert attended(agent).document_gone_since == since, "a week from the first failure, however often it fails"
    with pytest.raises(Unavailable):
        arrive(agent.url, HERE)
    for days, ends in ((6, False), (8, True)):
        note_document(agent.url, gone_since=None)
        note_document(agent.url, gone_since=clock.now() - timedelta(days=days))
        if ends:
            with pytest.raises(InvalidGrant, match="gone"):
                attended(agent)
        else:
            attended(agent)
    settled()
    agent.status = 200
    client = facts.find_client(agent.url)
    assert client is not None
    with pytest.raises(InvalidGrant):
        attend(client)
    settled()
    assert attended(agent).document_gone_since is None, "it is there again"


@pytest.mark.any_database
def test_where_none_are_taken_any_more_nothing_begins_and_nothing_goes_on(agent: KeyServer, settings: Any) -> None:
    client = taken_in(agent)
    settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = False
    assert find_client(agent.url) is None
    assert facts_of(agent.url) is None
    with pytest.raises(InvalidGrant):
        attend(client)


@pytest.mark.any_database
def test_other_clients_have_no_document(agent: KeyServer) -> None:
    arrive("web", HERE)
    arrive("", HERE)
    assert find_client("web") == facts.find_client("web")
    assert find_client("nobody") is None
    assert agent.asked == 0


# --- Keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.any_database
def test_one_that_an_operator_registered_is_not_asked_for_to_begin_and_has_its_keys_there_c13(
    agent: KeyServer, settings: Any
) -> None:
    publish(agent, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [OLD]})
    settings.IDP_ISSUER = "http://localhost:8000"
    wanted = ClientMetadata(
        client_id=agent.url,
        client_name="Agent of the house",
        token_endpoint_auth_method="private_key_jwt",
        grant_types=("client_credentials",),
    )
    registration.register(wanted, Project.objects.get(key="acme"), Actor.operator("the tests"))
    document_keys.registered.clear()
    arrive(agent.url, HERE)
    assert agent.asked == 0
    signed_by = ((KEYS, "old"), (OTHERS, "new"), (OTHERS, "old"))
    answers = [_by_assertion(agent.url, one["ES256"], kid) for one, kid in signed_by]
    assert [one.status_code for one in answers] == [200, 401, 401]
    assert agent.asked == 1


def _by_assertion(client_id: str, key: Any, kid: str) -> Response:
    return token_request(signed(key, "ES256", claims(client_id), kid=kid))


@pytest.mark.any_database
def test_keys_of_strangers_are_fetched_no_oftener_than_their_documents_c4(
    agent: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = agent.url.replace("client.json", "keys.json")
    publish(agent, token_endpoint_auth_method="private_key_jwt", jwks_uri=elsewhere)
    client = seen(agent)
    document_keys.of_guests.clear()
    monkeypatch.setattr(fetched_documents, "IN_ALL", counters.Limit("test-all", 0, 60))
    assert client_keys.keys_of(client, "old") == ()
    assert agent.asked == 1
    registered_itself = Client.objects.get(client_id="web").pk  # anybody makes a row by registering
    client_keys.keys_of(replace(client, id=registered_itself), "old")
    assert agent.asked == 1, "nobody let it in"
    Browser("owner").code("web")
    client_keys.keys_of(replace(client, id=registered_itself), "old")
    assert agent.asked == 2


@pytest.mark.any_database
def test_who_makes_us_fetch_keys_takes_no_document_away_from_others_c5(
    agent: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched_documents, "IN_ALL", counters.Limit("test-all", 1, 60))
    monkeypatch.setattr(document_keys, "IN_ALL", counters.Limit("test-keys", 2, 60))
    of_strangers = fetched_keys.FetchedKeys(document_keys._may_ask, for_strangers=True)
    for number in range(3):
        of_strangers.find((0, agent.url.replace("client.json", f"keys-{number}.json")), "old")
    assert agent.asked == 2, "they have a limit of their own"
    assert seen(agent).client_id == agent.url


def test_the_id_of_a_guest_is_nobody_elses(agent: KeyServer) -> None:
    """An id that is registered meanwhile is the operator's client, and no guest is made of it."""
    before = seen(agent)
    wanted = ClientMetadata(client_id=agent.url, client_name="Ours", grant_types=("client_credentials",))
    registration.register(wanted, Project.objects.get(key="acme"), Actor.operator("the tests"))
    with pytest.raises(Exception, match="cannot be taken in"):
        client_documents.row_of(before)


@pytest.mark.any_database
def test_the_document_that_developers_are_shown_is_a_good_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "integrate.md").read_text()
    shown = re.search(r"## An app that nobody registers.*?```json\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    found = document_rules.read("https://agent.example/client.json", Answer("application/json", shown[1].encode()))
    assert (found.client_name, len(found.redirect_uris), found.auth_method) == ("Reading agent", 3, "none")
