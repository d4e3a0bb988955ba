"""What ends a token: the same for codes, refresh tokens, opaque access tokens and JWTs, at once and everywhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import SignIn, User
from clients.models import AccessToken, Authorization, Client, RevokedToken
from projects.models import Consent, Project
from provider.facts import find_client
from provider.protocol.errors import InvalidGrant
from provider.protocol.facts import ClientFacts
from provider.store import authorizations, find, live
from provider.store.presented import Presented
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def web() -> ClientFacts:
    facts = find_client("web")
    assert facts is not None
    return facts


def opener(open_it: Callable[[str, ClientFacts], Presented]) -> Callable[[str], bool]:
    """Whether a text opens. The client was loaded before: what ends a token may come between the two."""
    client = web()

    def opens(text: str) -> bool:
        try:
            live.refuse_ended(open_it(text, client), client)
        except InvalidGrant:
            return False
        return True

    return opens


def code() -> tuple[str, Callable[[str], bool]]:
    return Browser("owner").code("web", scope="openid"), opener(authorizations.open_code)


def refresh() -> tuple[str, Callable[[str], bool]]:
    token = Browser("owner").tokens("web", scope="openid offline_access")["refresh_token"]
    return token, opener(authorizations.open_refresh)


def introspected_refresh() -> tuple[str, Callable[[str], bool]]:
    return refresh()[0], lambda text: find.refresh_token(text) is not None


def opaque() -> tuple[str, Callable[[str], bool]]:
    return Browser("owner").tokens("web")["access_token"], lambda text: find.access_token(text) is not None


def jwt() -> tuple[str, Callable[[str], bool]]:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    token, lives = opaque()
    assert token.count(".") == 2
    return token, lives


def own_opaque() -> tuple[str, Callable[[str], bool]]:
    token = App("web").token(grant_type="client_credentials").json()["access_token"]
    return token, lambda text: find.access_token(text) is not None


def own_jwt() -> tuple[str, Callable[[str], bool]]:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    return own_opaque()


OF_A_PERSON = [code, refresh, introspected_refresh, opaque, jwt]
OF_A_CLIENT = [own_opaque, own_jwt]
Kind = Callable[[], tuple[str, Callable[[str], bool]]]


def soon() -> dict[str, object]:
    return {"tokens_not_before": timezone.now() + timedelta(seconds=1)}


def testing(*usernames: str) -> None:
    project = Project.objects.get(key="acme")
    project.status = "testing"
    project.save()
    project.test_users.set(User.objects.filter(username__in=usernames))


CLIENT_ENDS: dict[str, Callable[[], object]] = {
    "client disabled": lambda: Client.objects.filter(client_id="web").update(enabled=False),
    "client's tokens ended": lambda: Client.objects.filter(client_id="web").update(**soon()),
    "project's tokens ended": lambda: Project.objects.filter(key="acme").update(**soon()),
    "client deleted": lambda: Client.objects.get(client_id="web").delete(),
}
PERSON_ENDS: dict[str, Callable[[], object]] = {
    "person deactivated": lambda: User.objects.filter(username="owner").update(is_active=False),
    "person's tokens ended": lambda: User.objects.filter(username="owner").update(**soon()),
    "person deleted": lambda: User.objects.get(username="owner").delete(),
    "authorization ended": lambda: authorizations.end(str(Authorization.objects.get().pk), "a test"),
    "consent deleted": lambda: Consent.objects.all().delete(),
    "project back in testing": lambda: Project.objects.filter(key="acme").update(status="testing"),
    "test users others": lambda: testing("member"),
}
ELSEWHERE: dict[str, Callable[[], object]] = {
    "another client disabled": lambda: Client.objects.filter(client_id="sibling").update(enabled=False),
    "another person deactivated": lambda: User.objects.filter(username="member").update(is_active=False),
    "another project in testing": lambda: Project.objects.filter(key="other").update(status="testing"),
    "project in testing with this person": lambda: testing("member", "owner"),
    "another project ended": lambda: Project.objects.filter(key="other").update(**soon()),
    "ended before it was issued": lambda: Project.objects.update(
        tokens_not_before=timezone.now() - timedelta(seconds=60)
    ),
}


@pytest.mark.parametrize("ending", [*CLIENT_ENDS, *PERSON_ENDS])
@pytest.mark.parametrize("kind", OF_A_PERSON, ids=lambda kind: kind.__name__)
def test_this_ends_every_token_of_a_person(kind: Kind, ending: str) -> None:
    text, lives = kind()
    assert lives(text)
    {**CLIENT_ENDS, **PERSON_ENDS}[ending]()
    assert not lives(text)


@pytest.mark.parametrize("ending", CLIENT_ENDS)
@pytest.mark.parametrize("kind", OF_A_CLIENT, ids=lambda kind: kind.__name__)
def test_this_ends_every_token_of_a_client(kind: Kind, ending: str) -> None:
    text, lives = kind()
    assert lives(text)
    CLIENT_ENDS[ending]()
    assert not lives(text)


@pytest.mark.any_database
@pytest.mark.parametrize("elsewhere", ELSEWHERE)
@pytest.mark.parametrize("kind", [*OF_A_PERSON, *OF_A_CLIENT], ids=lambda kind: kind.__name__)
def test_what_happens_elsewhere_ends_nothing(kind: Kind, elsewhere: str) -> None:
    text, lives = kind()
    ELSEWHERE[elsewhere]()
    assert lives(text)


@pytest.mark.parametrize(
    ("kind", "lifetime"),
    [(code, 60), (refresh, 30 * 24 * 3600), (opaque, 3600), (jwt, 3600), (own_opaque, 3600), (own_jwt, 3600)],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_each_token_lives_as_long_as_it_should(kind: Kind, lifetime: int) -> None:
    text, lives = kind()
    with time_machine.travel(timezone.now() + timedelta(seconds=lifetime - 5)):
        assert lives(text)
    with time_machine.travel(timezone.now() + timedelta(seconds=lifetime + 1)):
        assert not lives(text)


@pytest.mark.parametrize("kind", [code, opaque, jwt], ids=lambda kind: kind.__name__)
def test_what_has_no_offline_access_dies_with_its_sign_in_and_a_refresh_token_does_not(kind: Kind) -> None:
    text, lives = kind()
    token, still_lives = refresh()
    SignIn.objects.filter(authorizations__offline=False).update(ended_at=timezone.now())
    assert not lives(text)
    SignIn.objects.update(ended_at=timezone.now())
    assert still_lives(token)


@pytest.mark.parametrize("kind", [opaque, jwt, own_opaque, own_jwt], ids=lambda kind: kind.__name__)
def test_a_revoked_access_token_is_dead(kind: Kind) -> None:
    text, lives = kind()
    authorizations.revoke(text, web())
    assert not lives(text)


@pytest.mark.parametrize("kind", [code, refresh, opaque, jwt, own_jwt], ids=lambda kind: kind.__name__)
def test_a_text_that_is_not_quite_the_token_is_unknown(kind: Kind) -> None:
    text, lives = kind()
    swapped = text[:-1] + ("A" if text[-1] != "A" else "B")
    for other in (text[:-1], text + "A", text[1:], swapped, text.swapcase(), f" {text}", "", "\0", "\ud800"):
        assert not lives(other)
    assert lives(text)


def test_a_token_of_one_kind_is_not_one_of_another() -> None:
    answer = Browser("owner").tokens("web", scope="openid offline_access")
    for wrong in (answer["refresh_token"], answer["id_token"]):
        assert find.access_token(wrong) is None
    for wrong in (answer["access_token"], answer["id_token"]):
        assert find.refresh_token(wrong) is None
        assert not opener(authorizations.open_refresh)(wrong)
        assert not opener(authorizations.open_code)(wrong)
    assert find.id_token(answer["access_token"]) is None


def test_a_token_says_whose_it_is_and_for_what() -> None:
    found = find.access_token(opaque()[0])
    assert found is not None
    assert found.person is not None
    assert found.sign_in is not None
    row = Authorization.objects.get()
    assert (found.client.client_id, found.person.username, found.scopes, found.audience) == (
        *("web", "owner"),
        ("openid",),
        ("web",),
    )
    assert (found.authorization_id, found.sign_in.sid) == (str(row.pk), str(row.sign_in_id))
    assert found.sign_in.auth_time == int(row.auth_time.timestamp())


def test_a_client_whose_id_another_one_had_is_not_that_one() -> None:
    """A JWT names its client; a token of a client that is gone does not come back with a namesake."""
    text, lives = own_jwt()
    project = Client.objects.get(client_id="web").project
    Client.objects.get(client_id="web").delete()
    Client.objects.bulk_create(  # a row cannot be saved with an id that is spent
        [Client(client_id="web", project=project, client_type="confidential", tokens_not_before=timezone.now())]
    )
    assert not lives(text)


def test_the_deny_list_keeps_no_token() -> None:
    text, _lives = jwt()
    authorizations.revoke(text, web())
    row = RevokedToken.objects.get()
    assert row.jti not in (text, "")
    assert row.expires > timezone.now()
    assert not AccessToken.objects.exists(), "a JWT has no row"


def test_whoever_leaves_the_test_users_is_out_and_comes_back_with_them() -> None:
    testing("owner")
    token, lives = refresh()
    id_token = Browser("owner").tokens("web")["id_token"]
    assert lives(token)
    testing()
    assert not lives(token)
    assert find.id_token(id_token) is None
    testing("owner")
    assert lives(token)
    assert find.id_token(id_token) is not None


@pytest.mark.parametrize(("in_testing", "more"), [(False, 0), (True, 1)])
def test_only_projects_in_testing_cost_a_statement_more(
    in_testing: bool, more: int, django_assert_num_queries: Any
) -> None:
    token, lives = opaque()
    assert lives(token), "what is remembered of the client has been read"
    with CaptureQueriesContext(connection) as usual:
        find.access_token(token)
    if in_testing:
        testing("owner")
        assert lives(token)
    with django_assert_num_queries(len(usual) + more):
        assert find.access_token(token) is not None
