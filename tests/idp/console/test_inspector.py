"""Paste a token: what it is, for whom, and whether it is alive. Nothing keeps it, and others' tokens stay unknown."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model
from django.test import Client as Http
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from accounts.models import User
from common import jws
from common.json_type import Json
from idp.console import inspector
from idp.console.inspector import Answer
from projects.models import Project
from projects.sectors import told_sub
from provider.keys import mint
from tests.console import page
from tests.provider.test_inspecttoken import Held
from tests.world import ORDERS, App, Browser

pytestmark = [pytest.mark.usefixtures("world"), pytest.mark.any_database]
PAGE = "/admin/inspect/"
KINDS = {
    "access": ("Access token", "opaque"),
    "refresh": ("Refresh token", "opaque"),
    "id": ("ID token", "JWT"),
    "jwt": ("Access token", "JWT"),
    "code": ("Authorization code", "opaque"),
}


def somebody(username: str, **fields: Any) -> Http:
    User.objects.filter(username=username).update(is_staff=True, **fields)
    http = Http()
    http.force_login(User.objects.get(username=username))
    return http


def asked(http: Http, text: str) -> Answer:
    shown = http.post(PAGE, {"token": text})
    assert shown.status_code == 200
    assert text not in shown.content.decode()
    found: Answer = shown.context["answer"]
    return found


def rows(answer: Answer) -> dict[str, str]:
    return {row.label: " ".join(filter(None, [row.text, *row.texts])) for row in answer.rows}


def test_a_superuser_learns_of_each_kind_what_it_is_whose_and_for_whom() -> None:
    root, held = somebody("outsider", is_superuser=True), Held().all()
    for name, text in held.items():
        answer = asked(root, text)
        assert (answer.kind, answer.form, answer.alive) == (*KINDS[name], True), name
        assert rows(answer)["App"] == "Acme web web", name
        assert rows(answer)["Project"] == "Acme", name
        assert rows(answer)["Person"].startswith("owner "), name
    assert ORDERS in rows(asked(root, held["access"]))["For"]
    assert rows(asked(root, held["access"]))["Bound to"] == "nothing: whoever has it may use it"


def test_a_jwt_is_shown_with_its_times_in_words() -> None:
    claims = {one.name: one for one in asked(somebody("outsider", is_superuser=True), Held().jwt).claims}
    assert claims["exp"].means == "when it ends"
    assert "UTC · in " in claims["exp"].value
    assert claims["typ"].value == "at+jwt"


def test_what_is_over_says_by_which_step() -> None:
    root, token = somebody("outsider", is_superuser=True), Held().access
    App("web").post("/oauth2/revoke", {"token": token})
    answer = asked(root, token)
    assert (answer.kind, answer.alive) == ("Access token", False)
    assert answer.reason
    assert answer.step


def test_a_member_learns_of_tokens_of_the_project_by_what_it_knows_people_by() -> None:
    Project.objects.filter(key="acme").update(subject_type="pairwise", subject_salt="s" * 43)
    held = Held()
    answer = asked(somebody("member"), held.access)
    acme, owner = Project.objects.get(key="acme"), User.objects.get(username="owner")
    assert (answer.kind, answer.alive) == ("Access token", True)
    assert rows(answer)["Person"] == told_sub(owner.sub, acme)
    assert owner.sub not in str(answer)
    assert "owner" not in rows(answer)["Person"]


def _of_another_project() -> Http:
    http = somebody("outsider")
    Project.objects.get(key="other").members.create(user=User.objects.get(username="outsider"), role="owner")
    return http


def test_a_token_of_another_project_is_answered_as_one_that_nobody_made() -> None:
    stranger, held = _of_another_project(), Held().all()
    made_up = asked(stranger, mint.opaque())
    assert (made_up.kind, made_up.reason, made_up.rows) == ("", "This is no token of a project of yours.", [])
    for name in ("access", "refresh", "code"):
        assert asked(stranger, held[name]) == made_up, name
    for name in ("id", "jwt"):
        header, payload, signature = held[name].split(".")
        forged = f"{header}.{payload}.{signature[:-8]}AAAAAAAA"
        assert asked(stranger, held[name]) == asked(stranger, forged), name


def test_a_jwt_of_somebody_else_says_whose_it_claims_to_be() -> None:
    header, payload = (jws.encode(one) for one in (b'{"alg":"RS256","kid":"x"}', b'{"iss":"https://else.example"}'))
    text = f"{header}.{payload}.AAAA"
    answer = asked(somebody("outsider", is_superuser=True), text)
    assert (answer.kind, answer.alive) == ("", False)
    assert rows(answer)["Says it is of"] == "https://else.example"
    assert [one.value for one in asked(somebody("member"), text).claims if one.name == "iss"] == [
        "https://else.example"
    ]


@pytest.mark.parametrize("deep", [b"[" * 950 + b"]" * 950, b'{"a":' * 950 + b"1" + b"}" * 950])
def test_lists_within_lists_are_shown_to_a_depth(deep: bytes) -> None:
    header, payload = (jws.encode(one) for one in (b'{"alg":"RS256"}', b'{"deep":' + deep + b',"flat":[[1],2]}'))
    claims = asked(somebody("member"), f"{header}.{payload}.AAAA").claims
    shown = {one.name: one.value for one in claims}
    assert shown["deep"].endswith("…")
    assert shown["flat"] == "1 2"


def test_a_logout_token_is_one() -> None:
    claims: dict[str, Json] = {
        "iss": "http://localhost:8000",
        "aud": "web",
        "iat": 1,
        "exp": 2,
        "jti": "j",
        "events": {},
    }
    answer = asked(somebody("member"), mint.sign(claims, "RS256", "logout+jwt"))
    assert (answer.kind, answer.alive, answer.step) == ("Logout token", False, "live.expired")


@pytest.mark.parametrize("text", ["", " ", "two words", "x" * 70_000, "a.b.c", "..", "\0", "ü", '{"a": 1}', "Bearer "])
def test_whatever_is_pasted_is_answered(text: str) -> None:
    shown = somebody("outsider", is_superuser=True).post(PAGE, {"token": text})
    assert shown.status_code == 200
    assert not shown.context["answer"].alive


def test_a_whole_header_may_be_pasted() -> None:
    assert asked(somebody("member"), f"Authorization: Bearer {Held().access}").alive


@pytest.mark.parametrize(("username", "status"), [("outsider", 403), ("member", 200)])
def test_it_is_for_members_of_projects(username: str, status: int) -> None:
    assert somebody(username).get(PAGE).status_code == status


# --- Nothing keeps it ------------------------------------------------------------------------------------------------


def everything_stored() -> str:
    models: list[type[Model]] = [one for one in apps.get_models(include_auto_created=True) if one._meta.managed]
    return "\n".join(str(list(one._base_manager.values())) for one in models)


def test_it_stands_in_no_log_no_table_no_session_and_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    member, held = somebody("member"), Held().all()
    before = everything_stored()
    with caplog.at_level(logging.DEBUG):
        for text in held.values():
            shown = member.post(PAGE, {"token": text})
            assert text not in shown.content.decode()
            assert text not in str(shown.headers)
            assert "no-store" in shown["Cache-Control"]
            assert text not in caplog.text
            assert text not in str(dict(member.session))
    after = everything_stored()
    assert all(text not in after for text in held.values())
    assert len(after.splitlines()) == len(before.splitlines())


def test_an_address_with_a_token_in_it_is_not_read() -> None:
    shown = somebody("member").get(PAGE, {"token": Held().access})
    assert shown.context["answer"] is None


def test_a_report_of_an_error_does_not_say_it(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    def broken(text: str) -> None:
        raise ValueError("broken")

    settings.DEBUG = False
    monkeypatch.setattr("provider.inspection.inspect", broken)
    request = RequestFactory().post(PAGE, {"token": "secret-token"})
    request.user = User.objects.get(username="member")
    with pytest.raises(ValueError, match="broken"):
        inspector.page(request)
    report = _report(request)
    assert "broken" in report
    assert "secret-token" not in report


def _report(request: Any) -> str:
    try:
        inspector.page(request)
    except ValueError:
        return ExceptionReporter(request, *sys.exc_info()).get_traceback_text()
    raise AssertionError


def test_the_form_asks_browsers_to_keep_nothing() -> None:
    html = somebody("member").get(PAGE).content.decode()
    form = html[html.index('id="inspect_form"') :]
    assert 'method="post"' in html[: html.index('id="inspect_form"')][-40:]
    assert form.count('autocomplete="off"') >= 2
    assert page("inspect") == PAGE


def test_looking_at_a_code_does_not_use_it() -> None:
    browser = Browser("owner")
    code = browser.code("web", scope="openid")
    assert asked(somebody("member"), code).alive
    assert App("web").exchange(code).status_code == 200
