"""The editor of a consent screen: what people would see, of nothing that is kept, and which nobody can answer."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from clients.models import Client
from projects import registration
from projects.events import SecurityEvent
from projects.models import Consent, Member, Project
from tests.console import browser, form_of, page, project, send
from tests.pictures import picture

pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]
_FRAME = re.compile(r'<iframe sandbox srcdoc="([^"]*)"')
EVIL = '"><script>alert(1)</script>'


def url(name: str = "consent") -> str:
    return page(f"projects_project_{name}", project().pk)


def typed(**fields: str) -> dict[str, str]:
    return {"app_name": "", "support_email": "", "homepage_uri": "", "policy_uri": "", "tos_uri": "", **fields}


def drawn(username: str = "editor", **fields: str) -> Any:
    return browser(username).post(url("preview"), typed(**fields))


def frames(text: str) -> list[str]:
    return [html.unescape(one) for one in _FRAME.findall(text)]


def test_the_preview_is_the_consent_page_of_the_projects_own_app() -> None:
    text = drawn(app_name="Shown name", tos_uri="https://acme.example/terms").content.decode()
    assert "Shown name" in text
    assert "Acme web" in text, "the app that asks"
    assert "See your orders" in text, "a scope of its API"
    assert 'href="https://acme.example/terms"' in text


def test_whoever_lost_the_role_while_they_waited_changes_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = registration.locked

    def after_waiting(key: str) -> Project | None:
        Member.objects.filter(project__key="acme", user__username="editor").update(role="viewer")
        return locked(key)

    monkeypatch.setattr(registration, "locked", after_waiting)
    assert browser("editor").post(url(), typed(app_name="Mine")).status_code == 403
    assert project().consent_screen.app_name == "Acme"


def test_what_somebody_else_saved_meanwhile_stays() -> None:
    http = browser("editor")
    old = form_of(http.get(url()))
    assert send(browser("owner"), url(), {"policy_uri": "https://acme.example/privacy"}).status_code == 302
    answer = http.post(url(), {**old, "app_name": "Mine"})
    assert "Somebody changed this since the page was shown: Privacy policy." in answer.content.decode()
    assert project().consent_screen.app_name == "Acme"
    assert http.post(url(), form_of(answer)).status_code == 302
    now = project().consent_screen
    assert (now.app_name, now.policy_uri) == ("Mine", "https://acme.example/privacy")


def test_nothing_of_it_is_kept() -> None:
    before = (project().consent_screen.app_name, SecurityEvent.objects.count(), Consent.objects.count())
    assert "Shown name" in drawn(app_name="Shown name").content.decode()
    shown = browser("editor").post(url(), {**typed(app_name="Shown name"), "_preview": "Preview"})
    assert all("Shown name" in one for one in frames(shown.content.decode()))
    assert (project().consent_screen.app_name, SecurityEvent.objects.count(), Consent.objects.count()) == before


def test_nobody_can_answer_it() -> None:
    answer = drawn()
    text = answer.content.decode()
    assert '<input type="hidden" name="seen" value="">' in text
    assert 'action=""' in text
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "form-action 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    shown = browser("editor").get(url()).content.decode()
    assert shown.count("<iframe ") == shown.count("<iframe sandbox srcdoc") == 3


@pytest.mark.parametrize("field", ["app_name", "support_email", "homepage_uri", "policy_uri", "tos_uri"])
def test_what_is_typed_is_text_wherever_it_stands(field: str) -> None:
    shown = browser("editor").post(url(), {**typed(**{field: EVIL}), "_preview": "Preview"}).content.decode()
    for one in (shown, drawn(**{field: EVIL}).content.decode(), *frames(shown)):
        assert "<script>alert" not in one


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "ftp://acme.example", "x" * 600])
def test_a_link_leads_to_a_page_of_the_web_or_is_none(address: str) -> None:
    text = drawn(homepage_uri=address, app_name="Kept").content.decode()
    assert address not in text
    assert "Kept" in text, "what is wrong is left out, and the rest is seen"


def test_it_speaks_the_language_that_was_chosen() -> None:
    assert 'lang="de"' in drawn(language="de").content.decode()
    assert 'dir="rtl"' in drawn(language="ar").content.decode()
    assert 'lang="en"' in drawn(language="xx").content.decode()


def test_another_app_may_ask_and_none_of_another_project() -> None:
    spa, foreign = (Client.objects.get(client_id=one) for one in ("spa", "foreign"))
    assert "Acme single page" in drawn(app=str(spa.pk)).content.decode()
    assert "Foreign app" not in drawn(app=str(foreign.pk)).content.decode()


def test_a_project_without_an_app_is_shown_with_one_that_signs_people_in() -> None:
    Client.objects.filter(project=project()).delete()
    assert "app.example" in drawn(app_name="Early").content.decode()


def test_a_project_of_high_demands_is_shown_all_the_same() -> None:
    Project.objects.filter(key="acme").update(require_pushed_authorization_requests=True, profile="fapi2")
    assert drawn(app_name="Strict").status_code == 200


def test_an_editor_saves_it_and_people_see_it() -> None:
    answer = send(browser("editor"), url(), {"app_name": "Acme for all", "policy_uri": "https://acme.example/privacy"})
    assert answer.status_code == 302
    screen = project().consent_screen
    assert (screen.app_name, screen.policy_uri) == ("Acme for all", "https://acme.example/privacy")
    assert SecurityEvent.objects.filter(kind="project.changed").exists()
    refused = send(browser("editor"), url(), {"homepage_uri": "javascript:alert(1)"})
    assert refused.status_code == 200
    assert "Enter a valid URL." in refused.content.decode()


@pytest.mark.parametrize(("username", "looks", "changes"), [("viewer", 200, 403), ("outsider", 404, 404)])
def test_who_looks_only_changes_and_tries_nothing(username: str, looks: int, changes: int) -> None:
    http = browser(username)
    assert http.get(url()).status_code == looks
    assert http.post(url(), typed(app_name="X")).status_code == changes
    assert http.post(url("preview"), typed(app_name="X")).status_code == changes
    assert browser("editor").get(url("preview")).status_code == 405
    assert project().consent_screen.app_name == "Acme"


def test_the_first_page_of_a_project_says_what_is_in_it() -> None:
    text = browser("owner").get(url("overview")).content.decode()
    assert "Acme web" in text
    assert "New app in this project" in text
    assert url("delete") in text
    assert url("delete") not in browser("editor").get(url("overview")).content.decode()
    assert "New app" not in browser("viewer").get(url("overview")).content.decode()
    assert browser("outsider").get(url("overview")).status_code == 404


def test_a_picture_that_was_not_saved_is_seen_drawn_anew() -> None:
    sent = SimpleUploadedFile("logo.png", picture(), "image/png")
    text = browser("editor").post(url("preview"), {**typed(), "logo": sent}).content.decode()
    assert 'src="data:image/png;base64,' in text
    assert not project().consent_screen.logo_digest
    wrong = SimpleUploadedFile("logo.svg", b"<svg onload='alert(1)'/>", "image/svg+xml")
    text = browser("editor").post(url("preview"), {**typed(app_name="Kept"), "logo": wrong}).content.decode()
    assert "<img" not in text
    assert "Kept" in text


def test_a_logo_can_be_chosen_in_a_browser() -> None:
    shown = browser("editor").get(url()).content.decode()
    [field] = re.findall(r'<input type="file"[^>]*>', shown)
    assert "disabled" not in field
    assert "checked" not in field
