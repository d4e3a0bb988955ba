"""`manage.py inspecttoken`: what it says of a token is what the endpoints say, with the step that decides."""

from __future__ import annotations

import base64
import getpass
import io
import json
import sys
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import SignIn, User
from clients import registration
from clients.models import AccessToken, Authorization, Client, DeviceGrant, SecurityEvent, SigningKey
from clients.policy import metadata_of
from common.command import NO, WRONG_USE
from projects.actors import Actor
from projects.models import Api, Project
from provider import inspection
from provider.keys import mint
from provider.store import find
from tests.guests import DOCUMENT, open_door
from tests.provider.devices import Device, add_devices, connect
from tests.world import ORDERS, App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def run(text: str | bytes, *arguments: str) -> tuple[int, str, str]:
    """Its exit status, what it printed, and what it said when it ended."""
    out, err = StringIO(), StringIO()
    data = text if isinstance(text, bytes) else text.encode()
    before, sys.stdin = sys.stdin, SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: False)
    try:
        call_command("inspecttoken", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    finally:
        sys.stdin = before
    return 0, out.getvalue(), err.getvalue()


def asked(text: str) -> dict[str, Any]:
    status, out, _said = run(text, "--format", "json")
    answer: dict[str, Any] = json.loads(out)
    assert status == (0 if answer["active"] else NO)
    assert text not in out
    return answer


# --- Everything there is of one person -----------------------------------------------------------------------------


class Held:
    """One of each kind, of one person for the client web."""

    def __init__(self) -> None:
        browser = Browser("owner")
        answer = browser.tokens("web", scope="openid offline_access orders.read", resource=ORDERS)
        self.access, self.refresh, self.id = (answer[f"{one}_token"] for one in ("access", "refresh", "id"))
        registration.change(web(), metadata_of(web()).changed({"access_token_format": "jwt"}), OPERATOR)
        Api.objects.filter(identifier=ORDERS).update(token_format="inherit")
        self.jwt = browser.tokens("web", scope="openid offline_access orders.read", resource=ORDERS)["access_token"]
        self.code = browser.code("web", scope="openid offline_access orders.read")

    def all(self) -> dict[str, str]:
        return dict(vars(self))


OPERATOR = Actor.operator("a test")
KINDS = {
    "access": ("access_token", "opaque"),
    "jwt": ("access_token", "jwt"),
    "refresh": ("refresh_token", "opaque"),
    "id": ("id_token", "jwt"),
    "code": ("authorization_code", "opaque"),
}


def web() -> Client:
    return Client.objects.select_related("project").get(client_id="web")


def test_of_what_is_alive_it_says_what_it_is_and_for_whom() -> None:
    for name, text in Held().all().items():
        answer = asked(text)
        assert (answer["kind"], answer["format"]) == KINDS[name]
        assert (answer["active"], answer["step"], answer["reason"]) == (True, None, None)
        owner = User.objects.get(username="owner")
        assert (answer["client_id"], answer["project"]) == ("web", "acme")
        assert (answer["username"], answer["sub"]) == ("owner", str(owner.sub))
        if name in ("access", "jwt"):
            assert (answer["audience"], answer["cnf"]) == ([ORDERS], {})


def change_web(**said: object) -> None:
    registration.change(web(), metadata_of(web()).changed(said), OPERATOR)


def end_authorizations() -> None:
    Authorization.objects.update(ended_at=timezone.now(), ended_because="a test")


def in_testing() -> None:
    Project.objects.filter(key="acme").update(status="testing")


SOON = timedelta(seconds=5)
# What ends things, and the step that says so; by kind where they differ, None: it goes on.
ENDINGS: dict[str, tuple[Callable[[], object], str, dict[str, str | None]]] = {
    "client disabled": (lambda: change_web(enabled=False), "live.client_lives", {}),
    "client ended": (
        lambda: Client.objects.filter(client_id="web").update(tokens_not_before=timezone.now() + SOON),
        "live.client_lives",
        {},
    ),
    "project ended": (
        lambda: Project.objects.filter(key="acme").update(tokens_not_before=timezone.now() + SOON),
        "live.client_lives",
        {},
    ),
    "person disabled": (
        lambda: User.objects.filter(username="owner").update(is_active=False),
        "live.authorization_lives",
        {},
    ),
    "person ended": (
        lambda: User.objects.filter(username="owner").update(tokens_not_before=timezone.now() + SOON),
        "live.authorization_lives",
        {},
    ),
    "authorization ended": (end_authorizations, "live.authorization_lives", {"id": None}),
    "signed out": (
        lambda: SignIn.objects.update(ended_at=timezone.now()),
        "authorizations.open_code",
        {"access": None, "jwt": None, "refresh": None, "id": None},
    ),
    "testing": (in_testing, "apis.admits", {}),
    "allowed for a while": (
        lambda: Authorization.objects.update(ends_at=timezone.now()),
        "live.end_of",
        {"id": None},
    ),
    "API ended": (
        lambda: Api.objects.filter(identifier=ORDERS).update(tokens_not_before=timezone.now() + SOON),
        "access_tokens.left_of",
        {"refresh": None, "id": None, "code": None},
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_of_what_ended_it_names_the_step_and_the_endpoints_agree(ending: str) -> None:
    held = Held().all()
    end, step, otherwise = ENDINGS[ending]
    end()
    for name, text in held.items():
        answer = asked(text)
        expected = otherwise.get(name, step)
        assert (name, answer["active"], answer["step"]) == (name, expected is None, expected)
        if name in ("access", "jwt"):
            assert answer["active"] == (find.access_token(text) is not None)


def test_what_expired_says_when() -> None:
    held = Held().all()
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        for name, text in held.items():
            answer = asked(text)
            assert (name, answer["step"]) == (name, "live.expired")
            assert answer["reason"].startswith("It expired on 20")


def test_what_was_revoked_or_used_says_so() -> None:
    held = Held()
    for token in (held.access, held.jwt):
        App("web").post("/oauth2/revoke", {"token": token})
    assert [asked(one)["step"] for one in (held.access, held.jwt)] == ["revoked", "statements.denied"]
    App("web").exchange(held.code)
    assert asked(held.code)["step"] == "authorizations.open_code"


def test_a_refresh_token_that_was_rotated_away_says_so(settings: Any) -> None:
    change_web(rotate_refresh_tokens=True)
    held = Held()
    settings.IDP_REFRESH_GRACE_SECONDS = 0
    second = App("web").refresh(held.refresh).json()["refresh_token"]
    third = App("web").refresh(second).json()["refresh_token"]
    assert (asked(held.refresh)["step"], asked(third)["active"]) == ("generations.use_of", True)
    assert Authorization.objects.filter(ended_at=None).count() == 3, "looking is no second use"


def test_a_token_of_a_client_itself_speaks_of_no_person() -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    answer = asked(token)
    assert (answer["active"], answer["sub"], answer["authorization"]) == (True, None, None)


def test_a_token_without_offline_access_ends_with_its_sign_in() -> None:
    token = Browser("owner").tokens("web", scope="openid")["access_token"]
    SignIn.objects.update(ended_at=timezone.now())
    assert asked(token)["step"] == "live.sign_in_allows"


def test_a_deleted_client_is_named_as_the_reason() -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    row = Client.objects.get(client_id="service")
    AccessToken.objects.update(application_id=row.pk + 1_000)  # as a deletion leaves many of them for a while
    assert asked(token)["step"] == "facts.client_of"


def test_a_deleted_authorization_is_named_as_the_reason() -> None:
    token = Browser("owner").tokens("web", scope="openid offline_access")["access_token"]
    AccessToken.objects.update(authorization_id=uuid4())  # written in the moment in which it was deleted
    assert asked(token)["step"] == "statements.access_token"


@pytest.mark.usefixtures("agent")
def test_a_guest_is_told_with_the_project_that_let_it_in_and_when_it_does_so_no_longer() -> None:
    answer = Browser("owner").tokens(DOCUMENT, scope="orders.read", resource=ORDERS)
    token, refresh = answer["access_token"], answer.get("refresh_token")
    found = asked(token)
    assert (found["active"], found["client_id"], found["project"]) == (True, DOCUMENT, "acme")
    assert refresh is None or asked(refresh)["active"]
    open_door(guest_apps="none")
    assert [asked(one)["step"] for one in (token, refresh) if one] == ["guests.standing_in"] * (2 if refresh else 1)


# --- Devices -------------------------------------------------------------------------------------------------------


def test_a_device_code_is_looked_at_and_not_polled() -> None:
    add_devices()
    device = Device().begin()
    code = device.said["device_code"]
    before = DeviceGrant.objects.values("polled_at", "hasty", "interval").get()
    assert [asked(code)["active"] for _again in range(2)] == [True, True]
    assert DeviceGrant.objects.values("polled_at", "hasty", "interval").get() == before
    connect(device, decision="deny")
    assert asked(code)["step"] == "device.answer_poll"


# --- Texts that are no tokens of ours ------------------------------------------------------------------------------


def test_a_token_of_somebody_else_is_told_apart_from_one_that_was_changed() -> None:
    held = Held()
    header, payload, signature = held.jwt.split(".")
    changed = f"{header}.{payload[:-2]}xx.{signature}"
    assert "it was changed" in asked(changed)["reason"]
    foreign = base64.urlsafe_b64encode(b'{"alg":"ES256","kid":"theirs"}').rstrip(b"=").decode()
    said = base64.urlsafe_b64encode(b'{"iss":"https://else.example"}').rstrip(b"=").decode()
    answer = asked(f"{foreign}.{said}.x")
    assert (answer["kind"], answer["claimed_iss"]) == (None, "https://else.example")
    assert "No key of this provider" in answer["reason"]


def test_a_token_of_a_revoked_key_names_the_key_as_the_reason() -> None:
    token = Held().jwt
    SigningKey.objects.filter(state="active").update(
        state="revoked", retired_at=timezone.now(), believed_until=timezone.now()
    )
    assert asked(token)["step"] == "rotation.believed"


@pytest.mark.parametrize("text", ["x", "a.b.c", "..", "a" * 20_000, "\u00e9\u202e", "e30.e30.", "\x1b]0;x\x07"])
def test_any_other_text_is_not_active_and_is_not_repeated(text: str) -> None:
    status, out, said = run(text)
    assert (status, said) == (NO, "Not active.")
    assert text not in out or text == "x"


PART = "eyJ0_-{}=9"


class AnyText(TestCase):
    @given(st.text(max_size=60) | st.lists(st.text(PART, max_size=20), min_size=3, max_size=3).map(".".join))
    def test_no_text_breaks_it(self, text: str) -> None:
        assert not inspection.inspect(text).active


# --- Where it is read from -----------------------------------------------------------------------------------------


def test_it_is_read_from_a_file_or_a_header_that_was_pasted(tmp_path: Path) -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    assert run("", str(file))[0] == 0
    assert [run(one)[0] for one in (f"Authorization: Bearer {token}\r\n", f"DPoP {token}", f"  {token} ")] == [0, 0, 0]


def test_as_an_argument_it_is_neither_taken_nor_repeated() -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    status, out, said = run("", token)
    assert (status, out) == (WRONG_USE, "")
    assert token not in said
    assert "not as an argument" in said


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("text", "said"), [(b"", "no token"), (b" \n", "no token"), (b"one two", "more than one"), (b"x" * 70_000, "bytes")]
)
def test_what_is_no_token_at_all_is_wrong_use(text: bytes, said: str) -> None:
    status, out, sentence = run(text)
    assert (status, out) == (WRONG_USE, "")
    assert said in sentence


def test_in_a_terminal_it_asks_and_shows_nothing_of_what_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: "typed")
    with pytest.raises(CommandError, match=r"Not active\."):
        call_command("inspecttoken", stdout=StringIO())


def test_it_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    before = SecurityEvent.objects.count()
    status, out, said = run(token)
    assert status == 0
    assert "nothing: whoever has it may use it" in out
    assert token not in out + said + caplog.text
    assert mint.digest(token) not in out
    assert SecurityEvent.objects.count() == before
