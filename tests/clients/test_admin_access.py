"""The short form of an app: what its project has is ticked, what is of elsewhere is typed, and all else stays."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from clients.policy import metadata_of
from projects.models import Api
from projects.problems import Problem
from tests.console import OPEN, ORDERS, Fields, browser, client, form_of, page, project
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console")
SEND = "https://web.acme.example/cb"


def url(client_id: str = "web") -> str:
    return page("clients_client_access", client(client_id).pk)


def send(who: str = "editor", client_id: str = "web", **changes: object) -> Response:
    http = browser(who)
    return http.post(url(client_id), {**form_of(http.get(url(client_id))), **changes})


def errors(response: Response) -> Fields:
    assert response.status_code == 200, response
    return {name: list(texts) for name, texts in response.context["adminform"].form.errors.items()}


def test_it_offers_what_the_project_has_and_shows_the_rest() -> None:
    shown = form_of(browser("editor").get(url()))
    assert (shown["apis"], shown["audiences"]) == (ORDERS, "urn:acme:queue")
    assert (shown["scopes"], shown["scope"]) == (["openid", "email", "orders.read"], "")
    assert not {"grant_types", "client_type", "enabled", "name"} & shown.keys()


@pytest.mark.parametrize("who", ["root", "owner", "editor"])
def test_saved_untouched_it_changes_nothing(who: str) -> None:
    before = metadata_of(client())
    assert send(who).status_code == 302
    assert metadata_of(client()) == before


def test_what_is_ticked_and_typed_is_what_it_may_get() -> None:
    Api.objects.create(project=project(), identifier="https://api.acme.example/bills", name="Bills")
    ticked: Fields = {
        "apis": ["https://api.acme.example/bills"],
        "audiences": OPEN,
        "scopes": ["openid"],
        "scope": "open.read",
    }
    answer = send(**ticked)
    assert answer["Location"] == url()
    now = metadata_of(client())
    assert [(one.value, one.mode) for one in now.audience] == [
        ("https://api.acme.example/bills", "prefix"),
        (OPEN, "prefix"),
    ]
    assert now.scope == "openid open.read"
    assert "Other addresses" in str(LogEntry.objects.latest("pk").get_change_message())


def test_entries_that_stay_keep_their_mode_and_their_place() -> None:
    client().audience_entries.filter(value=ORDERS).update(mode="exact", default=True)
    assert send(redirect_uris=SEND).status_code == 302
    now = metadata_of(client())
    assert now.redirect_uris == (SEND,)
    assert [(one.value, one.mode, one.default) for one in now.audience] == [
        (ORDERS, "exact", True),
        ("urn:acme:queue", "exact", False),
    ]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("redirect_uris", "", "needs at least one redirect URI"),
        ("redirect_uris", "ftp://x.example", "ftp://x.example"),
        ("scope", "nothing.like.it", "nothing.like.it"),
        ("audiences", "two\nurn:acme:queue\nhttps://other.example/x#y", "no fragment"),
    ],
)
def test_problems_stand_at_their_field(field: str, value: str, said: str) -> None:
    found = errors(send(**{field: value}))
    assert list(found) == [field]
    assert said in found[field][0]


def test_a_problem_of_a_field_that_is_elsewhere_leads_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.forms.problems", lambda *_: [Problem("grant_types", "There is <none>.")])
    [said] = errors(send(audiences=""))["__all__"]
    there = page("clients_client_change", client().pk)
    assert said == f'<a href="{there}#id_grant_types">Grant types</a>: There is &lt;none&gt;.'


def test_a_page_that_is_older_than_a_change_undoes_nothing() -> None:
    http = browser("editor")
    stale = form_of(http.get(url()))
    assert send("owner", redirect_uris=SEND).status_code == 302
    answer = http.post(url(), {**stale, "scopes": ["openid"]})
    assert "Somebody changed this app since the page was shown" in errors(answer)["__all__"][0]
    assert metadata_of(client()).redirect_uris == (SEND,)
    assert http.post(url(), {}).status_code == 200, "nothing sent is no wish for nothing"
    assert metadata_of(client()).redirect_uris == (SEND,)


def test_an_app_that_signs_nobody_in_is_not_asked_about_people() -> None:
    shown = form_of(browser("outsider").get(url("foreign")))
    assert {"apis", "audiences", "scope", "seen"} <= shown.keys() | {"apis", "scopes"}
    assert not {"redirect_uris", "sign_in", "let_in"} & shown.keys()
    assert send("outsider", "foreign", audiences=OPEN).status_code == 302
    assert [one.value for one in metadata_of(client("foreign")).audience] == [OPEN]


def test_viewers_read_it_and_outsiders_find_nothing() -> None:
    html = browser("viewer").get(url()).content.decode()
    assert "urn:acme:queue" in html
    assert "orders.read" in html
    assert 'name="_save"' not in html
    assert browser("viewer").post(url(), {"redirect_uris": SEND}).status_code == 403
    assert browser("outsider").post(url(), {"redirect_uris": SEND}).status_code in (302, 404)
    assert len(metadata_of(client()).redirect_uris) == 2


def test_the_page_that_the_list_leads_to_has_it_as_a_tab() -> None:
    http, first = browser("viewer"), page("clients_client_connect", client().pk)
    assert f'href="{first}"' in http.get(page("clients_client_changelist")).content.decode()
    assert f'href="{url()}"' in http.get(first).content.decode()
