"""Whole flows at DEBUG, with what is secret known beforehand: none of it is in a log, an event or a table."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client as Http

from accounts.models import User
from clients import secrets
from clients.models import Client, SecurityEvent
from provider.protocol.exchange import ACCESS_TOKEN, REFRESH_TOKEN
from provider.protocol.facts import TOKEN_EXCHANGE
from tests.accounts.second_steps import code, recovery_codes, secret_on
from tests.world import CHALLENGE, VERIFIER, WEB_CB, App, Browser, basic, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


class Ear(logging.Handler):
    """Hears everything: messages, their arguments, whatever else a record carries, and tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # Not the request Django attaches: no formatter of ours writes it, and its text is the URI as it was sent.
        apart = ("msg", "args", "exc_info", "request")
        details = {name: value for name, value in vars(record).items() if name not in apart}
        text = [record.getMessage(), repr(record.args), repr(details)]
        if record.exc_info and record.exc_info[1] is not None:
            text += traceback.format_exception(record.exc_info[1])
        self.heard.append("\n".join(text))


@pytest.fixture
def ear() -> Iterator[Ear]:
    """At every logger there is. Those the settings hold back say too much at DEBUG, and stay so: that is the point."""
    ear = Ear()
    settled: dict[str, Any] = settings.LOGGING
    held_back = tuple(settled["loggers"])
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.Logger.manager.loggerDict)]
    levels = {logger: logger.level for logger in loggers if not logger.name.startswith(held_back)}
    for logger in levels:
        logger.setLevel(logging.DEBUG)
        if logger is logging.getLogger() or not logger.propagate:
            logger.addHandler(ear)
    connection.force_debug_cursor = True  # statements and their parameters are logged too
    yield ear
    connection.force_debug_cursor = False
    for logger, level in levels.items():
        logger.setLevel(level)
        logger.removeHandler(ear)


def every_value() -> str:
    """The whole database as text, browser sessions decoded."""
    texts = [repr(session.get_decoded()) for session in Session.objects.all()]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - names of our tables
            texts += [repr(row) for row in cursor.fetchall()]
    return "\n".join(texts)


def sign_in_and_consent(known: dict[str, str]) -> Browser:
    browser = Browser()
    here = browser.authorize("web", scope="openid email offline_access").wsgi_request.get_full_path()
    for password in (known["a wrong password"], "owner-pw"):
        browser.http.post("/accounts/login/", {"login": "owner", "password": password, "next": here})
    known["code"] = redirected(browser.answer(browser.http.get(here)))["code"]
    return browser


def right_flows(known: dict[str, str]) -> None:
    sign_in_and_consent(known)
    answer = App("web").exchange(known["code"]).json()
    for name in ("access_token", "refresh_token", "id_token"):
        known[name] = answer[name]
    cross = App("web").refresh(known["refresh_token"], audience="sibling").json()
    known["cross-client ID token"], known["its access token"] = cross["id_token"], cross["access_token"]
    client = App("web").token(grant_type="client_credentials").json()
    known["client token"] = client["access_token"]
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    known["JWT"] = App("web").refresh(known["refresh_token"]).json()["access_token"]
    rotating = Browser("owner").tokens("spa", scope="openid offline_access")["refresh_token"]
    known["rotated"], known["first"] = App("spa").refresh(rotating).json()["refresh_token"], rotating
    for token in ("access_token", "refresh_token", "JWT", "client token"):
        App("web").introspect(known[token])
        App("web").userinfo(known[token])
        App("web").post("/oauth2/tokeninfo", {"access_token": known[token]}, auth=None)
    known["generated secret"] = secrets.generate(Client.objects.get(client_id="service"))
    form = {"grant_type": "client_credentials"}
    assert App("service").post("/oauth2/token", form, auth=basic("service", known["generated secret"])).json()["scope"]


def second_steps(known: dict[str, str]) -> None:
    """An app of codes set up, used and given up for a recovery code."""
    person = Http()
    password = {"login": "member", "password": "member-pw"}
    person.post("/accounts/login/", password)
    known["TOTP secret"] = secret = secret_on(person.get("/accounts/two-step/app/"))
    person.post("/accounts/two-step/app/", {"code": code(secret)})
    known["used recovery code"], known["recovery code"], *_more = recovery_codes(User.objects.get(username="member"))
    shown = person.get("/accounts/recovery-codes/download/").content.decode()
    assert known["recovery code"] in shown.replace(" ", "")
    for given in ("canary-code-wrong", known["used recovery code"], known["used recovery code"]):
        other = Http()
        other.post("/accounts/login/", password)
        other.post("/accounts/two-step/sign-in/", {"code": given})
    known["a wrong second step"] = "canary-code-wrong"
    assert Authenticator.objects.get(type="recovery_codes").data["used_mask"] == 1


def failed_flows(known: dict[str, str]) -> None:
    web, form = App("web"), {"grant_type": "client_credentials"}
    code = known["unused code"] = Browser("owner").code("web")
    web.exchange(code, code_verifier=known["a wrong verifier"])
    web.exchange(known["a wrong code"])
    web.exchange(known["code"])  # the second time
    web.refresh(known["a wrong refresh token"])
    web.refresh(known["refresh_token"], audience="stranger")
    App("stranger").refresh(known["refresh_token"])
    App("spa").refresh(known["first"])
    for auth in (basic("web", known["a wrong secret"]), "Basic " + known["a wrong secret"], known["a wrong secret"]):
        web.post("/oauth2/token", form, auth=auth)
    web.post("/oauth2/token", {**form, "client_id": "web", "client_secret": known["a wrong secret"]}, auth=None)
    web.post(f"/oauth2/token?client_id=web&client_secret={known['a wrong secret']}", form, auth=None)
    web.post("/oauth2/token", [*form.items(), ("client_secret", "web-secret"), ("client_secret", "x")], auth=None)
    web.post("/oauth2/revoke", {"token": known["JWT"]})
    web.http.get(f"/oauth2/userinfo?access_token={known['client token']}")
    web.userinfo(known["id_token"])
    hint = {"id_token_hint": known["id_token"], "client_secret": "web-secret"}
    query = {"client_id": "web", "redirect_uri": WEB_CB, "response_type": "code", "code_challenge": CHALLENGE}
    for wrong in ({"redirect_uri": "https://evil.example"}, {"client_id": "x"}, {"scope": "x"}, {"prompt": "x"}):
        Http().get("/oauth2/authorize?" + urlencode({**query, **hint, **wrong}))
    Http().get("/oauth2/nothing-here?" + urlencode(hint))
    Http(HTTP_HOST="evil.example").get("/oauth2/userinfo?" + urlencode(hint))


def flows_without_a_database(known: dict[str, str]) -> None:
    def gone(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        raise OperationalError("the database is gone")

    http = Http(raise_request_exception=False)
    with connection.execute_wrapper(gone):
        App("web", http).refresh(known["refresh_token"])
        App("web", http).userinfo(known["access_token"])
        http.post("/accounts/login/", {"login": "owner", "password": "owner-pw"})


def test_nothing_secret_is_heard_or_kept(ear: Ear) -> None:
    known = {
        "password": "owner-pw",
        "client secret": "web-secret",
        "verifier": VERIFIER,
        **{f"a wrong {what}": f"canary-{what[:3]}-" + "c" * 40 for what in ("password", "secret", "code", "verifier")},
        "a wrong refresh token": "canary-refresh-" + "c" * 40,
    }
    right_flows(known)
    failed_flows(known)
    second_steps(known)
    flows_without_a_database(known)
    assert len(known) >= 20
    assert len(ear.heard) > 200, "somebody has to be listening"
    assert SecurityEvent.objects.count() >= 3
    heard, kept, counted = "\n".join(ear.heard), every_value(), repr(getattr(cache, "_cache", {}))
    for name, secret in known.items():
        assert len(secret) >= 8
        assert secret not in heard, f"{name} was logged"
        assert secret not in kept, f"{name} is in a table"
        assert secret not in counted, f"{name} is in the cache"
    assert '"d":' not in kept, "nor are private keys, encrypted as they are"


def test_the_ear_hears_and_the_look_into_tables_sees(ear: Ear) -> None:
    """The test above could not fail if these were deaf and blind."""
    logging.getLogger("clients.somewhere.new").debug("Token %s", "canary-logged")
    SecurityEvent.objects.create(kind="test", detail={"token": "canary-kept"})
    assert "canary-logged" in "\n".join(ear.heard)
    assert "canary-kept" in every_value()
    assert "canary-kept" in "\n".join(ear.heard), "as a parameter of a statement"


def test_no_token_that_is_exchanged_is_heard_or_kept(ear: Ear) -> None:
    web = Client.objects.get(client_id="web")
    web.grant_types.append(TOKEN_EXCHANGE)
    web.save()
    app, tokens = App("web"), Browser("owner").tokens("web", scope="openid offline_access")
    said = [tokens[name] for name in ("access_token", "refresh_token", "id_token")]
    for subject, kind in zip(tuple(said), (ACCESS_TOKEN, REFRESH_TOKEN, ACCESS_TOKEN), strict=True):
        for audience in (None, "stranger"):
            asked = {"subject_token": subject, "subject_token_type": kind, "audience": audience}
            said.append(app.token(grant_type=TOKEN_EXCHANGE, **asked).json().get("access_token", subject))
    heard = "\n".join(ear.heard) + str(list(SecurityEvent.objects.values_list("detail")))
    assert len(set(said)) == 5
    assert [one[:12] for one in said if one in heard] == []
