"""The button beside a refusal: what an app sent is registered, by those who may change it and by nobody else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client as Http

from clients import registration
from clients.models import RefusedRequest, SecurityEvent
from clients.models.refusal import MAX_DESCRIPTION
from clients.policy import metadata_of
from projects.actors import Actor
from projects.models import Member
from provider.admin.happened import refusals
from tests.console import browser, client, keep_web_within_its_project, page
from tests.world import CHALLENGE, Response

pytestmark = pytest.mark.usefixtures("console")

WRONG = "https://web.acme.example/callback"
SAID = f"redirect_uri is not registered for this client. redirect_uri: {WRONG}"


def row(client_id: str = "web", **fields: Any) -> RefusedRequest:
    now = datetime.now(UTC)
    said = {"endpoint": "authorize", "error": "invalid_request", "step": "channel", "description": SAID, **fields}
    return RefusedRequest.objects.create(
        client_id=client_id, request_ids="e6cf24e9", hour=now, first_at=now, last_at=now, **said
    )


def form(refusal: RefusedRequest, client_id: str = "web") -> str:
    return page("clients_client_register_sent", client(client_id).pk, refusal.pk)


def send(username: str, refusal: RefusedRequest, sent: str) -> Response:
    return browser(username).post(form(refusal), {"sent": sent})


def test_a_refused_request_leads_to_a_form_with_what_was_sent() -> None:
    wrong = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": f"{WRONG}?secret=1",
        "code_challenge": CHALLENGE,
    }
    assert Http().get("/oauth2/authorize", wrong).status_code == 400
    http = browser("editor")
    shown = http.get(page("activity"), {"app": "web", "kind": "refused"}).content.decode()
    [address] = re.findall(r'href="([^"]*/register-sent/[^"]*)"', shown)
    html = http.get(address).content.decode()
    assert f'value="{WRONG}"' in html
    assert "secret=1" not in html
    assert "register it only if it is yours" in html


def test_it_is_registered_once_beside_the_others_and_is_an_event() -> None:
    keep_web_within_its_project()
    refusal = row()
    for _time in range(2):
        assert send("editor", refusal, WRONG).status_code == 302
    assert client().redirect_uri_list == ["https://web.acme.example/cb", "https://web.acme.example/other", WRONG]
    assert SecurityEvent.objects.filter(kind="client.changed", client_id="web").count() == 1


def test_the_registration_decides_what_may_be_registered() -> None:
    answer = send("editor", row(), "http://web.acme.example/callback")
    assert answer.status_code == 200
    assert "https" in answer.context["form"].errors["sent"][0]
    assert len(client().redirect_uri_list) == 2


def test_what_somebody_else_registers_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_web_within_its_project()
    other, locked = "https://web.acme.example/meanwhile", registration.locked

    def after_waiting(*asked: Any) -> Any:
        uris = (*client().redirect_uri_list, other)
        registration.change(
            client(), metadata_of(client()).changed({"redirect_uris": uris}), Actor.operator("operator")
        )
        return locked(*asked)

    monkeypatch.setattr(registration, "locked", after_waiting)
    assert send("editor", row(), WRONG).status_code == 302
    assert {other, WRONG} <= {*client().redirect_uri_list}


def test_whoever_lost_the_role_meanwhile_registers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = registration.locked

    def after_waiting(*asked: Any) -> Any:
        Member.objects.filter(user__username="editor").delete()
        return locked(*asked)

    monkeypatch.setattr(registration, "locked", after_waiting)
    assert send("editor", row(), WRONG).status_code == 403
    assert WRONG not in client().redirect_uri_list


def test_scopes_that_were_refused_are_added() -> None:
    refusal = row(error="invalid_scope", step="scopes", description="Not registered for this client: profile phone")
    assert 'value="profile phone"' in browser("owner").get(form(refusal)).content.decode()
    assert send("owner", refusal, "profile").status_code == 302
    assert client().scope.split() == ["openid", "email", "orders.read", "profile"]


@pytest.mark.parametrize("username", ["viewer", "outsider", "nobody"])
def test_nobody_else_registers_anything(username: str) -> None:
    """A viewer may not; to others there is no such app."""
    refusal = row()
    http = browser(username)
    status = 403 if username == "viewer" else 404
    for answer in (http.get(form(refusal)), http.post(form(refusal), {"sent": WRONG})):
        assert answer.status_code == status
    assert WRONG not in client().redirect_uri_list


def test_a_viewer_reads_why_and_has_no_button() -> None:
    row()
    html = browser("viewer").get(page("activity"), {"app": "web"}).content.decode()
    assert WRONG in html
    assert "register-sent" not in html


@pytest.mark.parametrize(
    "fields",
    [
        {"client_id": "foreign"},
        {"error": "invalid_grant", "step": "grant", "description": "The code is unknown."},
        {"description": f"{SAID}{'x' * MAX_DESCRIPTION}"[:MAX_DESCRIPTION]},
        {"step": "parameters"},
    ],
)
def test_a_refusal_that_says_nothing_to_register_has_no_form(fields: dict[str, str]) -> None:
    assert browser("root").get(form(row(**fields))).status_code == 404


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("description", "uri", "scopes"),
    [
        (SAID, WRONG, ()),
        ("redirect_uri is missing.", "", ()),
        (f"{SAID} and more", "", ()),
        ("Not registered for this client: a b", "", ("a", "b")),
    ],
)
def test_what_was_sent_is_read_from_the_sentence(description: str, uri: str, scopes: tuple[str, ...]) -> None:
    said = RefusedRequest(step="channel", error="invalid_scope", description=description)
    assert (refusals.sent_redirect_uri(said), refusals.sent_scopes(said)) == (uri, scopes)
