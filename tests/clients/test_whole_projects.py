"""A project is deleted with everything in it, by whoever owns it and has typed its name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Http
from django.utils import timezone

from accounts.models import SignIn, User
from clients import whole_projects
from clients.models import AudienceEntry, Authorization, Client
from clients.whole_projects import OWNER_OF_THE_API, Others
from projects.actors import Actor
from projects.events import SecurityEvent
from projects.models import Api, Consent, Member, Project
from projects.problems import RegistrationError
from projects.upstream import registration as connectors
from projects.upstream.metadata import ConnectorMetadata
from tests.console import ORDERS, browser, client, page, project

pytestmark = pytest.mark.usefixtures("console")
OPERATOR = Actor.operator("tests")


def by(username: str) -> Actor:
    return Actor.person(User.objects.get(username=username))


def allow(username: str, client_id: str = "web") -> Authorization:
    """Somebody who has access."""
    user, app = User.objects.get(username=username), client(client_id)
    assert app.project is not None
    said = Consent.objects.create(user=user, project=app.project, scopes=["openid"])
    moment = timezone.now()
    return Authorization.objects.create(user=user, client=app, consent=said, scopes=["openid"], auth_time=moment)


def share_orders() -> None:
    """A client of another project that lists an API of this one, and something else."""
    Api.objects.filter(identifier=ORDERS).update(shared="public")
    for value in (f"{ORDERS}/7", "https://elsewhere.example"):
        AudienceEntry.objects.create(client=client("foreign"), value=value)


def test_numbers_say_who_loses_access() -> None:
    allow("person")
    over = allow("nobody")
    Authorization.objects.filter(pk=over.pk).update(ended_at=timezone.now(), ended_because="gone")
    found = whole_projects.extent(project())
    assert (found.clients, found.apis, found.people, found.members) == (2, 1, 1, 4)


def test_everything_goes_in_its_own_apis_and_those_of_others_lose_its_apis() -> None:
    share_orders()
    whole_projects.delete(project(), by("owner"))
    assert not Project.objects.filter(key="acme").exists()
    assert [one.client_id for one in Client.objects.all()] == ["foreign"]
    assert [one.value for one in client("foreign").audience_entries.all()] == ["https://elsewhere.example"]
    told = SecurityEvent.objects.get(kind="project.deleted")
    assert told.detail == {"project": "acme", "clients": 2, "apis": 1}
    assert told.sub == User.objects.get(username="owner").sub
    assert SecurityEvent.objects.filter(kind="client.deleted").count() == 2
    of_others = SecurityEvent.objects.get(kind="client.changed", client_id="foreign")
    assert (of_others.sub, of_others.detail["by"]) == ("", OWNER_OF_THE_API), "its members learn of no person"


def test_many_apps_go_in_pieces_and_a_run_that_stopped_has_ended_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_projects, "PIECE", 1)
    pieces: list[int] = []
    real = whole_projects._piece

    def stops_after_one(found: Project, who: Actor, number: int, *, first: bool) -> bool:
        assert not pieces, "the machine stops here"
        pieces.append(1)
        return real(found, who, number, first=first)

    monkeypatch.setattr(whole_projects, "_piece", stops_after_one)
    with pytest.raises(AssertionError):
        whole_projects.delete(project(), OPERATOR)
    assert project().clients.count() == 1
    assert project().tokens_not_before is not None
    monkeypatch.setattr(whole_projects, "_piece", real)
    whole_projects.delete(project(), OPERATOR)
    assert not Project.objects.filter(key="acme").exists()


@pytest.mark.parametrize("username", ["editor", "viewer", "outsider"])
def test_only_an_owner_deletes_it(username: str) -> None:
    with pytest.raises(RegistrationError):
        whole_projects.delete(project(), by(username))
    url = page("projects_project_delete", project().pk)
    for method in ("get", "post"):
        answer = getattr(browser(username), method)(url, {"name": "Acme"})
        assert answer.status_code == (404 if username == "outsider" else 403)
    assert project().clients.count() == 2


def test_whoever_loses_the_role_between_two_pieces_goes_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_projects, "PIECE", 1)
    real = whole_projects._piece

    def then_taken_away(found: Project, who: Actor, number: int, *, first: bool) -> bool:
        last = real(found, who, number, first=first)
        Member.objects.filter(project=found, user__username="owner").delete()
        return last

    monkeypatch.setattr(whole_projects, "_piece", then_taken_away)
    http, url = browser("owner"), page("projects_project_delete", project().pk)
    assert http.post(url, {"name": "Acme"}).status_code == 403
    assert project().clients.count() == 1


def test_connectors_are_for_superusers() -> None:
    wanted = ConnectorMetadata(
        id="corp", name="Corp", kind="oidc", project="acme", issuer="https://c.example", client_id="us"
    )
    connectors.register(wanted, OPERATOR)
    assert whole_projects.obstacles(project(), by("owner")) == ["Only a superuser may change connectors."]
    text = browser("owner").get(page("projects_project_delete", project().pk)).content.decode()
    assert "Only a superuser may change connectors." in text
    assert 'name="name"' not in text
    assert whole_projects.obstacles(project(), by("root")) == []


def test_the_page_names_apps_of_others_as_far_as_the_looker_sees_them() -> None:
    share_orders()
    url = page("projects_project_delete", project().pk)
    shown = browser("owner").get(url).content.decode()
    assert "Apps of projects that you do not see" in shown
    assert whole_projects.others(project(), by("owner")) == Others((), 0, hidden=True)
    assert whole_projects.others(project(), by("owner")).number == 0, "the API says it, too"
    assert "Foreign app" not in shown
    assert "Foreign app" in browser("root").get(url).content.decode()


def test_it_waits_for_its_name() -> None:
    allow("person")
    url = page("projects_project_delete", project().pk)
    http = browser("owner")
    assert "1 person loses access at once." in http.get(url).content.decode()
    for typed in ("", "acme", "Other people"):
        assert http.post(url, {"name": typed}).status_code == 200
        assert project()
    answer = http.post(url, {"name": " Acme "})
    assert (answer.status_code, answer.headers["Location"]) == (302, page("index"))
    assert not Project.objects.filter(key="acme").exists()


def test_it_waits_for_a_fresh_proof_and_keeps_the_name_that_was_typed() -> None:
    http = browser("owner")
    url = page("projects_project_delete", project().pk)
    _age(http)
    assert http.get(url).status_code == 302
    answer = http.post(url, {"name": "Acme"})
    assert answer.status_code == 302
    assert project()
    SignIn.objects.update(auth_time=timezone.now())
    shown = http.get(f"{url}?typed=1").content.decode()
    assert ">\nAcme</textarea>" in shown


def _age(http: Http) -> None:
    http.get(page("index"))
    SignIn.objects.update(auth_time=timezone.now() - timedelta(hours=1))


def test_whatever_stands_in_the_address_is_no_fault() -> None:
    for key in ("0", "x", "9" * 40, "1_5"):
        assert browser("root").get(page("projects_project_delete", key)).status_code == 404
