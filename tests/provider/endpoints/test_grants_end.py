"""What a person allowed ends by itself: by the project's longest grant, or sooner by their own choice."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from accounts.models import User
from clients import remains
from clients.models import Authorization, Client
from projects import registration
from projects.actors import Actor
from projects.models import Consent, Project
from provider import access
from tests.world import ORDERS, App, Browser, Response, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
DAY = 86_400
OFFLINE = "openid email offline_access orders.read"


def limit(seconds: int | None, key: str = "acme") -> None:
    """As an operator does it: through the registration."""
    project = Project.objects.get(key=key)
    wanted = registration.metadata_of(project)
    registration.change(project, replace(wanted, longest_grant=seconds), Actor.operator("an operator"))


def tokens(client_id: str = "web", **params: Any) -> dict[str, Any]:
    return Browser("owner").tokens(client_id, **{"scope": OFFLINE, "audience": ORDERS, **params})


def later(seconds: float) -> Any:
    return time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True)


def choices(page: Response) -> dict[str, str]:
    """What the select of the consent page offers."""
    text = page.content.decode()
    return {html.unescape(value): words for value, words in re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)<', text)}


def choose(page: Response, ends: str) -> Response:
    """Allow everything, until then."""
    text = page.content.decode()
    seen = re.search(r'name="seen" value="([^"]*)"', text)
    action = re.search(r'action="([^"]*)"', text)
    assert seen
    assert action
    form: dict[str, Any] = {"decision": "allow", "seen": html.unescape(seen[1]), "ends": ends}
    for name in ("scope", "audience"):
        form[name] = re.findall(rf'type="checkbox" name="{name}" value="([^"]*)"', text)
    return page.client.post(html.unescape(action[1]), form)


def allow(client_id: str, ends: str, **params: Any) -> dict[str, Any]:
    page = Browser("owner").authorize(client_id, **{"scope": OFFLINE, "audience": ORDERS, **params})
    answer: dict[str, Any] = App(client_id).exchange(redirected(choose(page, ends))["code"]).json()
    return answer


# --- The project's longest grant -----------------------------------------------------------------------------------


def test_no_refresh_passes_the_end() -> None:
    limit(7 * DAY)
    got = tokens()
    assert 7 * DAY - 10 < got["refresh_token_expires_in"] <= 7 * DAY
    with later(7 * DAY - 60):
        assert App("web").refresh(got["refresh_token"]).status_code == 200
    with later(7 * DAY + 1):
        refused = App("web").refresh(got["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_no_access_token_outlives_it_whatever_its_format(token_format: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=token_format)
    limit(7 * DAY)
    got = tokens()
    [row] = Authorization.objects.all()
    assert row.ends_at
    with later(7 * DAY - 600):
        last = App("web").refresh(got["refresh_token"]).json()
        described = App("web").introspect(last["access_token"]).json()
        assert 590 < last["expires_in"] <= 600
        assert described["exp"] <= row.ends_at.timestamp()
        if token_format == "jwt":
            assert claims_of(last["access_token"])["exp"] <= row.ends_at.timestamp()
    with later(7 * DAY + 1):
        assert App("web").introspect(last["access_token"]).json() == {"active": False}
        assert App("web").userinfo(last["access_token"]).status_code == 401


def test_in_its_last_second_nothing_is_minted() -> None:
    limit(DAY)
    got = tokens()
    [row] = Authorization.objects.all()
    assert row.ends_at
    with time_machine.travel(row.ends_at - timedelta(milliseconds=500), tick=False):
        assert App("web").refresh(got["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_code_gives_nothing_after_it() -> None:
    limit(30)
    code = Browser("owner").code("web")
    with later(31):
        assert App("web").exchange(code).json()["error"] == "invalid_grant"


def test_a_rotating_token_is_followed_by_one_that_ends_at_the_same_moment() -> None:
    limit(7 * DAY)
    got = tokens("spa", audience=None)
    with later(6 * DAY):
        following = App("spa").refresh(got["refresh_token"]).json()
    assert DAY - 10 < following["refresh_token_expires_in"] <= DAY
    with later(7 * DAY + 1):
        assert App("spa").refresh(following["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_sibling_gets_no_id_token_after_it() -> None:
    limit(DAY)
    got = tokens()
    with later(DAY + 1):
        assert App("web").refresh(got["refresh_token"], audience="sibling").json()["error"] == "invalid_grant"


def test_introspection_of_a_refresh_token_says_when() -> None:
    Client.objects.filter(client_id="web").update(refresh_token_idle_lifetime=None)
    never = tokens()
    assert "refresh_token_expires_in" not in never
    assert "exp" not in App("web").introspect(never["refresh_token"]).json()
    limit(DAY)
    got = tokens()
    row = Authorization.objects.latest("created_at")
    assert row.ends_at
    assert App("web").introspect(got["refresh_token"]).json()["exp"] == int(row.ends_at.timestamp())


@pytest.mark.parametrize(
    ("lifetime", "idle", "expires_in"),
    [(None, None, None), (7200, None, 7200), (None, 600, 600), (7200, 600, 600), (60, 600, 60)],
)
def test_the_answer_says_when_a_refresh_token_ends_by_its_clients_own_lifetimes(
    lifetime: int | None, idle: int | None, expires_in: int | None
) -> None:
    Client.objects.filter(client_id="web").update(refresh_token_lifetime=lifetime, refresh_token_idle_lifetime=idle)
    said = tokens().get("refresh_token_expires_in")
    assert said == expires_in or (said is not None and expires_in is not None and expires_in - 5 < said <= expires_in)


def test_a_first_party_project_has_a_longest_grant_too() -> None:
    limit(DAY, "house")
    got = Browser("owner").tokens("desk", scope="openid offline_access")
    with later(DAY + 1):
        assert App("desk").refresh(got["refresh_token"]).json()["error"] == "invalid_grant"


# --- Changed later -------------------------------------------------------------------------------------------------


def test_shortening_cuts_what_was_allowed_before() -> None:
    got = tokens()
    with later(2 * DAY):
        assert App("web").refresh(got["refresh_token"]).status_code == 200
        limit(DAY)
        assert App("web").refresh(got["refresh_token"]).json()["error"] == "invalid_grant"
        assert App("web").introspect(got["refresh_token"]).json() == {"active": False}


def test_lengthening_revives_nothing() -> None:
    limit(DAY)
    over = tokens()
    with later(2 * DAY):
        alive = tokens(prompt="consent")
        limit(None)
        assert App("web").refresh(over["refresh_token"]).json()["error"] == "invalid_grant"
        assert App("web").refresh(alive["refresh_token"]).status_code == 200
    with later(4 * DAY):
        assert App("web").refresh(alive["refresh_token"]).json()["error"] == "invalid_grant", "its end was fixed"


# --- The person's choice -------------------------------------------------------------------------------------------


def test_a_person_may_choose_less_and_keeps_their_word() -> None:
    page = Browser("owner").authorize("web", scope=OFFLINE, audience=ORDERS)
    assert list(choices(page)) == ["", *(str(days * DAY) for days in (1, 7, 30, 90, 365))]
    got = allow("web", str(DAY))
    assert DAY - 10 < got["refresh_token_expires_in"] <= DAY
    with later(DAY + 1):
        assert App("web").refresh(got["refresh_token"]).json()["error"] == "invalid_grant"
        asked = Browser("owner").authorize("web", scope=OFFLINE, audience=ORDERS)
        assert asked.status_code == 200, "their consent ended too: they are asked again"


def test_what_an_app_gets_unasked_meanwhile_ends_with_it() -> None:
    allow("web", str(DAY))
    with later(DAY - 600):
        silent = Browser("owner").authorize("web", scope=OFFLINE, audience=ORDERS, prompt="none")
        got = App("web").exchange(redirected(silent)["code"]).json()
        assert 0 < got["refresh_token_expires_in"] <= 600


def test_another_page_prolongs_nothing_unasked() -> None:
    allow("web", str(DAY), scope="openid offline_access", audience=None)
    page = Browser("owner").authorize("web", scope=OFFLINE, audience=ORDERS)
    first = next(iter(choices(page)))
    assert first == Consent.objects.get().ends_at.isoformat()  # type: ignore[union-attr]
    redirected(choose(page, first))
    assert Consent.objects.get().ends_at.isoformat() == first  # type: ignore[union-attr]
    page = Browser("owner").authorize("web", scope=OFFLINE, audience=ORDERS, prompt="consent")
    redirected(choose(page, ""))
    assert Consent.objects.get().ends_at is None, "they said so"


@pytest.mark.parametrize("few", [remains.FEW, 0])
def test_nothing_is_left_of_the_choice_when_everything_is_taken_back(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remains, "FEW", few)
    allow("web", str(DAY))
    access.revoke_all(User.objects.get(username="owner"), "acme")
    assert next(iter(choices(Browser("owner").authorize("web", scope=OFFLINE, audience=ORDERS)))) == ""


def test_a_choice_is_never_longer_than_the_project_allows() -> None:
    limit(7 * DAY)
    page = Browser("owner").authorize("web", scope=OFFLINE)
    assert list(choices(page)) == ["", str(DAY)]
    again = choose(page, str(365 * DAY))
    assert again.status_code == 303, "nobody was offered this: they are asked again"
    assert "/oauth2/authorize" in again["Location"]
    assert not Authorization.objects.exists()


@pytest.mark.parametrize("tampered", ["1", "-1", "99999999999999999999", "2099-01-01T00:00:00+00:00", "x", "\u0661"])
def test_what_was_not_offered_is_asked_again(tampered: str) -> None:
    page = Browser("owner").authorize("web", scope=OFFLINE)
    assert "/oauth2/authorize" in choose(page, tampered)["Location"]


def test_nothing_is_asked_where_there_is_nothing_to_end() -> None:
    assert choices(Browser("owner").authorize("picky")) == {}
    assert choices(Browser("owner").authorize("web", scope="openid email")) == {}


def test_an_app_that_is_not_asked_prolongs_nothing_either() -> None:
    allow("web", str(DAY), scope="openid offline_access", audience=None)
    before = Consent.objects.get().ends_at
    page = Browser("owner").authorize("web", scope="openid email")
    redirected(Browser("owner", http=page.client).answer(page))
    assert Consent.objects.get().ends_at == before


def test_a_longest_grant_of_less_than_a_day_is_told_and_not_asked() -> None:
    limit(3600)
    page = Browser("owner").authorize("web", scope=OFFLINE)
    assert choices(page) == {}
    assert "60 minutes from now" in page.content.decode()


# --- Shown, and swept ----------------------------------------------------------------------------------------------


def test_the_apps_page_says_when_and_forgets_what_is_over() -> None:
    browser = Browser("owner")
    allow("web", str(DAY))
    [row] = Authorization.objects.all()
    assert row.ends_at
    for path in ("/accounts/apps/", "/accounts/apps/acme/"):
        assert f"{row.ends_at:%Y-%m-%d}" in browser.http.get(path).content.decode(), path
    with later(DAY + 1):
        assert Browser("owner").http.get("/accounts/apps/acme/").status_code == 404


def test_cleartokens_sweeps_what_ended_by_itself() -> None:
    limit(DAY, "other")
    allow("web", str(DAY))
    Browser("owner").tokens("stranger", scope="openid offline_access")
    Client.objects.update(refresh_token_idle_lifetime=None)
    with later(20 * DAY):
        call_command("cleartokens", stdout=StringIO())
        assert Authorization.objects.count() == 2, "a token that comes twice would still be recognised"
    with later(40 * DAY):
        call_command("cleartokens", stdout=StringIO())
        assert not Authorization.objects.exists()
        call_command("cleartokens", stdout=StringIO())
        assert not Consent.objects.filter(project__key="acme").exists()


def test_the_console_shows_the_end_and_files_it_under_ended() -> None:
    limit(DAY)
    tokens()
    User.objects.filter(username="owner").update(is_staff=True, is_superuser=True)
    with later(DAY + 60):
        browser = Browser("owner")
        live = browser.http.get("/admin/clients/authorization/?state=live").content.decode()
        ended = browser.http.get("/admin/clients/authorization/?state=ended").content.decode()
    pk = str(Authorization.objects.get().pk)
    assert pk not in live
    assert pk in ended
