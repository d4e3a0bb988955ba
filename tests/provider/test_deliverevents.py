"""`deliverevents` tells apps that somebody signed out: each once, whatever is killed, slow or gone on the way."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection
from django.test import Client as Http
from django.utils import timezone
from jwcrypto import jwk, jws

from accounts import sign_in
from accounts.models import SignIn, User
from clients.models import Authorization, Client, LogoutNotice, SecurityEvent, SigningKey
from clients.models.logout import NoticeState
from common import outbound
from common.jws import ALGORITHMS
from projects.models import Project
from provider import logout_notices, outboxes, patience
from provider.patience import Patience
from tests.provider.receiver import Receiver, receiving
from tests.races.conftest import database_url
from tests.silence import silent_server
from tests.world import ISSUER, Browser, claims_of, header_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.fixture
def app() -> Iterator[Receiver]:
    """The back-channel endpoint of `web`."""
    with receiving() as receiver:
        Client.objects.filter(client_id="web").update(backchannel_logout_uri=receiver.url)
        yield receiver


def signed_out(username: str = "owner", *client_ids: str) -> str:
    """Somebody used these clients and signed out; the `sid`."""
    browser = Browser(username)
    for client_id in client_ids or ("web",):
        browser.code(client_id)
    sid = str(SignIn.objects.filter(user__username=username, ended_at=None).latest("created_at").pk)
    browser.http.post("/accounts/logout/")
    return sid


def run(capsys: Any, *arguments: str) -> dict[str, int]:
    """The answer of one run, and its exit status."""
    status = 0
    try:
        call_command("deliverevents", *arguments, "--format", "json")
    except SystemExit as ending:
        status = int(str(ending.code))
    return {**json.loads(capsys.readouterr().out), "status": status}


def outcome(**counts: int) -> dict[str, int]:
    return {**dict.fromkeys(("announced", "delivered", "failed", "given_up", "dropped", "status"), 0), **counts}


def later(seconds: float) -> Any:
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=True)


# --- What an app gets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_app_gets_a_logout_token_for_itself(app: Receiver, capsys: Any, algorithm: str) -> None:
    """OpenID Connect Back-Channel Logout 1.0 sections 2.4 and 2.5."""
    Client.objects.filter(client_id="web").update(id_token_signed_response_alg=algorithm)
    sid = signed_out()
    assert run(capsys) == outcome(announced=1, delivered=1)
    (path, headers, form) = app.requests[0]
    assert (path, list(form)) == ("/logout", ["logout_token"])
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    token = app.tokens[0]
    header, claims = header_of(token), claims_of(token)
    assert (header["typ"], header["alg"]) == ("logout+jwt", algorithm)
    assert set(claims) == {"iss", "aud", "iat", "exp", "jti", "sub", "sid", "events"}
    assert (claims["iss"], claims["aud"], claims["sid"]) == (ISSUER, "web", sid)
    assert claims["sub"] == str(User.objects.get(username="owner").sub)
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert claims["exp"] - claims["iat"] == 120
    assert abs(claims["iat"] - time.time()) < 60
    published = Http().get("/.well-known/jwks.json").json()["keys"]
    key = next(one for one in published if one["kid"] == header["kid"])
    signed = jws.JWS()
    signed.deserialize(token, jwk.JWK(**key))
    assert signed.is_valid


def test_the_sid_is_the_one_of_the_id_token(app: Receiver, capsys: Any) -> None:
    browser = Browser("owner")
    id_token = claims_of(browser.tokens("web")["id_token"])
    browser.http.get("/oauth2/logout", {"client_id": "web"})
    browser.http.post("/oauth2/logout/confirm?client_id=web")
    run(capsys)
    assert {name: claims_of(app.tokens[0])[name] for name in ("iss", "sub", "sid", "aud")} == {
        name: id_token[name] for name in ("iss", "sub", "sid", "aud")
    }


def test_a_logout_token_is_no_other_token_of_ours(app: Receiver, capsys: Any) -> None:
    signed_out()
    run(capsys)
    token = app.tokens[0]
    assert Http().get("/oauth2/userinfo", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401
    assert Http().post("/oauth2/tokeninfo", {"id_token": token}).status_code == 400
    assert Browser("owner").http.get("/oauth2/logout", {"id_token_hint": token}).status_code == 400


def test_every_app_of_the_sign_in_is_told_and_nobody_else(app: Receiver, capsys: Any) -> None:
    Client.objects.filter(client_id__in=["sibling", "stranger", "desk"]).update(backchannel_logout_uri=app.url)
    still_here = Browser("owner")
    still_here.code("desk")
    signed_out("owner", "web", "web", "sibling")
    signed_out("member", "stranger")
    assert run(capsys) == outcome(announced=3, delivered=3)
    assert sorted(claims_of(token)["aud"] for token in app.tokens) == ["sibling", "stranger", "web"]
    assert run(capsys) == outcome()


@pytest.mark.parametrize("by", ["the person", "the console"])
def test_apps_are_told_of_an_account_that_was_deleted(app: Receiver, capsys: Any, by: str) -> None:
    person = User.objects.get(username="outsider")
    Browser("owner").code("web")  # stays
    earlier, elsewhere, here = signed_out("outsider"), Browser("outsider"), Browser("outsider")
    sids = {earlier, *(claims_of(one.tokens("web")["id_token"])["sid"] for one in (elsewhere, here))}
    if by == "the person":
        assert here.http.post("/accounts/delete/").status_code == 302
    else:
        User.objects.create_superuser("root", "root@people.example", "root-pw")
        address = f"/admin/accounts/user/{person.pk}/delete/"
        assert Browser("root").http.post(address, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=person.pk).exists()
    assert run(capsys)["delivered"] == 3
    told = [claims_of(token) for token in app.tokens]
    assert {one["sub"] for one in told} == {str(person.sub)}
    assert {one["sid"] for one in told} == sids


def test_who_was_told_is_not_told_again_when_the_account_goes(app: Receiver, capsys: Any) -> None:
    signed_out("outsider")
    assert run(capsys)["delivered"] == 1
    LogoutNotice.objects.all().delete()  # as `cleartokens` does after a month
    User.objects.get(username="outsider").delete()
    assert run(capsys) == outcome()


def test_access_without_a_sign_in_behind_it_is_nobody_to_tell_when_the_account_goes(app: Receiver, capsys: Any) -> None:
    Browser("outsider").code("web")
    Authorization.objects.update(sign_in=None)
    User.objects.get(username="outsider").delete()
    assert run(capsys) == outcome()


def test_an_app_without_an_address_is_not_told(capsys: Any) -> None:
    signed_out()
    assert run(capsys) == outcome()
    assert not LogoutNotice.objects.exists()
    assert SignIn.objects.get().announced_at is not None


def by_password() -> None:
    sign_in.end_all(User.objects.get(username="owner"))


def by_becoming_another() -> None:
    browser = Browser("owner")
    browser.code("web")
    browser.http.post("/accounts/switch/")


def by_the_console() -> None:
    User.objects.filter(username="owner").update(is_staff=True)
    browser = Browser("owner")
    browser.code("web")
    browser.http.post("/admin/logout/")


def by_an_app() -> None:
    browser = Browser("owner")
    browser.http.get("/oauth2/logout", {"id_token_hint": browser.tokens("web")["id_token"]})


@pytest.mark.parametrize(
    "way", [signed_out, by_becoming_another, by_the_console, by_an_app], ids=lambda one: one.__name__
)
def test_however_a_sign_in_ends_the_app_is_told(app: Receiver, capsys: Any, way: Callable[[], Any]) -> None:
    way()
    assert run(capsys) == outcome(announced=1, delivered=1)


def test_all_browsers_at_once(app: Receiver, capsys: Any) -> None:
    for _ in range(3):
        Browser("owner").code("web")
    by_password()
    assert run(capsys) == outcome(announced=3, delivered=3)
    assert len({claims_of(token)["sid"] for token in app.tokens}) == 3
    assert len({claims_of(token)["jti"] for token in app.tokens}) == 3


def test_a_sign_in_that_goes_on_is_not_announced(app: Receiver, capsys: Any) -> None:
    Browser("owner").code("web")
    assert run(capsys) == outcome()


def test_more_than_one_batch(app: Receiver, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logout_notices, "BATCH", 2)
    for _ in range(5):
        Browser("owner").code("web")
    by_password()
    assert run(capsys)["announced"] == 5


# --- What goes wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 204])
def test_these_answers_mean_that_the_app_took_it(app: Receiver, capsys: Any, status: int) -> None:
    app.answer = lambda handler: Receiver.say(handler, status)
    signed_out()
    assert run(capsys)["delivered"] == 1
    notice = LogoutNotice.objects.get()
    assert (notice.state, notice.problem, notice.attempts) == ("delivered", "", 1)
    assert notice.delivered_at is not None


@pytest.mark.any_database
@pytest.mark.parametrize("status", [201, 202, 302, 307, 400, 401, 404, 500, 503])
def test_any_other_answer_is_tried_again_later(app: Receiver, capsys: Any, status: int) -> None:
    app.answer = lambda handler: Receiver.say(handler, status, Location="/elsewhere")
    signed_out()
    assert run(capsys) == outcome(announced=1, failed=1)
    notice = LogoutNotice.objects.get()
    assert (notice.state, notice.attempts, notice.delivered_at) == ("due", 1, None)
    assert str(status) in notice.problem
    assert run(capsys) == outcome(), "not at once"
    app.answer = lambda handler: Receiver.say(handler, 200)
    with later(60):
        assert run(capsys) == outcome(delivered=1)
    assert len(app.requests) == 2
    assert len({claims_of(token)["jti"] for token in app.tokens}) == 2, "an app may refuse to see one twice"


def test_it_waits_longer_each_time_and_no_two_apps_the_same() -> None:
    for attempts in range(1, outboxes.MAX_TRIES):
        shortest, longest = outboxes.wait_after(attempts, 0.0), outboxes.wait_after(attempts, 1.0)
        assert outboxes.wait_after(attempts + 1, 0.0) > shortest
        assert longest > shortest * 1.5
    assert outboxes.wait_after(1, 0.0) > 2 * outbound.TOTAL_TIMEOUT, "else it would be sent twice at once"
    waits = [outboxes.wait_after(attempts, 1.0) for attempts in range(1, outboxes.MAX_TRIES)]
    assert 12 * 3600 < sum(waits) < 24 * 3600


def test_after_a_day_it_is_given_up_and_on_record(app: Receiver, capsys: Any) -> None:
    app.answer = lambda handler: Receiver.say(handler, 500)
    signed_out()
    with time_machine.travel(timezone.now(), tick=True) as clock:
        found = []
        for _ in range(outboxes.MAX_TRIES + 3):
            found.append(run(capsys))
            clock.shift(timedelta(hours=20))
    assert [one["failed"] for one in found] == [1] * (outboxes.MAX_TRIES - 1) + [0] * 4
    assert [one["given_up"] for one in found].index(1) == outboxes.MAX_TRIES - 1
    assert sum(one["given_up"] for one in found) == 1
    assert len(app.requests) == outboxes.MAX_TRIES
    event = SecurityEvent.objects.get(kind="logout_notice.given_up")
    assert (event.client_id, event.detail["attempts"]) == ("web", outboxes.MAX_TRIES)
    assert event.sub == str(User.objects.get(username="owner").sub)
    assert "500" in event.detail["problem"]
    assert LogoutNotice.objects.get().state == NoticeState.GIVEN_UP


def _disable() -> None:
    Client.objects.filter(client_id="web").update(enabled=False)


def _remove_the_address() -> None:
    Client.objects.filter(client_id="web").update(backchannel_logout_uri="")


def _delete() -> None:
    Client.objects.get(client_id="web").delete()


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (_disable, "The client is disabled."),
        (_remove_the_address, "The client has no back-channel logout URI any more."),
        (_delete, "The client was deleted."),
    ],
)
def test_when_there_is_nobody_to_tell_any_more_it_is_dropped_with_the_reason(
    app: Receiver, capsys: Any, happens: Callable[[], None], reason: str
) -> None:
    signed_out()
    logout_notices.announce(lambda: False)
    happens()
    assert run(capsys) == outcome(dropped=1)
    notice = LogoutNotice.objects.get()
    assert (notice.state, notice.problem) == (NoticeState.DROPPED, reason)
    assert app.requests == []


def test_the_address_counts_that_is_registered_when_it_is_sent(app: Receiver, capsys: Any) -> None:
    signed_out()
    logout_notices.announce(lambda: False)
    with receiving() as moved:
        Client.objects.filter(client_id="web").update(backchannel_logout_uri=moved.url)
        assert run(capsys)["delivered"] == 1
        assert (len(moved.requests), app.requests) == (1, [])


@pytest.mark.parametrize("uri", ["https://127.0.0.1/logout", "https://[::1]/logout", "https://169.254.169.254/latest"])
def test_a_provider_on_the_internet_reaches_for_no_private_address(settings: Any, capsys: Any, uri: str) -> None:
    settings.IS_LOCAL = False
    Client.objects.filter(client_id="web").update(backchannel_logout_uri=uri)
    signed_out()
    with mock.patch("socket.socket.connect") as connect, mock.patch("socket.getaddrinfo", _literally):
        assert run(capsys)["failed"] == 1
    connect.assert_not_called()
    assert "nowhere on the public internet" in LogoutNotice.objects.get().problem


def _literally(host: str, port: int, **_options: Any) -> list[Any]:
    return [(2, 1, 6, "", (host, port))]


def test_a_client_that_fails_keeps_nobody_waiting(app: Receiver, capsys: Any) -> None:
    """However many notices a broken client has, one run tries one of them."""
    with receiving() as broken:
        broken.answer = lambda handler: Receiver.say(handler, 500)
        Client.objects.filter(client_id="sibling").update(backchannel_logout_uri=broken.url)
        for _ in range(4):
            Browser("owner").code("sibling")
        by_password()
        logout_notices.announce(lambda: False)
        signed_out()
        assert run(capsys) == outcome(announced=1, delivered=1, failed=1)
        assert len(broken.requests) == 1
        assert run(capsys) == outcome(failed=1), "the next one in the next run"


def silent(*client_ids: str) -> Any:
    """Their back-channel endpoint takes connections and never answers."""
    stack = contextlib.ExitStack()
    port = stack.enter_context(silent_server())
    uri = f"http://127.0.0.1:{port}/logout"
    Client.objects.filter(client_id__in=client_ids).update(backchannel_logout_uri=uri)
    return stack


def test_dead_receivers_delay_nobody(app: Receiver, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many clients of a project are dead, apps of other projects and healthy ones of the same are told."""
    monkeypatch.setattr(outbound, "TOTAL_TIMEOUT", 4.0)
    told_after: list[float] = []
    began = time.monotonic()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        told_after.append(time.monotonic() - began)
        Receiver.say(handler, 200)

    app.answer = answer
    with silent("sibling", "desk", "blind"):
        Client.objects.filter(client_id="stranger").update(backchannel_logout_uri=app.url)
        signed_out("owner", "sibling", "desk")
        signed_out("owner", "web")
        signed_out("member", "stranger")
        began = time.monotonic()
        assert run(capsys) == outcome(announced=4, delivered=2, failed=2)
    assert max(told_after) < outbound.TOTAL_TIMEOUT, "they did not wait for the dead"
    assert time.monotonic() - began < 2 * outbound.TOTAL_TIMEOUT, "the dead were waited for at the same time"


def test_a_project_has_half_of_the_places_at_most(world: None) -> None:
    project = Project.objects.get(key="acme")
    known = Patience()
    for number in range(patience.PLACES_PER_PROJECT):
        client = Client.objects.create(client_id=f"dead-{number}", project=project, client_type="confidential")
        known.begin(LogoutNotice(pk=number, client=client))
    waiting = LogoutNotice.objects.create(sid=uuid4(), sub=str(uuid4()), client=Client.objects.get(client_id="web"))
    other = LogoutNotice.objects.create(sid=uuid4(), sub=str(uuid4()), client=Client.objects.get(client_id="stranger"))
    assert list(LogoutNotice.objects.exclude(known.out_of_turn())) == [other]
    known.end(LogoutNotice(pk=0, client=Client.objects.get(client_id="dead-0")), failed=False)
    assert set(LogoutNotice.objects.exclude(known.out_of_turn())) == {waiting, other}


def test_an_address_that_cost_too_much_is_left_for_the_next_run(world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.01)
    Client.objects.filter(client_id="web").update(backchannel_logout_uri="https://dead.example/a")
    Client.objects.filter(client_id="stranger").update(backchannel_logout_uri="https://dead.example/b")
    known = Patience()
    notice = LogoutNotice(pk=1, client=Client.objects.get(client_id="web"))
    known.begin(notice)
    time.sleep(0.02)
    known.end(notice, failed=True)
    same = LogoutNotice.objects.create(sid=uuid4(), sub=str(uuid4()), client=Client.objects.get(client_id="stranger"))
    assert same not in LogoutNotice.objects.exclude(known.out_of_turn())


def test_what_failed_before_is_tried_last(app: Receiver) -> None:
    earlier = timezone.now() - timedelta(hours=1)
    web, sibling = (Client.objects.get(client_id=one) for one in ("web", "sibling"))
    LogoutNotice.objects.create(sid=uuid4(), sub=str(uuid4()), client=web, attempts=3, next_attempt_at=earlier)
    fresh = LogoutNotice.objects.create(sid=uuid4(), sub=str(uuid4()), client=sibling)
    assert logout_notices._claim_next(Patience()) == fresh


def test_a_client_that_dawdles_waits_for_the_next_run(
    app: Receiver, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.0)
    for _ in range(3):
        Browser("owner").code("web")
    by_password()
    assert [run(capsys)["delivered"] for _ in range(4)] == [1, 1, 1, 0]


def test_nothing_secret_is_kept_or_told(app: Receiver, capsys: Any, caplog: Any) -> None:
    app.answer = lambda handler: Receiver.say(handler, 500, **{"X-Echo": app.tokens[-1]})
    signed_out()
    call_command("deliverevents")
    told = capsys.readouterr()
    token = app.tokens[0]
    kept = str(list(LogoutNotice.objects.values())) + str(list(SecurityEvent.objects.values()))
    for text in (told.out, told.err, caplog.text, kept):
        assert token not in text
        assert token.split(".")[2] not in text


# --- The command ---------------------------------------------------------------------------------------------------


def test_the_answer_is_on_stdout_and_progress_on_stderr(app: Receiver, capsys: Any) -> None:
    signed_out()
    call_command("deliverevents", "--once")
    told = capsys.readouterr()
    assert told.out == "1 announced, 1 delivered, 0 failed, 0 given up, 0 dropped\n"
    assert told.err == "web: told\n"
    app.answer = lambda handler: Receiver.say(handler, 404)
    signed_out()
    call_command("deliverevents")
    assert capsys.readouterr().err == "web: not told, will be tried again: The app answered with status 404.\n"


@pytest.mark.parametrize("interval", ["0", "-1", "3601", "nan", "soon"])
def test_a_wrong_interval_is_told_with_what_is_right(interval: str) -> None:
    said = f"argument --interval: must be a number of seconds above 0, 3,600 at most, not '{interval}'."
    with pytest.raises(CommandError, match=re.escape(said)):
        call_command("deliverevents", f"--interval={interval}")


def test_once_and_again_are_told_apart() -> None:
    with pytest.raises(CommandError, match="not allowed with argument"):
        call_command("deliverevents", "--once", "--interval", "5")


def test_without_a_key_it_says_what_to_do_and_loses_nothing(app: Receiver, capsys: Any) -> None:
    signed_out()
    rows = list(SigningKey.objects.all())
    SigningKey.objects.all().delete()
    call_command("deliverevents")
    assert "web: not told, will be tried again: The provider has no signing key yet." in capsys.readouterr().err
    SigningKey.objects.bulk_create(rows)
    with later(60):
        assert run(capsys)["delivered"] == 1


def test_without_a_database_it_says_so() -> None:
    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        raise OperationalError("the database is gone")

    with connection.execute_wrapper(refuse), pytest.raises(CommandError, match="the database is gone"):
        call_command("deliverevents")


# --- Nothing is lost, nothing is made twice ------------------------------------------------------------------------


def test_a_run_that_is_interrupted_before_it_wrote_everything_wrote_nothing(app: Receiver, capsys: Any) -> None:
    signed_out()
    killed = mock.patch.object(LogoutNotice.objects, "bulk_create", side_effect=KeyboardInterrupt)
    with killed, pytest.raises(KeyboardInterrupt):
        logout_notices.announce(lambda: False)
    assert SignIn.objects.get().announced_at is None
    assert run(capsys)["delivered"] == 1


def test_a_client_is_told_once_of_a_sign_in(app: Receiver, capsys: Any) -> None:
    signed_out()
    assert run(capsys)["announced"] == 1
    SignIn.objects.update(announced_at=None)  # as if another run had been killed before it could say so
    assert run(capsys)["delivered"] == 0
    assert (LogoutNotice.objects.count(), len(app.requests)) == (1, 1)
    notice = LogoutNotice.objects.get()
    with pytest.raises(IntegrityError):
        LogoutNotice.objects.create(sid=notice.sid, sub=notice.sub, client=notice.client)


def test_a_run_killed_while_it_was_sending_is_made_up_for(app: Receiver, capsys: Any) -> None:
    signed_out()
    with mock.patch.object(outbound, "post_form", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        call_command("deliverevents")
    assert run(capsys) == outcome(), "another run may still be at it"
    with later(60):
        assert run(capsys) == outcome(delivered=1)


def test_a_last_try_that_was_killed_is_given_up(app: Receiver, capsys: Any) -> None:
    signed_out()
    logout_notices.announce(lambda: False)
    LogoutNotice.objects.update(attempts=outboxes.MAX_TRIES)
    assert run(capsys) == outcome(given_up=1, status=1)
    assert app.requests == []
    assert SecurityEvent.objects.filter(kind="logout_notice.given_up").count() == 1


# --- Processes -----------------------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "IDP_ISSUER": ISSUER,
        "SECRET_KEY": settings.SECRET_KEY,
        "IDP_KEY_SECRETS": ",".join(settings.IDP_KEY_SECRETS),
        "DJANGO_SETTINGS_MODULE": "idp.settings",
    }


def started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(Path(settings.BASE_DIR, "manage.py")), "deliverevents", *arguments]
    return subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=settings.BASE_DIR
    )


processes = [
    pytest.mark.postgresql,  # a database that several processes can reach
    pytest.mark.django_db(transaction=True),
]


def many_signed_out(number: int) -> None:
    """Quicker than so many browsers."""
    person, client = User.objects.get(username="owner"), Client.objects.get(client_id="web")
    now = timezone.now()
    rows = SignIn.objects.bulk_create(SignIn(user=person, ended_at=now) for _ in range(number))
    Authorization.objects.bulk_create(
        Authorization(client=client, user=person, sign_in=row, auth_time=now) for row in rows
    )


class TestProcesses:
    pytestmark = processes

    def test_several_runs_at_once_tell_each_app_once(self, app: Receiver) -> None:
        many_signed_out(60)
        runs = [started("--format", "json") for _ in range(3)]
        answers = [json.loads(one.communicate(timeout=120)[0]) for one in runs]
        assert [one.returncode for one in runs] == [0, 0, 0]
        while LogoutNotice.objects.filter(attempts=0).exists():  # an app that takes its time is left for the next run
            answers.append(json.loads(started("--format", "json").communicate(timeout=120)[0]))
        assert sum(one["announced"] for one in answers) == 60
        assert sum(one["delivered"] for one in answers) == 60
        assert len({claims_of(token)["sid"] for token in app.tokens}) == len(app.tokens) == 60

    def test_a_run_killed_with_violence_is_made_up_for_by_the_next(self, app: Receiver) -> None:
        many_signed_out(20)
        seen: list[str] = []

        def hold(handler: BaseHTTPRequestHandler) -> None:
            seen.append("one")
            if len(seen) == 5:
                time.sleep(30)
            Receiver.say(handler, 200)

        app.answer = hold
        victim = started()
        until = time.monotonic() + 60
        while len(seen) < 5 and time.monotonic() < until:
            time.sleep(0.05)
        victim.send_signal(signal.SIGKILL)
        victim.communicate(timeout=30)
        assert LogoutNotice.objects.filter(state=NoticeState.DELIVERED).count() == 4
        app.answer = lambda handler: Receiver.say(handler, 200)
        LogoutNotice.objects.update(next_attempt_at=timezone.now())
        answer = json.loads(started("--format", "json").communicate(timeout=120)[0])
        assert (answer["announced"], answer["delivered"]) == (0, 16)
        assert not LogoutNotice.objects.exclude(state=NoticeState.DELIVERED).exists()

    def test_a_service_ends_on_sigterm_after_the_delivery_under_way(self, app: Receiver) -> None:
        many_signed_out(3)

        def slowly(handler: BaseHTTPRequestHandler) -> None:
            time.sleep(1)
            Receiver.say(handler, 204)

        app.answer = slowly
        service = started("--interval", "0.2", "--format", "json")
        assert app.arrived.wait(60)
        service.send_signal(signal.SIGTERM)
        out, _err = service.communicate(timeout=30)
        assert service.returncode == 0
        assert json.loads(out)["delivered"] == 1
        delivered = LogoutNotice.objects.filter(state=NoticeState.DELIVERED)
        assert (delivered.count(), len(app.requests)) == (1, 1)

    def test_a_service_tells_of_what_ends_while_it_runs(self, app: Receiver) -> None:
        service = started("--interval", "0.2", "--format", "json")
        try:
            assert service.stdout
            for _ in range(2):
                app.arrived.clear()
                many_signed_out(1)
                assert app.arrived.wait(60)
                assert json.loads(service.stdout.readline())["delivered"] == 1
        finally:
            service.terminate()
            service.communicate(timeout=30)
        assert service.returncode == 0
