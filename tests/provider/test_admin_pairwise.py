"""The console of a pairwise project: its members see people as its apps know them, and find them by that alone."""

from __future__ import annotations

import pytest
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from clients.models import Authorization, SecurityEvent
from projects.models import Project
from projects.sectors import told_sub
from provider.admin import by_sub
from provider.admin.by_sub import Of
from provider.admin.happened import asked
from provider.admin.happened.asked import Asked
from provider.admin.happened.sources import read
from tests.console import browser, client, form_of, page

pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]
AUTHORIZATIONS, EVENTS = "clients_authorization", "clients_securityevent"


@pytest.fixture
def known() -> str:
    """What Acme's apps know the person by; the other project is public."""
    Project.objects.filter(key="acme").update(subject_type="pairwise", subject_salt="s" * 43)
    person = User.objects.get(username="person")
    for name in ("web", "foreign"):
        Authorization.objects.create(client=client(name), user=person, auth_time=timezone.now())
        detail = {"person": person.sub}
        SecurityEvent.objects.create(kind="authorization.ended", client_id=name, sub=person.sub, detail=detail)
    return told_sub(person.sub, Project.objects.get(key="acme"))


def own() -> str:
    return User.objects.get(username="person").sub


def listed(username: str, table: str, **query: str) -> str:
    return browser(username).get(page(f"{table}_changelist"), query).content.decode()


@pytest.mark.parametrize("table", [AUTHORIZATIONS, EVENTS])
def test_members_see_what_the_apps_know(known: str, table: str) -> None:
    """Somebody who manages two projects cannot find out who is who, either."""
    key = {
        AUTHORIZATIONS: Authorization.objects.get(client__client_id="web").pk,
        EVENTS: SecurityEvent.objects.get(kind="authorization.ended", client_id="web").pk,
    }[table]
    for text in (listed("viewer", table), browser("viewer").get(page(f"{table}_change", key)).content.decode()):
        assert known in text
        assert own() not in text


def test_who_somebody_is_known_as_is_found_once_for_all_pages(known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def known_by(term: str, projects: QuerySet[Project], of: Of, path: str) -> Q:
        looked.append(term)
        return by_sub.known_by(term, projects, of, path)

    monkeypatch.setattr(asked, "known_by", known_by)
    wanted = Asked(User.objects.get(username="viewer"), known_as=known)
    [first] = read(wanted, None, 1)
    assert read(wanted, first.place, 1) == []
    assert looked == [known]


@pytest.mark.parametrize("table", [AUTHORIZATIONS, EVENTS])
def test_members_find_them_by_what_the_apps_know(known: str, table: str) -> None:
    found = {term: browser("viewer").get(page(f"{table}_changelist"), {"q": term}) for term in (known, own())}
    assert {term: answer.context["cl"].result_count for term, answer in found.items()} == {known: 1, own(): 0}
    both = browser("both").get(page(f"{table}_changelist"), {"q": own()})
    assert both.context["cl"].result_count == 1, "of the public project"
    for term, number in ((known, 1), (own(), 2)):
        answer = browser("root").get(page(f"{table}_changelist"), {"q": term})
        assert answer.context["cl"].result_count == number, term


def test_an_owner_chooses_it_in_the_form_until_somebody_signed_in() -> None:
    http, address = browser("owner"), page("projects_project_change", Project.objects.get(key="acme").pk)
    form = form_of(http.get(address)) | {"subject_type": "pairwise"}
    assert http.post(address, form).status_code == 302
    assert Project.objects.get(key="acme").subject_type == "pairwise"
    Authorization.objects.create(
        client=client("web"), user=User.objects.get(username="person"), auth_time=timezone.now()
    )
    form = form_of(http.get(address)) | {"subject_type": "public"}
    refused = http.post(address, form)
    assert refused.status_code == 200
    assert list(refused.context["adminform"].form.errors) == ["subject_type"]
    assert Project.objects.get(key="acme").subject_type == "pairwise"
