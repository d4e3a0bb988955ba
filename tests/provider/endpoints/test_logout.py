"""An app signs a person out: only out of the session it means, never without being sure, and never to nowhere known."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client as Http
from django.utils.html import escape

from accounts.models import SignIn, User
from clients.models import Client, SecurityEvent, SigningKey
from clients.models.keys import KeyState
from provider.keys import keyring
from tests.idp.pages import HOSTILE, policy
from tests.provider.endpoints.forging import forgeries, near_misses, resigned
from tests.world import App, Browser, Response, claims_of, pairs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world", "registered")]
OUT = "https://web.acme.example/out?from=us"
NATIVE_OUT = "com.acme.app:/out"


@pytest.fixture
def registered() -> None:
    """Where the clients may send people afterwards."""
    Client.objects.filter(client_id="web").update(post_logout_redirect_uris=f"https://web.acme.example/other\n{OUT}")
    Client.objects.filter(client_id="native").update(post_logout_redirect_uris=NATIVE_OUT)
    Client.objects.filter(client_id="sibling").update(post_logout_redirect_uris="https://sibling.acme.example/out")
    Client.objects.filter(client_id="retired").update(post_logout_redirect_uris="https://retired.acme.example/out")


@pytest.fixture
def person() -> Browser:
    return Browser("owner")


@pytest.fixture
def hint(person: Browser) -> str:
    return str(person.tokens("web")["id_token"])


def leave(browser: Browser, path: str = "/oauth2/logout", **params: Any) -> Response:
    return browser.http.get(f"{path}?{urlencode(pairs(params))}", headers={"accept": "text/html"})


def called_by_a_server(method: str = "get", /, **params: Any) -> Response:
    """A server has no cookie of ours, and reads no HTML."""
    http = Http(enforce_csrf_checks=True)
    if method == "post":
        return http.post("/oauth2/logout", urlencode(params), content_type="application/x-www-form-urlencoded")
    return http.generic(method.upper(), f"/oauth2/logout?{urlencode(params)}")


def signed_in(browser: Browser) -> bool:
    """Whether the browser is; the front page tells."""
    return b"Sign out" in browser.http.get("/").content


def went_on(response: Response, to: str = OUT) -> bool:
    return response.status_code in (302, 303) and response["Location"].startswith(to)


def asks(response: Response) -> bool:
    return response.status_code == 200 and b"Sign out?" in response.content


def agree(browser: Browser, page: Response) -> Response:
    """Send the form of the confirmation page."""
    action = re.search(r'<form method="post" action="([^"]*)"', page.content.decode())
    assert action
    return browser.http.post(action[1].replace("&amp;", "&"))


def refused(response: Response) -> bool:
    """A page that leads nowhere."""
    return (
        response.status_code == 400
        and "Location" not in response
        and b"cannot be answered" in response.content
        and "no-store" in response["Cache-Control"]
    )


# --- The app is sure of the session --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/oauth2/logout", "/oauth2/logout/", "/openid/logout", "/openid/logout/"])
def test_a_hint_of_this_session_signs_out_without_a_question(person: Browser, hint: str, path: str) -> None:
    response = leave(person, path, id_token_hint=hint, post_logout_redirect_uri=OUT, state="a b&c=ü")
    assert response.status_code == 302
    assert "no-store" in response["Cache-Control"]
    assert response["Location"].startswith(f"{OUT}&state=")
    assert parse_qs(urlsplit(response["Location"]).query) == {"from": ["us"], "state": ["a b&c=ü"]}
    assert not signed_in(person)


def test_only_this_session_ends(person: Browser, hint: str) -> None:
    elsewhere, another = Browser("owner"), Browser("member")
    leave(person, id_token_hint=hint)
    assert (signed_in(person), signed_in(elsewhere), signed_in(another)) == (False, True, True)
    assert SignIn.objects.filter(ended_at__isnull=False).count() == 1
    assert str(SignIn.objects.get(ended_at__isnull=False).pk) == claims_of(hint)["sid"]


def test_the_old_session_cookie_is_worth_nothing(person: Browser, hint: str) -> None:
    thief = Browser()
    thief.http.cookies[settings.SESSION_COOKIE_NAME] = person.http.cookies[settings.SESSION_COOKIE_NAME].value
    assert signed_in(thief)
    leave(person, id_token_hint=hint)
    assert not signed_in(thief)


def test_without_an_address_a_page_says_so(person: Browser, hint: str) -> None:
    response = leave(person, id_token_hint=hint, state="only")
    assert (response.status_code, "Location" in response) == (200, False)
    assert b"You are signed out" in response.content
    assert "no-store" in response["Cache-Control"]


def test_no_state_no_state(person: Browser, hint: str) -> None:
    assert leave(person, id_token_hint=hint, post_logout_redirect_uri=OUT)["Location"] == OUT
    assert leave(person, id_token_hint=hint, post_logout_redirect_uri=OUT, state="")["Location"] == OUT


def test_an_address_of_an_app_on_the_device(person: Browser) -> None:
    token = person.tokens("native")["id_token"]
    response = leave(person, id_token_hint=token, post_logout_redirect_uri=NATIVE_OUT, state="s")
    assert response["Location"] == f"{NATIVE_OUT}?state=s"


def test_logout_hint_and_ui_locales_are_accepted(person: Browser, hint: str) -> None:
    more = {"logout_hint": "somebody else", "ui_locales": "de fr", "something": "new"}
    assert went_on(leave(person, id_token_hint=hint, post_logout_redirect_uri=OUT, **more))


def test_what_happened_is_on_record_and_the_hint_is_not(person: Browser, hint: str, caplog: Any) -> None:
    leave(person, id_token_hint=hint, state="secret-state")
    event = SecurityEvent.objects.get(kind="sign_in.ended_by_client")
    assert (event.client_id, event.sub, event.detail) == ("web", claims_of(hint)["sub"], {"asked": False})
    leave(person, id_token_hint=hint[:-5], state="secret-state")
    assert hint[:40] not in caplog.text
    assert "secret-state" not in caplog.text


def test_a_hint_that_expired_is_good_for_thirty_days(person: Browser, hint: str) -> None:
    assert refused(leave(person, id_token_hint=resigned(hint, exp=int(time.time()) - 31 * 86_400)))
    assert signed_in(person)
    assert not asks(leave(person, id_token_hint=resigned(hint, exp=int(time.time()) - 29 * 86_400)))
    assert not signed_in(person)


def test_a_retired_key_still_vouches(person: Browser, hint: str) -> None:
    keyring.activate(SigningKey.objects.get(algorithm="RS256", state=KeyState.NEXT))
    assert went_on(leave(person, id_token_hint=hint, post_logout_redirect_uri=OUT))


def test_a_cross_client_token_has_no_sid_and_means_the_person(person: Browser) -> None:
    refresh_token = person.tokens("web", scope="openid offline_access")["refresh_token"]
    token = App("web").refresh(refresh_token, audience="sibling").json()["id_token"]
    assert "sid" not in claims_of(token)
    assert asks(leave(Browser("member"), id_token_hint=token))
    to = "https://sibling.acme.example/out"
    assert refused(leave(person, id_token_hint=token, post_logout_redirect_uri=OUT)), "it is for the sibling"
    assert went_on(leave(person, id_token_hint=token, post_logout_redirect_uri=to), to)
    assert went_on(leave(person, id_token_hint=token, client_id="web", post_logout_redirect_uri=OUT))


# --- It is not: the person is asked --------------------------------------------------------------------------------


def of_another_session() -> str:
    return str(Browser("owner").tokens("web")["id_token"])


def of_somebody_else() -> str:
    return str(Browser("member").tokens("web")["id_token"])


@pytest.mark.parametrize("other", [of_another_session, of_somebody_else], ids=lambda one: one.__name__)
def test_a_hint_of_another_session_asks(person: Browser, other: Any) -> None:
    page = leave(person, id_token_hint=other(), post_logout_redirect_uri=OUT, state="s")
    assert asks(page)
    assert signed_in(person)
    for words in ("Acme web", "web.acme.example", "owner@people.example", "Stay signed in"):
        assert words in page.content.decode()
    assert "member" not in page.content.decode(), "whom the hint names is nobody's business"
    response = agree(person, page)
    assert (response.status_code, response["Location"]) == (303, f"{OUT}&state=s")
    assert not signed_in(person)
    assert SignIn.objects.filter(ended_at__isnull=False).count() == 1
    assert SecurityEvent.objects.get(kind="sign_in.ended_by_client").detail == {"asked": True}


@pytest.mark.parametrize("client_id", ["web", "stranger", "retired", "nobody"])
def test_an_id_alone_does_not_tell_whether_there_is_such_a_client(person: Browser, client_id: Any) -> None:
    for browser in (person, Browser()):
        answer, other = leave(browser, client_id=client_id), leave(browser)
        assert (answer.status_code, answer.templates[0].name) == (other.status_code, other.templates[0].name)
        assert "Acme" not in answer.content.decode()


@pytest.mark.parametrize("params", [{}, {"state": "s"}, {"client_id": "web"}, {"logout_hint": "owner"}])
def test_without_a_hint_and_an_address_the_person_is_asked_and_stays_here(
    person: Browser, params: dict[str, str]
) -> None:
    page = leave(person, **params)
    assert asks(page)
    response = agree(person, page)
    assert response.status_code == 200
    assert b"You are signed out" in response.content
    assert not signed_in(person)


def test_without_a_hint_a_registered_address_is_reached_when_the_person_agreed(person: Browser) -> None:
    page = leave(person, client_id="web", post_logout_redirect_uri=OUT, state="s")
    assert asks(page)
    assert agree(person, page)["Location"] == f"{OUT}&state=s"
    assert not signed_in(person)


def test_looking_at_the_question_changes_nothing(person: Browser) -> None:
    page = leave(person, client_id="web")
    assert person.http.get("/oauth2/logout/confirm").status_code == 405
    assert person.http.head("/oauth2/logout?client_id=web").status_code == 200
    assert signed_in(person)
    assert "no-store" in page["Cache-Control"]


def test_the_answer_needs_the_form_that_was_shown() -> None:
    strict = Browser("owner", Http(enforce_csrf_checks=True))
    assert strict.http.post("/oauth2/logout/confirm").status_code == 403
    assert signed_in(strict)
    page = leave(strict)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', page.content.decode())
    assert token
    assert strict.http.post("/oauth2/logout/confirm", {"csrfmiddlewaretoken": token[1]}).status_code == 200
    assert not signed_in(strict)


def test_the_answer_is_validated_once_more(person: Browser) -> None:
    page = leave(person, client_id="web", post_logout_redirect_uri=OUT)
    Client.objects.filter(client_id="web").update(post_logout_redirect_uris="")
    assert refused(agree(person, page))
    assert signed_in(person)
    for query in ("post_logout_redirect_uri=https://evil.example/", "client_id=web&client_id=web", "id_token_hint=x"):
        assert refused(person.http.post(f"/oauth2/logout/confirm?{query}"))
    assert signed_in(person)


@pytest.mark.parametrize(("client_id", "uri"), [("web", OUT), ("native", NATIVE_OUT), ("web", None), (None, None)])
def test_the_form_never_ends_at_another_origin(person: Browser, client_id: str | None, uri: str | None) -> None:
    page = leave(person, client_id=client_id, post_logout_redirect_uri=uri)
    assert asks(page)
    assert policy(page)["form-action"] == ["'self'"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_clients_name_cannot_break_out_of_the_page(person: Browser, name: str) -> None:
    Client.objects.filter(client_id="web").update(name=name)
    for browser in (person, Browser()):
        text = leave(browser, client_id="web", post_logout_redirect_uri=OUT).content.decode()
        assert escape(name) in text
        assert escape(name) == name or name not in text


# --- A server calls ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_a_server_with_a_hint_ends_that_sign_in(person: Browser, hint: str, method: str) -> None:
    """Keycloak as a broker, oauth2-proxy's backend logout: there is no browser, and no cookie."""
    elsewhere = Browser("owner")
    response = called_by_a_server(method, id_token_hint=hint)
    assert response.status_code == 200
    assert (signed_in(person), signed_in(elsewhere)) == (False, True)
    event = SecurityEvent.objects.get(kind="sign_in.ended_by_client")
    assert (event.client_id, event.detail) == ("web", {"asked": False})
    assert SignIn.objects.get(ended_at__isnull=False).announced_at is None, "notices are due"


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_a_server_did_not_end_does_not_look_like_success(person: Browser, hint: str, method: str) -> None:
    public = str(Browser("owner").tokens("spa")["id_token"])
    for params in ({}, {"client_id": "web"}, {"id_token_hint": public}, {"client_id": "web", "state": "s"}):
        assert called_by_a_server(method, **params).status_code == 400
    assert not SignIn.objects.filter(ended_at__isnull=False).exists()
    leave(person, id_token_hint=hint)
    assert called_by_a_server(method, id_token_hint=hint).status_code == 400, "it has ended before"
    assert SecurityEvent.objects.filter(kind="sign_in.ended_by_client").count() == 1


def test_a_hint_for_a_sibling_names_no_sign_in_that_a_server_could_end(person: Browser) -> None:
    """It has no `sid` (protocol section 2): it says who somebody is, not where they are."""
    tokens = person.tokens("web", scope="openid offline_access")
    foreign = App("web").refresh(tokens["refresh_token"], audience="sibling").json()["id_token"]
    assert called_by_a_server(id_token_hint=foreign).status_code == 400
    assert signed_in(person)


def test_a_visitor_with_our_cookie_is_no_server(hint: str) -> None:
    """Whoever has one is at a browser: the hint names another one's sign-in, and they may not end it from here."""
    visitor = Browser()
    visitor.http.get("/accounts/login/")
    assert visitor.http.get("/oauth2/logout", {"id_token_hint": hint}).status_code == 200
    assert not SignIn.objects.filter(ended_at__isnull=False).exists()


def test_an_address_that_is_not_registered_still_lets_people_sign_out_here(person: Browser) -> None:
    page = leave(person, client_id="web", post_logout_redirect_uri="https://web.acme.example/logged-out")
    assert refused(page)
    agree(person, page)
    assert not signed_in(person)


# --- Nobody is signed in -------------------------------------------------------------------------------------------


def test_with_hint_and_address_the_way_goes_on(hint: str) -> None:
    response = leave(Browser(), id_token_hint=hint, post_logout_redirect_uri=OUT, state="s")
    assert (response.status_code, response["Location"]) == (302, f"{OUT}&state=s")


def test_without_a_hint_the_person_may_choose_to_go_on() -> None:
    response = leave(Browser(), client_id="web", post_logout_redirect_uri=OUT, state="s")
    assert response.status_code == 200
    assert f'href="{OUT}&amp;state=s"' in response.content.decode()
    assert b"Acme web" in response.content


def test_with_nothing_at_all_a_page_says_that_nobody_is_here() -> None:
    response = leave(Browser())
    assert response.status_code == 200
    assert b"You are signed out" in response.content
    assert not SecurityEvent.objects.filter(kind="sign_in.ended_by_client").exists()


def test_a_session_that_ended_elsewhere_is_nobodys(person: Browser, hint: str) -> None:
    SignIn.objects.update(ended_at="2026-01-01T00:00:00Z")
    assert went_on(leave(person, id_token_hint=hint, post_logout_redirect_uri=OUT))


# --- What does not hold leads nowhere ------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize(
    "uri",
    [
        "https://web.acme.example/out",
        f"{OUT}&more=1",
        f"{OUT}/",
        OUT.replace("https", "http"),
        OUT.replace("web.acme", "WEB.acme"),
        f"{OUT}#x",
        f" {OUT}",
        f"{OUT}\nhttps://web.acme.example/other",
        "https://sibling.acme.example/out",
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "/",
        "x" * 5000,
        "https://web.acme.example/cb",
    ],
)
def test_an_address_that_is_not_registered_letter_by_letter(person: Browser, hint: str, uri: str) -> None:
    for more in ({"id_token_hint": hint}, {"client_id": "web"}, {"id_token_hint": hint, "client_id": "web"}):
        assert refused(leave(person, post_logout_redirect_uri=uri, state="s", **more))
        assert refused(leave(Browser(), post_logout_redirect_uri=uri, **more))
    assert signed_in(person)


def test_an_address_without_an_app(person: Browser) -> None:
    assert refused(leave(person, post_logout_redirect_uri=OUT))
    assert refused(leave(Browser(), post_logout_redirect_uri=OUT))


@pytest.mark.any_database
def test_forged_hints(person: Browser, hint: str) -> None:
    for name, forged in {**forgeries(hint), **near_misses(hint), "rubbish": "garbage", "empty parts": ".."}.items():
        for more in ({}, {"client_id": "web"}):
            response = leave(person, id_token_hint=forged, post_logout_redirect_uri=OUT, **more)
            assert refused(response), name
    assert signed_in(person)


def test_what_we_signed_for_other_purposes_is_no_hint(person: Browser, hint: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    for wrong in (
        resigned(hint, typ="at+jwt"),
        resigned(hint, typ="logout+jwt"),
        resigned(hint, typ="userinfo+jwt"),
        resigned(hint, iss="https://other.example"),
        resigned(hint, without="iss"),
        resigned(hint, aud="nobody", azp="nobody"),
        resigned(hint, azp="nobody"),
        person.tokens("web")["access_token"],
    ):
        assert refused(leave(person, id_token_hint=wrong))
    assert signed_in(person)


def test_a_client_that_is_disabled_or_gone(person: Browser, hint: str) -> None:
    for client_id in ("retired", "nobody", "\ud800".encode(errors="surrogatepass")):
        assert refused(leave(person, client_id=client_id, post_logout_redirect_uri="https://retired.acme.example/out"))
    Client.objects.filter(client_id="web").update(enabled=False)
    assert refused(leave(person, id_token_hint=hint, post_logout_redirect_uri=OUT))
    assert refused(leave(person, client_id="web", post_logout_redirect_uri=OUT))
    Client.objects.filter(client_id="web").delete()
    assert refused(leave(person, id_token_hint=hint))
    assert signed_in(person)


@pytest.mark.parametrize("client_id", ["sibling", "stranger", "WEB"])
def test_a_hint_of_another_client_than_the_one_named(person: Browser, hint: str, client_id: str) -> None:
    to = "https://sibling.acme.example/out"
    assert refused(leave(person, id_token_hint=hint, client_id=client_id))
    assert refused(leave(person, id_token_hint=hint, client_id=client_id, post_logout_redirect_uri=to))
    assert signed_in(person)


NAMES = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales")


@pytest.mark.any_database
@pytest.mark.parametrize("name", NAMES)
def test_each_parameter_comes_once(person: Browser, hint: str, name: str) -> None:
    good = {"id_token_hint": hint, "client_id": "web", "post_logout_redirect_uri": OUT, "state": "s"}
    twice: dict[str, Any] = {**good, name: [good.get(name, "x")] * 2}
    assert refused(leave(person, **twice))
    assert refused(person.http.post("/oauth2/logout", twice))
    assert signed_in(person)


@pytest.mark.any_database
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rubbish", ["%00", "a%00b", "%ff", "%ed%a0%80"])
def test_rubbish_is_refused(person: Browser, name: str, rubbish: str) -> None:
    assert refused(person.http.get(f"/oauth2/logout?{name}={rubbish}"))
    form = "application/x-www-form-urlencoded"
    assert refused(person.http.post("/oauth2/logout", f"{name}={rubbish}", content_type=form))
    assert signed_in(person)


def test_huge_requests_are_refused(person: Browser, hint: str) -> None:
    huge = "x" * 70_000
    assert refused(leave(person, state=huge))
    assert refused(leave(person, id_token_hint=huge[:20_000]))
    assert refused(post(person, id_token_hint=huge))
    assert refused(post(person, id_token_hint=hint, state="x" * 7000)), "it would not survive as a URI"
    assert refused(person.http.get("/oauth2/logout?" + "&".join(f"n{n}=" for n in range(200))))
    assert refused(person.http.post("/oauth2/logout", {"state": "s"}, content_type="application/json"))
    assert signed_in(person)


def test_the_page_helps_those_who_can_mend_it_and_lets_people_leave(person: Browser) -> None:
    def text(browser: Browser) -> str:
        return leave(browser, client_id="web", post_logout_redirect_uri="https://web.acme.example/<b>").content.decode()

    assert "registered post_logout_redirect_uri" not in text(person)
    assert "/accounts/logout/" in text(person)
    assert "still signed in" in text(person)
    assert "/accounts/logout/" not in text(Browser())
    User.objects.filter(username="owner").update(is_staff=True)
    assert "Not a registered post_logout_redirect_uri of web: https://web.acme.example/&lt;b&gt;" in text(person)


def test_staff_of_another_project_learn_nothing_of_this_one(hint: str) -> None:
    def text(browser: Browser, **params: str) -> str:
        page = leave(browser, post_logout_redirect_uri="https://evil.example/", **params).content.decode()
        return re.sub(r"<code>[0-9a-f]{8}</code>|value=\"\w{64}\"|web|wex", "", page)

    User.objects.filter(username="outsider").update(is_staff=True)
    browser = Browser("outsider")
    foreign = text(browser, client_id="web")
    assert "No client that you may see has this client_id" in foreign
    assert foreign == text(browser, client_id="wex")
    assert "Not a registered" not in text(browser, id_token_hint=hint)


def test_a_log_line_stays_one_line(person: Browser, caplog: Any) -> None:
    leave(person, client_id="web", post_logout_redirect_uri="https://web.acme.example/\r\nWARNING forged line")
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_without_a_database_it_says_when_to_come_back() -> None:
    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        raise OperationalError("the database is gone")

    with connection.execute_wrapper(refuse):
        response = Http().get("/oauth2/logout", {"client_id": "web", "post_logout_redirect_uri": OUT})
    assert (response.status_code, int(response["Retry-After"]) > 0) == (503, True)


# --- POST ----------------------------------------------------------------------------------------------------------


def post(browser: Browser, path: str = "/oauth2/logout", **params: Any) -> Response:
    return browser.http.post(path, urlencode(pairs(params)), content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize("path", ["/oauth2/logout", "/oauth2/logout/", "/openid/logout", "/openid/logout/"])
def test_a_validated_post_goes_on_as_a_get_which_brings_the_cookie(person: Browser, hint: str, path: str) -> None:
    params = {"id_token_hint": hint, "post_logout_redirect_uri": OUT, "state": "a b"}
    foreign = Http(enforce_csrf_checks=True)  # no cookie: the form stands on the app's own page
    body = urlencode(params)
    response = foreign.post(
        path, body, content_type="application/x-www-form-urlencoded", HTTP_ORIGIN="https://x.example"
    )
    assert response.status_code == 303
    assert response["Location"] == f"{path}?{urlencode(params)}"
    assert signed_in(person), "the POST itself changes nothing"
    assert went_on(person.http.get(response["Location"]))
    assert not signed_in(person)


def test_a_post_that_does_not_hold_gets_the_page(person: Browser, hint: str) -> None:
    assert refused(post(person, id_token_hint=hint, post_logout_redirect_uri="https://evil.example/"))
    assert refused(post(person, id_token_hint="x"))
    assert refused(person.http.post(f"/oauth2/logout?id_token_hint={quote(hint)}", {})), (
        "parameters in the URI of a POST"
    )


def test_a_post_without_a_hint_asks(person: Browser) -> None:
    response = post(person, state="s")
    assert response.status_code == 303
    assert asks(person.http.get(response["Location"]))


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_refused(person: Browser, hint: str, method: str) -> None:
    response = getattr(person.http, method)(f"/oauth2/logout?id_token_hint={hint}")
    assert response.status_code == 405
    assert "Access-Control-Allow-Origin" not in response
    assert signed_in(person)
