"""Many apps at once in the console: asked once with numbers, done to all or to none, and only to one's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client as Http
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from clients import many, registration
from clients.models import AccessToken, Authorization, Client, SecurityEvent
from common import clock
from projects.actors import Actor
from projects.models import Member
from tests.accounts.second_steps import PASSWORD, give_password
from tests.console import Fields, browser, client, form_of, page, project
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console")
LATER = timedelta(seconds=301)
LIST = "clients_client_changelist"
KINDS = {"enable": "client.enabled", "disable": "client.disabled", "end": "access.revoked", "delete": "client.deleted"}


def ids(*names: str) -> str:
    return " ".join(str(client(one).pk) for one in names)


def choose(http: Http, deed: str, *names: str, **more: Any) -> Response:
    chosen = {"action": deed, "index": "0", "_selected_action": [client(one).pk for one in names], **more}
    return http.post(page(LIST), chosen, follow=True)


def do(http: Http, deed: str, *names: str, **fields: Any) -> Response:
    sent: Fields = {"apps": ids(*names), **fields}
    answer: Response = http.post(page("clients_client_many", deed), sent, follow=True)
    return answer


def told(answer: Response) -> list[str]:
    return [str(one) for one in answer.context["messages"]]


def signed_in(username: str, client_id: str) -> Authorization:
    made = Authorization.objects.create(
        client=client(client_id), user=User.objects.get(username=username), offline=True, auth_time=clock.now()
    )
    AccessToken.objects.create(
        digest=f"{made.pk.hex}{made.pk.hex}",
        application=client(client_id),
        authorization=made,
        expires=clock.now() + timedelta(hours=1),
    )
    return made


def events(kind: str) -> Sequence[tuple[str, str]]:
    rows = SecurityEvent.objects.filter(kind=kind).order_by("client_id")
    return list(rows.values_list("client_id", "sub"))


def test_it_asks_once_and_says_who_loses_access() -> None:
    signed_in("person", "web")
    signed_in("viewer", "web")
    signed_in("person", "spa")
    asked = choose(browser("owner"), "disable", "web", "spa")
    html = asked.content.decode()
    assert "2 people lose access at once." in html
    assert "3 access tokens that are alive end, and every JWT." in html
    assert "Acme web" in html
    assert "Acme single page" in html
    assert client().enabled
    assert form_of(asked)["apps"].split() == ids("spa", "web").split()  # by their names


def test_disabling_ends_what_they_had_and_is_told_with_its_actor() -> None:
    owner = User.objects.get(username="owner")
    answer = do(browser("owner"), "disable", "web", "spa")
    assert told(answer) == ["2 apps disabled."]
    for one in (client("web"), client("spa")):
        assert (one.enabled, one.disabled_by_superuser, one.tokens_not_before is not None) == (False, False, True)
    assert events("client.disabled") == [("spa", owner.sub), ("web", owner.sub)]
    assert LogEntry.objects.filter(user=owner, change_message="Disable apps").count() == 2


@pytest.mark.parametrize("deed", ["disable", "end", "delete"])
def test_a_viewer_is_offered_nothing_and_may_do_nothing(deed: str) -> None:
    http = browser("viewer")
    assert 'name="action"' not in http.get(page(LIST)).content.decode()
    assert http.post(page("clients_client_many", deed), {"apps": ids("web")}).status_code == 403
    assert client().enabled
    assert client().tokens_not_before is None
    assert events(KINDS[deed]) == []


@pytest.mark.parametrize("deed", ["enable", "disable", "delete"])
def test_apps_of_others_are_refused_as_those_that_do_not_exist(deed: str) -> None:
    http = browser("owner")
    hidden = told(do(http, deed, "web", "foreign"))
    missing = told(http.post(page("clients_client_many", deed), {"apps": f"{ids('web')} 987654321"}, follow=True))
    assert hidden == missing == ["Nothing was changed: some of these apps do not exist. Choose them again."]
    assert client().enabled
    assert client("foreign").enabled
    assert events(KINDS[deed]) == []


def test_apps_one_may_only_look_at_are_left_alone_and_refused() -> None:
    """`both` edits the apps of one project and looks at those of the other."""
    http = browser("both")
    asked = choose(http, "disable", "web", "foreign")
    assert "1 more is of a project that you may only look at. It is left alone." in asked.content.decode()
    assert form_of(asked)["apps"] == ids("foreign")
    assert http.post(page("clients_client_many", "disable"), {"apps": ids("web", "foreign")}).status_code == 403
    assert client("foreign").enabled
    assert told(choose(http, "disable", "web")) == ["You may only look at these apps. They were left alone."]


def test_whoever_lost_the_role_meanwhile_is_refused() -> None:
    http = browser("editor")
    asked = choose(http, "delete", "web")
    Member.objects.filter(user__username="editor").delete()
    Member.objects.create(user=User.objects.get(username="editor"), project=project("other"), role="editor")
    answer = http.post(page("clients_client_many", "delete"), {"apps": form_of(asked)["apps"]}, follow=True)
    assert told(answer) == ["Nothing was changed: some of these apps do not exist. Choose them again."]
    assert client().enabled


def test_what_a_superuser_disabled_no_member_enables_and_then_none_is() -> None:
    assert told(do(browser("root"), "disable", "web")) == ["1 app disabled."]
    assert told(do(browser("owner"), "disable", "spa")) == ["1 app disabled."]
    said = told(do(browser("owner"), "enable", "web", "spa"))
    assert said[0] == "Nothing was changed."
    assert said[1].startswith("Acme web: A superuser disabled this client.")
    assert not client("spa").enabled
    assert told(do(browser("root"), "enable", "web", "spa")) == ["2 apps enabled."]
    assert client().enabled
    assert client("spa").enabled


def test_enabling_revives_nothing() -> None:
    do(browser("owner"), "disable", "web")
    before = client().tokens_not_before
    do(browser("owner"), "enable", "web")
    after = client().tokens_not_before
    assert before is not None
    assert after is not None
    assert after >= before.replace(microsecond=0)


def test_many_leave_the_events_that_one_leaves() -> None:
    do(browser("owner"), "disable", "web")
    one, sub = client("spa"), User.objects.get(username="owner").sub
    shown = browser("owner")
    fields = form_of(shown.get(page("clients_client_change", one.pk)))
    shown.post(page("clients_client_change", one.pk), {name: it for name, it in fields.items() if name != "enabled"})
    rows = SecurityEvent.objects.filter(sub=sub).order_by("kind")
    kinds = {app: [(row.kind, sorted(row.detail)) for row in rows if row.client_id == app] for app in ("web", "spa")}
    assert kinds["web"] == kinds["spa"] == [("client.changed", ["tokens_not_before"]), ("client.disabled", [])]


@pytest.mark.parametrize("deed", ["end", "delete"])
def test_what_cannot_be_undone_asks_first_who_one_is_and_keeps_what_was_chosen_meanwhile(deed: str) -> None:
    signed_in("person", "web")
    somebody = User.objects.get(username="owner")
    somebody.set_password(PASSWORD)
    somebody.save()
    http = Http()
    assert give_password(http, somebody).status_code == 302
    with time_machine.travel(clock.now() + LATER):
        answer: Any = http.post(page("clients_client_many", deed), {"apps": ids("web")})
        assert answer.status_code == 302
        assert client().enabled
        assert answer.url.startswith("/accounts/reauthenticate/")
        assert Authorization.objects.filter(ended_at=None).count() == 1
        back = http.post(answer.url, {"password": PASSWORD}, follow=True)
        assert ("apps", ids("web")) in back.context["sent"]


def test_ending_tokens_ends_every_authorization_of_these_and_no_other() -> None:
    ended, kept = signed_in("person", "web"), signed_in("person", "spa")
    assert told(do(browser("owner"), "end", "web")) == ["Everything that 1 app held ended."]
    ended.refresh_from_db()
    kept.refresh_from_db()
    assert (ended.ended_because, kept.ended_at) == ("revoked by an operator", None)
    assert client().enabled
    assert client().tokens_not_before is not None
    assert [one for one, _sub in events("access.revoked")] == ["web"]


def test_more_than_one_request_ends_is_refused_and_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provider.many.MOST_AUTHORIZATIONS", 1)
    signed_in("person", "web")
    signed_in("viewer", "web")
    assert told(do(browser("owner"), "end", "web"))[0] == "Nothing was changed."
    assert client().tokens_not_before is None


def test_deleting_buries_the_ids_of_all_of_them() -> None:
    signed_in("person", "web")
    assert told(do(browser("owner"), "delete", "web", "spa")) == ["2 apps deleted."]
    assert not Client.objects.filter(client_id__in=["web", "spa"]).exists()
    assert [one for one, _sub in events("client.deleted")] == ["spa", "web"]
    assert not Authorization.objects.exists()
    assert not AccessToken.objects.exists()
    buried = SecurityEvent.objects.get(kind="client.deleted", client_id="web").detail
    assert (buried["name"], buried["project"]) == ("Acme web", "acme")


def test_deleted_together_they_leave_what_one_leaves_that_is_deleted_alone() -> None:
    for one in ("web", "spa"):
        signed_in("person", one)
    by = Actor.operator("a test")
    registration.delete(client("web"), by)
    many.delete([client("spa")], by)
    alone, together = (SecurityEvent.objects.get(kind="client.deleted", client_id=one) for one in ("web", "spa"))
    assert sorted(alone.detail) == sorted(together.detail)
    assert (alone.sub, alone.detail["by"], together.detail["by"]) == (together.sub, "a test", "a test")
    assert not Authorization.objects.exists()
    assert not AccessToken.objects.exists()


def test_what_stands_in_the_way_is_named_before_anybody_says_yes() -> None:
    client("spa").allowed_callers.set([client()])
    html = choose(browser("owner"), "delete", "web").content.decode()
    assert "spa lists nobody else as an allowed caller" in html
    assert "Yes, delete them" not in html
    assert told(do(browser("owner"), "delete", "web"))[0] == "Nothing was changed."
    assert told(do(browser("owner"), "delete", "web", "spa")) == ["2 apps deleted."]  # together nothing stands there


def test_all_that_a_search_found_are_chosen_at_once_and_the_list_comes_back_as_it_was() -> None:
    http = browser("owner")
    chosen = {"action": "disable", "index": "0", "select_across": "1", "_selected_action": client().pk}
    asked: Any = http.post(f"{page(LIST)}?q=acme", chosen)
    assert sorted(form_of(asked)["apps"].split()) == sorted(ids("web", "spa").split())
    action = asked.context["action"]
    answer: Any = http.post(action, {"apps": form_of(asked)["apps"]})
    assert answer.url == f"{page(LIST)}?q=acme"


def test_more_than_fit_into_one_request_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.many.MOST", 1)
    answer = choose(browser("owner"), "disable", "web", "spa")
    assert told(answer) == ["At most 1 apps at once. Choose a project, or search for some."]
    assert browser("owner").post(page("clients_client_many", "disable"), {"apps": ids("web", "spa")}).status_code == 400


@pytest.mark.parametrize("said", ["", "x", "1 -2", "٣", "9" * 19, "1\0"])
def test_what_names_no_apps_is_refused(said: str) -> None:
    assert browser("owner").post(page("clients_client_many", "disable"), {"apps": said}).status_code == 400


def test_an_address_that_was_sent_before_leads_back_to_the_list() -> None:
    back: Any = browser("owner").get(page("clients_client_many", "disable"))
    assert back.url == page(LIST)
    assert browser("owner").get(page("clients_client_many", "frighten")).status_code == 404


def test_of_more_apps_it_asks_no_more_statements() -> None:
    fields: Any = {"client_type": "confidential", "grant_types": ["client_credentials"], "project": project()}
    Client.objects.bulk_create(Client(client_id=f"c{number}", name=f"C {number}", **fields) for number in range(40))
    http = browser("owner")

    few, more = ids("c1", "c2"), ids(*(f"c{number}" for number in range(3, 40)))

    def asked(deed: str, apps: str) -> int:
        with CaptureQueriesContext(connection) as statements:
            assert http.post(page("clients_client_many", deed), {"apps": apps}).status_code == 302
        return len(statements)

    asked("enable", few)
    for deed in ("disable", "enable"):
        assert asked(deed, more) < asked(deed, few) + 10  # of 35 more apps
    assert not Client.objects.filter(enabled=False).exists()
