"""Several people send the same form at the same moment: one outcome, the others are told, nobody gets a fault."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Http

from clients.models import Client, SecurityEvent, SigningKey
from clients.models.keys import KeyState
from provider.keys import keyring
from tests.console import browser, client, form_of, keep_web_within_its_project, page, project

pytestmark = [
    pytest.mark.postgresql,  # SQLite lets one writer in at a time and hides what goes wrong
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("console"),
]
PEOPLE = 4


def at_once(act: Callable[[Http], Any], username: str = "root") -> list[Any]:
    """What several browsers of one person are answered when they act together."""
    browsers = [browser(username) for _ in range(PEOPLE)]
    ready = Barrier(PEOPLE)

    def one(http: Http) -> Any:
        http.raise_request_exception = False
        try:
            ready.wait()
            return act(http)
        finally:
            connection.close()

    with ThreadPoolExecutor(PEOPLE) as pool:
        return list(pool.map(one, browsers))


def test_one_of_several_new_clients_gets_the_id() -> None:
    fields = {
        **form_of(browser("root").get(page("clients_client_add"))),
        "project": project().pk,
        "name": "New",
        "client_id": "new",
    }
    answers = at_once(lambda http: http.post(page("clients_client_add"), fields))
    assert {answer.status_code for answer in answers} == {200}
    made = [answer for answer in answers if b"shown-secret" in answer.content]
    assert len(made) == 1
    assert all(b"with this Client ID already exists" in one.content for one in answers if one is not made[0])
    assert Client.objects.get(client_id="new").secrets.count() == 1
    assert SecurityEvent.objects.filter(kind="client.secret_generated", client_id="new").count() == 1


def test_an_audience_added_twice_is_listed_once() -> None:
    url = page("clients_client_change", client().pk)
    fields = {**form_of(browser("root").get(url)), "audience_entries-2-value": "urn:acme:same"}
    answers = at_once(lambda http: http.post(url, fields))
    assert {answer.status_code for answer in answers} <= {200, 302}
    assert client().audience_entries.filter(value="urn:acme:same").count() == 1


def test_a_client_never_has_more_than_two_secrets() -> None:
    keep_web_within_its_project()
    newest = str(client().secrets.get().pk)
    url = page("clients_client_new_secret", client().pk)
    answers = at_once(lambda http: http.post(url, {"seen": newest}), "owner")
    assert sorted(answer.status_code for answer in answers) == [200, 302, 302, 302]
    assert client().secrets.count() == 2


def test_a_key_is_made_and_activated_once() -> None:
    keyring.make("ES256")
    waiting = SigningKey.objects.get()
    activated = at_once(lambda http: http.post(page("clients_signingkey_activate", waiting.kid)))
    made = at_once(lambda http: http.post(page("clients_signingkey_make"), {"algorithm": "ES256"}))
    assert {answer.status_code for answer in (*activated, *made)} == {302}
    assert sorted(SigningKey.objects.values_list("state", flat=True)) == [KeyState.ACTIVE, KeyState.NEXT]
    assert SecurityEvent.objects.filter(kind="key.activated").count() == 1
    assert SecurityEvent.objects.filter(kind="key.made").count() == 1


def test_a_secret_is_revoked_once() -> None:
    url = page("clients_client_revoke_secret", client().pk, client().secrets.get().pk)
    answers = at_once(lambda http: http.post(url), "owner")
    assert {answer.status_code for answer in answers} == {302}
    assert SecurityEvent.objects.filter(kind="client.secret_revoked").count() == 1
