"""An address is another one now: who may know it is told which one it was (RISC), everybody else only that."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from accounts.models import SignIn, User
from clients import many, registration, webhooks
from clients.models import Authorization, Client, Delivery, Occurrence, Stream
from clients.models.logout import NoticeState
from clients.models.stream import DeliveryMethod
from clients.webhooks import WebhookMetadata
from idp.api import person_changes
from idp.configuration import apply
from projects.models import Consent, Project
from provider import access, revocation
from provider.outboxes import Job
from provider.patience import Patience
from provider.revocation import Whose
from provider.telling import sets, stream_outbox
from provider.telling.spreading import spread
from tests.provider.telling.inbox import OPERATOR
from tests.world import Browser, claims_of

pytestmark = pytest.mark.django_db
OLD, NEW = "owner@people.example", "new@people.example"


@pytest.fixture
def stream(world: None) -> Stream:
    """Of the app `web`, whose person lets it know the address; and there are two addresses, both proved."""
    client, user = Client.objects.get(client_id="web"), User.objects.get(username="owner")
    Client.objects.filter(pk=client.pk).update(scope="openid email ssf.manage ssf.read")
    signed_in = SignIn.objects.create(user=user)
    Authorization.objects.create(
        client=client, user=user, sign_in=signed_in, scopes=["openid", "email"], auth_time=timezone.now()
    )
    EmailAddress.objects.update_or_create(user=user, email=OLD, defaults={"verified": True, "primary": True})
    EmailAddress.objects.create(user=user, email=NEW, verified=True)
    return Stream.objects.create(client=client, method=DeliveryMethod.POLL, events_requested=list(sets.SUPPORTED))


def owner() -> User:
    return User.objects.get(username="owner")


def by_a_program() -> None:
    person_changes.change(owner(), {"email": NEW}, OPERATOR)


def by_the_console() -> None:
    User.objects.create_superuser("root", "root@people.example", "root-pw")
    fields = {"username": "owner", "email": NEW, "is_active": "on"}
    page = Browser("root").http.post(f"/admin/accounts/user/{owner().pk}/change/", fields)
    assert page.status_code == 302


def by_the_file() -> None:
    apply(f"version: 1\nusers: [{{username: owner, email: {NEW}}}]\n")


def by_themselves() -> None:
    answer = Browser("owner").http.post("/accounts/email/", {"action_primary": "", "email": NEW})
    assert answer.status_code == 302
    assert owner().email == NEW


def told(stream: Stream) -> list[dict[str, Any]]:
    spread(lambda: False)
    rows = Delivery.objects.filter(stream=stream, kind="person.email_changed").order_by("pk")
    return [claims_of(stream_outbox.token(row, stream)) for row in rows]


@pytest.mark.parametrize("change", [by_a_program, by_the_console, by_the_file, by_themselves])
def test_w6_who_may_know_the_address_is_told_which_one_it_was(stream: Stream, change: Callable[[], None]) -> None:
    change()
    [said] = told(stream)
    assert said["sub_id"] == {"format": "email", "email": OLD}
    assert said["events"] == {sets.IDENTIFIER_CHANGED: {"new-value": NEW}}


def test_w6_who_may_not_know_it_is_told_that_it_changed(stream: Stream) -> None:
    Authorization.objects.update(scopes=["openid"])
    by_a_program()
    [said] = told(stream)
    assert said["sub_id"]["sub"] == owner().sub
    assert said["events"] == {sets.RECOVERY_CHANGED: {}}


def later() -> datetime:
    return timezone.now() + timedelta(seconds=1)


def by_consent_alone() -> None:
    Authorization.objects.all().delete()
    Consent.objects.create(project=Project.objects.get(key="acme"), user=owner(), scopes=["openid", "email"])


@pytest.mark.parametrize("allow", [lambda: None, by_consent_alone])
@pytest.mark.parametrize(
    "ending",
    [
        lambda: Client.objects.exclude(client_id="spa").update(sign_in="groups", sign_in_ids=[]),
        lambda: Project.objects.filter(key="acme").update(sign_in="groups", sign_in_ids=[]),
        lambda: Project.objects.filter(key="acme").update(status="testing"),
        lambda: Project.objects.filter(key="acme").update(tokens_not_before=later()),
        lambda: User.objects.filter(username="owner").update(tokens_not_before=later()),
        lambda: Client.objects.filter(project__key="acme").update(enabled=False),
    ],
)
def test_w6_whose_access_is_dead_is_told_that_it_changed_at_most(
    stream: Stream, allow: Callable[[], None], ending: Callable[[], int]
) -> None:
    allow()
    Client.objects.filter(client_id="spa").update(enabled=False)
    ending()
    by_a_program()
    assert list(Occurrence.objects.filter(kind="person.email_changed").values_list("detail", flat=True)) == [{}]


def test_w6_what_a_consent_lets_it_know_is_told(stream: Stream) -> None:
    by_consent_alone()
    by_a_program()
    assert told(stream)[0]["events"] == {sets.IDENTIFIER_CHANGED: {"new-value": NEW}}


def test_w6_one_whose_tokens_were_ended_is_told_that_it_changed(stream: Stream) -> None:
    Client.objects.filter(client_id="web").update(tokens_not_before=later())
    by_a_program()
    assert told(stream)[0]["events"] == {sets.RECOVERY_CHANGED: {}}


def test_w6_one_that_was_not_proved_names_nobody(stream: Stream) -> None:
    """Somebody could enter an address that is not theirs, change it, and get the account that has it elsewhere."""
    EmailAddress.objects.filter(email=OLD).update(verified=False)
    by_a_program()
    [said] = told(stream)
    assert said["events"] == {sets.RECOVERY_CHANGED: {}}


def test_w6_a_new_one_that_is_not_proved_is_not_told(stream: Stream) -> None:
    EmailAddress.objects.filter(email=NEW).update(verified=False)
    by_a_program()
    [said] = told(stream)
    assert (said["sub_id"]["email"], said["events"]) == (OLD, {sets.IDENTIFIER_CHANGED: {}})


def test_w6_that_it_is_gone_is_told(stream: Stream) -> None:
    person_changes.change(owner(), {"email": ""}, OPERATOR)
    [said] = told(stream)
    assert (said["sub_id"]["email"], said["events"]) == (OLD, {sets.IDENTIFIER_CHANGED: {}})


def test_another_address_of_somebody_is_no_matter_of_apps(stream: Stream) -> None:
    answer = Browser("owner").http.post("/accounts/email/", {"action_remove": "", "email": NEW})
    assert answer.status_code == 302
    assert told(stream) == []


def test_w3_a_webhook_is_told_no_address(stream: Stream) -> None:
    project = Project.objects.get(key="acme")
    webhooks.register(WebhookMetadata(url="https://hooks.acme.example/in"), project, OPERATOR)
    by_a_program()
    told(stream)
    assert [one.data for one in Delivery.objects.filter(stream=None, kind="person.email_changed")] == [{}]


@pytest.mark.parametrize("end", ["acknowledge", "refuse"])
def test_once_it_is_told_it_is_kept_no_longer(stream: Stream, end: str) -> None:
    by_a_program()
    [said] = told(stream)
    if end == "acknowledge":
        stream_outbox.acknowledge(stream, [said["jti"]])
    else:
        stream_outbox.refuse(stream, said["jti"], "unknown")
    row = Delivery.objects.get(kind="person.email_changed")
    assert (row.state == NoticeState.DUE, row.data) == (False, {})


@pytest.mark.parametrize("spread_before", [True, False])
def test_of_somebody_who_is_gone_no_address_waits(stream: Stream, spread_before: bool) -> None:
    by_a_program()
    if spread_before:
        spread(lambda: False)
    owner().delete()
    kept = [*Delivery.objects.values_list("data", flat=True), *Occurrence.objects.values_list("detail", flat=True)]
    assert not any("before" in one for one in kept)
    assert [list(one["events"]) for one in told(stream)] == [[sets.RECOVERY_CHANGED]]


@pytest.mark.parametrize("take_back", [access.revoke_all, functools.partial(access.revoke, scope="email")])
@pytest.mark.parametrize("spread_before", [True, False])
def test_of_what_was_taken_back_no_address_waits(
    stream: Stream, take_back: Callable[[User, str], object], spread_before: bool
) -> None:
    by_a_program()
    if spread_before:
        spread(lambda: False)
    take_back(owner(), "acme")
    assert [list(one["events"]) for one in told(stream)] == [[sets.RECOVERY_CHANGED]]
    assert not any("before" in one for one in Delivery.objects.values_list("data", flat=True))


def ended_by_an_administrator() -> None:
    revocation.end_by(Authorization.objects.all(), OPERATOR)


def ended_by_an_operator() -> None:
    revocation.revoke(Whose(user=owner()), OPERATOR)


def ended_for_everybody() -> None:
    revocation.revoke(Whose(project=Project.objects.get(key="acme")), OPERATOR)


def deactivated() -> None:
    person_changes.change(owner(), {"is_active": False}, OPERATOR)


def app_disabled() -> None:
    with transaction.atomic():
        many.switch(registration.locked(["web", "spa"]).values(), OPERATOR, on=False)


def nobody_is_let_in() -> None:
    Project.objects.filter(key="acme").update(sign_in="groups", sign_in_ids=[])


ENDINGS = [
    *(ended_by_an_administrator, ended_by_an_operator, ended_for_everybody),
    *(deactivated, app_disabled, nobody_is_let_in),
]


def addresses_kept() -> list[Any]:
    kept = [*Delivery.objects.values_list("data", flat=True), *Occurrence.objects.values_list("detail", flat=True)]
    return [one for one in kept if "before" in one]


@pytest.mark.parametrize("end", ENDINGS)
@pytest.mark.parametrize("spread_before", [True, False])
def test_whose_access_somebody_else_ended_has_no_address_that_waits(
    stream: Stream, end: Callable[[], None], spread_before: bool
) -> None:
    by_a_program()
    if spread_before:
        spread(lambda: False)
    end()
    assert [list(one["events"]) for one in told(stream)] == [[sets.RECOVERY_CHANGED]]
    assert addresses_kept() == []


@pytest.mark.parametrize("subject_type", ["public", "pairwise"])
@pytest.mark.parametrize("method", [DeliveryMethod.PUSH, DeliveryMethod.POLL])
def test_an_address_is_asked_for_once_more_before_it_leaves(stream: Stream, method: str, subject_type: str) -> None:
    """Whatever happened since it was put there; and nobody gets a kind of event that they did not ask for."""
    Project.objects.filter(key="acme").update(subject_type=subject_type, subject_salt="salt")
    where = "https://hooks.acme.example/set" if method == DeliveryMethod.PUSH else ""
    Stream.objects.update(method=method, endpoint_url=where, events_requested=[sets.IDENTIFIER_CHANGED])

    def leaving() -> list[str]:
        stream.refresh_from_db()
        if method == DeliveryMethod.POLL:
            return [*stream_outbox.fetch(stream, 10)[0].values()]
        return [""] if isinstance(stream_outbox.Streams().next(Patience()), Job) else []

    by_a_program()
    spread(lambda: False)
    assert len(leaving()) == 1, "it may know it"
    Delivery.objects.update(attempts=0, next_attempt_at=timezone.now())
    ended_by_an_administrator()
    assert leaving() == []
    row = Delivery.objects.get(stream=stream)
    assert (row.state, row.data) == (NoticeState.GIVEN_UP, {})


def test_who_may_still_know_the_address_is_told_which_one_it_was(stream: Stream) -> None:
    first = Authorization.objects.get()
    Authorization.objects.create(
        client=first.client,
        user=first.user,
        sign_in=first.sign_in,
        scopes=["openid", "orders.read"],
        auth_time=first.auth_time,
    )
    by_a_program()
    access.revoke(owner(), "acme", scope="orders.read")
    assert told(stream)[0]["events"] == {sets.IDENTIFIER_CHANGED: {"new-value": NEW}}
