from __future__ import annotations

import io
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db.models.signals import pre_delete
from django.test import Client as Http

from accounts.models import AccountEvent, AccountEventKind, Attribute, SignIn, User
from tests.accounts.second_steps import enrol
from tests.console import browser, form_of, page, problems, send

pytestmark = pytest.mark.usefixtures("console")


def user(username: str = "person") -> User:
    return User.objects.get(username=username)


def change(username: str = "person", /, **fields: Any) -> Any:
    return send(browser("root"), page("accounts_user_change", user(username).pk), fields)


@pytest.mark.parametrize("username", ["owner", "viewer", "nobody"])
def test_accounts_are_for_superusers_only(username: str) -> None:
    http = browser(username)
    key = user().pk
    for name, args in (("changelist", ()), ("add", ()), ("change", (key,)), ("delete", (key,)), ("history", (key,))):
        assert http.get(page(f"accounts_user_{name}", *args)).status_code == 403
        assert http.post(page(f"accounts_user_{name}", *args), {"is_superuser": "on"}).status_code == 403
    assert http.post(page("auth_user_password_change", key), {"password1": "x"}).status_code == 403
    assert not user().is_superuser


def test_a_superuser_adds_somebody() -> None:
    password = "correct horse battery"
    new = {"username": "new", "password1": password, "password2": password, "usable_password": "true"}
    assert send(browser("root"), page("accounts_user_add"), new).status_code == 302
    assert user("new").check_password(password)
    assert password not in "".join(LogEntry.objects.values_list("change_message", flat=True))


def test_the_pages_for_passwords_speak_of_our_own_sign_in() -> None:
    """There is no other backend to fall back on."""
    person = user()
    person.set_password("correct horse battery")
    person.save()
    for address in (page("accounts_user_add"), page("auth_user_password_change", person.pk)):
        text = browser("root").get(address).content.decode()
        assert "If disabled, no password opens this account." in text, address
        assert "LDAP" not in text
        assert "backend" not in text
    assert 'id="id_unusable_warning"' in text
    assert "The password it has now is lost." in text


def test_a_superuser_adds_somebody_without_a_password() -> None:
    assert send(browser("root"), page("accounts_user_add"), {"username": "new", "usable_password": "false"})
    assert not user("new").has_usable_password()


def test_the_subject_stays() -> None:
    before = user().sub
    assert "sub" not in form_of(browser("root").get(page("accounts_user_change", user().pk)))
    assert change(sub="00000000-0000-4000-8000-000000000000", first_name="Pat").status_code == 302
    assert (user().sub, user().first_name) == (before, "Pat")


@pytest.mark.parametrize("email", ["root@people.example", "ROOT@people.example"])
def test_an_email_address_belongs_to_one_account(email: str) -> None:
    assert problems(change(email=email)) == {"email": ["Another account has this e-mail address."]}


@pytest.mark.parametrize("email", ["second@people.example", "Second@people.example"])
def test_an_address_that_another_account_verified_is_theirs(email: str) -> None:
    """It signs them in: whoever else had it could not sign in by it, and their mail would go to a stranger."""
    theirs = EmailAddress.objects.create(user=user("owner"), email="second@people.example", verified=True)
    assert problems(change(email=email)) == {"email": ["Another account has verified this e-mail address."]}
    theirs.verified = False
    theirs.save()
    assert change(email=email).status_code == 302, "adding an address keeps nobody else from it"
    theirs.verified = True
    theirs.save()
    assert change(first_name="Pat").status_code == 302, "an old clash does not stand in the way of other changes"


PASSWORD = "correct horse battery"
OLD = "person@people.example"


@pytest.fixture
def with_password() -> User:
    """Somebody who signs in by a verified address."""
    person = user()
    person.set_password(PASSWORD)
    person.save()
    assert EmailAddress.objects.filter(user=person, email=OLD, primary=True).update(verified=True) == 1
    return person


def signs_in(login: str) -> bool:
    answer = Http().post("/accounts/login/", {"login": login, "password": PASSWORD})
    return answer.status_code == 302


@pytest.mark.parametrize("email", ["new@people.example", ""])
def test_an_address_that_was_replaced_opens_the_account_no_more(
    email: str, with_password: User, mailoutbox: list[EmailMessage]
) -> None:
    """Whoever still reads the old mailbox would reset the password."""
    assert signs_in(OLD)
    assert change(email=email).status_code == 302
    assert not signs_in(OLD)
    mailoutbox.clear()
    Http().post("/accounts/password/reset/", {"email": OLD})
    assert [mail.to for mail in mailoutbox if "/password/reset/key/" in mail.body] == []
    rows = EmailAddress.objects.filter(user=with_password).values_list("email", "verified", "primary")
    assert list(rows) == ([(email, False, True)] if email else [])
    assert signs_in("person")


def test_an_address_the_person_verified_before_stays_verified(with_password: User) -> None:
    EmailAddress.objects.create(user=with_password, email="second@people.example", verified=True)
    assert change(email="second@people.example").status_code == 302
    rows = EmailAddress.objects.filter(user=with_password).values_list("email", "verified", "primary")
    assert list(rows) == [("second@people.example", True, True)]


def test_the_same_address_in_other_capitals_is_not_replaced(with_password: User) -> None:
    assert change(email=OLD.upper()).status_code == 302
    rows = EmailAddress.objects.filter(user=with_password).values_list("email", "verified", "primary")
    assert list(rows) == [(OLD, True, True)]


def test_a_name_may_change_its_capitals() -> None:
    assert change(username="Person").status_code == 302
    assert user("Person")


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", ""),
        ("username", "root"),
        ("username", "Root"),
        ("username", "a\0b"),
        ("username", "x" * 100_000),
        ("email", "nowhere"),
        ("phone_number", "1" * 100),
        ("address", "x" * 100_000),
        ("tokens_not_before_0", "2999-01-01"),
    ],
)
def test_bad_input_is_an_error_on_its_field(field: str, value: str) -> None:
    assert list(problems(change(**{field: value}))) == [field.removesuffix("_0")]


@pytest.mark.parametrize("field", ["is_active", "is_staff", "is_superuser"])
def test_nobody_locks_themselves_out(field: str) -> None:
    assert list(problems(change("root", **{field: []}))) == [field]
    assert change("owner", **{field: []}).status_code == 302


def test_deactivating_ends_every_sign_in() -> None:
    http = browser("owner")
    assert change("owner", is_active=[]).status_code == 302
    assert not SignIn.objects.filter(user=user("owner"), ended_at__isnull=True).exists()
    assert change("owner", is_active="on").status_code == 302
    assert http.get(page("index")).status_code == 302


def test_a_password_set_by_a_superuser_ends_every_sign_in() -> None:
    http = browser("owner")
    password = "another good password"
    fields = {"password1": password, "password2": password, "usable_password": "true"}
    assert send(browser("root"), page("auth_user_password_change", user("owner").pk), fields).status_code == 302
    assert user("owner").check_password(password)
    assert not SignIn.objects.filter(user=user("owner"), ended_at__isnull=True).exists()
    assert http.get(page("index")).status_code == 302


def test_a_password_set_on_the_command_line_does_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    http = browser("owner")
    monkeypatch.setattr("getpass.getpass", lambda **_prompt: PASSWORD)
    call_command("changepassword", "owner", stdout=io.StringIO())
    assert user("owner").check_password(PASSWORD)
    assert http.get(page("index")).status_code == 302
    assert AccountEvent.objects.get(kind=AccountEventKind.PASSWORD_REPLACED).sub == str(user("owner").sub)


def test_the_page_never_shows_a_password() -> None:
    person = user()
    person.set_password("the secret of a person")
    person.save()
    text = browser("root").get(page("accounts_user_change", person.pk)).content.decode()
    assert person.password not in text
    assert person.password.rpartition("$")[2] not in text


@pytest.mark.parametrize("query", ["pass", "not-a-uuid", "'"])
def test_a_search_for_anything_is_no_fault(query: str) -> None:
    assert browser("root").get(page("accounts_user_changelist"), {"q": query}).status_code == 200


def test_people_are_found_by_subject_and_not_by_password() -> None:
    http = browser("root")
    assert http.get(page("accounts_user_changelist"), {"q": str(user().sub)}).context["cl"].result_count == 1
    for lookup in ("password__startswith", "email__startswith", "tokens_not_before__isnull"):
        assert http.get(page("accounts_user_changelist"), {lookup: "a"}).status_code == 400


def test_an_account_is_deleted_unless_it_wrote_the_log_or_is_ones_own() -> None:
    http = browser("root")
    assert http.post(page("accounts_user_delete", user().pk), {"post": "yes"}).status_code == 302
    assert not User.objects.filter(username="person").exists()
    for username, told in (("root", "This is your own account."), ("owner", "of the change log was made")):
        LogEntry.objects.create(user=user("owner"), action_flag=2, object_repr="x")
        address = page("accounts_user_delete", user(username).pk)
        assert told in http.get(address).content.decode().replace(
            "entries of the change log were", "of the change log was"
        )
        assert http.post(address, {"post": "yes"}).status_code == 200
        assert user(username)


def test_an_account_deleted_here_is_in_the_log_and_its_name_no_longer_in_the_history() -> None:
    """As when people delete their account themselves."""
    person = user()
    assert change(email="secret@people.example", first_name="Hushed").status_code == 302
    assert "secret@people.example" in str(LogEntry.objects.values_list("change_message"))
    assert browser("root").post(page("accounts_user_delete", person.pk), {"post": "yes"}).status_code == 302
    assert AccountEvent.objects.get(kind=AccountEventKind.DELETED).sub == str(person.sub)
    about = LogEntry.objects.filter(object_id=str(person.pk), content_type__model="user")
    assert {(one.object_repr, one.change_message) for one in about} == {(str(person.sub), "")}
    assert sorted(about.values_list("action_flag", flat=True)) == [2, 3]


@pytest.mark.django_db(transaction=True)
def test_what_hangs_on_an_account_in_the_moment_it_is_deleted_is_no_fault() -> None:
    """A token issued meanwhile: the database refuses the first attempt."""
    people = [user()]

    def sign_in_meanwhile(instance: User, **_signal: Any) -> None:
        if people:
            SignIn.objects.create(user=people.pop())  # what goes with the account is listed already

    pre_delete.connect(sign_in_meanwhile, sender=User)
    try:
        answer = browser("root").post(page("accounts_user_delete", user().pk), {"post": "yes"})
    finally:
        pre_delete.disconnect(sign_in_meanwhile, sender=User)
    assert (answer.status_code, people) == (302, [])
    assert not User.objects.filter(username="person").exists()
    assert AccountEvent.objects.filter(kind=AccountEventKind.DELETED).count() == 1


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"email": "new@people.example"}, [(AccountEventKind.EMAIL_CHANGED, {})]),
        ({"email": ""}, [(AccountEventKind.EMAIL_REMOVED, {})]),
        ({"email": "PERSON@people.example"}, []),
        (
            {"address": "1 Main Street", "phone_number": "1"},
            [(AccountEventKind.PROFILE_CHANGED, ["address", "phone_number"])],
        ),
    ],
)
def test_people_read_what_a_superuser_changed(fields: dict[str, str], told: list[tuple[str, Any]]) -> None:
    assert change(**fields).status_code == 302
    assert [
        *AccountEvent.objects.exclude(kind=AccountEventKind.SIGN_IN).values_list("kind", "sub", "address", "detail")
    ] == [
        (kind, str(user().sub), "", changed and {"by": user("root").sub, "changed": changed}) for kind, changed in told
    ]


def test_a_right_that_was_given_is_an_event_that_says_by_whom() -> None:
    assert change(is_staff="on").status_code == 302
    [told] = AccountEvent.objects.filter(kind=AccountEventKind.RIGHTS_CHANGED)
    assert told.sub == str(user().sub)
    assert told.detail == {"is_staff": {"before": False, "after": True}, "by": user("root").sub}


@pytest.mark.parametrize(("username", "status"), [("root", 302), ("owner", 403), ("nobody", 403)])
def test_a_superuser_helps_somebody_who_lost_their_second_steps(username: str, status: int) -> None:
    enrol(user())
    enrol(user("viewer"))
    browser("person")
    chosen = {"people": str(user().pk)}
    assert browser(username).post(page("accounts_user_many", "second-steps"), chosen).status_code == status
    helped = status == 302
    assert Authenticator.objects.filter(user=user()).exists() is not helped
    assert Authenticator.objects.filter(user=user("viewer")).exists()
    assert SignIn.objects.filter(user=user(), ended_at=None).exists() is not helped
    events = AccountEvent.objects.filter(sub=str(user().sub), kind=AccountEventKind.FACTORS_REMOVED)
    assert events.exists() is LogEntry.objects.filter(object_id=str(user().pk)).exists() is helped


def test_a_name_that_only_an_import_sets_is_shown_and_not_edited() -> None:
    before = user()
    Attribute.objects.create(name="family_name", type="text", editable_by="import")
    change(first_name="Given", last_name="Taken")
    assert (user().first_name, user().last_name) == ("Given", before.last_name)
