"""The consent screen of a project by the API."""

from __future__ import annotations

import pytest
from django.conf import settings

from tests.idp.api.caller import path, person
from tests.pictures import picture, sent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
SCREEN = path("projects", "acme", "consent-screen")


def test_an_editor_changes_what_people_see() -> None:
    member = person("member")
    before = member.get(SCREEN)
    assert before.json()["app_name"] == "Acme"
    patched = member.patch(SCREEN, {"app_name": "Acme Shop"}, If_Match=before["ETag"])
    assert patched.json() == {**before.json(), "app_name": "Acme Shop"}
    assert member.put(SCREEN, {"app_name": "Shop"}).json() == {**dict.fromkeys(before.json(), ""), "app_name": "Shop"}
    assert member.patch(SCREEN, {"app_name": "X"}, If_Match=before["ETag"]).status_code == 412
    refused = member.patch(SCREEN, {"tos_uri": "javascript:alert(1)"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/tos_uri")
    assert person("outsider").get(SCREEN).status_code == 404


def test_a_logo_is_sent_as_it_is_and_read_as_an_address_that_says_it_stays() -> None:
    member = person("member")
    shown = member.patch(SCREEN, {"logo_uri": sent(picture("JPEG", (900, 900)))}).json()
    assert shown["logo_uri"].startswith(f"{settings.IDP_ISSUER}/logos/")
    assert member.put(SCREEN, shown).json() == member.get(SCREEN).json() == shown
    assert member.get(path("projects", "acme")).json()["consent_screen"] == shown
    refused = member.patch(SCREEN, {"logo_uri": "https://elsewhere.example/logo.png"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/logo_uri")
    assert member.patch(SCREEN, {"logo_uri": None}).json()["logo_uri"] == ""
