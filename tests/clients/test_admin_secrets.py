"""Secrets in the console: shown by one answer, kept nowhere in clear, made and ended by those who edit the client."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.serializers import serialize
from django.db import connection
from django.test import Client as Http
from django.utils import timezone

from accounts.models import User
from clients import secrets
from clients.models import SecurityEvent
from tests.console import browser, client, keep_web_within_its_project, page, project, send
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console", "within_its_project")


@pytest.fixture
def within_its_project(console: None) -> None:
    """What is no API is a superuser's to list, and so are secrets of what lists it (`test_reach.py`)."""
    keep_web_within_its_project()


def url(path: str = "secrets", client_id: str = "web", *args: object) -> str:
    return page(f"clients_client_{path}", client(client_id).pk, *args)


def shown_secret(response: Response) -> str:
    assert response.status_code == 200
    found = re.search(r'id="shown-secret"[^>]* value="([^"]+)"', response.content.decode())
    assert found, "no secret on the page"
    return found[1]


def make(http: Http, client_id: str = "web", **fields: str) -> Response:
    seen = re.search(r'name="seen" value="(\d+)"', http.get(url("secrets", client_id)).content.decode())
    return http.post(url("new_secret", client_id), {"seen": seen[1] if seen else "", **fields})


def add(http: Http, **fields: object) -> Response:
    new = {"project": project().pk, "name": "New", "client_id": "new", "grant_types": ["client_credentials"], **fields}
    return send(http, page("clients_client_add"), new)


def everything_stored() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        texts = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - names from the database
            texts.append(repr(cursor.fetchall()))
    decoded = [repr(session.get_decoded()) for session in Session.objects.all()]
    return "\n".join([*texts, *decoded])


def test_the_pages_say_how_exact_the_last_use_is() -> None:
    secret = client().secrets.get()
    secret.last_used_at = timezone.now()
    secret.save()
    assert "Last used, to the hour" in browser("editor").get(url()).content.decode()
    text = browser("editor").get(url("revoke_secret", "web", secret.pk)).content.decode()
    assert "It was last used " in text
    assert ", to the hour." in text


@pytest.mark.parametrize("button", ["_save", "_continue", "_addanother"])
def test_a_new_client_shows_its_id_and_a_working_secret_once(button: str) -> None:
    http = browser("editor")
    response = add(http, **{button: "1"})
    secret = shown_secret(response)
    assert 'value="new"' in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    stored = client("new").secrets.get()
    assert secrets.matches(secret, stored.digest)
    for path in ("clients_client_change", "clients_client_secrets", "clients_client_history"):
        assert secret not in http.get(page(path, client("new").pk)).content.decode()


def test_a_secret_is_nowhere_in_clear(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    http = browser("owner")
    first = add(http)
    second = make(http, "new", label="second")
    for response in (first, second):
        secret = shown_secret(response)
        assert secret not in everything_stored()
        assert secret not in caplog.text
        assert all(secret not in morsel.output() for morsel in http.cookies.values())
        assert all(secret not in value for value in response.headers.values())
    assert "second" in everything_stored()


def test_sending_the_form_twice_makes_one_client() -> None:
    http = browser("owner")
    shown_secret(add(http))
    assert add(http).context["adminform"].form.errors.keys() == {"client_id"}
    assert client("new").secrets.count() == 1


def test_another_secret_works_beside_the_first() -> None:
    secret = shown_secret(make(browser("editor"), label="Frankfurt", days="90"))
    made = client().secrets.get(label="Frankfurt")
    assert secrets.matches(secret, made.digest)
    assert made.expires_at is not None
    assert abs(made.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)
    assert client().secrets.filter(slot__isnull=False).count() == 2


def test_the_one_before_ends_by_itself_where_that_was_chosen() -> None:
    shown_secret(make(browser("editor"), label="next", others="7"))
    before, after = client().secrets.get(label="configuration file"), client().secrets.get(label="next")
    assert before.expires_at is not None
    assert abs(before.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    assert after.expires_at is None
    assert SecurityEvent.objects.filter(kind="client.secret_limited", client_id="web").count() == 1


def test_one_that_ended_by_itself_makes_room() -> None:
    shown_secret(make(browser("editor"), label="old"))
    client().secrets.update(expires_at=timezone.now() - timedelta(days=1))
    html = browser("editor").get(url()).content.decode()
    assert 'name="others"' not in html, "there is none that goes on"
    shown_secret(make(browser("editor"), label="new"))
    assert [one.label for one in client().secrets.filter(slot__isnull=False)] == ["new"]


def test_whoever_has_copied_it_comes_back_to_the_secrets() -> None:
    made = make(browser("editor")).content.decode()
    assert f'href="{url()}">I have copied it' in made
    assert "<title>Secrets of Acme web" in browser("editor").get(url()).content.decode()


def test_every_step_is_in_the_history_and_in_the_events() -> None:
    make(browser("editor"), label="Frankfurt")
    made = client().secrets.get(label="Frankfurt")
    assert browser("owner").post(url("revoke_secret", "web", made.pk)).status_code == 302
    told = [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]
    assert told == ["Generated a secret: Frankfurt.", "Revoked a secret: Frankfurt."]
    names = {str(user.sub): user.username for user in User.objects.all()}
    events = SecurityEvent.objects.filter(client_id="web").order_by("pk")
    assert [(event.kind, names[event.sub], event.detail) for event in events] == [
        ("client.secret_generated", "editor", {"label": "Frankfurt"}),
        ("client.secret_revoked", "owner", {"label": "Frankfurt"}),
    ]


def test_a_page_sent_twice_makes_one_secret() -> None:
    http = browser("owner")
    shown_secret(make(http))
    response = http.post(url("new_secret"), {"seen": str(client().secrets.order_by("pk")[0].pk)}, follow=True)
    assert "The secrets changed since that page was shown" in response.content.decode()
    assert client().secrets.count() == 2


def test_a_third_secret_is_refused_in_plain_words() -> None:
    http = browser("owner")
    make(http)
    assert "Make the secret" not in http.get(url()).content.decode()
    newest = client().secrets.order_by("-pk")[0].pk
    response = http.post(url("new_secret"), {"seen": str(newest)}, follow=True)
    assert "This client has two secrets already. Revoke one first." in response.content.decode()
    assert client().secrets.count() == 2


def test_a_public_client_gets_no_secret() -> None:
    http = browser("owner")
    assert "A public client has no secret" in http.get(url("secrets", "spa")).content.decode()
    response = http.post(url("new_secret", "spa"), {"seen": ""}, follow=True)
    assert "A public client has no secret" in response.content.decode()
    assert client("spa").secrets.count() == 0


def test_revoking_asks_first_and_then_works_at_once() -> None:
    http = browser("editor")
    secret = client().secrets.get()
    asked = http.get(url("revoke_secret", "web", secret.pk))
    assert "This cannot be undone" in asked.content.decode()
    secret.refresh_from_db()
    assert secret.revoked_at is None
    assert http.post(url("revoke_secret", "web", secret.pk)).status_code == 302
    secret.refresh_from_db()
    assert secret.revoked_at is not None
    assert "revoked" in http.get(url()).content.decode()


def test_revoking_twice_changes_nothing() -> None:
    http = browser("editor")
    secret = client().secrets.get()
    http.post(url("revoke_secret", "web", secret.pk))
    before = client().secrets.get().revoked_at
    response = http.post(url("revoke_secret", "web", secret.pk), follow=True)
    assert "revoked already" in response.content.decode()
    assert client().secrets.get().revoked_at == before
    assert SecurityEvent.objects.filter(kind="client.secret_revoked").count() == 1


def test_those_who_only_look_see_the_list_and_run_nothing() -> None:
    secret = client().secrets.get()
    for username in ("viewer", "both"):
        http = browser(username)
        text = http.get(url()).content.decode()
        assert "configuration file" in text
        assert "Make the secret" not in text
        assert "/revoke/" not in text
        assert http.post(url("new_secret"), {"seen": str(secret.pk)}).status_code == 403
        assert http.get(url("revoke_secret", "web", secret.pk)).status_code == 403
        assert http.post(url("revoke_secret", "web", secret.pk)).status_code == 403
    assert client().secrets.get().revoked_at is None


def test_outsiders_and_visitors_reach_nothing() -> None:
    secret = client().secrets.get()
    pages = [url(), url("new_secret"), url("revoke_secret", "web", secret.pk)]
    for http, expected in ((browser("outsider"), {404}), (Http(), {302})):
        assert {http.post(one, {"seen": str(secret.pk)}).status_code for one in pages} == expected
    assert browser("person").post(url("new_secret"), {"seen": str(secret.pk)}).status_code == 302
    assert client().secrets.get().revoked_at is None


def test_a_secret_is_revoked_through_its_own_client_only() -> None:
    theirs = client("foreign").secrets.get()
    assert browser("owner").post(url("revoke_secret", "web", theirs.pk)).status_code == 404
    assert browser("owner").post(url("revoke_secret", "foreign", theirs.pk)).status_code == 404
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_nothing_happens_without_the_forms_token_or_by_a_link() -> None:
    http = Http(enforce_csrf_checks=True)
    http.force_login(User.objects.get(username="owner"))
    secret = client().secrets.get()
    assert http.post(url("new_secret"), {"seen": str(secret.pk)}).status_code == 403
    assert http.post(url("revoke_secret", "web", secret.pk)).status_code == 403
    assert http.get(url("new_secret")).status_code == 405
    assert client().secrets.filter(revoked_at__isnull=True).count() == 1


@pytest.mark.parametrize(
    "fields", [{"label": "x" * 101}, {"label": "a\0b"}, {"days": "1000000"}, {"days": "\0"}, {"seen": "x" * 100_000}]
)
def test_bad_input_comes_back_on_the_page(fields: dict[str, str]) -> None:
    response = make(browser("owner"), **fields)
    assert response.status_code == 200
    assert response.context["form"].errors.keys() == fields.keys()
    assert client().secrets.count() == 1


def test_an_expired_secret_is_called_so() -> None:
    client().secrets.update(expires_at=timezone.now() - timedelta(days=1))
    assert "expired" in browser("viewer").get(url()).content.decode()


def test_a_digest_is_never_shown() -> None:
    digest = client().secrets.get().digest
    for name in ("root", "owner", "viewer"):
        http = browser(name)
        for one in (url(), page("clients_client_change", client().pk), page("clients_client_delete", client().pk)):
            assert digest not in http.get(one).content.decode()
    assert digest in serialize("json", client().secrets.all())
