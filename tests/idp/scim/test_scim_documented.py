"""The chapter of docs/operations.md on SCIM is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp.configuration import apply
from tests.idp.scim.conftest import Scim
from tests.world import App, basic

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
CHAPTER = PAGE.partition("\n## People and groups brought by SCIM\n")[2].partition("\n## ")[0]
YEAR = 365 * 24 * 60 * 60


def test_the_client_of_the_chapter_gets_a_token_for_a_year_that_works(world: None) -> None:
    apply(CHAPTER.partition("```yaml\n")[2].partition("```")[0])
    asked = CHAPTER.partition("```sh\n")[2].partition("```")[0]
    client_id, _colon, secret = asked.partition('-u "')[2].partition('"')[0].partition(":")
    answer = App(client_id).post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic(client_id, secret))
    assert answer.status_code == 200, answer.content
    assert answer.json()["expires_in"] == YEAR
    scim = Scim(str(answer.json()["access_token"]))
    assert scim.get("/Users?startIndex=1&count=1&aadOptscim062020").json()["itemsPerPage"] == 1
    assert scim.make("Users", userName="brought")["active"] is True
