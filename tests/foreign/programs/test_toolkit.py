"""django-oauth-toolkit of another site, which takes our access tokens and asks us about each."""

from __future__ import annotations

import pytest
import requests

from tests.foreign.programs import environments
from tests.foreign.programs.bearer import refused, right_token, wrong_tokens
from tests.foreign.programs.django_site import site
from tests.foreign.programs.recipes import Place

pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.django_db(transaction=True)]


def test_a_resource_server_takes_the_tokens_made_for_it(place: Place) -> None:
    api = place.register_api()
    settings = place.recipe("toolkit.py")
    python = environments.python("toolkit")
    with site(python, place, settings, 'path("pages", pages)', views=place.recipe("pages.py")):

        def call(token: str) -> requests.Response:
            return requests.get(api, headers={"Authorization": f"Bearer {token}"}, timeout=30)

        assert call(right_token(place, api)).json() == {"for": "owner"}
        machine = place.token(grant_type="client_credentials", resource=api)
        assert call(machine["access_token"]).json() == {"for": None}, "no person is behind it"
        assert refused(lambda token: call(token).status_code, wrong_tokens(place, api)) == {}
        assert call(right_token(place, api, "openid profile")).status_code == 403, "the scope is missing"
