"""The allowlist decides which audiences a client may ask for: by prefix or exactly, case by case, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clients.models import AudienceEntry, Client
from projects.matcher import Malformed
from projects.models import Api, Project, Shared
from tests.world import FOREIGN, ORDERS, App, Browser, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "audience.json").read_text())
UNKNOWN = {
    "error": "invalid_audience",
    "error_description": "The audience client and the client need to be in the same project.",
}


def allow(*values: str, client_id: str = "service", **more: Any) -> None:
    """Make these the whole allowlist."""
    client = Client.objects.get(client_id=client_id)
    client.audience_entries.all().delete()
    for value in values:
        AudienceEntry.objects.create(client=client, value=value, **more)


def ask(audience: Any, client_id: str = "service") -> Any:
    return App(client_id).token(grant_type="client_credentials", audience=audience)


def granted(audience: Any, client_id: str = "service") -> Any:
    """What the token carries."""
    response = ask(audience, client_id)
    assert response.status_code == 200, response.content
    return App(client_id).introspect(response.json()["access_token"]).json()["aud"]


def error(audience: Any, client_id: str = "service") -> str:
    response = ask(audience, client_id)
    assert response.status_code == 400
    return str(response.json()["error"])


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{case['entry'][:40]} | {case['requested'][:40]}")
def test_every_case_of_the_rule_holds_over_the_wire(case: dict[str, Any]) -> None:
    try:
        allow(case["entry"])
    except Malformed:
        assert not case["allow"], "an entry nobody can register allows nothing"
        return
    # A space parts two values on the wire; each of them has to be allowed.
    response = ask(case["requested"])
    assert (response.status_code == 200) == case["allow"], response.content
    if not case["allow"]:
        assert response.json()["error"] in ("invalid_target", "invalid_audience", "invalid_request")


def test_an_empty_allowlist_allows_nothing() -> None:
    allow()
    assert error(ORDERS) == "invalid_target"
    assert error("https://anything.example") == "invalid_target"
    assert ask("a-name").json() == UNKNOWN
    assert granted(None) == "service"


def test_an_exact_entry_covers_nothing_below_it() -> None:
    allow("https://tool.example/a", mode="exact")
    assert granted("https://tool.example/a") == "https://tool.example/a"
    for other in ("https://tool.example/a/b", "https://tool.example", "https://tool.example/a?x=1"):
        assert error(other) == "invalid_target"


def test_names_and_opaque_uris_are_equal_or_nothing() -> None:
    allow("queue", "urn:acme:queue")
    assert granted("queue") == "queue"
    assert granted("urn:acme:queue") == "urn:acme:queue"
    assert granted("URN:acme:queue") == "urn:acme:queue", "a scheme has no case; the token carries the registered value"
    for other in ("Queue", "queue/below", "urn:acme:queue:1", "urn:acme:QUEUE"):
        assert ask(other).json() == UNKNOWN


def test_unlisted_names_are_answered_like_clients_nobody_knows() -> None:
    """Otherwise one could find out which client ids there are."""
    answers = {ask(name).content for name in ("nobody", "stranger", "retired", "urn:x:y", "web", "sibling", "picky")}
    assert len(answers) == 1


def test_the_own_client_id_is_always_fine_and_asks_for_nothing() -> None:
    assert granted("service") == "service"
    allow("https://tool.example/a")
    assert granted(["service", "https://tool.example/a"]) == "https://tool.example/a"


def test_one_refused_value_refuses_them_all() -> None:
    allow("https://tool.example/a")
    assert error(["https://tool.example/a", "https://tool.example/b"]) == "invalid_target"
    assert error("https://tool.example/a https://tool.example/b") == "invalid_target"


def test_an_entry_above_another_projects_api_does_not_reach_it() -> None:
    allow("https://api.other.example")
    assert granted("https://api.other.example/free") == "https://api.other.example/free"
    for below in (FOREIGN, FOREIGN + "/1", FOREIGN.replace("api.other", "API.OTHER")):
        assert error(below) == "invalid_target"


@pytest.mark.parametrize(("shared", "listed"), [(Shared.PRIVATE, True), (Shared.LISTED, False)])
def test_an_api_that_is_not_shared_is_refused(shared: str, listed: bool) -> None:
    allow("https://api.other.example")
    Api.objects.filter(identifier=FOREIGN).update(shared=shared)
    if listed:
        Api.objects.get(identifier=FOREIGN).shared_with.add(Project.objects.get(key="acme"))
    assert error(FOREIGN) == "invalid_target"


def test_sharing_opens_it_and_taking_back_closes_it_at_the_next_request() -> None:
    allow("https://api.other.example")
    api = Api.objects.get(identifier=FOREIGN)
    for shared in (Shared.LISTED, Shared.PUBLIC):
        Api.objects.filter(pk=api.pk).update(shared=shared)
        api.shared_with.add(Project.objects.get(key="acme"))
        assert granted(FOREIGN) == FOREIGN
        Api.objects.filter(pk=api.pk).update(shared=Shared.PRIVATE)
        assert error(FOREIGN) == "invalid_target"


def test_the_providers_own_api_is_opened_by_its_own_address_and_scope_alone() -> None:
    ours = ("http://localhost:8000/api/v1", "http://localhost:8000/api/v1/", "http://LOCALHOST:8000/api/v1/clients")
    allow("http://localhost:8000", "http://localhost:8000/api/v1")
    assert {error(own) for own in ours} == {"invalid_target"}
    Client.objects.filter(client_id="service").update(scope="orders.read admin.read")
    assert granted(ours[0]) == "http://localhost:8000/api/v1"
    allow("http://localhost:8000")
    assert {error(own) for own in ours} == {"invalid_target"}
    allow("http://localhost:8000/api/v1")
    assert granted(ours[0]) == granted(ours[1]) == "http://localhost:8000/api/v1"
    assert granted(ours[2]) == "http://localhost:8000/api/v1/clients"


def test_a_token_for_the_providers_own_api_is_for_nothing_else() -> None:
    """Else whoever checks it elsewhere could use it here."""
    allow("http://localhost:8000/api/v1", ORDERS)
    Client.objects.filter(client_id="service").update(scope="orders.read admin.read")
    assert error(["http://localhost:8000/api/v1", ORDERS]) == "invalid_target"


def test_it_holds_at_authorize_too() -> None:
    allow("https://tool.example/a", client_id="web")
    assert Browser("owner").authorize("web", audience="https://tool.example/a/b").status_code == 200
    answer = redirected(Browser("owner").authorize("web", audience="https://tool.example/ab"))
    assert (answer["error"], answer["state"]) == ("invalid_target", "the-state")


def test_what_was_taken_off_the_list_is_refused_at_once() -> None:
    allow("https://tool.example/a", client_id="web")
    tokens = Browser("owner").tokens("web", scope="openid offline_access", audience="https://tool.example/a")
    allow(client_id="web")
    response = App("web").refresh(tokens["refresh_token"], audience="https://tool.example/a")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_target")
    assert App("web").refresh(tokens["refresh_token"]).json()["error"] == "invalid_target"
    allow("https://tool.example/a", client_id="web")
    assert App("web").refresh(tokens["refresh_token"]).status_code == 200, "and nothing was used up"
