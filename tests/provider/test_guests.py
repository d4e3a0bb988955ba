"""Guest apps behind the endpoints: nobody compares their projects, they are reaped, and people end them."""

from __future__ import annotations

import contextlib
import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from clients import blocked_hosts
from clients.guests import DCR
from clients.models import Authorization, BlockedHost, Client, SecurityEvent
from idp.settings import BASE_DIR
from projects.actors import Actor
from projects.models import Member, Project
from projects.problems import RegistrationError
from provider import facts, guest_access
from provider.admin.guests import BlockedHostAdmin, GuestAdmin
from tests.guests import DOCUMENT, OPERATOR, make_guest, open_door
from tests.world import ORDERS, App, Browser

ASKED: dict[str, Any] = {"scope": "orders.read", "resource": ORDERS}
FOLDERS = ("accounts", "clients", "projects", "provider", "idp")
# A comparison of the projects of two clients, in whatever words.
COMPARED = re.compile(r"project(\.id|_id|\.pk)?\s*(==|!=)\s*\w[\w.]*project|project\.(id|pk)\s*(==|!=|in\b)")
MAY = {
    'projects/facts.py: return self.shared == "listed" and project.id in self.shared_with': "guests were told before",
    "clients/models/client.py: if stored is not None and stored.project_id != self.project_id:": "of one row",
    "idp/moving/apps.py: here = known.project_id == plan.project.pk": "of one row",
    "clients/policy.py: if case.client.project_id != case.project.pk:": "of one row",
    "provider/explain/ask.py: clients = "
    "{key: one for key, one in registry.clients.items() if one.project.id in visible}": "what a viewer may see",
    "provider/telling/portion.py: subs = {told_sub(one.sub, project) for one, "
    "projects in self._said if project.pk in projects}": "what a project is told",
    "provider/telling/occurrences.py: if one.detail and project.pk in one.projects:": "what a project is told",
    "projects/apis.py: if project.testing and not "
    "(_tests(person_id, project) if tested is None else project.id in tested):": "whom a project tries its apps with",
    "provider/access.py: if held[project.pk] or project.pk in alive:": "what a person allowed, by project",
    "clients/consequences.py: clients = "
    "{entry.client for entry in resources.leaning_on(api) if entry.client.project_id != api.project_id}": "of an API",
}


def test_r12_whoever_asks_whether_two_clients_are_siblings_asks_the_one_rule_that_knows_guests() -> None:
    """An API of a project is another matter: `ApiFacts.open_to` asks whether the project is seen by a guest."""
    found = set()
    for path in (one for folder in FOLDERS for one in sorted((Path(BASE_DIR) / folder).rglob("*.py"))):
        for line in path.read_text().splitlines():
            if COMPARED.search(line):
                found.add(f"{path.relative_to(BASE_DIR)}: {line.strip()}")
    assert found == set(MAY)


# --- Reaping ---------------------------------------------------------------------------------------------------------


def sweep(after: timedelta) -> None:
    with time_machine.travel(timezone.now() + after):
        call_command("cleartokens", stdout=StringIO(), stderr=StringIO())


def is_there() -> bool:
    return Client.objects.filter(client_id=DOCUMENT).exists()


@pytest.mark.usefixtures("agent")
def test_r10_a_guest_that_nobody_allowed_anything_is_gone_after_a_day() -> None:
    sweep(timedelta(hours=23))
    assert is_there()
    clients = Client.objects.filter(project__isnull=False).count()
    sweep(timedelta(hours=25))
    assert not is_there()
    assert Client.objects.count() == clients, "clients of projects stay"
    answer = App(DOCUMENT).token(grant_type="refresh_token", refresh_token="x")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert make_guest().pk, "a document comes back"


@pytest.mark.usefixtures("agent")
def test_r10_a_guest_stays_while_it_has_something_and_a_month_after() -> None:
    open_door(guest_longest_grant=None)
    Client.objects.filter(client_id=DOCUMENT).update(refresh_token_idle_lifetime=None)
    Browser("owner").tokens(DOCUMENT, **ASKED)
    sweep(timedelta(days=100))
    assert is_there()
    moment = timezone.now() + timedelta(days=100)
    Authorization.objects.filter(client__client_id=DOCUMENT).update(ended_at=moment, ended_because="test")
    sweep(timedelta(days=129))
    assert is_there()
    sweep(timedelta(days=131))
    assert not is_there()


@pytest.mark.usefixtures("agent")
def test_r10_who_was_reaped_while_the_page_was_open_is_allowed_nothing() -> None:
    person = Browser("owner")
    page = person.authorize(DOCUMENT, **ASKED)
    Client.objects.get(client_id=DOCUMENT).delete()
    assert person.answer(page).status_code == 400
    assert not Authorization.objects.exists()


# --- People end them -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("agent")
def test_people_see_guests_apart_and_end_each_at_once() -> None:
    person = Browser("owner")
    mine = person.tokens(DOCUMENT, **ASKED)
    others = Browser("member").tokens(DOCUMENT, **ASKED)
    person.tokens("web", scope="openid")
    page = person.http.get("/accounts/apps/").content.decode()
    section = page[page.index("registered themselves") :]
    assert section.index("agent.example") < section.index("Agent of all trades") < section.index("not verified")
    assert all(one in section for one in ("See your orders", "Last used", "Ends on"))
    assert "Agent of all trades" not in page[: page.index("registered themselves")]
    row = Client.objects.get(client_id=DOCUMENT)
    assert person.http.post(f"/accounts/apps/guests/{row.pk}/acme/end/").status_code == 302
    assert "Agent of all trades" not in person.http.get("/accounts/apps/").content.decode()
    assert App(DOCUMENT).refresh(mine["refresh_token"]).json()["error"] == "invalid_grant"
    assert App(DOCUMENT).refresh(others["refresh_token"]).status_code == 200, "another person's goes on"
    [event] = SecurityEvent.objects.filter(kind="guest.ended")
    assert (event.client_id, event.sub) == (DOCUMENT, User.objects.get(username="owner").sub)


@pytest.mark.usefixtures("agent")
def test_only_the_person_ends_what_is_theirs() -> None:
    Browser("owner").tokens(DOCUMENT, **ASKED)
    row = Client.objects.get(client_id=DOCUMENT)
    for who in (Browser("member"), Browser()):
        assert who.http.post(f"/accounts/apps/guests/{row.pk}/acme/end/").status_code == 302
    assert guest_access.list_guests(User.objects.get(username="owner"))
    assert Browser("owner").http.get(f"/accounts/apps/guests/{row.pk}/acme/end/").status_code == 405


@pytest.mark.usefixtures("agent")
def test_taking_back_what_a_project_was_allowed_is_not_about_its_guests() -> None:
    person = Browser("owner")
    person.tokens(DOCUMENT, **ASKED)
    person.tokens("web", scope="openid orders.read", resource=ORDERS)
    person.http.post("/accounts/apps/acme/remove/")
    assert guest_access.list_guests(User.objects.get(username="owner"))


@pytest.mark.usefixtures("agent")
def test_what_is_over_is_not_on_the_page() -> None:
    Browser("owner").tokens(DOCUMENT, **ASKED)
    owner = User.objects.get(username="owner")
    assert guest_access.list_guests(owner)
    open_door(guest_apps="none")
    assert guest_access.list_guests(owner) == []
    assert Project.objects.get(key="acme").guests_not_before is not None


# --- Explained -------------------------------------------------------------------------------------------------------


def explained(audience: str, *more: str) -> str:
    out = StringIO()
    with contextlib.suppress(CommandError):
        call_command("explain", DOCUMENT, audience, *more, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.usefixtures("agent")
def test_an_operator_reads_what_a_guest_may_and_why_not() -> None:
    said = explained(ORDERS, "--user", "owner")
    assert "a guest app, of no project" in said
    assert "whose project lets this guest app in" in said
    assert "It is shown every time: this is a guest app." in said
    open_door(guest_apps="listed", guest_hosts=("other.example",))
    said = explained(ORDERS)
    assert "is not open to this guest app" in said
    assert "guests.at_authorization" in said
    assert "invalid_target" in said


# --- In the console --------------------------------------------------------------------------------------------------


def console(username: str) -> Browser:
    User.objects.filter(username=username).update(is_staff=True)
    User.objects.filter(username="owner").update(is_superuser=False)
    return Browser(username)


def root() -> Browser:
    if not User.objects.filter(username="root").exists():
        User.objects.create_superuser("root")
    return Browser("root")


GUESTS, BLOCKED = "/admin/clients/guest/", "/admin/clients/blockedhost/"


@pytest.mark.usefixtures("agent")
def test_a_superuser_sees_every_guest_and_switches_it_off() -> None:
    person = Browser("owner")
    tokens = person.tokens(DOCUMENT, **ASKED)
    page = root().http.get(GUESTS).content.decode()
    assert "agent.example" in page
    row = Client.objects.get(client_id=DOCUMENT)
    shown = root().http.get(f"{GUESTS}{row.pk}/change/").content.decode()
    assert date_format(timezone.localtime(row.created), "DATETIME_FORMAT") in shown
    root().http.post(GUESTS, {"action": "switch_off", "_selected_action": [row.pk]})
    assert App(DOCUMENT).refresh(tokens["refresh_token"]).json()["error"] == "invalid_client"
    root().http.post(GUESTS, {"action": "switch_on", "_selected_action": [row.pk]})
    assert App(DOCUMENT).refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant", "it revives nothing"
    assert person.authorize(DOCUMENT, **ASKED).status_code == 200


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("action", ["switch_off", "switch_on"])
def test_no_more_guests_are_chosen_at_once_than_the_list_offers(action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuestAdmin, "most_at_once", 0)
    before = set(Client.objects.values_list("pk", "enabled"))
    chosen = {"action": action, "select_across": "1", "_selected_action": [Client.objects.get(client_id=DOCUMENT).pk]}
    answer = root().http.post(GUESTS, chosen, follow=True)
    assert "At most 0 at once. Search for some, or choose filters." in answer.content.decode()
    assert set(Client.objects.values_list("pk", "enabled")) == before
    assert not SecurityEvent.objects.filter(kind="client.changed").exists()


@pytest.mark.usefixtures("agent")
def test_no_more_hosts_are_let_come_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [BlockedHost.objects.create(host=f"{name}.example", since=timezone.now()) for name in "ab"]
    monkeypatch.setattr(BlockedHostAdmin, "most_at_once", 1)
    root().http.post(BLOCKED, {"action": "lift", "select_across": "1", "_selected_action": [rows[0].pk]})
    assert BlockedHost.objects.filter(lifted_at=None).count() == 2


@pytest.mark.usefixtures("agent")
def test_members_see_the_guests_of_their_projects_and_switch_none_off() -> None:
    row = Client.objects.get(client_id=DOCUMENT)
    member = console("member")
    assert "agent.example" not in member.http.get(GUESTS).content.decode(), (
        "nobody allowed it anything at their project"
    )
    assert member.http.get(f"{GUESTS}{row.pk}/change/").status_code == 302
    Browser("owner").tokens(DOCUMENT, **ASKED)
    assert "agent.example" in member.http.get(GUESTS).content.decode()
    member.http.post(GUESTS, {"action": "switch_off", "_selected_action": [row.pk]})
    assert Client.objects.get(pk=row.pk).enabled
    assert member.http.get(BLOCKED).status_code == 403


@pytest.mark.usefixtures("agent")
def test_members_end_what_a_guest_has_at_their_project_and_others_do_not_see_it() -> None:
    tokens = Browser("outsider").tokens(DOCUMENT, **ASKED)
    row = Authorization.objects.get()
    where = "/admin/clients/authorization/"
    Member.objects.create(project=Project.objects.get(key="other"), user=User.objects.get(username="outsider"))
    assert str(row.pk) not in console("outsider").http.get(where).content.decode()
    member = console("member")
    assert str(row.pk) in member.http.get(where).content.decode()
    assert member.http.get(f"{where}{row.pk}/change/").status_code == 200
    member.http.post(where, {"action": "end", "_selected_action": [str(row.pk)], "confirmed": "yes"})
    assert App(DOCUMENT).refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.usefixtures("agent")
def test_a_host_is_kept_out_of_every_project_at_once_and_what_it_had_stays_over() -> None:
    person = Browser("owner")
    tokens = person.tokens(DOCUMENT, **ASKED)
    assert root().http.post(f"{BLOCKED}add/", {"host": "agent.example"}).status_code == 302
    assert person.authorize(DOCUMENT, **ASKED).status_code == 400
    assert App(DOCUMENT).refresh(tokens["refresh_token"]).json()["error"] == "invalid_client"
    assert guest_access.list_guests(User.objects.get(username="owner")) == []
    blocked = BlockedHost.objects.get()
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        root().http.post(BLOCKED, {"action": "lift", "_selected_action": [blocked.pk]})
    with time_machine.travel(timezone.now() + timedelta(seconds=3)):
        assert App(DOCUMENT).refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
        assert guest_access.list_guests(User.objects.get(username="owner")) == []
    kinds = SecurityEvent.objects.filter(kind__startswith="guest_host").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["guest_host.blocked", "guest_host.lifted"]
    assert root().http.post(f"{BLOCKED}add/", {"host": "agent.example"}).status_code == 302, "once more"
    assert BlockedHost.objects.get().lifted_at is None


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("uri", ["https://evil.example/", "https://evil.example:443/", "https://Evil.example:8443/"])
def test_a_host_is_kept_out_at_all_of_its_ports(uri: str) -> None:
    guest = make_guest(DCR, redirect_uris=(uri,))
    blocked_hosts.block("evil.example", OPERATOR)
    found = facts.find_client(guest.client_id)
    assert found is not None
    assert not found.enabled


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["https://agent.example", "*", ""])
def test_what_is_no_host_is_not_blocked(host: str) -> None:
    answer = root().http.post(f"{BLOCKED}add/", {"host": host})
    assert answer.status_code == 200
    assert not BlockedHost.objects.exists()


@pytest.mark.usefixtures("world")
def test_members_keep_nobody_out_of_every_project() -> None:
    with pytest.raises(RegistrationError):
        blocked_hosts.block("agent.example", Actor.person(User.objects.get(username="owner")))
