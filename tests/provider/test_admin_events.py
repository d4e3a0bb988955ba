"""What happened, in the console: in words, found by the reference a person read, and each project sees its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.test import Client as Http

from clients.models import RefusedRequest, SecurityEvent
from provider.admin.event_words import WORDS
from tests.console import browser, client, page

pytestmark = pytest.mark.usefixtures("console")
REFUSALS, EVENTS = page("clients_refusedrequest_changelist"), page("clients_securityevent_changelist")
NETWORK = "203.0.113.9"
ROOT = Path(__file__).parent.parent.parent
_CELL = re.compile(r'class="field-client_id[^"]*">([^<]*)<')
# How code says that something happened: `record(by, "kind"`, `kind="kind"`, `LOCKED_OUT = "kind"`.
_KINDS = re.compile(r"(?:record\([a-z_().]+, |kind = |kind=|else |_OUT = |_DELETED = )\"([a-z_]+\.[a-z_]+)\"")


def refused(client_id: str, reference: str, **fields: str) -> RefusedRequest:
    now = datetime.now(UTC)
    said = {"endpoint": "token", "error": "invalid_grant", "step": "grant", "network": NETWORK, **fields}
    at = {"hour": now.replace(minute=0, second=0, microsecond=0), "first_at": now, "last_at": now}
    return RefusedRequest.objects.create(client_id=client_id, request_ids=reference, **said, **at)


def listed(username: str, address: str, **query: str) -> str:
    return browser(username).get(f"{address}?{urlencode(query)}").content.decode()


def test_the_reference_that_a_person_read_is_found() -> None:
    uri = {"response_type": "code", "client_id": "web", "redirect_uri": "https://web.acme.example/wrong"}
    shown = Http().get("/oauth2/authorize?" + urlencode(uri)).content.decode()
    reference = re.findall(r"<code>([0-9a-f]{8})</code>", shown)[0]
    for username in ("root", "viewer"):
        found = listed(username, REFUSALS, q=reference)
        assert "redirect_uri is not registered for this client. redirect_uri: https://web.acme.example/wrong" in found
        assert "1 refused request" in found
    outside = listed("outsider", REFUSALS, q=reference)
    assert "redirect_uri is not registered" not in outside
    assert "1 refused request" not in outside


def test_members_see_what_was_refused_of_their_clients_and_nothing_of_others() -> None:
    mine, theirs, nobodys = refused("web", "one"), refused("foreign", "two"), refused("", "three")
    name = "clients_refusedrequest_change"
    for row, username, status in (
        (mine, "viewer", 200),
        (theirs, "viewer", 302),
        (nobodys, "viewer", 302),
        (theirs, "root", 200),
        (nobodys, "root", 200),
    ):
        assert browser(username).get(page(name, row.pk)).status_code == status
    for reference, number in (("one", 1), ("two", 0), ("three", 0)):
        assert listed("viewer", REFUSALS, q=reference).count("1 refused request") == number
    assert "foreign" not in listed("viewer", REFUSALS), "not among the filters either"


def test_where_people_are_is_shown_to_superusers_only() -> None:
    row = refused("web", "one")
    one = page("clients_refusedrequest_change", row.pk)
    assert NETWORK in listed("root", REFUSALS)
    assert NETWORK in browser("root").get(one).content.decode()
    assert NETWORK not in listed("owner", REFUSALS)
    assert NETWORK not in browser("owner").get(one).content.decode()


def test_refusals_are_filtered_by_client_project_endpoint_and_error() -> None:
    refused("web", "one")
    refused("foreign", "two", error="invalid_scope", endpoint="authorize")
    several = [{"client": "foreign"}, {"project": "other"}, {"q": "foreign"}]
    for query in (*several, {"error": "invalid_scope"}, {"endpoint": "authorize"}):
        assert _CELL.findall(listed("root", REFUSALS, **query)) == ["foreign"], query


def test_the_page_of_a_client_leads_to_what_was_refused_of_it() -> None:
    refused("web", "one")
    refused("spa", "two")
    http = browser("viewer")
    shown = http.get(page("clients_client_change", client("web").pk)).content.decode()
    (link,) = re.findall(r'href="([^"]*kind=refused[^"]*)"', shown.partition("object-tools")[2])
    found = http.get(unescape(link)).content.decode()
    assert (">one<" in found, ">two<" in found) == (True, False)


def test_events_are_told_in_words_and_filtered_by_them() -> None:
    SecurityEvent.objects.create(kind="client.secret_revoked", client_id="web")
    SecurityEvent.objects.create(kind="clientsecret.saved", client_id="web")
    found = listed("owner", EVENTS, q="web")
    assert ">Secret revoked<" in found
    assert ">clientsecret.saved<" in found, "a kind that has no words"
    only = listed("owner", EVENTS, kind="client.secret_revoked")
    assert "1 security event" in only


def test_every_kind_that_code_records_has_words() -> None:
    layers = ("projects", "clients", "provider", "idp")
    text = "\n".join(path.read_text() for layer in layers for path in (ROOT / layer).rglob("*.py"))
    found = set(_KINDS.findall(text)) - {f"{one}.pk" for one in ("request", "self")}
    assert len(found) > 25
    assert found - set(WORDS) == set()
