from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from accounts.models import User
from clients.forms import LIFETIMES
from clients.models import Client, SecurityEvent
from idp.configuration import apply
from projects.models import Project
from tests.console import (
    OPEN,
    ORDERS,
    REPORTS,
    api,
    browser,
    client,
    form_of,
    keep_web_within_its_project,
    page,
    problems,
    project,
    send,
)

pytestmark = pytest.mark.usefixtures("console")


def add(username: str = "owner", **fields: Any) -> Any:
    new = {
        "project": project().pk,
        "name": "New",
        "client_id": "new",
        "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": "https://new.example/cb\r\nhttp://127.0.0.1/cb",
        "scope": "openid\norders.read",
        **fields,
    }
    return send(browser(username), page("clients_client_add"), new)


def change(username: str = "owner", client_id: str = "web", **fields: Any) -> Any:
    return send(browser(username), page("clients_client_change", client(client_id).pk), fields)


def last_event() -> tuple[str, str, str, dict[str, Any]]:
    event = SecurityEvent.objects.latest("pk")
    person = User.objects.get(sub=event.sub)
    return event.kind, event.client_id, person.username, event.detail


def test_an_editor_adds_a_client() -> None:
    assert add("editor").status_code == 200  # the page with the secret
    made = client("new")
    assert made.grant_types == ["authorization_code", "refresh_token"]
    assert made.redirect_uri_list == ["https://new.example/cb", "http://127.0.0.1/cb"]
    assert made.scope == "openid orders.read"
    assert made.require_pkce
    assert (made.introspection, made.home.key) == ("own", "acme")
    event = SecurityEvent.objects.get(kind="client.created")
    assert (event.client_id, event.sub) == ("new", str(User.objects.get(username="editor").sub))


def test_a_public_client_has_what_public_clients_always_have() -> None:
    public = {"client_type": "public", "token_endpoint_auth_method": "none", "introspection": "project"}
    response = add(**public, require_pkce="", rotate_refresh_tokens="")
    assert response.status_code == 302
    made = client("new")
    assert (made.require_pkce, made.rotate_refresh_tokens, made.introspection) == (True, True, "none")
    assert made.secrets.count() == 0


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("kind", "method"),
    [("public", "client_secret_basic"), ("public", "client_secret_post"), ("confidential", "none")],
)
def test_type_and_authentication_fit_together(kind: str, method: str) -> None:
    errors = problems(add(client_type=kind, token_endpoint_auth_method=method))
    assert list(errors) == ["token_endpoint_auth_method"]
    assert kind in errors["token_endpoint_auth_method"][0]
    assert not Client.objects.filter(client_id="new").exists()


@pytest.mark.any_database
def test_a_public_client_has_no_client_credentials() -> None:
    public = {"client_type": "public", "token_endpoint_auth_method": "none"}
    assert list(problems(add(**public, grant_types=["client_credentials"]))) == ["grant_types"]


def test_the_project_and_the_client_id_stay() -> None:
    http = browser("root")
    url = page("clients_client_change", client().pk)
    shown = form_of(http.get(url))
    assert not {"project", "client_id"} & set(shown)
    moved = {**shown, "name": "Moved", "project": project("other").pk, "client_id": "moved"}
    assert http.post(url, moved).status_code == 302
    assert (client("web").home.key, client("web").name) == ("acme", "Moved")


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("introspects", "web"),
        ("acts_for", ORDERS),
        ("redirect_uris", "https://evil.example/cb"),
        ("introspection", "all"),
        ("tokens_not_before", "x"),
    ],
)
def test_a_link_fills_nothing_in(name: str, value: str) -> None:
    """A superuser who follows it would save what somebody else chose."""
    http, url, made_anew = browser("root"), page("clients_client_add"), {"csrfmiddlewaretoken", "client_id"}
    pages = [form_of(http.get(url, query)) for query in ({}, {name: value})]
    empty, linked = (
        {key: kept for key, kept in one.items() if key.split("initial-")[-1] not in made_anew} for one in pages
    )
    assert linked == empty


@pytest.mark.parametrize("client_id", ["web", "foreign"])
def test_a_client_id_is_taken_once(client_id: str) -> None:
    assert list(problems(add(client_id=client_id))) == ["client_id"]


def test_the_id_of_a_deleted_client_is_never_used_again() -> None:
    url = page("clients_client_delete", client("spa").pk)
    assert browser("editor").post(url, {"post": "yes"}).status_code == 302
    kind, client_id, username, detail = last_event()
    assert (kind, client_id, username, detail["name"]) == ("client.deleted", "spa", "editor", "Acme single page")
    for username in ("owner", "root"):
        assert list(problems(add(username, client_id="spa"))) == ["client_id"]


@pytest.mark.any_database
def test_the_page_that_deletes_says_that_the_id_is_spent() -> None:
    text = browser("editor").get(page("clients_client_delete", client("spa").pk)).content.decode()
    assert "Client ID: spa" in text
    assert "The client ID can never be used again. To pause the app, disable it instead." in text


@pytest.mark.any_database
@pytest.mark.parametrize(
    "client_id", ["", "two words", "ümlaut", "a\0b", "x" * 300, "1b4e28ba-2fa1-11d2-883f-0016d3cca427"]
)
def test_a_bad_client_id_is_an_error(client_id: str) -> None:
    response = add(client_id=client_id)
    assert list(problems(response)) == ["client_id"]
    assert form_of(response)["client_id"] == client_id


@pytest.mark.any_database
@pytest.mark.parametrize(
    "value",
    [
        "http://web.acme.example/cb",
        "https://web.acme.example/cb#part",
        "https://*.acme.example/cb",
        "https://user@web.acme.example/cb",
        "javascript:alert(1)",
        "/cb",
        "https://[::1/cb",
        "https://web.acme.example/a\0b",
        "https://web.acme.example/good\nbad",
        "\n".join(f"https://web.acme.example/{n}" for n in range(1000)),
        "x" * 100_000,
    ],
)
def test_bad_uris_are_errors_and_stay_as_they_were_typed(value: str) -> None:
    both = {"redirect_uris": value, "post_logout_redirect_uris": value}
    response = change(**both)
    assert set(problems(response)) == set(both)
    assert {name: form_of(response)[name] for name in both} == both
    assert client().redirect_uri_list == ["https://web.acme.example/cb", "https://web.acme.example/other"]


@pytest.mark.any_database
@pytest.mark.parametrize("name", ["redirect_uris", "post_logout_redirect_uris"])
def test_uris_separated_by_commas_are_an_error(name: str) -> None:
    errors = problems(change(**{name: "https://a.example/cb, https://b.example/cb"}))
    assert errors == {name: ["https://a.example/cb,: write one per line, without commas."]}


def test_uris_are_kept_one_per_line() -> None:
    assert change(post_logout_redirect_uris="https://a.example/out  https://b.example/out\n\n").status_code == 302
    assert client().post_logout_redirect_uris.split() == ["https://a.example/out", "https://b.example/out"]
    shown = form_of(browser("owner").get(page("clients_client_change", client().pk)))
    assert shown["post_logout_redirect_uris"] == "https://a.example/out\nhttps://b.example/out"


@pytest.mark.any_database
def test_the_code_grant_needs_a_redirect_uri() -> None:
    assert list(problems(add(redirect_uris=""))) == ["redirect_uris"]
    assert add(redirect_uris="", grant_types=["client_credentials"]).status_code == 200


@pytest.mark.any_database
def test_scopes_are_those_of_sign_in_and_of_apis_the_project_may_use() -> None:
    for scope in ("reports.read", "missing", "admin.read", "openid,email"):
        for username in ("owner", "root"):
            if (username, scope) == ("root", "admin.read"):
                continue  # of the provider's own API, which a superuser opens
            errors = problems(change(username, scope=f"openid {scope}"))
            assert list(errors) == ["scope"]
            assert scope in errors["scope"][0]
    assert change(scope="openid offline_access orders.read open.read").status_code == 302
    api(REPORTS).shared_with.add(project("acme"))
    assert list(problems(change(scope="reports.read"))) == ["scope"]
    Project.objects.get(key="other").apis.filter(identifier=REPORTS).update(shared="listed")
    assert change(scope="reports.read").status_code == 302


def test_a_scope_that_a_file_registered_stands_in_the_way_of_no_other_change() -> None:
    Client.objects.filter(client_id="web").update(scope="openid of.another.kind")
    assert change(name="Renamed").status_code == 302
    assert (client().name, client().scope) == ("Renamed", "openid of.another.kind")
    assert change(scope="openid").status_code == 302
    assert list(problems(change(scope="openid of.another.kind"))) == ["scope"]


@pytest.mark.any_database
@pytest.mark.parametrize("grant_types", [["password"], ["implicit"], ["authorization_code", "\0"], ["x" * 100_000]])
def test_other_grant_types_are_refused(grant_types: list[str]) -> None:
    assert list(problems(change(grant_types=grant_types))) == ["grant_types"]
    assert client().grant_types == ["authorization_code", "refresh_token"]


@pytest.mark.any_database
@pytest.mark.parametrize("value", ["0", "-1", "9" * 30, "315360001", "1e3", "soon", "\0"])
def test_lifetimes_are_between_a_second_and_ten_years(value: str) -> None:
    assert set(problems(change(**dict.fromkeys(LIFETIMES, value)))) == set(LIFETIMES)


def test_a_week_and_no_limit_are_lifetimes_too() -> None:
    assert change("root", access_token_lifetime="604800", refresh_token_idle_lifetime="").status_code == 302
    assert (client().access_token_lifetime, client().refresh_token_idle_lifetime) == (604_800, None)


@pytest.mark.any_database
def test_more_than_a_day_is_a_superusers_to_allow_and_then_stays_until_somebody_shortens_it() -> None:
    week = {"access_token_lifetime": "604800"}
    assert problems(change("owner", **week)) == {
        "access_token_lifetime": ["Only a superuser may allow more than 86400 seconds (a day)."]
    }
    assert change("root", **week).status_code == 302
    assert change("owner", name="Renamed").status_code == 302
    assert (client().name, client().access_token_lifetime) == ("Renamed", 604_800)
    assert list(problems(change("owner", access_token_lifetime="604801"))) == ["access_token_lifetime"]
    assert change("owner", access_token_lifetime="604799").status_code == 302
    assert list(problems(change("owner", **week))) == ["access_token_lifetime"]


BAD_INPUT = [
    ("name", ""),
    ("name", "x" * 100_000),
    ("name", "a\0b"),
    ("backchannel_logout_uri", "http://web.acme.example/out"),
    ("backchannel_logout_uri", "https://web.acme.example/out#x"),
    ("backchannel_logout_uri", "https://user@web.acme.example/out"),
    ("backchannel_logout_uri", "https://web.acme.example/a b"),
    ("backchannel_logout_uri", "https:///out"),
    ("backchannel_logout_uri", "https://[::1/out"),
    ("backchannel_logout_uri", "a\0b"),
    ("backchannel_logout_uri", "javascript:alert(1)"),
    ("id_token_signed_response_alg", "HS256"),
    ("id_token_signed_response_alg", "none"),
    ("access_token_format", "\0"),
    ("client_type", "secret"),
    ("introspection", "some"),
    ("tokens_not_before_0", "2999-01-01"),
    ("scope", "a\0b"),
    ("allowed_callers", "a\0b"),
    ("introspects", "x" * 100_000),
    ("acts_for", "a\0b"),
]


@pytest.mark.any_database
@pytest.mark.parametrize(("field", "value"), BAD_INPUT)
def test_bad_input_is_an_error_on_its_field(field: str, value: str) -> None:
    assert list(problems(change(**{field: value}))) == [field.removesuffix("_0")]


def test_a_page_full_of_bad_input_comes_back_with_it() -> None:
    typed = dict(BAD_INPUT)
    answer = change(**typed)
    assert set(problems(answer)) == {field.removesuffix("_0") for field in typed}
    assert b"javascript:alert(1)" in answer.content


@pytest.mark.any_database
def test_introspecting_every_token_is_for_a_superuser_to_grant() -> None:
    for response in (change(introspection="all"), add(introspection="all")):
        errors = problems(response)
        assert list(errors) == ["introspection"]
        assert "superuser" in errors["introspection"][0]
    assert client().introspection == "own"
    assert change("root", introspection="all").status_code == 302
    moved = {"introspection": {"before": "own", "after": "all"}}
    assert last_event() == ("client.introspection_changed", "web", "root", moved)
    assert change("owner", name="Still all").status_code == 302
    assert change("owner", introspection="project").status_code == 302
    assert list(problems(change("owner", introspection="all"))) == ["introspection"]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "inside", "outside"), [("introspects", "spa", "foreign"), ("acts_for", ORDERS, OPEN)]
)
def test_rights_over_other_projects_are_for_a_superuser_to_grant(field: str, inside: str, outside: str) -> None:
    listed = getattr(client(), field)
    for value in (outside, "missing"):
        errors = problems(change(introspection="listed", **{field: f"{inside}\n{value}"}))
        assert errors == {field: [f"Not found in this project: {value}."]}
    assert list(problems(add(**{field: outside}))) == [field]
    assert change(introspection="listed", **{field: inside}).status_code == 302
    assert listed.count() == 1
    assert change("root", **{field: f"{inside}\n{outside}"}).status_code == 302
    assert listed.count() == 2
    assert last_event()[3] == {field: {"before": [inside], "after": sorted([inside, outside])}}
    assert change("owner", name="What a superuser granted stays").status_code == 302
    assert listed.count() == 2
    assert change("owner", **{field: ""}).status_code == 302
    assert list(problems(change("owner", **{field: outside}))) == [field]


@pytest.mark.any_database
@pytest.mark.parametrize("off", ["own", "none"])
def test_a_list_of_other_projects_clients_counts_again_only_for_a_superuser(off: str) -> None:
    assert change("root", introspection="listed", introspects="spa\nforeign").status_code == 302
    assert change("root", introspection=off).status_code == 302
    assert list(problems(change("owner", introspection="listed"))) == ["introspection"]
    assert change("owner", introspection="project").status_code == 302
    assert list(problems(change("owner", introspection="listed", name="Other"))) == ["introspection"]
    assert change("owner", introspection="listed", introspects="spa").status_code == 302


@pytest.mark.any_database
def test_an_api_of_another_project_counts_again_only_for_a_superuser() -> None:
    keep_web_within_its_project()
    none = {"introspection": "none"}
    public = {"client_type": "public", "token_endpoint_auth_method": "none"}
    confidential = {"client_type": "confidential", "token_endpoint_auth_method": "client_secret_basic"}
    assert change("root", acts_for=f"{ORDERS}\n{OPEN}").status_code == 302
    for off, on in ((none, {}), (public, confidential)):
        assert change("owner", **off).status_code == 302
        assert list(problems(change("owner", **on, introspection="own"))) == ["introspection"]
        assert change("owner", **on, name="With what it may now").status_code == 302
        assert change("root", introspection="own").status_code == 302
    assert change("owner", introspection="listed").status_code == 302
    assert change("owner", introspection="none").status_code == 302
    assert change("owner", introspection="own", acts_for=ORDERS).status_code == 302


def test_the_last_allowed_caller_does_not_leave_the_client_open_to_everybody() -> None:
    assert add(client_id="guarded", allowed_callers="web").status_code == 200
    url = page("clients_client_delete", client("web").pk)
    for username in ("owner", "root"):
        assert "guarded lists it as the only allowed caller" in browser(username).get(url).content.decode()
        browser(username).post(url, {"post": "yes"})
        assert client("guarded").allowed_callers.get().client_id == "web"
    assert change(client_id="guarded", allowed_callers="web\nspa").status_code == 302
    assert browser("owner").post(url, {"post": "yes"}).status_code == 302
    assert client("guarded").allowed_callers.get().client_id == "spa"


def test_a_client_that_lists_itself_alone_may_go() -> None:
    assert change(allowed_callers="web").status_code == 302
    assert browser("owner").post(page("clients_client_delete", client().pk), {"post": "yes"}).status_code == 302
    assert not Client.objects.filter(client_id="web").exists()


@pytest.mark.any_database
def test_callers_are_of_the_same_project_whoever_allows_them() -> None:
    for username in ("owner", "root"):
        for name in ("foreign", "missing"):
            errors = problems(change(username, allowed_callers=f"spa\n{name}"))
            assert errors == {"allowed_callers": [f"Not found in this project: {name}."]}
    assert change(allowed_callers="spa").status_code == 302
    assert client().allowed_callers.get().client_id == "spa"


def test_enabling_and_disabling_are_events() -> None:
    assert change(enabled=[]).status_code == 302
    assert not client().enabled
    assert last_event()[:3] == ("client.disabled", "web", "owner")
    assert change("editor", enabled="on").status_code == 302
    assert last_event()[:3] == ("client.enabled", "web", "editor")


def test_a_change_of_the_name_is_told_with_the_name_before() -> None:
    assert change(name="Renamed").status_code == 302
    event = SecurityEvent.objects.latest("pk")
    named = {"before": "Acme web", "after": "Renamed"}
    assert (event.kind, event.detail["client_name"]) == ("client.changed", named)
    assert "“Acme web” → “Renamed”" in LogEntry.objects.latest("pk").get_change_message()


def test_a_deletion_says_what_goes_and_goes_at_once() -> None:
    url = page("clients_client_delete", client().pk)
    text = browser("owner").get(url).content.decode()
    assert "2 audiences" in text
    assert browser("owner").post(url, {"post": "yes"}).status_code == 302
    assert not Client.objects.filter(client_id="web").exists()


def row(value: str, number: int = 2, **more: str) -> dict[str, str]:
    return {f"audience_entries-{number}-{name}": text for name, text in {"value": value, **more}.items()}


@pytest.mark.parametrize("value", [ORDERS + "/archive", OPEN, OPEN + "/deep", OPEN.upper().replace("/API", "/api")])
def test_members_list_apis_their_project_may_use(value: str) -> None:
    assert change(**row(value)).status_code == 302
    assert client().audience_entries.count() == 3


@pytest.mark.any_database
@pytest.mark.parametrize(
    "value", [REPORTS, REPORTS + "/deep", "https://nobody.example", "urn:a:b", "name", "https://api.acme.example"]
)
def test_members_get_one_answer_for_audiences_they_may_not_list(value: str) -> None:
    answer = {"value": ["Not an API of this project or shared with it. Only a superuser may list it."]}
    assert problems(change(**row(value)))["inlines"] == [answer]
    new = {f"audience_entries-0-{name}": text for name, text in {"value": value, "mode": "prefix"}.items()}
    assert problems(add(**new))["inlines"] == [answer]
    assert client().audience_entries.count() == 2


@pytest.mark.any_database
@pytest.mark.parametrize("value", ["https://nobody.example/a", "urn:a:b", "name", "https://api.acme.example"])
def test_superusers_list_audiences_of_no_api(value: str) -> None:
    assert change("root", **row(value)).status_code == 302
    assert client().audience_entries.count() == 3


@pytest.mark.any_database
def test_a_superuser_alone_lists_the_providers_own_api() -> None:
    assert "value" in problems(change("owner", **row("http://localhost:8000/api/v1")))["inlines"][0]
    assert change("root", **row("http://localhost:8000/api/v1")).status_code == 302


@pytest.mark.any_database
@pytest.mark.parametrize("value", [REPORTS, REPORTS + "/deep"])
def test_nobody_lists_an_api_that_is_not_shared(value: str) -> None:
    assert "value" in problems(change("root", **row(value)))["inlines"][0]
    assert client().audience_entries.count() == 2


@pytest.mark.any_database
def test_an_entry_a_superuser_made_may_stay_or_go_but_not_change() -> None:
    assert change(name="Untouched entries").status_code == 302
    for tampering in ({"value": "urn:acme:other"}, {"default": "on"}, {"mode": "prefix"}):
        fields = {"value": "urn:acme:queue", **tampering}
        assert "value" in problems(change(**row(number=1, **fields)))["inlines"][0]
    assert change(**{"audience_entries-1-DELETE": "on"}).status_code == 302
    assert [entry.value for entry in client().audience_entries.all()] == [ORDERS]


@pytest.mark.parametrize("value", [ORDERS, ORDERS + "/", "https://API.acme.example:443/orders"])
def test_an_audience_is_listed_once(value: str) -> None:
    assert problems(change(**row(value)))["inlines"] == [{"value": ["This audience is listed twice."]}]


def test_an_audience_added_from_another_window_is_no_fault() -> None:
    http = browser("root")
    url = page("clients_client_change", client().pk)
    opened = form_of(http.get(url))
    assert change("root", **row("urn:acme:same")).status_code == 302
    response = http.post(url, {**opened, **row("urn:acme:same")})
    assert problems(response)["inlines"] == [{"value": ["This audience is listed twice."]}]


@pytest.mark.any_database
@pytest.mark.parametrize(
    "value",
    [
        "https://[::1",
        "https://a.example/../b",
        "http://a.example",
        "javascript:alert(1)",
        "a b",
        "a\0b",
        "x" * 100_000,
        "https://u@a.example",
    ],
)
def test_a_malformed_audience_is_an_error_on_its_row(value: str) -> None:
    response = change("root", **row(value))
    assert list(problems(response)["inlines"][0]) == ["value"]
    assert form_of(response)["audience_entries-2-value"] == value


def test_a_row_of_another_client_cannot_be_pulled_over() -> None:
    theirs = client("foreign").audience_entries.create(value=OPEN)
    change(**row(ORDERS + "/mine", 0, id=str(theirs.pk), client=str(client("foreign").pk)))
    theirs.refresh_from_db()
    assert (theirs.client.client_id, theirs.value) == ("foreign", OPEN)


@pytest.mark.any_database
@pytest.mark.parametrize("total", ["", "-1", "abc", "\0", "9" * 30])
def test_a_broken_formset_is_refused_not_a_fault(total: str) -> None:
    assert change(**{"audience_entries-TOTAL_FORMS": total}).status_code in (200, 302)


@pytest.mark.any_database
def test_no_number_makes_more_rows_than_a_form_can_send() -> None:
    shown = change(name="", **{"audience_entries-TOTAL_FORMS": "9" * 30})
    assert shown.status_code == 200
    assert len(shown.context["inline_admin_formsets"][0].formset.forms) == 250


def test_a_client_that_turns_public_loses_its_secrets() -> None:
    keep_web_within_its_project()
    public = {"client_type": "public", "token_endpoint_auth_method": "none"}
    assert change(**public).status_code == 302
    assert client().secrets.filter(revoked_at__isnull=True).count() == 0
    assert SecurityEvent.objects.filter(kind="client.secret_revoked", client_id="web").count() == 1


@pytest.mark.any_database
def test_nothing_of_other_projects_is_on_the_page() -> None:
    for url in (page("clients_client_add"), page("clients_client_change", client().pk)):
        text = browser("owner").get(url).content.decode()
        assert "foreign" not in text
        assert "Other people" not in text
        assert REPORTS not in text
        assert OPEN not in text


# --- Enabling again ------------------------------------------------------------------------------------------------

HELD = "A superuser disabled this client. Only a superuser may enable it again."


@pytest.mark.any_database
def test_what_a_superuser_disabled_only_a_superuser_enables() -> None:
    assert change("root", enabled=[]).status_code == 302
    for username in ("editor", "owner"):
        assert problems(change(username, enabled="on")) == {"enabled": [HELD]}
        assert HELD in browser(username).get(page("clients_client_change", client().pk)).content.decode()
    assert change("owner", name="Still off").status_code == 302
    assert not client().enabled
    assert change("root", enabled="on").status_code == 302
    assert client().enabled
    assert change("editor", enabled=[]).status_code == 302
    assert change("owner", enabled="on").status_code == 302, "what a member disabled a member enables"


def test_a_page_opened_before_does_not_enable_it_either() -> None:
    http, url = browser("editor"), page("clients_client_change", client().pk)
    opened = form_of(http.get(url))
    assert change("root", enabled=[]).status_code == 302
    told = problems(http.post(url, {**opened, "name": "Late"}))
    assert "Enabled, Tokens not before" in told.pop("__all__")[0], "it ended what the client had, which is told, too"
    assert told.pop("tokens_not_before")
    assert told == {"enabled": [HELD]}
    assert (client().enabled, client().name) == (False, "Acme web")


def test_a_superuser_who_saves_what_a_member_disabled_takes_nothing_over() -> None:
    assert change("editor", enabled=[]).status_code == 302
    assert change("root", name="Looked at").status_code == 302
    assert change("editor", enabled="on").status_code == 302


def test_a_client_a_superuser_made_disabled_waits_for_one() -> None:
    assert add("root", enabled=[]).status_code == 200
    assert problems(change("editor", "new", enabled="on")) == {"enabled": [HELD]}


def test_a_file_disables_like_a_superuser_and_enables_what_one_disabled() -> None:
    def applied(enabled: str) -> None:
        entry = f"{{client_id: web, enabled: {enabled}}}"
        apply(f"version: 1\nprojects: [{{id: acme, name: Acme, clients: [{entry}]}}]", path="switch.yaml")

    applied("false")
    assert problems(change("owner", enabled="on")) == {"enabled": [HELD]}
    applied("true")
    assert client().enabled
    assert change("editor", enabled=[]).status_code == 302
    assert change("editor", enabled="on").status_code == 302
    assert change("root", enabled=[]).status_code == 302
    applied("true")
    assert client().enabled


@pytest.mark.any_database
def test_who_looks_only_reads_grant_types_in_words() -> None:
    said = browser("viewer").get(page("clients_client_change", client().pk)).content.decode()
    assert "Authorization code: people sign in<br>Refresh token: go on without the person" in said
    assert "authorization_code" not in said
    assert 'value="refresh_token"' in browser("editor").get(page("clients_client_change", client().pk)).content.decode()
