"""Logos of consent screens: sent by every door, drawn anew, shown from an address that never changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Http

from accounts.models import User
from projects import logos, registration
from projects.actors import Actor
from projects.events import SecurityEvent
from projects.metadata import Screen
from projects.models import ConsentScreen, Logo
from projects.problems import RegistrationError
from tests.console import Fields, browser, form_of, page, problems, project, send
from tests.pictures import RED, opened, picture, sent

pytestmark = pytest.mark.usefixtures("console")
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def change(uri: str) -> list[str]:
    before = registration.metadata_of(project())
    wanted = replace(before, consent_screen=replace(before.consent_screen, logo_uri=uri))
    return registration.change(project(), wanted, Actor.person(User.objects.get(username="editor")))


def logo_uri() -> str:
    return registration.metadata_of(project()).consent_screen.logo_uri


def path() -> str:
    return urlsplit(logo_uri()).path


def test_a_logo_is_kept_drawn_anew_and_shown_for_ever_without_a_cookie() -> None:
    assert change(sent(picture("JPEG", (1024, 1024)))) == ["consent_screen"]
    answer = Http().get(path())
    assert (answer.status_code, answer["Content-Type"], opened(answer.content).size) == (200, "image/png", (512, 512))
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert (answer["X-Content-Type-Options"], "sandbox" in answer["Content-Security-Policy"]) == ("nosniff", True)
    assert not answer.cookies


def test_the_same_picture_changes_nothing_and_another_has_another_address() -> None:
    change(sent(picture()))
    first = logo_uri()
    assert change(sent(picture())) == []
    assert change(first) == []
    assert change(logos.exported(first)) == [], "what an export writes is the same picture"
    assert change(sent(picture(colour=RED))) == ["consent_screen"]
    assert (logo_uri() != first, Logo.objects.count()) == (True, 1)
    assert Http().get(urlsplit(first).path).status_code == 404


def test_without_a_logo_nothing_of_it_is_kept_and_with_its_project_it_goes() -> None:
    change(sent(picture()))
    change("")
    assert (logo_uri(), Logo.objects.count()) == ("", 0)
    change(sent(picture()))
    project().clients.all().delete()
    project().delete()
    assert not Logo.objects.exists()


def test_an_event_says_the_address_and_never_the_picture() -> None:
    change(sent(picture()))
    told = str(SecurityEvent.objects.filter(kind="project.changed").latest("at").detail)
    assert logo_uri() in told
    assert "base64" not in told


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("https://elsewhere.example/logo.png", "Send the picture itself"),
        (f"http://testserver/logos/{'0' * 64}", "Send the picture itself"),
        ("javascript:alert(1)", "Send the picture itself"),
        ("data:image/png,abc", "Send the picture itself"),
        ("data:image/png;base64,a b", "not in base64"),
        ("data:image/svg+xml;base64,PHN2Zy8+", "An SVG can hold programs"),
        (sent(SVG), "An SVG can hold programs"),
        (sent(b"\xef\xbb\xbf<?xml version='1.0'?>" + SVG), "An SVG can hold programs"),
        (sent(b"x" * (logos.MAX_BYTES + 200)), "too large: at most 700 KB"),
        (sent(b"hello"), "This is no PNG, JPEG or WebP picture"),
    ],
)
def test_what_is_no_logo_is_refused_and_says_why(uri: str, why: str) -> None:
    with pytest.raises(RegistrationError) as refused:
        change(uri)
    [problem] = refused.value.problems
    assert problem.field == "consent_screen.logo_uri"
    assert why in problem.message
    assert not Logo.objects.exists()


def test_nobody_takes_the_logo_of_another_project_by_its_address() -> None:
    change(sent(picture()))
    other = registration.metadata_of(project("other"))
    wanted = replace(other, consent_screen=Screen(logo_uri=logo_uri()))
    root = Actor.person(User.objects.get(username="root"))
    assert [one.field for one in registration.problems(wanted, root, project("other"))] == ["consent_screen.logo_uri"]


@pytest.mark.parametrize("digest", ["0" * 64, "x", "0" * 63 + "\n", "..%2F", "%00"])
def test_what_nobody_uploaded_is_not_there(digest: str) -> None:
    assert Http().get(f"/logos/{digest}").status_code in (400, 404)


# --- The console ---------------------------------------------------------------------------------------------------


def upload(data: bytes | None = None, username: str = "editor", fields: Fields | None = None) -> Any:
    """Chosen on the page of the project, as a browser sends it."""
    chosen = {} if data is None else {"consent_screen-0-logo": SimpleUploadedFile("logo.png", data)}
    return send(browser(username), page("projects_project_change", project().pk), {**(fields or {}), **chosen})


def test_an_editor_uploads_a_logo_sees_it_and_takes_it_away() -> None:
    assert upload(picture()).status_code == 302
    address = logo_uri()
    shown = browser("editor").get(page("projects_project_change", project().pk)).content.decode()
    assert f'<img src="{path()}"' in shown
    assert 'enctype="multipart/form-data"' in shown
    assert upload(fields={"consent_screen-0-app_name": "Shown"}).status_code == 302
    assert (logo_uri(), ConsentScreen.objects.get(project__key="acme").app_name) == (address, "Shown")
    assert upload(fields={"consent_screen-0-logo-clear": "on"}).status_code == 302
    assert logo_uri() == ""


@pytest.mark.parametrize("data", [SVG, b"", b"\x89PNG\r\n\x1a\n", b"x" * 800_000], ids=["svg", "none", "head", "large"])
def test_a_file_that_is_no_logo_is_told_beside_its_field(data: bytes) -> None:
    answer = upload(data)
    assert answer.status_code == 200
    [row] = problems(answer)["inlines"]
    assert [*row] == ["logo"]
    assert logo_uri() == ""


def test_a_viewer_sees_the_logo_and_changes_nothing() -> None:
    change(sent(picture()))
    shown = browser("viewer").get(page("projects_project_change", project().pk))
    assert f'<img src="{path()}"' in shown.content.decode()
    assert "consent_screen-0-logo" not in form_of(shown)
    assert upload(picture(colour=RED), "viewer").status_code == 403
