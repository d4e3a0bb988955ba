"""The console as people with roles meet it: who they are, and a browser that sends the forms it was shown."""

from __future__ import annotations

from functools import partial
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client as Http
from django.urls import reverse

from accounts.models import User
from clients.models import Client
from projects.models import Api, Project
from tests import drawing
from tests.snapshot import Snapshot, applied
from tests.world import Response

ORDERS = "https://api.acme.example/orders"
REPORTS = "https://api.other.example/reports"
OPEN = "https://open.other.example/api"

CONSOLE = f"""
version: 1
users:
  - {{username: root, is_staff: true, is_superuser: true, email: root@people.example, email_verified: true}}
  - {{username: owner, is_staff: true}}
  - {{username: editor, is_staff: true}}
  - {{username: viewer, is_staff: true}}
  - {{username: both, is_staff: true}}
  - {{username: outsider, is_staff: true}}
  - {{username: nobody, is_staff: true}}
  - {{username: person, email: person@people.example}}
projects:
  - id: acme
    name: Acme
    members: {{owners: [owner], editors: [editor], viewers: [viewer, both]}}
    consent_screen: {{app_name: Acme}}
    apis: [{{identifier: {ORDERS}, name: Orders, scopes: {{orders.read: See your orders}}}}]
    clients:
      - client_id: web
        client_name: Acme web
        client_secret: web-secret
        grant_types: [authorization_code, refresh_token]
        redirect_uris: ["https://web.acme.example/cb", "https://web.acme.example/other"]
        scope: openid email orders.read
        audience: [{ORDERS}, "urn:acme:queue"]
      - client_id: spa
        client_name: Acme single page
        token_endpoint_auth_method: none
        grant_types: [authorization_code]
        redirect_uris: ["https://spa.acme.example/cb"]
        scope: openid
  - id: other
    name: Other people
    members: {{owners: [outsider], editors: [both]}}
    apis:
      - {{identifier: {REPORTS}, name: Hidden reports, scopes: {{reports.read: See reports}}}}
      - {{identifier: {OPEN}, name: Open things, shared: public, scopes: {{open.read: See open things}}}}
    clients:
      - client_id: foreign
        client_name: Foreign app
        client_secret: foreign-secret
        grant_types: [client_credentials]
"""


_console = Snapshot(partial(applied, CONSOLE, "console.yaml"))


@pytest.fixture
def console(db: None) -> None:
    """Two projects, people of every role, and some clients."""
    _console()


def browser(username: str) -> Http:
    """Somebody signed in to the console."""
    http = Http()
    http.force_login(User.objects.get(username=username))
    return http


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def project(key: str = "acme") -> Project:
    return Project.objects.get(key=key)


def client(client_id: str = "web") -> Client:
    return Client.objects.get(client_id=client_id)


def api(identifier: str = ORDERS) -> Api:
    return Api.objects.get(identifier=identifier)


def keep_web_within_its_project() -> None:
    """Without the name that is no API. While it lists that, keys to it are a superuser's to make."""
    queue = client().audience_entries.filter(value="urn:acme:queue")
    queue._raw_delete(queue.db)  # as if it had never been there: no event tells of it


Fields = dict[str, Any]


def send(http: Http, url: str, changes: Fields | None = None) -> Response:
    """Open a page, change some fields of its main form, and send it as a browser without JavaScript does."""
    shown = http.get(url)
    assert shown.status_code == 200, shown
    return drawing.post(http, url, {**form_of(shown), **(changes or {})})


def look_again(http: Http, url: str, changes: Fields | None = None) -> Response:
    """The same by somebody who is told what others changed meanwhile, and saves once more (`accounts.console_seen`)."""
    answer = send(http, url, changes)
    if answer.status_code == 200 and "since the page was shown" in answer.content.decode():
        return drawing.post(http, url, form_of(answer))
    return answer


def insist(http: Http, url: str, changes: Fields | None = None) -> Response:
    """The same by somebody who is told first whom it hurts, and goes on (`accounts.asked_first`)."""
    answer = send(http, url, changes)
    if answer.status_code == 200 and "Before this is saved" in answer.content.decode():
        return drawing.post(http, url, form_of(answer))
    return answer


class Blanks:
    """What forms hold when nothing was typed, for tests that all begin with the same rows: each is opened once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Fields] = {}

    def of(self, username: str, url: str, http: Http) -> Fields:
        if (username, url) not in self._known:
            self._known[username, url] = form_of(http.get(url))
        return self._known[username, url]


def form_of(response: Response) -> Fields:
    """What a browser would send of the page's main form if nothing was touched."""
    reader = _Form()
    reader.feed(response.content.decode())
    return reader.fields


def problems(response: Response) -> Fields:
    """The errors on the page a refused form came back on, those of inlines under `inlines`."""
    assert response.status_code == 200, response
    context: Any = response.context
    inlines = [errors for one in context["inline_admin_formsets"] for errors in one.formset.errors if errors]
    found = {name: list(texts) for name, texts in context["adminform"].form.errors.items()}
    rows = [{name: list(texts) for name, texts in errors.items()} for errors in inlines]
    return {**found, **({"inlines": rows} if rows else {})}


class _Form(HTMLParser):
    """Collects the controls of the form in the page's content."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: Fields = {}
        self._inside = False
        self._text: str | None = None
        self._typed = ""
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        name, value = has.get("name") or "", has.get("value")
        if tag == "form":
            self._inside = (has.get("id") or "").endswith("_form")
        elif not self._inside or "disabled" in has or (tag != "option" and not name):
            return
        elif tag == "input" and has.get("type") in ("checkbox", "radio"):
            if "checked" in has:
                self._add(name, value or "on")
        elif tag == "input" and has.get("type") != "submit":
            self._add(name, value or "")
        elif tag == "textarea":
            self._text, self._typed = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in has:
            self._add(self._select, value or "")

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._typed += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text is not None:
            # A browser drops the newline right after the opening tag.
            self._add(self._text, self._typed.removeprefix("\r\n").removeprefix("\n"))
            self._text = None
        elif tag == "select":
            self._select = None
        elif tag == "form":
            self._inside = False

    def _add(self, name: str, value: str) -> None:
        if name in self.fields:
            before = self.fields[name]
            self.fields[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            self.fields[name] = value
