"""What people allow is remembered per project; they are asked only for what is new, and may leave things out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from clients import registration
from clients.models import Authorization, Client, Grant
from clients.policy import metadata_of
from projects.actors import Actor
from projects.models import Api, ApiScope, Consent, Project
from tests.world import BILLING, ORDERS, App, Browser, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
WIDE = "openid profile email offline_access orders.read"


@pytest.fixture
def person() -> Browser:
    return Browser("owner")


def consent() -> Consent:
    return Consent.objects.get(user__username="owner", project__key="acme")


def authorization() -> Authorization:
    return Authorization.objects.latest("created_at")


def is_asked(person: Browser, client_id: str = "web", scope: str = "openid", **params: str) -> bool:
    return person.authorize(client_id, scope=scope, **params).status_code == 200


def test_what_was_allowed_is_remembered_for_the_whole_project(person: Browser) -> None:
    person.code("web", scope="openid email")
    assert not is_asked(person, "web", "openid email")
    assert not is_asked(person, "sibling", "openid email"), "the project was allowed, not the client"
    assert is_asked(person, "stranger"), "another project"
    assert is_asked(Browser("member"), "web"), "another person"


def test_only_what_is_new_is_asked_and_the_rest_is_kept(person: Browser) -> None:
    person.code("web", scope="openid email", audience=BILLING)
    page = person.authorize("web", scope="openid email profile", audience=[BILLING, ORDERS])
    html = page.content.decode()
    assert 'name="scope" value="profile"' in html
    assert 'name="scope" value="email"' not in html
    assert f'name="audience" value="{BILLING}"' not in html
    code = redirected(person.answer(page))["code"]
    assert authorization().scopes == ["openid", "email", "profile"]
    assert set(authorization().audiences) == {BILLING, ORDERS}
    assert set(consent().audiences) == {BILLING, ORDERS}
    assert App("web").exchange(code).json()["scope"] == "openid email profile"


def test_new_things_may_be_refused_and_what_was_allowed_stays(person: Browser) -> None:
    person.code("web", scope="openid email")
    page = person.authorize("web", scope="openid email profile")
    person.answer(page, scope=[])
    assert authorization().scopes == ["openid", "email"]
    assert consent().scopes == ["openid", "email"]
    assert is_asked(person, scope="openid profile"), "and is asked again"


def test_unticked_scopes_are_in_no_token(person: Browser) -> None:
    page = person.authorize("web", scope=WIDE)
    answer = App("web").exchange(redirected(person.answer(page, scope=["email"]))["code"]).json()
    assert answer["scope"] == "openid email"
    assert "refresh_token" not in answer
    assert set(App("web").userinfo(answer["access_token"]).json()) == {"sub", "email", "email_verified"}
    assert consent().scopes == ["openid", "email"]


def test_openid_stays_whatever_the_form_says(person: Browser) -> None:
    page = person.authorize("web", scope="openid")
    assert "id_token" in App("web").exchange(redirected(person.answer(page, scope=[]))["code"]).json()


def test_an_unticked_audience_takes_its_apis_scopes_along(person: Browser) -> None:
    page = person.authorize("web", scope="openid orders.read orders.write", audience=[ORDERS, BILLING])
    answer = App("web").exchange(redirected(person.answer(page, audience=[BILLING]))["code"]).json()
    assert (answer["scope"], answer["audience"]) == ("openid", [BILLING])
    assert authorization().scopes == ["openid"]
    assert (consent().scopes, consent().audiences) == (["openid"], [BILLING])


def test_what_two_asked_apis_offer_stands_under_neither(person: Browser) -> None:
    """Under one of them it would seem to go with that one's box. It stays, for it works at the other one."""
    words = ApiScope.objects.get(api__identifier=ORDERS, name="orders.read").description
    billing = Api.objects.get(identifier=BILLING)
    ApiScope.objects.create(api=billing, name="orders.read", description=words)
    page = person.authorize("web", scope="openid orders.read orders.write", audience=[ORDERS, BILLING])
    fieldsets = page.content.decode().split("<fieldset")[1:]
    [shared] = [one for one in fieldsets if 'value="orders.read"' in one]
    orders = Api.objects.get(identifier=ORDERS)
    assert f"<bdi>{orders.name}, {billing.name}</bdi>" in shared
    assert 'name="audience"' not in shared
    assert "governed" not in shared
    [alone] = [one for one in fieldsets if 'value="orders.write"' in one]
    assert f'name="audience" value="{ORDERS}"' in alone
    assert "governed" in alone
    assert sum(f'name="audience" value="{BILLING}"' in one for one in fieldsets) == 1
    answer = App("web").exchange(redirected(person.answer(page, audience=[BILLING]))["code"]).json()
    assert (answer["scope"], answer["audience"]) == ("openid orders.read", [BILLING])


def test_an_audience_wholly_refused_is_an_empty_ceiling(person: Browser) -> None:
    page = person.authorize("web", scope="openid", audience=ORDERS)
    code = redirected(person.answer(page, audience=[]))["code"]
    answer = App("web").exchange(code).json()
    assert App("web").introspect(answer["access_token"]).json()["aud"] == "web"
    assert authorization().audiences == []


def test_nothing_left_is_access_denied(person: Browser) -> None:
    page = person.authorize("web", scope="email orders.read", audience=ORDERS)
    answer = redirected(person.answer(page, scope=[], audience=[]))
    assert (answer["error"], answer["state"]) == ("access_denied", "the-state")
    assert not Consent.objects.exists()
    assert not Grant.objects.exists()


def test_ticking_more_than_was_shown_gives_no_more(person: Browser) -> None:
    page = person.authorize("web", scope="openid email", audience=BILLING)
    ticked = ["email", "profile", "orders.write", "admin.read", "openid openid"]
    person.answer(page, scope=ticked, audience=[BILLING, ORDERS, "https://evil.example"])
    assert (authorization().scopes, authorization().audiences) == (["openid", "email"], [BILLING])
    assert (consent().scopes, consent().audiences) == (["openid", "email"], [BILLING])


def test_a_denial_reaches_the_client_and_stores_nothing(person: Browser) -> None:
    for decision in ("deny", "", "ALLOW", "yes"):
        answer = redirected(person.answer(person.authorize("web"), decision))
        assert (answer["error"], answer["state"]) == ("access_denied", "the-state")
    assert not Consent.objects.exists()
    assert not Authorization.objects.exists()


def test_what_a_client_lost_meanwhile_is_not_granted(person: Browser) -> None:
    page = person.authorize("web", scope="openid email profile")
    Client.objects.filter(client_id="web").update(scope="openid email")
    assert "code" in redirected(person.answer(page, scope=["email", "profile"]))
    assert (authorization().scopes, consent().scopes) == (["openid", "email"], ["openid", "email"])


def test_deleting_the_consent_asks_again_and_ends_the_authorizations(person: Browser) -> None:
    tokens = person.tokens("web", scope="openid offline_access")
    consent().delete()
    assert App("web").introspect(tokens["access_token"]).json() == {"active": False}
    assert App("web").refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert is_asked(person)


def test_what_was_taken_back_while_the_page_is_open_is_asked_again(person: Browser) -> None:
    person.code("web", scope="openid email")
    page = person.authorize("web", scope="openid email profile")
    consent().delete()
    answer = person.answer(page, scope=["profile"])
    assert answer.status_code == 303
    page = person.http.get(answer["Location"])
    assert 'value="email"' in page.content.decode()
    person.answer(page)
    assert consent().scopes == ["openid", "email", "profile"]


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("reads_before", [1, 2])
def test_what_is_taken_back_in_the_very_moment_is_not_granted_once_more(
    person: Browser, answered: bool, reads_before: int
) -> None:
    person.code("web", scope="openid email")
    page = person.authorize("web", scope="openid email profile")
    request = page.wsgi_request.get_full_path().replace("+profile", "")

    def taken_back_meanwhile(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("SELECT") and 'FROM "projects_consent"' in sql and len(reads) < reads_before:
            reads.append(sql)
            if len(reads) == reads_before:
                Consent.objects.all().delete()
        return result

    reads: list[str] = []
    with connection.execute_wrapper(taken_back_meanwhile):
        answer = person.answer(page) if answered else person.http.get(request)
    assert len(reads) == reads_before
    assert answer["Location"].startswith("/oauth2/authorize?")
    assert "code=" not in answer["Location"]


# --- Projects and clients that are treated differently -------------------------------------------------------------


def test_first_party_projects_never_ask_and_store_no_consent(person: Browser) -> None:
    assert redirected(person.authorize("desk", scope="openid email"))["code"]
    assert authorization().consent is None
    assert not Consent.objects.exists()


def test_an_explicit_project_becomes_first_party_only_by_its_own_setting(person: Browser) -> None:
    Project.objects.filter(key="acme").update(consent_mode="implicit")
    assert not is_asked(person, "web")
    assert is_asked(person, "native"), "another program might receive the code"


@pytest.mark.parametrize("redirect_uri", ["com.acme.app:/cb", "http://127.0.0.1:4711/cb"])
def test_native_apps_always_ask_for_everything(person: Browser, redirect_uri: str) -> None:
    person.code("web", scope="openid offline_access")
    for _ in range(2):
        page = person.authorize("native", redirect_uri=redirect_uri, scope="openid offline_access")
        assert 'value="offline_access"' in page.content.decode()
        assert redirected(person.answer(page))["code"]
    silent = person.authorize("native", redirect_uri=redirect_uri, prompt="none")
    assert redirected(silent)["error"] == "consent_required"


@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1:8600/cb", "http://localhost:3000/cb", "com.acme.web:/cb"])
def test_a_confidential_client_on_loopback_is_asked_once(person: Browser, redirect_uri: str) -> None:
    Client.objects.filter(client_id="web").update(redirect_uris=redirect_uri)
    person.code("web", redirect_uri=redirect_uri, scope="openid email")
    assert not is_asked(person, "web", "openid email", redirect_uri=redirect_uri)
    assert redirected(person.authorize("web", redirect_uri=redirect_uri, prompt="none"))["code"]
    Client.objects.filter(client_id="desk").update(redirect_uris=redirect_uri)
    assert redirected(person.authorize("desk", redirect_uri=redirect_uri))["code"], "of an implicit project"


def test_the_page_says_why_a_public_client_asks_each_time(person: Browser) -> None:
    why = "This app runs on your device, so you are always asked."
    assert why in person.authorize("native").content.decode()
    assert why not in person.authorize("web").content.decode()
    assert why not in person.authorize("spa").content.decode()


def test_what_was_allowed_to_a_native_app_is_not_allowed_to_the_others(person: Browser) -> None:
    person.code("native", scope="openid offline_access")
    assert consent().scopes == []
    assert is_asked(person, "web", "openid offline_access")


def test_the_page_names_the_apps_this_covers_and_no_others(person: Browser) -> None:
    Client.objects.filter(client_id="picky").update(registration_source="dcr")
    page = person.authorize("web").content.decode()
    for covered in ("Acme sibling", "Acme single page"):
        assert covered in page
    for other in ("Acme native", "Acme picky", "Acme retired", "Acme service", "Stranger"):
        assert other not in page, "it asks for itself, or signs nobody in"
    assert "Acme sibling" not in person.authorize("native").content.decode(), "it covers itself alone"


def test_a_client_that_registered_itself_shares_nothing(person: Browser) -> None:
    person.code("web", scope="openid email")
    Client.objects.filter(client_id="sibling").update(registration_source="dcr")
    assert is_asked(person, "sibling", "openid email")


def registered_itself(client_id: str) -> None:
    Client.objects.filter(client_id=client_id).update(registration_source="dcr")


def test_a_confidential_client_that_registered_itself_remembers_its_own_consent_only(person: Browser) -> None:
    registered_itself("web")
    person.code("web", scope="openid email", audience=ORDERS)
    assert not is_asked(person, "web", "openid email", audience=ORDERS)
    assert is_asked(person, "web", "openid profile")
    assert is_asked(person, "sibling", "openid email"), "what it was allowed is nobody else's"
    assert (consent().scopes, consent().audiences) == ([], [])
    registered_itself("sibling")
    assert is_asked(person, "sibling", "openid email"), "not even another one's of its kind"


def test_what_it_remembers_ends_with_the_authorization(person: Browser) -> None:
    registered_itself("web")
    person.code("web", scope="openid email")
    Authorization.objects.update(ended_at=timezone.now(), ended_because="a test")
    assert is_asked(person, "web", "openid email")


def test_c10_what_it_remembers_is_over_when_it_is_another_app_than_people_saw(person: Browser) -> None:
    registered_itself("web")
    person.code("web", scope="openid email")
    assert not is_asked(person, "web", "openid email")
    client = Client.objects.get(client_id="web")
    more = ("https://elsewhere.example/cb", *client.redirect_uri_list)
    registration.change(client, metadata_of(client).changed({"redirect_uris": more}), Actor.operator("a test"))
    assert is_asked(person, "web", "openid email")


def test_c10_a_page_that_showed_another_app_allows_nothing(person: Browser) -> None:
    registered_itself("web")
    shown = person.authorize("web", scope="openid email")
    Client.objects.filter(client_id="web").update(name="Somebody else")
    assert Authorization.objects.count() == 0
    person.answer(shown)
    assert Authorization.objects.count() == 0


@pytest.mark.parametrize("reads_before", [1, 2])
def test_what_it_remembers_may_be_taken_back_in_the_very_moment(person: Browser, reads_before: int) -> None:
    registered_itself("web")
    person.code("web", scope="openid email")
    reads: list[str] = []

    def ended_meanwhile(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("SELECT") and 'FROM "projects_consent"' in sql and len(reads) < reads_before:
            reads.append(sql)
            if len(reads) == reads_before:
                Authorization.objects.update(ended_at=timezone.now(), ended_because="a test")
        return result

    with connection.execute_wrapper(ended_meanwhile):
        answer = person.authorize("web", scope="openid email")
    assert answer.status_code == 200 if reads_before == 1 else answer["Location"].startswith("/oauth2/authorize?")
    assert Authorization.objects.count() == 1


def test_a_public_client_that_registered_itself_remembers_nothing(person: Browser) -> None:
    registered_itself("spa")
    person.code("spa", scope="openid")
    assert is_asked(person, "spa", "openid")


def test_https_public_clients_share_what_was_allowed(person: Browser) -> None:
    person.code("spa", scope="openid email")
    assert not is_asked(person, "web", "openid email")
    assert not is_asked(person, "spa", "openid email")


def test_consent_comes_before_everything_a_disabled_person_could_do(person: Browser) -> None:
    page = person.authorize("web")
    User.objects.filter(username="owner").update(is_active=False)
    answer = person.answer(page)
    assert answer.status_code == 303
    assert answer["Location"].startswith("/oauth2/authorize?")
    assert not Authorization.objects.exists()
