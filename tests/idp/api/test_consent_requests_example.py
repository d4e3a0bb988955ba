"""docs/examples/consent_page.py, as it stands, beside a live provider."""

from __future__ import annotations

import importlib.util
import io
import re
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from clients.models import Client
from projects.models import Project
from tests.idp.api.caller import register
from tests.world import ORDERS, SECRETS, App, Browser, redirected

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "consent_page.py"


@pytest.fixture
def example(live_server: Any, world: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    settings.IDP_ISSUER = live_server.url
    Project.objects.filter(key="acme").update(consent_uri="https://consent.acme.example/ask")
    register(
        "consent-page",
        "acme",
        grant_types=("client_credentials",),
        scope="admin.read admin.write",
        audience=(),
        administers=("acme",),
    )
    row = Client.objects.get(client_id="consent-page")
    row.audience_entries.create(value=f"{live_server.url}/api/v1", mode="prefix")
    monkeypatch.setenv("ISSUER", live_server.url)
    monkeypatch.setenv("CLIENT_ID", "consent-page")
    monkeypatch.setenv("CLIENT_SECRET", SECRETS["consent-page"])
    spec = importlib.util.spec_from_file_location("consent_page", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def visited(page: ModuleType, query: str = "", form: dict[str, Any] | None = None) -> tuple[str, dict[str, str], str]:
    """Status, headers and body of the page."""
    body = urlencode(form, doseq=True).encode() if form is not None else b""
    said: list[Any] = []
    environ = {
        "REQUEST_METHOD": "GET" if form is None else "POST",
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    text = b"".join(page.application(environ, lambda *answer: said.extend(answer))).decode()
    return said[0], dict(said[1]), text


def test_a_person_is_asked_there_and_the_app_gets_what_they_left_ticked(example: ModuleType) -> None:
    browser = Browser("owner")
    sent = urlsplit(browser.authorize("web", scope="openid email orders.read", audience=ORDERS)["Location"]).query
    status, headers, page = visited(example, sent)
    assert status == "200 OK"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    ticked = re.findall(r'name="scope" value="([^"]*)"', page)
    assert ticked == ["email", "orders.read"]
    form = {"challenge": parse_qs(sent)["consent_challenge"][0], "decision": "accept"}
    allowed = {
        "scope": ["orders.read"],
        "audience": [unescape(one) for one in re.findall(r'name="audience" value="([^"]*)"', page)],
    }
    status, headers, _body = visited(example, form=form | allowed)
    assert status == "303 See Other"
    way = urlsplit(headers["Location"])
    tokens = App("web").exchange(redirected(browser.http.get(f"{way.path}?{way.query}"))["code"]).json()
    assert tokens["scope"] == "openid orders.read"


def test_who_denies_comes_back_with_the_refusal_and_an_old_link_says_so(example: ModuleType) -> None:
    browser = Browser("owner")
    sent = urlsplit(browser.authorize("web", scope="openid email")["Location"]).query
    form = {"challenge": parse_qs(sent)["consent_challenge"][0], "decision": "reject"}
    _status, headers, _body = visited(example, form=form)
    way = urlsplit(headers["Location"])
    assert redirected(browser.http.get(f"{way.path}?{way.query}"))["error"] == "access_denied"
    status, _headers, page = visited(example, sent)
    assert status.startswith("404")
    assert "does not work any more" in page
