"""What was refused, and which apps were told of a sign-out, by the API."""

from __future__ import annotations

from uuid import uuid4

import pytest

from clients.models import Client, LogoutNotice, RefusedRequest
from tests.idp.api.caller import Api, path, person
from tests.idp.api.test_people import items
from tests.world import App

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]


def test_members_read_what_was_refused_to_their_clients_and_not_from_where(everything: Api) -> None:
    App("web").exchange("unknown")
    App("stranger").exchange("unknown")
    owner = person("owner")
    [seen] = items(owner.get(path("projects", "acme", "refused-requests")))
    assert (seen["client_id"], seen["endpoint"], seen["error"], seen["count"]) == ("web", "token", "invalid_grant", 1)
    assert "network" not in seen
    assert items(owner.get(path("projects", "acme", "refused-requests") + "?client_id=stranger")) == []
    rows = items(everything.get(path("refused-requests") + "?client_id=stranger"))
    assert [(one["client_id"], one["network"]) for one in rows] == [("stranger", "127.0.0.1")]
    assert RefusedRequest.objects.count() == 2


def test_which_apps_were_told_of_an_end(everything: Api) -> None:
    for client_id in ("web", "stranger"):
        LogoutNotice.objects.create(sid=uuid4(), sub="x", client=Client.objects.get(client_id=client_id))
    LogoutNotice.objects.create(sid=uuid4(), sub="x", client=None, state="dropped")
    own = items(person("owner").get(path("projects", "acme", "logout-notices")))
    assert [(one["client_id"], one["state"]) for one in own] == [("web", "due")]
    rows = items(everything.get(path("logout-notices")))
    assert [(one["client_id"], one["next_attempt_at"] is None) for one in rows] == [
        ("web", False),
        ("stranger", False),
        (None, True),
    ]
