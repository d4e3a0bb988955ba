from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from accounts.models import User
from clients.models import Authorization, LogoutNotice, SecurityEvent
from projects.models import Project
from provider.admin import activity
from tests.console import browser, client, form_of, page
from tests.world import Browser

pytestmark = pytest.mark.usefixtures("console")
LIST = "clients_authorization_changelist"


def authorize(client_id: str) -> Authorization:
    person = User.objects.get(username="person")
    return Authorization.objects.create(client=client(client_id), user=person, auth_time=timezone.now())


def end(username: str, *authorizations: Authorization, **fields: Any) -> Any:
    chosen = {"action": "end", "_selected_action": [str(one.pk) for one in authorizations], **fields}
    return browser(username).post(page(LIST), {**chosen, "confirmed": "yes"}, follow=True)


def because(authorization: Authorization) -> str:
    authorization.refresh_from_db()
    return authorization.ended_because


@pytest.mark.parametrize("username", ["owner", "editor", "root"])
def test_an_editor_ends_authorizations_and_it_is_told(username: str) -> None:
    one = authorize("web")
    assert "1 authorization ended." in end(username, one).content.decode()
    assert because(one) == "revoked by an administrator"
    event = SecurityEvent.objects.latest("pk")
    assert (event.kind, event.client_id) == ("authorization.ended", "web")
    assert event.sub == str(User.objects.get(username=username).sub)
    assert event.detail == {"authorization": str(one.pk), "person": str(one.user.sub)}
    assert LogEntry.objects.latest("pk").get_change_message() == "Ended."


def test_it_is_asked_first_and_the_page_says_what_happens() -> None:
    one = authorize("web")
    http, chosen = browser("owner"), {"action": "end", "_selected_action": [str(one.pk)]}
    asked = http.post(page(LIST) + "?state=live", chosen)
    text = asked.content.decode()
    assert because(one) == ""
    assert "End 1 authorization?" in text
    assert "every app of the project asks them anew" in text
    assert "first-party" not in text
    assert http.post(page(LIST) + "?state=live", form_of(asked)).status_code == 302
    assert because(one) == "revoked by an administrator"
    Project.objects.update(consent_mode="implicit")
    assert (
        "In first-party projects nobody is asked"
        in http.post(page(LIST), {**chosen, "_selected_action": [str(authorize("web").pk)]}).content.decode()
    )


def test_what_was_ended_does_not_come_back_by_the_persons_consent() -> None:
    """An administrator ended it, and the next click gave all of it again without a page."""
    person = Browser("person")
    request = {"scope": "openid email", "redirect_uri": "https://web.acme.example/cb"}
    assert person.answer(person.authorize("web", **request)).status_code == 303
    assert "code=" in person.authorize("web", **request)["Location"]
    assert "2 authorizations ended." in end("owner", *Authorization.objects.all()).content.decode()
    asked = person.authorize("web", **request)
    assert asked.status_code == 200, "every permission is asked for anew"
    assert not Authorization.objects.filter(ended_at=None).exists()
    assert "code=" in person.answer(asked)["Location"]


def test_more_than_a_request_can_end_are_left_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "MAX_ENDED", 1)
    two = authorize("web"), authorize("web")
    assert "manage.py revoke" in end("owner", *two).content.decode()
    assert [because(one) for one in two] == ["", ""]


def test_superusers_find_people_by_the_whole_name_or_address() -> None:
    authorize("web")
    for query, found in (("person", 1), ("Person@People.example", 1), ("perso", 0), ("people.example", 0)):
        assert browser("root").get(page(LIST), {"q": query}).context["cl"].result_count == found, query


def test_one_that_ended_before_keeps_its_reason() -> None:
    one = authorize("web")
    Authorization.objects.filter(pk=one.pk).update(ended_at=timezone.now(), ended_because="earlier")
    assert "0 authorizations ended." in end("owner", one).content.decode()
    assert because(one) == "earlier"
    assert not SecurityEvent.objects.filter(kind="authorization.ended").exists()


def test_viewers_end_nothing() -> None:
    one = authorize("web")
    assert b"End the selected" not in browser("viewer").get(page(LIST)).content
    end("viewer", one)
    assert because(one) == ""


def test_a_viewer_here_who_edits_elsewhere_ends_only_there() -> None:
    here, there = authorize("web"), authorize("foreign")
    told = end("both", here, there).content.decode()
    assert "1 authorization ended." in told
    assert "They were left alone." in told
    assert (because(here), because(there)) == ("", "revoked by an administrator")


def test_selecting_everything_reaches_only_ones_own() -> None:
    here, there = authorize("web"), authorize("foreign")
    end("owner", here, there, select_across="1")
    assert (because(here), because(there)) == ("revoked by an administrator", "")


def test_members_see_the_subject_of_a_person_and_no_name() -> None:
    one = authorize("web")
    for address in (page(LIST), page("clients_authorization_change", one.pk)):
        shown = browser("owner").get(address).content.decode()
        assert str(one.user.sub) in shown
        assert "person@people.example" not in shown
        assert ">person<" not in shown
        assert ">person<" in browser("root").get(address).content.decode()


def test_members_cannot_find_people_by_name() -> None:
    one = authorize("web")
    for query, found in (("person", 0), ("person@people.example", 0), (str(one.user.sub), 1), ("web", 1)):
        assert browser("owner").get(page(LIST), {"q": query}).context["cl"].result_count == found


def test_nothing_that_happened_is_written_by_hand() -> None:
    one = authorize("web")
    event = SecurityEvent.objects.create(kind="test.happened", client_id="web")
    for name, key in (("clients_authorization", one.pk), ("clients_securityevent", event.pk)):
        for username in ("root", "owner"):
            http = browser(username)
            assert http.get(page(f"{name}_change", key)).status_code == 200
            assert http.post(page(f"{name}_change", key), {"kind": "other"}).status_code == 403
            assert http.post(page(f"{name}_delete", key), {"post": "yes"}).status_code == 403
            assert http.get(page(f"{name}_add")).status_code == 403
    event.refresh_from_db()
    assert event.kind == "test.happened"


def test_an_event_that_only_names_a_client_as_target_stays_with_its_own_project() -> None:
    SecurityEvent.objects.create(kind="test.asked", client_id="foreign", target_client_id="web")
    SecurityEvent.objects.create(kind="test.nobody")
    name = "clients_securityevent_changelist"
    for username, number in (("owner", 0), ("outsider", 1), ("root", 2)):
        assert browser(username).get(page(name), {"q": "test."}).context["cl"].result_count == number


@pytest.mark.parametrize("state", ["live", "ended", "other", "\0"])
def test_the_list_is_filtered_by_state(state: str) -> None:
    authorize("web")
    response = browser("owner").get(page(LIST), {"state": state})
    assert response.status_code == (400 if "\0" in state else 200)


@pytest.mark.parametrize("key", ["", "abc", "\0", "1", "9" * 40])
def test_a_selected_row_that_cannot_be_one_is_refused(key: str) -> None:
    authorize("web")
    response = browser("owner").post(page(LIST), {"action": "end", "_selected_action": key})
    assert response.status_code == 400


def test_tokens_and_codes_have_no_page() -> None:
    index = browser("root").get(page("index"))
    names = {model["object_name"] for app in index.context["app_list"] for model in app["models"]}
    ours = {"AccountEvent", "Api", "Authorization", "BlockedHost", "Client", "Guest", "LogoutNotice", "Project"}
    ours |= {"InitialAccessToken", "Group", "Attribute", "Invitation", "Delivery", "Webhook"}
    ours |= {"Connector", "ProjectRole", "Stream"}
    things = {*ours, "RefusedRequest", "SecurityEvent", "SigningKey", "User"}
    assert names == things


# --- Logout notices ------------------------------------------------------------------------------------------------

NOTICES = "clients_logoutnotice_changelist"


def notice(client_id: str, problem: str) -> LogoutNotice:
    return LogoutNotice.objects.create(client=client(client_id), sid=uuid4(), sub=str(uuid4()), problem=problem)


def test_members_see_the_notices_of_their_projects_and_superusers_all() -> None:
    ours, theirs = notice("web", "it takes too long"), notice("foreign", "Connection refused")
    orphan = notice("spa", "it was deleted")
    client("spa").delete()
    for username, seen in (("viewer", {ours}), ("outsider", {theirs}), ("root", {ours, theirs, orphan})):
        text = browser(username).get(page(NOTICES)).content.decode()
        assert {one for one in (ours, theirs, orphan) if one.problem in text} == seen
        for one in (ours, theirs, orphan):
            response = browser(username).get(page("clients_logoutnotice_change", one.pk))
            assert (response.status_code == 200) == (one in seen), (username, one.problem)


def test_nobody_changes_a_notice() -> None:
    one = notice("web", "it takes too long")
    for username in ("owner", "root"):
        response = browser(username).post(page("clients_logoutnotice_change", one.pk), {"state": "delivered"})
        assert response.status_code == 403
        assert browser(username).get(page("clients_logoutnotice_add")).status_code == 403
        assert browser(username).post(page("clients_logoutnotice_delete", one.pk), {"post": "yes"}).status_code == 403
    one.refresh_from_db()
    assert one.state == "due"
