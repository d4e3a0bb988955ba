"""Logos in the configuration file: where a picture stands, or the picture itself, and out again."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from idp.configuration import ConfigurationError, Report, apply
from idp.configuration import logos as written
from projects.models import Logo, Project
from projects.registration import metadata_of
from tests.idp.configuration import SMALL, changed
from tests.pictures import noise, picture, sent

pytestmark = pytest.mark.django_db


def with_logo(uri: str) -> str:
    return changed(SMALL, "name: Acme\n", f'name: Acme\n    consent_screen:\n      logo_uri: "{uri}"\n')


def applied(text: str) -> Report:
    return apply(text, path="acme.yaml")


def export() -> tuple[str, str]:
    output, told = io.StringIO(), io.StringIO()
    call_command("exportconfig", stdout=output, stderr=told)
    return output.getvalue(), told.getvalue()


def screen_of_acme() -> str:
    return metadata_of(Project.objects.get(key="acme")).consent_screen.logo_uri


def test_a_logo_stands_in_a_file_of_its_own_and_applied_twice_it_changes_nothing(tmp_path: Path) -> None:
    logo = tmp_path / "logo.webp"
    logo.write_bytes(picture("WEBP", (900, 900)))
    applied(with_logo(f"file:{logo}"))
    assert "/logos/" in screen_of_acme()
    assert not applied(with_logo(f"file:{logo}")).changed
    logo.write_bytes(picture(colour=(1, 2, 3)))
    assert "consent_screen.logo_uri" in str(applied(with_logo(f"file:{logo}")).as_dict())


@pytest.mark.parametrize("data", [picture(), noise(400)], ids=["flat", "noise"])
def test_what_is_exported_holds_the_picture_and_is_applied_here_in_silence_and_elsewhere_the_same(data: bytes) -> None:
    applied(with_logo(sent(data)))
    text, _told = export()
    before = screen_of_acme()
    assert "data:image/png;base64," in text
    assert not applied(text).changed
    Logo.objects.all().delete()
    Project.objects.get(key="acme").consent_screen.delete()
    applied(text)
    assert screen_of_acme() == before


def test_an_address_that_is_the_one_it_has_changes_nothing() -> None:
    applied(with_logo(sent(picture())))
    assert not applied(with_logo(screen_of_acme())).changed


def test_more_pictures_than_a_file_can_hold_are_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    applied(with_logo(sent(picture())))
    monkeypatch.setattr(written, "_MOST_WRITTEN", 100)
    text, told = export()
    assert "data:image" not in text
    assert "/logos/" not in text
    assert "Project acme: logo_uri (" in told
    assert not applied(text).changed


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("file:/nowhere/logo.png", "The file /nowhere/logo.png cannot be read: No such file or directory."),
        ("file:logo.png", "Send the picture itself"),
        ("https://elsewhere.example/logo.png", "Send the picture itself"),
        ("data:image/png;base64,aGVsbG8=", "This is no PNG, JPEG or WebP picture that can be read."),
        ("data:" + "x" * 1_000_000, "The file is too large"),
    ],
)
def test_what_is_no_logo_is_told_with_its_place(uri: str, why: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        applied(with_logo(uri))
    assert why in str(refused.value)
    assert "projects[0].consent_screen.logo_uri" in str(refused.value) or "too large" in why


def test_another_text_is_no_longer_for_beginning_like_a_picture() -> None:
    with pytest.raises(ConfigurationError, match=r"projects\[0\]\.name"):
        applied(changed(SMALL, "name: Acme\n", f'name: "data:{"x" * 20_000}"\n'))
