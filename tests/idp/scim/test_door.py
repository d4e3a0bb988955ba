"""Who may bring people and groups, and in which form (protocol section 35)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from common.counters import Limit
from idp.api import body, rates
from idp.bodies import MAX_BODY, BufferedBodies
from idp.scim.door import source_of
from tests.idp.api.caller import TOOL, Api, machine, person, register
from tests.idp.scim.conftest import BASE, Scim, provisioner

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
ERROR = ["urn:ietf:params:scim:api:messages:2.0:Error"]


def test_a_client_by_itself_with_the_scope_comes_in_and_nobody_else(staff: None) -> None:
    callers = {
        "nobody": (Scim(), 401),
        "a stranger": (Scim("nonsense"), 401),
        "a machine of all projects": (Scim(machine(administers=("*",)).token), 403),
        "a superuser": (Scim(person("root").token), 403),
        "the client": (provisioner(), 200),
    }
    for caller, (scim, status) in callers.items():
        for address in ("/Users", "/Groups", "/Schemas", "/ServiceProviderConfig"):
            answer = scim.get(address)
            assert (answer.status_code, answer["Content-Type"]) == (status, "application/scim+json"), caller
            assert answer["Cache-Control"] == "no-store"
            if status != 200:
                assert (answer.json()["schemas"], answer.json()["status"]) == (ERROR, str(status))
        assert scim.ask("POST", "/Users", {"userName": "x"}).status_code == (201 if status == 200 else status)


def test_people_do_not_come_in_by_an_app_of_theirs(staff: None) -> None:
    register(TOOL, "house", scope="openid scim.manage")
    token = person("root", "openid scim.manage").token
    answer = Scim(token).get("/Users")
    assert (answer.status_code, answer.json()["status"]) == (403, "403")


def test_what_opens_this_opens_nothing_of_the_http_api(scim: Scim) -> None:
    for address in ("/api/v1/users", "/api/v1/projects", "/api/v1/groups"):
        assert Api(scim.token).get(address).status_code == 403


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/Nothing", 404),
        ("GET", "/Users/nobody", 404),
        ("DELETE", "/Users/nobody", 404),
        ("GET", "/Groups/nothing", 404),
        ("GET", "/Schemas/nothing", 404),
        ("DELETE", "/Users", 405),
        ("POST", "/Users/nobody", 405),
        ("PUT", "/ServiceProviderConfig", 405),
        ("POST", "/Bulk", 501),
        ("POST", "/.search", 501),
        ("GET", "/Me", 501),
        ("GET", "/Schemas?filter=id+pr", 403),
    ],
)
def test_every_refusal_is_an_error_of_scim(scim: Scim, method: str, address: str, status: int) -> None:
    answer = scim.ask(method, address, {} if method in ("POST", "PUT") else None)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/scim+json")
    said = answer.json()
    assert (said["schemas"], said["status"]) == (ERROR, str(status))
    assert said["detail"]


def test_bodies_are_json_and_bounded(scim: Scim) -> None:
    large = b'{"userName": "' + b"x" * body.MAX_BYTES + b'"}'
    assert scim.ask("POST", "/Users", large).status_code == 413
    assert (
        scim.ask("POST", "/Users", b"userName=x", Content_Type="application/x-www-form-urlencoded").status_code == 415
    )
    assert scim.ask("POST", "/Users", {"userName": "plain"}, Content_Type="application/json").status_code == 201
    for sent in (b"", b"[]", b"{", b'{"userName": "x", "userName": "y"}', b'{"userName": "\\u0000"}', b"\xff"):
        answer = scim.ask("POST", "/Users", sent)
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidSyntax"), sent
    assert scim.get("/Users", Accept="text/html").status_code == 406


def test_what_no_application_reads_is_refused_in_the_same_form() -> None:
    heads: dict[str, str] = {}

    def start(status: str, headers: list[tuple[str, str]], *_more: object) -> None:
        heads.update({"status": status, **dict(headers)})

    environ = {
        "PATH_INFO": f"{BASE}/Users",
        "CONTENT_LENGTH": str(MAX_BODY + 1),
        "CONTENT_TYPE": "application/scim+json",
    }
    said = json.loads(b"".join(BufferedBodies(lambda *_: [])(environ, start)))  # type: ignore[arg-type]
    assert (heads["status"][:3], heads["Content-Type"]) == ("413", "application/scim+json")
    assert (said["schemas"], said["status"]) == (ERROR, "413")


def test_who_asks_too_much_is_told_when_to_come_back(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "PER_CALLER", Limit("api", 2, 60))
    answers = [scim.get("/Users?count=0") for _each in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert (answers[2]["Retry-After"], answers[2].json()["status"]) == ("60", "429")


def test_the_server_says_what_it_can(scim: Scim) -> None:
    said = scim.get("/ServiceProviderConfig").json()
    offered = {name: said[name]["supported"] for name in ("patch", "bulk", "filter", "changePassword", "sort", "etag")}
    assert [name for name, there in offered.items() if there] == ["patch", "filter", "etag"]
    assert [one["id"] for one in scim.get("/ResourceTypes").json()["Resources"]] == ["User", "Group"]
    kept = {one["name"] for one in scim.get("/Schemas").json()["Resources"][0]["attributes"]}
    assert kept.isdisjoint({"password", "roles", "entitlements", "x509Certificates"}), "rule S4"


def test_a_source_is_named_after_the_client_whatever_its_id() -> None:
    assert source_of("directory") == "scim:directory"
    assert len(source_of("https://client.example/" + "x" * 200)) <= 100


def test_a_server_that_lets_nobody_in_reads_no_models() -> None:
    """Neither when it starts, nor for whoever is refused."""
    ask = f"""
import os, sys, django
os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'idp.settings')
django.setup()
import idp.urls, idp.scim.urls
from django.test import RequestFactory
from idp.scim.door import At
answer = At.as_view(ways={{'GET': 'idp.scim.people.find'}})(RequestFactory().get('{BASE}/Users'))
print(answer.status_code, {{'scim2_models', 'pydantic', 'lark'}} & set(sys.modules) or 'none')
"""
    root = Path(__file__).parents[3]
    said = subprocess.run([sys.executable, "-c", ask], cwd=root, capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip().splitlines()[-1] == "401 none"
