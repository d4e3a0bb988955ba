"""Where a request leads nowhere: people read that, administrators of the client read why, and nobody reads more."""

from __future__ import annotations

import logging
import re

import pytest
from django.test import Client as Http
from django.utils.html import escape

from accounts.models import User
from clients.models import Client
from projects.models import Member
from tests.world import SPA_CB, WEB_CB, Browser, Response

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
WRONG = "https://web.acme.example/cb/"
NOT_REGISTERED = "The redirect_uri that was sent is not registered"
NO_SUCH = "No client that you may see has this client_id"


def staff(username: str) -> Browser:
    User.objects.filter(username=username).update(is_staff=True)
    return Browser(username)


def text(response: Response) -> str:
    assert (response.status_code, "Location" in response) == (400, False)
    assert "no-store" in response["Cache-Control"]
    return response.content.decode()


def test_an_administrator_sees_what_was_sent_next_to_what_is_registered_and_the_fix() -> None:
    page = text(staff("owner").authorize("web", redirect_uri=WRONG))
    row = Client.objects.get(client_id="web")
    for words in (NOT_REGISTERED, WRONG, f">{WEB_CB}<", "Register it exactly", f"/admin/clients/client/{row.pk}/"):
        assert words in page
    assert SPA_CB not in page


def test_every_registered_address_is_shown() -> None:
    page = text(staff("owner").authorize("native", redirect_uri=WRONG))
    assert ">http://127.0.0.1/cb<" in page
    assert ">com.acme.app:/cb<" in page


def test_others_see_that_it_is_broken_and_a_reference() -> None:
    for browser in (Browser(), Browser("owner"), Browser("outsider")):
        page = text(browser.authorize("web", redirect_uri=WRONG))
        assert re.search(r"<code>[0-9a-f]{8}</code>", page)
        assert not [words for words in (WRONG, WEB_CB, "redirect_uri", "For administrators") if words in page]


def test_staff_of_another_project_learn_nothing_of_this_one() -> None:
    browser = staff("outsider")
    Member.objects.create(user=User.objects.get(username="outsider"), project_id=_project("stranger"), role="owner")
    foreign = text(browser.authorize("web", redirect_uri=WRONG))
    unknown = text(browser.authorize("wex", redirect_uri=WRONG))
    without = re.compile(r"<code>[0-9a-f]{8}</code>|web|wex")
    assert NO_SUCH in foreign
    assert without.sub("", foreign) == without.sub("", unknown)
    assert NOT_REGISTERED in text(browser.authorize("stranger", redirect_uri=WRONG)), "their own they do see"


def _project(client_id: str) -> int:
    return Client.objects.get(client_id=client_id).home.pk


def test_a_superuser_sees_every_client() -> None:
    User.objects.filter(username="outsider").update(is_staff=True, is_superuser=True)
    assert NOT_REGISTERED in text(Browser("outsider").authorize("web", redirect_uri=WRONG))


def test_a_disabled_client_says_so_to_its_administrators() -> None:
    assert "This client is disabled" in text(staff("owner").authorize("retired"))


def test_a_missing_redirect_uri_is_told_with_what_is_registered() -> None:
    page = text(staff("owner").authorize("web", redirect_uri=None))
    assert "The request has no redirect_uri." in page
    assert "Name one of the registered addresses" in page
    assert f">{WEB_CB}<" in page


def test_a_missing_client_id_is_not_told_as_an_unknown_one() -> None:
    page = text(staff("owner").http.get(f"/oauth2/authorize?response_type=code&redirect_uri={WEB_CB}"))
    assert "The request has no client_id." in page
    assert NO_SUCH not in page


def test_posted_requests_are_explained_too() -> None:
    form = f"response_type=code&client_id=web&redirect_uri={WRONG}"
    page = staff("owner").http.post("/oauth2/authorize", form, content_type="application/x-www-form-urlencoded")
    assert NOT_REGISTERED in text(page)


def test_an_answered_consent_page_that_leads_nowhere_any_more_is_explained_too() -> None:
    browser = staff("owner")
    page = browser.authorize("web")
    Client.objects.filter(client_id="web").update(redirect_uris="https://web.acme.example/new")
    shown = text(browser.answer(page))
    assert NOT_REGISTERED in shown
    assert ">https://web.acme.example/new<" in shown


def test_a_posted_request_that_names_two_addresses_is_explained_by_that() -> None:
    form = f"response_type=code&client_id=web&redirect_uri={WEB_CB}&redirect_uri={WEB_CB}"
    page = staff("owner").http.post("/oauth2/authorize", form, content_type="application/x-www-form-urlencoded")
    assert "redirect_uri was sent more than once." in text(page)


def test_what_was_sent_is_only_text() -> None:
    evil = 'https://evil.example/"><script>alert(1)</script>'
    page = text(staff("owner").authorize("web", redirect_uri=evil))
    assert escape(evil) in page
    assert "<script>alert" not in page
    assert 'href="https://evil' not in page


def test_a_request_that_cannot_be_read_has_a_page_for_everybody() -> None:
    assert "UTF-8" not in text(Http().get("/oauth2/authorize?client_id=%ff"))
    assert "not valid UTF-8" in text(staff("owner").http.get("/oauth2/authorize?client_id=%ff"))


def test_the_log_tells_operators_the_same_under_the_reference(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "vestibule.requests"):
        page = text(Http().get(f"/oauth2/authorize?client_id=web%0aforged&redirect_uri={WRONG}&state=kept-out"))
    reference = re.findall(r"<code>([0-9a-f]{8})</code>", page)[0]
    (record,) = [one for one in caplog.records if one.name == "vestibule.requests"]
    said = record.getMessage()
    assert reference in said
    assert WRONG in said
    assert "\n" not in said, "nobody writes lines of the log"
    assert "kept-out" not in said
