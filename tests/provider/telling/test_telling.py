"""Webhooks: a project is told what happened to its people, each event at least once, those of one person in order."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks import WebhookVerificationError

from accounts import groups, sign_in
from accounts.models import Group, SignIn, User
from clients import webhooks
from clients.models import (
    Authorization,
    Client,
    Delivery,
    LogoutNotice,
    Occurrence,
    ReadUntil,
    SecurityEvent,
    Stream,
    StreamExclusion,
    Webhook,
)
from clients.models.logout import NoticeState
from clients.models.stream import DeliveryMethod
from clients.models.telling import ToldKind
from clients.webhooks import WebhookMetadata
from common import sealing
from projects import roles
from projects.actors import Actor
from projects.metadata import RoleMetadata
from projects.models import Consent, ConsentMode, Project, ProjectRole
from projects.problems import RegistrationError
from provider import access, outboxes, revocation
from provider.keys import mint
from provider.revocation import Whose
from provider.telling import sets, spreading
from provider.telling.spreading import spread
from tests.provider.telling.inbox import OPERATOR, Inbox, inbox, the_webhook
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.fixture
def box() -> Iterator[Inbox]:
    with inbox() as made:
        yield made


def run(capsys: Any) -> dict[str, int]:
    with contextlib.suppress(SystemExit):
        call_command("deliverevents", "--format", "json")
    found: dict[str, int] = {name: count for name, count in json.loads(capsys.readouterr().out).items() if count}
    return found


def later(seconds: float) -> Any:
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=True)


def person(username: str = "owner") -> User:
    return User.objects.get(username=username)


def used(username: str = "owner", client_id: str = "web") -> None:
    """Somebody allowed an app something, and is still signed in. Quicker than a browser."""
    user, client = person(username), Client.objects.select_related("project").get(client_id=client_id)
    asks = client.home.consent_mode == ConsentMode.EXPLICIT
    consent = Consent.objects.create(user=user, project=client.home, scopes=["openid"]) if asks else None
    signed_in = SignIn.objects.create(user=user)
    Authorization.objects.create(
        client=client, user=user, sign_in=signed_in, consent=consent, scopes=["openid"], auth_time=timezone.now()
    )


def deactivated(username: str = "owner") -> None:
    user = person(username)
    user.is_active = False
    user.save()


# --- What is sent --------------------------------------------------------------------------------------------------


def test_w1_a_message_is_a_standard_webhook(box: Inbox, capsys: Any) -> None:
    used()
    deactivated()
    assert run(capsys)["delivered"] == 2
    said = box.verify(0)
    assert said == box.messages[0]
    assert said.keys() == {"type", "timestamp", "data"}
    assert box.kinds == ["person.deactivated", "access.ended"], "and with it the sign-in"
    assert said["data"] == {"sub": person().sub}
    assert box.headers[0]["content-type"] == "application/json"
    for broken in ({"webhook-id": "another"}, {"webhook-timestamp": "1"}, {"webhook-signature": "v1,AAAA"}):
        box.headers.append({**box.headers[0], **broken})
        box.bodies.append(box.bodies[0])
        with pytest.raises(WebhookVerificationError):
            box.verify(-1)


def test_w1_two_secrets_sign_while_a_new_one_is_rolled_out(box: Inbox, capsys: Any) -> None:
    old = box.secret
    new = webhooks.rotate(the_webhook(), OPERATOR)
    webhooks.test(the_webhook(), OPERATOR)
    run(capsys)
    assert box.verify(0, old) == box.verify(0, new)
    assert webhooks.end_previous(the_webhook(), OPERATOR)
    assert not webhooks.end_previous(the_webhook(), OPERATOR)
    webhooks.test(the_webhook(), OPERATOR)
    run(capsys)
    assert box.verify(1, new)["type"] == "webhook.test"
    with pytest.raises(WebhookVerificationError):
        box.verify(1, old)


def test_w3_a_message_says_ids_and_no_profile(box: Inbox, capsys: Any) -> None:
    used()
    User.objects.filter(username="owner").update(first_name="Olive")
    deactivated()
    run(capsys)
    told = b"".join(box.bodies).decode()
    for text in ("owner", "Olive", "people.example", "+1 555"):
        assert text not in told


def test_nothing_of_it_is_in_clear_in_the_database(box: Inbox) -> None:
    for model in (Webhook, SecurityEvent):
        assert box.secret not in str(list(model.objects.values()))


# --- Which events --------------------------------------------------------------------------------------------------


def password_changed() -> None:
    browser = Browser("owner")
    browser.http.post("/accounts/login/", {"login": "owner", "password": "owner-pw"})
    sent = {"oldpassword": "owner-pw", "password1": "much-longer-than-that", "password2": "much-longer-than-that"}
    assert browser.http.post("/accounts/password/change/", sent).status_code == 302


def deleted() -> None:
    person().delete()


def reactivated() -> None:
    deactivated()
    user = person()
    user.is_active = True
    user.save()


def taken_back() -> None:
    access.revoke_all(person(), "acme")


def ended_by_an_administrator() -> None:
    revocation.end_by(Authorization.objects.filter(user=person()), OPERATOR)


def ended_by_an_operator() -> None:
    revocation.revoke(Whose(user=person(), project=Project.objects.get(key="acme")), OPERATOR)


def signed_out() -> None:
    sign_in.end_all(person())


def token_used_twice() -> None:
    browser = Browser("owner")
    code = browser.code("web")
    assert App("web").exchange(code).status_code == 200
    assert App("web").exchange(code, redirect_uri="https://web.acme.example/other").status_code == 400


def address_changed() -> None:
    User.objects.create_superuser("root", "root@people.example", "root-pw")
    user = person()
    page = Browser("root").http
    fields = {"username": "owner", "email": "new@people.example", "is_active": "on"}
    assert page.post(f"/admin/accounts/user/{user.pk}/change/", fields).status_code == 302


@pytest.mark.parametrize(
    ("happens", "kind", "data"),
    [
        (deactivated, "person.deactivated", {}),
        (reactivated, "person.activated", {}),
        (deleted, "person.deleted", {}),
        (password_changed, "person.password_changed", {}),
        (address_changed, "person.email_changed", {}),
        (taken_back, "access.ended", {"reason": "taken_back"}),
        (ended_by_an_administrator, "access.ended", {"reason": "ended_by_administrator", "client_id": "web"}),
        (ended_by_an_operator, "access.ended", {"reason": "ended_by_administrator", "client_id": "web"}),
        (signed_out, "access.ended", {"reason": "signed_out", "client_ids": ["web"]}),
        (token_used_twice, "access.ended", {"reason": "token_used_twice", "client_id": "web"}),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_what_happened_is_told(
    box: Inbox, capsys: Any, happens: Callable[[], None], kind: str, data: dict[str, Any]
) -> None:
    used()
    sub = person().sub
    happens()
    run(capsys)
    [told] = [one["data"] for one in box.messages if one["type"] == kind]
    assert told.pop("sub") == sub
    told.pop("sid", None)
    assert told == data


def test_roles_and_groups_are_told_to_projects_whose_apps_know_them(box: Inbox, capsys: Any) -> None:
    """Never of somebody who allowed the project nothing, whoever gave them a role there."""
    used()
    project, staff = Project.objects.get(key="acme"), groups.make("staff", OPERATOR)
    reviewer = roles.register(RoleMetadata(name="reviewer"), project, OPERATOR)
    roles.grant(reviewer, OPERATOR, users=["owner", "outsider"], groups=["staff"])
    groups.add_members(staff, [person(), person("outsider")], "", OPERATOR)
    run(capsys)
    assert set(box.kinds) == {"person.roles_changed"}
    before = len(box.kinds)
    Client.objects.filter(client_id="web").update(scope="openid groups")
    groups.set_groups_of(person(), [], "", OPERATOR)
    run(capsys)
    assert box.kinds[before:] == ["person.groups_changed", "person.roles_changed"]
    assert {one["data"]["sub"] for one in box.messages} == {person().sub}


def reviewers() -> ProjectRole:
    """A role of acme that owner has by name, member by a group, and outsider, whom it does not know, by both."""
    for username in ("owner", "member"):
        used(username)
    groups.add_members(groups.make("staff", OPERATOR), [person("member"), person("outsider")], "", OPERATOR)
    role = roles.register(RoleMetadata(name="reviewer"), Project.objects.get(key="acme"), OPERATOR)
    roles.grant(role, OPERATOR, users=["owner", "outsider"], groups=["staff"])
    return role


def role_deleted() -> None:
    roles.delete(ProjectRole.objects.get(), OPERATOR)


def role_renamed() -> None:
    roles.change(ProjectRole.objects.get(), RoleMetadata(name="judge", users=("owner",), groups=("staff",)), OPERATOR)


def role_described() -> None:
    wanted = RoleMetadata(name="reviewer", description="Reviews", users=("owner",), groups=("staff",))
    roles.change(ProjectRole.objects.get(), wanted, OPERATOR)


def group_deleted() -> None:
    groups.delete(Group.objects.get(), OPERATOR)


def group_renamed() -> None:
    groups.change(Group.objects.get(), OPERATOR, name="employees")


def group_told_and_renamed() -> None:
    Project.objects.filter(key="acme").update(claims=[{"name": "teams", "source": "groups", "scope": "profile"}])
    group_renamed()


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (role_deleted, {"person.roles_changed": {"owner", "member"}}),
        (role_renamed, {"person.roles_changed": {"owner", "member"}}),
        (role_described, {}),
        (group_deleted, {"person.roles_changed": {"member"}}),
        (group_renamed, {}),
        (group_told_and_renamed, {"person.groups_changed": {"member"}}),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_what_becomes_of_a_role_or_group_is_told_of_everybody_in_it(
    box: Inbox, capsys: Any, happens: Callable[[], None], told: dict[str, set[str]]
) -> None:
    reviewers()
    run(capsys)
    before = len(box.messages)
    happens()
    run(capsys)
    assert not Occurrence.objects.exists()
    found: dict[str, set[str]] = {}
    for one in box.messages[before:]:
        found.setdefault(one["type"], set()).add(User.objects.get(sub=one["data"]["sub"]).username)
    assert found == told
    assert len(box.messages) - before == sum(map(len, told.values())), "each once"


def test_a_renamed_group_takes_no_statement_for_each_person(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a large one takes longer than the worker may go without a step, and is begun again for ever."""
    web = Client.objects.select_related("project").get(client_id="web")
    Client.objects.filter(pk=web.pk).update(scope="openid groups ssf.manage")
    kinds = [sets.event_type(one, {}) for one in (ToldKind.ROLES, ToldKind.GROUPS)]
    stream = Stream.objects.create(client=web, method=DeliveryMethod.POLL, events_requested=kinds)
    people = [User(username=f"person-{number}", email=f"person-{number}@people.example") for number in range(40)]
    User.objects.bulk_create(people)
    Consent.objects.bulk_create([Consent(user=one, project=web.home, scopes=["openid", "groups"]) for one in people])
    StreamExclusion.objects.create(stream=stream, sub=people[0].sub)
    for name, members in (("few", people[:3]), ("many", people)):
        groups.add_members(groups.make(name, OPERATOR), members, "", OPERATOR)
    role = roles.register(RoleMetadata(name="reviewer"), web.home, OPERATOR)
    roles.register(RoleMetadata(name="author", groups=("many",)), web.home, OPERATOR)
    roles.grant(role, OPERATOR, users=["person-1"], groups=["many"])
    spread(lambda: False)
    counts, steps = list[int](), itertools.count()
    for name in ("few", "many"):
        Delivery.objects.all().delete()
        groups.change(Group.objects.get(name=name), OPERATOR, name=f"{name} others")
        with CaptureQueriesContext(connection) as statements:
            spread(lambda: False)
        counts.append(len(statements))
    assert counts[1] < counts[0] + 5, "SQLite inserts in several"
    assert Delivery.objects.filter(webhook__isnull=False).count() == 40
    told = Delivery.objects.filter(stream=stream, kind=ToldKind.GROUPS)
    assert {tuple(one.data["claims"]["groups"]) for one in told} == {("few others", "many others"), ("many others",)}
    assert told.count() == 39
    monkeypatch.setattr(spreading, "PORTION", 10)
    Delivery.objects.all().delete()
    roles.change(role, RoleMetadata(name="judge", users=("person-1",), groups=("many others",)), OPERATOR)
    spread(lambda: next(steps) < 0)
    assert next(steps) > 4, "it says after each portion that it gets on"
    judges = Delivery.objects.filter(stream=stream).order_by("pk")
    assert [one.data["claims"] for one in judges] == [{"roles": ["author", "judge"]}] * 39


def test_many_renamed_groups_are_not_read_at_once(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    reviewers()
    spread(lambda: False)
    monkeypatch.setattr(spreading, "PEOPLE", 1)
    Delivery.objects.all().delete()
    for _ in range(3):
        group_told_and_renamed()
        groups.change(Group.objects.get(), OPERATOR, name="staff")
    answers = iter([False, True])
    spread(lambda: next(answers, True))
    assert Delivery.objects.count() == 1
    spread(lambda: False)
    assert Delivery.objects.count() == 6


def test_a_project_that_is_deleted_tells_nobody_of_its_roles() -> None:
    project = Project.objects.create(key="brief", name="Brief")
    Consent.objects.create(user=person(), project=project, scopes=["openid"])
    roles.register(RoleMetadata(name="reviewer", users=("owner",)), project, OPERATOR)
    with inbox("brief"):
        project.delete()
        assert not Occurrence.objects.exists()


def test_a_webhook_gets_the_kinds_it_wants(capsys: Any) -> None:
    with inbox(kinds=("person.deleted",)) as box:
        used()
        deactivated()
        person().delete()
        run(capsys)
        assert box.kinds == ["person.deleted"]


# --- About whom ----------------------------------------------------------------------------------------------------


def test_w3_a_project_never_hears_of_somebody_who_allowed_it_nothing(box: Inbox, capsys: Any) -> None:
    used("owner", "stranger")  # of another project
    used("member", "web")
    for name in ("owner", "outsider"):
        deactivated(name)
    assert run(capsys) == {}
    assert box.bodies == []


def test_a_project_hears_nothing_of_whoever_took_it_back(box: Inbox, capsys: Any) -> None:
    used()
    taken_back()
    run(capsys)
    deactivated()
    person().delete()
    run(capsys)
    assert box.kinds == ["access.ended"]


def test_what_is_of_one_project_stays_there_when_its_person_leaves(box: Inbox, capsys: Any) -> None:
    with inbox("other") as of_another:
        used()
        used(client_id="stranger")
        revocation.end_by(Authorization.objects.filter(client__client_id="web"), OPERATOR)
        person().delete()
        run(capsys)
        assert "access.ended" in box.kinds
        told = [one["data"].get("client_id") for one in of_another.messages if one["type"] == "access.ended"]
        assert "web" not in told
        assert "person.deleted" in of_another.kinds


def test_a_project_hears_nothing_once_a_grant_has_ended_by_itself(box: Inbox, capsys: Any) -> None:
    used()
    for model in (Authorization, Consent):
        model.objects.update(ends_at=timezone.now())
    deactivated()
    run(capsys)
    assert box.bodies == []


def test_a_sign_out_is_not_told_to_whom_it_is_no_matter_any_more(box: Inbox, capsys: Any) -> None:
    used()
    Authorization.objects.update(ended_at=timezone.now(), ended_because="revoked")
    signed_out()
    run(capsys)
    assert box.bodies == []


def test_what_happened_before_somebody_allowed_anything_is_not_told(box: Inbox, capsys: Any) -> None:
    user = person()
    user.is_active = False
    user.save()
    user.is_active = True
    user.save()
    used()
    run(capsys)
    assert box.bodies == []


def test_what_happened_before_there_was_a_webhook_is_not_told(capsys: Any) -> None:
    used()
    deactivated()
    with inbox() as box:
        assert run(capsys) == {}
        assert box.bodies == []


def test_a_project_that_asks_nobody_hears_of_who_signed_in_there(capsys: Any) -> None:
    with inbox("house") as box:
        used("owner", "desk")
        deactivated()
        deactivated("member")
        run(capsys)
        assert {one["data"]["sub"] for one in box.messages} == {person().sub}


def test_where_nobody_is_told_nothing_is_written_and_nothing_read(capsys: Any) -> None:
    used()
    deactivated()
    person().delete()
    run(capsys)
    assert [model.objects.count() for model in (Delivery, Occurrence, ReadUntil)] == [0, 0, 0]


# --- What goes wrong -----------------------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize("status", [302, 307, 400, 401, 404, 500, 503])
def test_any_other_answer_is_tried_again_with_the_same_id_and_body(box: Inbox, capsys: Any, status: int) -> None:
    box.answer = lambda number: status if number == 1 else 200
    webhooks.test(the_webhook(), OPERATOR)
    assert run(capsys) == {"failed": 1}
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.status) == ("due", 1, status)
    assert str(status) in row.problem
    assert run(capsys) == {}, "not at once"
    with later(60):
        assert run(capsys) == {"delivered": 1}
        assert (box.bodies[0], box.ids[0]) == (box.bodies[1], box.ids[1])
        assert box.headers[0]["webhook-timestamp"] != box.headers[1]["webhook-timestamp"]
        assert Webhook.objects.get().failures == 0


def test_w1_a_later_event_of_a_person_waits_for_the_earlier_one(box: Inbox, capsys: Any) -> None:
    used()
    used("member")
    subs = person().sub, person("member").sub
    box.answer = lambda number: 500 if number == 1 else 200
    deactivated()
    assert run(capsys) == {"announced": 2, "failed": 1}
    deactivated("member")
    with later(20):  # the webhook is left alone for a while, so nothing is sent
        assert run(capsys) == {"announced": 2}
    with later(120):
        assert run(capsys)["delivered"] == 4
    told = [(one["data"]["sub"], one["type"]) for one in box.messages]
    for sub in subs:
        mine = [kind for whose, kind in told[1:] if whose == sub]
        assert mine == ["person.deactivated", "access.ended"]


def test_w1_after_a_day_it_is_disabled_with_a_mail_and_goes_on_when_it_is_enabled(box: Inbox, capsys: Any) -> None:
    box.answer = lambda _number: 500
    used("member")
    deactivated("member")
    with time_machine.travel(timezone.now(), tick=True) as clock:
        found = []
        for _ in range(outboxes.MAX_TRIES + 2):
            found.append(run(capsys))
            clock.shift(timedelta(hours=20))
        assert [one.get("given_up", 0) for one in found] == [0] * (outboxes.MAX_TRIES - 1) + [1, 0, 0]
        assert len(box.bodies) == outboxes.MAX_TRIES
        webhook = the_webhook()
        assert (webhook.enabled, webhook.disabled_because) == (False, "The app answered with status 500.")
        event = SecurityEvent.objects.get(kind="webhook.disabled")
        assert event.detail["project"] == "acme"
        call_command("delivermail")
        capsys.readouterr()
        [sent] = mail.outbox
        assert sent.to == ["owner@people.example"]
        assert "Acme" in sent.subject
        box.answer = lambda _number: 200
        webhooks.change(webhook, WebhookMetadata(url=box.url), OPERATOR)
        assert run(capsys)["delivered"] == 2, "nothing was lost"
    assert box.kinds[-2:] == ["person.deactivated", "access.ended"]


def test_who_says_gone_is_told_nothing_more(box: Inbox, capsys: Any) -> None:
    box.answer = lambda _number: 410
    webhooks.test(the_webhook(), OPERATOR)
    assert run(capsys) == {"given_up": 1}
    assert not the_webhook().enabled


def test_w2_nothing_is_sent_to_an_address_that_is_not_public(box: Inbox, capsys: Any, settings: Any) -> None:
    settings.IS_LOCAL = False
    webhooks.test(the_webhook(), OPERATOR)
    assert run(capsys) == {"failed": 1}
    assert box.bodies == []
    assert "Only https" in Delivery.objects.get().problem


def test_a_key_that_does_not_open_holds_up_what_it_signs_alone(box: Inbox, capsys: Any) -> None:
    """A webhook has none of our keys: it is told in the same run. The others are due again."""
    web = Client.objects.get(client_id="web")
    notices = [LogoutNotice(client=web, sid=uuid4(), sub="1", told_sub="1") for _ in range(4)]
    Client.objects.filter(pk=web.pk).update(backchannel_logout_uri=box.url, scope="openid ssf.manage")
    LogoutNotice.objects.bulk_create(notices)
    stream = Stream.objects.create(client=web, method=DeliveryMethod.PUSH, endpoint_url=box.url)
    for recipient in ({"webhook": the_webhook()}, {"stream": stream}):
        Delivery.objects.create(**recipient, sub="1", kind=ToldKind.ROLES, happened_at=timezone.now())
    with mock.patch.object(mint, "sign", side_effect=sealing.Unreadable("No secret opens it.")):
        assert run(capsys) == {"delivered": 1, "failed": 5}
    assert box.kinds == [ToldKind.ROLES]
    assert {one.problem for one in LogoutNotice.objects.all()} == {"No secret opens it."}


def test_a_run_that_was_held_up_sends_nothing(box: Inbox, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may have sent it meanwhile, and the one after it."""
    monkeypatch.setattr(outboxes, "STALE", -1.0)
    webhooks.test(the_webhook(), OPERATOR)
    assert run(capsys) == {"failed": 1}
    assert box.bodies == []


def test_w1_a_receiver_that_dies_in_the_middle_loses_nothing_and_gets_nothing_out_of_order(
    box: Inbox, capsys: Any
) -> None:
    """It hangs up after reading, as one that is killed does. What it had read comes again, and before what follows."""
    names = ("owner", "member")
    for name in names:
        used(name)
    for _ in range(3):
        for name in names:
            user = person(name)
            user.is_active = not user.is_active
            user.save()
    expected = ["person.deactivated", "person.activated", "person.deactivated"]
    box.answer = lambda number: None if number in (2, 3, 5, 9) else 204
    with time_machine.travel(timezone.now(), tick=True) as clock:
        for _ in range(8):
            run(capsys)
            clock.shift(timedelta(hours=1))
    assert not Delivery.objects.exclude(state=NoticeState.DELIVERED).exists()
    for name in names:
        mine = [
            (webhook_id, one["type"])
            for webhook_id, one in zip(box.ids, box.messages, strict=True)
            if one["data"]["sub"] == person(name).sub and one["type"] != "access.ended"
        ]
        assert [kind for _id, kind in dict.fromkeys(mine)] == expected, "each, in order"
        assert mine == sorted(mine, key=list(dict.fromkeys(mine)).index), "and again only before what follows"
    assert len(box.bodies) > len(set(box.ids)), "some came twice"


# --- Registration --------------------------------------------------------------------------------------------------

URL = "https://hooks.acme.example/vestibule"
BY = {"owner": True, "member": True, "outsider": False}


@pytest.mark.parametrize(("username", "may"), BY.items())
def test_editors_of_the_project_make_webhooks(username: str, may: bool) -> None:
    project, by = Project.objects.get(key="acme"), Actor.person(person(username))
    assert (webhooks.problems(WebhookMetadata(url=URL), project, by) == []) is may
    assert webhooks.problems(WebhookMetadata(url=URL), Project.objects.get(key="other"), by)


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"url": ""}, "url"),
        ({"url": "http://hooks.acme.example/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://me@hooks.acme.example/"}, "url"),
        ({"url": "https://hooks.acme.example/#x"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"url": f"https://hooks.acme.example/{'x' * 500}"}, "url"),
        ({"url": "https://hooks.acme.example/\0"}, "url"),
        ({"url": URL, "description": "x" * 101}, "description"),
        ({"url": URL, "kinds": ("person.born",)}, "kinds[0]"),
        ({"url": URL, "kinds": ("person.deleted", "person.deleted")}, "kinds[1]"),
        ({"url": URL, "kinds": ("webhook.test",)}, "kinds[0]"),
    ],
)
def test_what_no_webhook_can_be_is_refused_at_its_field(wanted: dict[str, Any], field: str) -> None:
    with pytest.raises(RegistrationError) as refused:
        webhooks.register(WebhookMetadata(**wanted), Project.objects.get(key="acme"), OPERATOR)
    assert [one.field for one in refused.value.problems] == [field]
    assert not Webhook.objects.exists()


@pytest.mark.any_database
@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_AAAA", f"whsec_{'A' * 200}", "whsec_!!!", "a" * 43, "whsec_\udc80" + "A" * 40]
)
def test_a_secret_that_is_none_is_refused_and_not_repeated(secret: str) -> None:
    project = Project.objects.get(key="acme")
    with pytest.raises(RegistrationError) as refused:
        webhooks.register(WebhookMetadata(url=URL), project, OPERATOR, [secret])
    [problem] = refused.value.problems
    assert problem.field == "secrets[0]"
    assert not secret or secret not in problem.message.replace("whsec_”", "")


def test_every_change_is_an_event_with_its_actor(box: Inbox) -> None:
    by = Actor.person(person())
    webhooks.rotate(the_webhook(), by)
    webhooks.test(the_webhook(), by)
    webhooks.end_previous(the_webhook(), by)
    webhooks.change(the_webhook(), WebhookMetadata(url=box.url, enabled=False), by)
    webhooks.delete(the_webhook(), by)
    kinds = ["created", "secret_made", "tested", "secret_ended", "changed", "deleted"]
    rows = SecurityEvent.objects.filter(kind__startswith="webhook.").order_by("pk")
    assert [one.kind for one in rows] == [f"webhook.{kind}" for kind in kinds]
    assert {one.sub for one in rows} == {"", person().sub}
    assert {one.detail["project"] for one in rows} == {"acme"}


def test_nothing_is_tested_that_is_disabled(box: Inbox) -> None:
    webhooks.change(the_webhook(), WebhookMetadata(url=box.url, enabled=False), OPERATOR)
    with pytest.raises(RegistrationError, match="disabled"):
        webhooks.test(the_webhook(), OPERATOR)
