"""What every resource does alike, whatever it is about."""

from __future__ import annotations

import time
from typing import Any

import pytest

from clients.models import RefusedRequest
from common.counters import Limit
from idp.api import rates
from idp.api.body import parsed
from idp.api.problems import Refused
from tests.idp.api.caller import Api, machine, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
ACME = path("projects", "acme")


@pytest.fixture
def api() -> Api:
    return machine(administers=("*",))


def test_one_caller_is_answered_so_much_and_no_other_one_waits_for_that(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rates.PER_CALLER.amount >= 50 * rates.PER_CALLER.seconds, "no honest program comes near it"
    monkeypatch.setattr(rates, "PER_CALLER", Limit("api", 3, 60))
    answers = [api.get(ACME).status_code for _number in range(3)]
    answers += [api.ask(method, ACME, {"name": "X"}).status_code for method in ("GET", "PUT", "HEAD")]
    assert answers == [200, 200, 200, 429, 429, 429]
    refused = api.get(path("nothing-of-mine"))
    assert refused.status_code == 404, "there is no resource to ask for"
    refused = api.get(path("projects"))
    assert (refused["Retry-After"], refused.json()["type"]) == ("60", "urn:vestibule:problem:too_many_requests")
    assert "3 requests a minute" in refused.json()["detail"]
    row = RefusedRequest.objects.get(error="too_many_requests")
    assert (row.endpoint, row.step, row.client_id, row.count) == ("api", "rates", "deployer", 4)
    assert machine("another", administers=("acme",)).get(ACME).status_code == 200
    assert Api("nonsense").get(ACME).status_code == 401


REFUSED = [
    ("GET", path("nothing"), None, {}, 404, "not_found"),
    ("GET", "/api/v1", None, {}, 404, "not_found"),
    ("GET", "/api/v1/", None, {}, 404, "not_found"),
    ("GET", ACME + "/", None, {}, 404, "not_found"),
    ("POST", ACME, {}, {}, 405, "method_not_allowed"),
    ("OPTIONS", ACME, None, {"Origin": "https://evil.example"}, 405, "method_not_allowed"),
    ("TRACE", ACME, None, {}, 405, "method_not_allowed"),
    ("GET", ACME, None, {"Accept": "text/html"}, 406, "not_acceptable"),
    ("PUT", ACME, b"<x/>", {"Content_Type": "application/xml"}, 415, "unsupported_media_type"),
    ("PUT", ACME, b"a=b", {"Content_Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
    ("PUT", ACME, b'{"name": "' + b"x" * 500_001 + b'"}', {}, 413, "too_large"),
    ("PUT", ACME, b"", {}, 400, "malformed"),
    ("PUT", ACME, b"[]", {}, 400, "malformed"),
    ("PUT", ACME, b'"x"', {}, 400, "malformed"),
    ("PUT", ACME, b'{"name": "a", "name": "b"}', {}, 400, "malformed"),
    ("PUT", ACME, b"{", {}, 400, "malformed"),
    ("PUT", ACME, b'{"name": NaN}', {}, 400, "malformed"),
    ("PUT", ACME, b'{"longest_grant": 1e999}', {}, 400, "malformed"),
    ("PUT", ACME, b'{"longest_grant": ' + b"9" * 5000 + b"}", {}, 400, "malformed"),
    ("PUT", ACME, b'{"name": ' + b"[" * 100_000, {}, 400, "malformed"),
    ("PUT", ACME, b'{"name": ' + b"[" * 20 + b"]" * 20 + b"}", {}, 400, "malformed"),
    ("PUT", ACME, b'{"name": "\\u0000"}', {}, 400, "malformed"),
    ("PUT", ACME, b'{"\\ud800": "x"}', {}, 400, "malformed"),
    ("PUT", ACME, b'{"name": "\xff"}', {}, 400, "malformed"),
    ("PUT", ACME, {"nam": "x"}, {}, 422, "invalid"),
    ("GET", path("projects") + "?limit=0", None, {}, 400, "malformed"),
    ("GET", path("projects") + "?limit=%D9%A1", None, {}, 400, "malformed"),
    ("GET", path("projects") + "?limit=201", None, {}, 400, "malformed"),
    ("GET", path("projects") + "?limit=1&limit=2", None, {}, 400, "malformed"),
    ("GET", path("projects") + "?cursor=acme", None, {}, 400, "malformed"),
    ("GET", path("projects") + "?cursor=%00", None, {}, 400, "malformed"),
    ("DELETE", ACME + "?dry_run=1", None, {}, 400, "malformed"),
]


@pytest.mark.any_database
@pytest.mark.parametrize(("method", "address", "body", "headers", "status", "code"), REFUSED)
def test_whatever_is_wrong_is_a_problem(
    api: Api, method: str, address: str, body: Any, headers: dict[str, str], status: int, code: str
) -> None:
    answer = api.ask(method, address, body, **headers)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert (answer.json()["type"], answer["Cache-Control"]) == (f"urn:vestibule:problem:{code}", "no-store")
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert not answer.cookies


def test_a_member_that_stands_twice_among_thousands_is_found_at_once() -> None:
    names = [f"{number:x}" for number in range(40_000)]
    began = time.perf_counter()
    with pytest.raises(Refused, match="'9c3f' stands twice"):
        parsed(("{" + ",".join(f'"{name}":0' for name in [*names, names[-1]]) + "}").encode())
    assert time.perf_counter() - began < 10


def test_a_page_ends_where_the_next_begins(api: Api) -> None:
    whole = [one["id"] for one in api.get(path("projects")).json()["items"]]
    found, address = [], f"{path('projects')}?limit=2"
    while address:
        answer = api.get(address)
        found.append([one["id"] for one in answer.json()["items"]])
        link = answer.headers.get("Link", "")
        assert bool(link) == bool(answer.json()["next_cursor"])
        address = link.partition(">")[0].removeprefix("<http://localhost:8000")
    assert found == [["acme", "house"], ["other"]]
    assert [one for page in found for one in page] == whole


@pytest.mark.any_database
def test_a_cursor_is_for_its_own_list(api: Api) -> None:
    cursor = api.get(path("projects") + "?limit=1").json()["next_cursor"]
    assert api.get(path("projects") + f"?limit=1&cursor={cursor}").json()["items"][0]["id"] == "house"
    assert api.get(path("projects", "acme", "clients") + f"?cursor={cursor}").status_code == 400
    assert api.get(path("projects") + f"?cursor={cursor[:-1]}").status_code == 400


@pytest.mark.any_database
def test_a_representation_that_is_known_is_not_sent_again(api: Api) -> None:
    first = api.get(ACME)
    for sent in (first["ETag"], f'"x", W/{first["ETag"]}', "*"):
        again = api.get(ACME, If_None_Match=sent)
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert api.get(ACME, If_None_Match='"x"').status_code == 200


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_Match": "*"}, 200),
        ({"If_Match": '"x"'}, 412),
        ({"If_Match": "x"}, 412),
        ({"If_None_Match": "*"}, 412),
        ({"If_None_Match": '"x"'}, 200),
    ],
)
def test_a_change_may_depend_on_what_is_there(api: Api, headers: dict[str, str], status: int) -> None:
    assert api.put(ACME, api.get(ACME).json(), **headers).status_code == status


@pytest.mark.any_database
def test_it_works_without_middleware_and_sets_no_cookie(api: Api, settings: Any) -> None:
    settings.MIDDLEWARE = []
    assert api.get(ACME).status_code == 200
    assert api.patch(ACME, {"name": "A"}, Accept_Language="de").status_code == 200
    refused = api.patch(ACME, {"status": "x"}, Accept_Language="de", Cookie="csrftoken=x")
    assert "is not known here" in refused.json()["errors"][0]["detail"]


def test_head_has_no_body(api: Api) -> None:
    answer = api.ask("HEAD", ACME)
    assert (answer.status_code, answer.content, answer["ETag"]) == (200, b"", api.get(ACME)["ETag"])


def test_what_nobody_expected_is_told_without_its_cause(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("idp.api.projects.metadata_of", lambda *_: 1 / 0)
    answer = api.get(ACME)
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "ZeroDivisionError" not in answer.content.decode()
    assert "Internal Server Error" in caplog.text
