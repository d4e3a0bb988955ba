"""SCIM as others test it: every check of `scim2-tester`, through the whole application."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests.idp.scim.conftest import BASE, Scim
from tests.provider.endpoints.raw import connection_left_alone
from tests.world import ISSUER

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def test_s1_a_program_of_others_finds_nothing_wrong(scim: Scim, settings: Any) -> None:
    settings.IDP_SCIM_ENDINGS_PER_HOUR = 0  # it deactivates and deletes as many as a mistake would
    client = WSGISCIMClient(
        get_wsgi_application(), base_url=ISSUER + BASE, headers={"Authorization": f"Bearer {scim.token}"}
    )
    with connection_left_alone():
        found = check_server(client)
    failed = [repr(one)[:800] for one in found if one.status not in (Status.SUCCESS, Status.COMPLIANT, Status.SKIPPED)]
    assert failed == []
    assert len(found) > 50
    skipped = {one.title for one in found if one.status == Status.SKIPPED}
    assert skipped == {"search_with_attributes"}, "several kinds at once: 501"
