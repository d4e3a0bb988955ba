"""The facts of a sign-in come from the session's own record, and end when it does."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts import sign_in
from accounts.models import SignIn, User

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"


@pytest.fixture
def person() -> User:
    return User.objects.create_user("person", "person@example.com", PASSWORD)


def log_in(client: Client, user: User) -> None:
    response = client.post(reverse("account_login"), {"login": user.username, "password": PASSWORD})
    assert response.status_code == 302


def request_of(client: Client, user: User | AnonymousUser) -> HttpRequest:
    request = RequestFactory().get("/")
    request.session = client.session
    request.user = user
    return request


def current(client: Client, user: User) -> SignIn | None:
    return sign_in.current(request_of(client, user))


def record(client: Client, user: User, **entry: Any) -> None:
    session = client.session
    session["account_authentication_methods"] = [*session.get("account_authentication_methods", []), entry]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()


def test_signing_in_by_password_gives_time_and_method(client: Client, person: User) -> None:
    before = timezone.now()
    log_in(client, person)
    row = current(client, person)
    assert row is not None
    assert row.user == person
    assert before <= row.auth_time <= timezone.now()
    assert row.amr == ["pwd"]
    assert row.ended_at is None


def test_a_forced_sign_in_has_a_row_that_claims_no_method(client: Client, person: User) -> None:
    client.force_login(person)
    row = current(client, person)
    assert row is not None
    assert row.amr == []


def test_auth_time_is_not_the_last_login_of_another_browser(client: Client, person: User) -> None:
    log_in(client, person)
    row = current(client, person)
    assert row is not None
    log_in(Client(), person)
    User.objects.filter(pk=person.pk).update(last_login=timezone.now() + timedelta(hours=1))
    again = current(client, User.objects.get(pk=person.pk))
    assert again is not None
    assert (again.sid, again.auth_time) == (row.sid, row.auth_time)


def test_two_browsers_have_two_sign_ins(client: Client, person: User) -> None:
    other = Client()
    log_in(client, person)
    log_in(other, person)
    here, there = current(client, person), current(other, person)
    assert here is not None
    assert there is not None
    assert here.sid != there.sid


def test_signing_in_over_somebody_elses_session_ends_theirs(client: Client, person: User) -> None:
    log_in(client, person)
    other = User.objects.create_user("other", "other@example.com", PASSWORD)
    get_adapter().login(request_of(client, person), other)
    assert list(SignIn.objects.filter(ended_at=None).values_list("user__username", flat=True)) == ["other"]


def test_the_session_id_changes_at_sign_in(client: Client, person: User) -> None:
    client.get(reverse("account_login"))
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key or ""
    log_in(client, person)
    assert client.session.session_key != session.session_key
    assert client.cookies[settings.SESSION_COOKIE_NAME].value == client.session.session_key


def test_proving_oneself_again_moves_auth_time_on_the_same_sign_in(client: Client, person: User) -> None:
    log_in(client, person)
    first = current(client, person)
    assert first is not None
    url = sign_in.reauthenticate_url(request_of(client, person), "/somewhere?a=b&c=d")
    response = client.post(url, {"password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "/somewhere?a=b&c=d")
    second = current(client, person)
    assert second is not None
    assert second.sid == first.sid
    assert second.auth_time > first.auth_time
    assert SignIn.objects.get(pk=first.pk).auth_time == second.auth_time


def test_a_wrong_password_at_reauthentication_moves_nothing(client: Client, person: User) -> None:
    log_in(client, person)
    first = current(client, person)
    url = sign_in.reauthenticate_url(request_of(client, person), "/somewhere")
    response = client.post(url, {"password": "a guess"})
    assert response.status_code == 200
    second = current(client, person)
    assert first is not None
    assert second is not None
    assert second.auth_time == first.auth_time


def test_auth_time_never_moves_back(client: Client, person: User) -> None:
    client.force_login(person)
    row = current(client, person)
    assert row is not None
    record(client, person, method="password", at=time.time() - 3600)
    again = current(client, person)
    assert again is not None
    assert again.auth_time == row.auth_time


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([{"method": "password"}], ["pwd"]),
        ([{"method": "password"}, {"method": "password", "reauthenticated": True}], ["pwd"]),
        ([{"method": "password"}, {"method": "mfa", "type": "totp"}], ["pwd", "otp", "mfa"]),
        ([{"method": "password"}, {"method": "mfa", "type": "recovery_codes"}], ["pwd", "otp", "mfa"]),
        ([{"method": "mfa", "type": "webauthn"}], ["swk"]),
        ([{"method": "password"}, {"method": "mfa", "type": "webauthn"}], ["pwd", "swk", "mfa"]),
        ([{"method": "socialaccount", "provider": "example"}], []),
    ],
)
def test_methods_become_the_registered_values(
    client: Client, person: User, entries: list[dict[str, Any]], expected: list[str]
) -> None:
    client.force_login(person)
    at = time.time() + 1
    for number, entry in enumerate(entries):
        record(client, person, at=at + number, **entry)
    row = current(client, person)
    assert row is not None
    assert row.amr == expected
    assert row.auth_time == datetime.fromtimestamp(at + len(entries) - 1, UTC)


def test_the_record_of_somebody_else_in_the_session_counts_for_nothing(client: Client, person: User) -> None:
    other = User.objects.create_user("other")
    client.force_login(person)
    record(client, other, method="password", at=time.time() + 60)
    row = current(client, person)
    assert row is not None
    assert row.amr == []


def test_nobody_signed_in_has_no_sign_in(client: Client) -> None:
    assert sign_in.current(request_of(client, AnonymousUser())) is None


def test_signing_out_ends_the_sign_in(client: Client, person: User) -> None:
    log_in(client, person)
    row = current(client, person)
    assert row is not None
    client.post(reverse("account_logout"))
    assert SignIn.objects.get(pk=row.pk).ended_at is not None
    assert current(client, person) is None


def test_signing_in_anew_ends_the_sign_in_before(client: Client, person: User) -> None:
    client.force_login(person)
    first = current(client, person)
    client.force_login(person)
    second = current(client, person)
    assert first is not None
    assert second is not None
    assert SignIn.objects.get(pk=first.pk).ended_at is not None
    assert second.ended_at is None


def test_a_deactivated_person_has_no_sign_in(client: Client, person: User) -> None:
    log_in(client, person)
    person.is_active = False
    person.save()
    assert current(client, person) is None
    assert not client.get(reverse("account_login")).wsgi_request.user.is_authenticated


def test_an_ended_sign_in_is_none_and_signs_nobody_in(client: Client, person: User) -> None:
    log_in(client, person)
    SignIn.objects.update(ended_at=timezone.now())
    assert current(client, person) is None
    response = client.get(reverse("account_email"))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))
    assert "_auth_user_id" not in client.session


def test_a_session_without_a_sign_in_signs_nobody_in(client: Client, person: User) -> None:
    log_in(client, person)
    session = client.session
    del session[sign_in.SESSION_KEY]
    session.save()
    assert client.get(reverse("account_email")).status_code == 302


def test_the_sign_in_of_somebody_else_is_none(client: Client, person: User) -> None:
    other = User.objects.create_user("other")
    log_in(client, person)
    assert current(client, other) is None


def test_end_all_spares_only_the_one_to_keep(client: Client, person: User) -> None:
    other = Client()
    log_in(client, person)
    log_in(other, person)
    kept = current(client, person)
    assert kept is not None
    sign_in.end_all(person, keep=str(kept.sid))
    assert current(client, person) is not None
    assert current(other, person) is None


def test_changing_the_password_ends_the_other_sign_ins(client: Client, person: User) -> None:
    other = Client()
    log_in(client, person)
    log_in(other, person)
    elsewhere = current(other, person)
    assert elsewhere is not None
    changed = {"oldpassword": PASSWORD, "password1": "another long phrase", "password2": "another long phrase"}
    assert client.post(reverse("account_change_password"), changed).status_code == 302
    assert SignIn.objects.get(pk=elsewhere.pk).ended_at is not None
    assert current(client, person) is not None


def test_somebody_without_a_password_proves_who_they_are_by_signing_in_again(client: Client) -> None:
    person = User.objects.create_user("passwordless")
    client.force_login(person)
    url = sign_in.reauthenticate_url(request_of(client, person), "/next")
    assert url == sign_in.switch_url("/next")


def test_use_another_account_signs_out_only_by_post_and_comes_back(client: Client, person: User) -> None:
    other = User.objects.create_user("other", password=PASSWORD)
    log_in(client, person)
    row = current(client, person)
    assert row is not None
    url = sign_in.switch_url("/authorize?client_id=x&state=y")
    assert client.get(url).status_code == 200
    assert SignIn.objects.get(pk=row.pk).ended_at is None
    response = client.post(url)
    assert SignIn.objects.get(pk=row.pk).ended_at is not None
    assert response.status_code == 302
    response = client.post(response["Location"], {"login": other.username, "password": PASSWORD})
    assert response["Location"] == "/authorize?client_id=x&state=y"
    assert current(client, other) is not None


@pytest.mark.parametrize(
    ("amr", "acr"), [([], ""), (["pwd"], "aal1"), (["swk"], "aal1"), (["pwd", "otp", "mfa"], "aal2")]
)
def test_the_methods_decide_the_level(amr: list[str], acr: str) -> None:
    assert sign_in.acr_of(amr) == acr


@pytest.mark.parametrize(
    ("acr", "wanted", "enough"),
    [
        ("aal1", "aal1", True),
        ("aal2", "aal1", True),
        ("aal2", "aal2", True),
        ("aal1", "aal2", False),
        ("", "aal1", False),
        ("aal2", "", False),
        ("aal3", "aal3", False),
        ("aal2", "aal3", False),
    ],
)
def test_a_level_satisfies_itself_and_weaker_ones_and_nothing_unknown(acr: str, wanted: str, enough: bool) -> None:
    assert sign_in.satisfies(acr, wanted) is enough


def test_the_level_follows_the_session(client: Client, person: User) -> None:
    log_in(client, person)
    row = current(client, person)
    assert row is not None
    assert row.acr == "aal1"
    record(client, person, method="mfa", type="totp", at=time.time() + 1)
    assert current(client, person) is not None
    assert SignIn.objects.get(pk=row.pk).acr == "aal2"


def test_a_passkey_alone_is_two_factors_because_it_verified_its_person(client: Client, person: User) -> None:
    client.force_login(person)
    record(client, person, method="mfa", type="webauthn", passwordless=True, at=time.time() + 1)
    row = current(client, person)
    assert row is not None
    assert (row.amr, row.acr) == (["swk", "mfa"], "aal2")


PASSWORD_ALONE = {"method": "password", "reauthenticated": True}
BOTH = [{"method": "password"}, {"method": "mfa", "type": "totp"}]


@pytest.mark.parametrize(
    ("before", "after", "amr"),
    [
        (BOTH, [PASSWORD_ALONE], ["pwd"]),
        (BOTH, [PASSWORD_ALONE, {"method": "mfa", "type": "totp"}], ["pwd", "otp", "mfa"]),
        (BOTH, [{"method": "mfa", "type": "totp", "reauthenticated": True}], ["pwd", "otp", "mfa"]),
        ([{"method": "mfa", "type": "webauthn", "passwordless": True}], [PASSWORD_ALONE], ["pwd"]),
        (
            [{"method": "mfa", "type": "webauthn", "passwordless": True}],
            [{"method": "mfa", "type": "webauthn", "reauthenticated": True}],
            ["swk", "mfa"],
        ),
        ([{"method": "upstream", "mfa": True, "amr": ["hwk"]}], [PASSWORD_ALONE], ["pwd"]),
        ([{"method": "password"}, {"method": "upstream"}], [PASSWORD_ALONE], ["pwd", "federated"]),
        ([*BOTH, {"method": "mfa", "type": "webauthn", "enrolled": True}], [PASSWORD_ALONE], ["pwd"]),
    ],
)
def test_the_level_is_as_fresh_as_auth_time(
    client: Client, person: User, before: list[dict[str, Any]], after: list[dict[str, Any]], amr: list[str]
) -> None:
    """An app that asked for a sign-in of now is not told of a second step of this morning."""
    client.force_login(person)
    at = time.time() + 1
    for number, entry in enumerate([*before, *after]):
        record(client, person, at=at + number, **entry)
    row = current(client, person)
    assert row is not None
    assert (row.amr, row.acr) == (amr, "aal2" if "mfa" in amr else "aal1")


@pytest.mark.parametrize(
    ("types", "name"),
    [
        ([], "mfa_index"),
        (["recovery_codes"], "mfa_index"),
        (["totp", "recovery_codes"], "mfa_reauthenticate"),
        (["totp", "webauthn"], "mfa_reauthenticate"),
        (["webauthn", "recovery_codes"], "mfa_reauthenticate_webauthn"),
    ],
)
def test_who_needs_another_factor_comes_to_the_page_for_theirs(
    client: Client, person: User, types: list[str], name: str
) -> None:
    log_in(client, person)
    for one in types:
        Authenticator.objects.create(user=person, type=one, data={})
    url = sign_in.step_up_url(request_of(client, person), "/authorize?a=b&c=d")
    assert url == f"{reverse(name)}?next=%2Fauthorize%3Fa%3Db%26c%3Dd"


def test_a_session_that_only_knows_the_second_factor_is_asked_for_the_first(client: Client, person: User) -> None:
    client.force_login(person)
    record(client, person, method="mfa", type="totp", at=time.time() + 1)
    url = sign_in.step_up_url(request_of(client, person), "/next")
    assert url == sign_in.reauthenticate_url(request_of(client, person), "/next")
