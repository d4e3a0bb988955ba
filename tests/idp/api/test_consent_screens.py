"""The consent screen of a project by the API."""

from __future__ import annotations

import pytest

from tests.idp.api.caller import path, person

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
