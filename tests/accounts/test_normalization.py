"""The same text is the same person, however a keyboard or a program writes it: at every door."""

from __future__ import annotations

import io
import time
import unicodedata
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import get_hasher, make_password
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db.models import Value
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts import emails, groups, newcomers, normalization
from accounts.backend import candidates
from accounts.models import AccountEvent, User
from idp.configuration import ConfigurationError, apply
from tests.accounts.second_steps import code, enrol, give_code
from tests.console import browser, page, problems, project, send
from tests.guests import OPERATOR

PASSWORD = "Grünes Haus am Kanal"
NAME = "jürgen"
ADDRESS = "juergen@xn--exmple-cua.test"
TYPED_ADDRESS = "Juergen@Exämple.test"


def apart(text: str) -> str:
    """With letters and their marks apart, as some keyboards send them."""
    return unicodedata.normalize("NFD", text)


def wide(text: str) -> str:
    """As a Japanese keyboard writes it."""
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


@pytest.fixture
def person(db: None) -> User:
    made = User.objects.create_user(NAME, ADDRESS, PASSWORD)
    EmailAddress.objects.create(user=made, email=ADDRESS, verified=True, primary=True)
    return made


# --- The texts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("name", "name"),
        ("Name", "Name"),
        (apart("jürgen"), "jürgen"),
        (wide("juergen"), "juergen"),
        ("\N{KELVIN SIGN}elvin", "Kelvin"),
    ],
)
def test_user_names_are_compared_so(typed: str, kept: str) -> None:
    assert normalization.user_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a@example.com", "a@example.com"),
        ("A@Example.COM", "a@example.com"),
        ("a@exämple.test", "a@xn--exmple-cua.test"),
        (apart("a@exämple.test"), "a@xn--exmple-cua.test"),
        ("a@XN--EXMPLE-CUA.test", "a@xn--exmple-cua.test"),
        ("a@faß.test", "a@xn--fa-hia.test"),
        (wide("a@example.com"), "a@example.com"),
        ("a@example。com", "a@example.com"),
        ("a+b@r3---sn.example", "a+b@r3---sn.example"),
        ("a@☃.test", "a@☃.test"),
        ("a@ex..ä", "a@ex..ä"),
        ("müller", "müller"),
        ("@", "@"),
        ("", ""),
    ],
)
def test_mail_addresses_are_compared_so(typed: str, kept: str) -> None:
    assert normalization.mail_address(typed) == kept


@given(st.text())
def test_normalizing_again_changes_nothing_and_nothing_breaks_it(text: str) -> None:
    for normalize in (normalization.user_name, normalization.password, normalization.mail_address):
        assert normalize(normalize(text)) == normalize(text)


@pytest.mark.django_db
def test_a_text_that_is_slow_to_normalize_is_left_as_it_is() -> None:
    """A hundred thousand marks in the wrong order would take minutes of a processor, of anybody who asks."""
    slow = "a" + "\N{COMBINING ACUTE ACCENT}" * 50_000 + "\N{COMBINING CEDILLA}" * 50_000
    before = time.process_time()
    for text in (slow, f"{slow}@example.com", f"a@{slow}.example"):
        assert not sign_in(text, slow)
        assert normalization.password(text) == text
    assert time.process_time() - before < 10


@pytest.mark.parametrize("address", ["a@example.com", "a@exämple.test", "a.b+c@sub.example.co.uk", wide("a@b.example")])
def test_mail_is_sent_to(address: str) -> None:
    normalization.check_mail_address(address)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("zoé@example.com", "without accents"),
        ("a@[127.0.0.1]", "the name of a mail domain"),
        ("a@[IPv6:::1]", "the name of a mail domain"),
        ("a@☃.test", "the name of a mail domain"),
        ("a@localhost", "Enter a valid email address."),
        ("a@127.0.0.1", "Enter a valid email address."),
        ("a b@example.com", "Enter a valid email address."),
        ("example.com", "Enter a valid email address."),
        ("", "Enter a valid email address."),
    ],
)
def test_no_mail_is_sent_to(address: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        normalization.check_mail_address(address)
    assert sentence in "".join(refused.value.messages)


# --- Signing in ----------------------------------------------------------------------------------------------------


def sign_in(login: str, password: str = PASSWORD) -> bool:
    answer = Client().post("/accounts/login/", {"login": login, "password": password})
    return answer.status_code == 302


@pytest.mark.usefixtures("person")
@pytest.mark.parametrize(
    "login", [apart(NAME), wide(NAME), "JüRGEN", ADDRESS, TYPED_ADDRESS, apart(TYPED_ADDRESS), wide(TYPED_ADDRESS)]
)
def test_people_sign_in_however_their_keyboard_writes_them(login: str) -> None:
    assert sign_in(login)


@pytest.mark.usefixtures("person")
@pytest.mark.parametrize("password", [apart(PASSWORD), wide(PASSWORD)])
def test_a_password_is_right_however_a_keyboard_writes_it(password: str) -> None:
    assert sign_in(NAME, password)


@pytest.mark.usefixtures("person")
def test_another_password_is_still_another() -> None:
    assert not sign_in(NAME, PASSWORD.lower())
    assert not sign_in(NAME, PASSWORD + " ")


def test_a_hash_of_the_text_as_it_was_typed_is_right_and_made_anew(person: User) -> None:
    User.objects.filter(pk=person.pk).update(password=make_password(apart(PASSWORD)))
    assert not sign_in(NAME)  # nobody can tell which letters were apart
    assert sign_in(NAME, apart(PASSWORD))
    assert sign_in(NAME)


def test_an_app_may_hint_at_somebody_in_any_spelling(person: User) -> None:
    http = Client()
    shown = http.get("/accounts/login/", {"login_hint": apart(TYPED_ADDRESS)})
    hinted = shown.context["form"].initial["login"]
    assert http.post("/accounts/login/", {"login": hinted, "password": PASSWORD}).status_code == 302
    assert http.session["_auth_user_id"] == str(person.pk)


@pytest.mark.parametrize("password", ["a guess", apart("ein Bär")])
def test_an_account_that_exists_costs_as_many_hashes_as_one_that_does_not(
    person: User, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []
    hasher = type(get_hasher())
    encode = hasher.encode

    def counted(self: Any, *arguments: Any) -> str:
        computed.append("encode")
        return encode(self, *arguments)

    monkeypatch.setattr(hasher, "encode", counted)
    monkeypatch.setattr(hasher, "harden_runtime", lambda *_arguments: None)
    spent = []
    for login in (NAME, "nobody"):
        computed.clear()
        assert not sign_in(login, password)
        spent.append(len(computed))
    assert spent[0] == spent[1]
    assert spent[0] == (1 if password.isascii() else 2)


def test_a_code_is_right_in_wide_digits(person: User) -> None:
    enrol(person)
    http = Client()
    http.post("/accounts/login/", {"login": NAME, "password": PASSWORD})
    assert give_code(http, wide(code())).status_code == 302
    assert http.session["_auth_user_id"] == str(person.pk)


@pytest.mark.django_db
def test_spellings_of_a_name_share_their_limit() -> None:
    for login in ("nobody-ü", apart("nobody-ü"), "NOBODY-Ü", apart("Nobody-Ü"), wide("nobody-") + "ü"):
        assert not sign_in(login, "a guess")
    answer = Client().post("/accounts/login/", {"login": "nobody-ü", "password": "a guess"})
    assert answer.status_code == 429


# --- Every other door ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_two_forms_of_a_domain_sign_up_for_one_mailbox(settings: Any) -> None:
    settings.IDP_SIGNUP_OPEN, settings.ACCOUNT_EMAIL_VERIFICATION = True, "mandatory"
    for email in (TYPED_ADDRESS, ADDRESS, apart(TYPED_ADDRESS), wide(ADDRESS)):
        answer = Client().post("/accounts/signup/", {"email": email, "password1": apart(PASSWORD)})
        assert answer.status_code == 302, email
    made = User.objects.get()
    assert made.email == ADDRESS
    assert made.check_password(PASSWORD)
    assert EmailAddress.objects.get().email == ADDRESS
    assert {to for one in mail.outbox for to in one.to} == {ADDRESS}


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["zoé@example.com", "zoe@[127.0.0.1]", "zoe@localhost"])
def test_sign_up_says_what_is_wrong_with_an_address(settings: Any, email: str) -> None:
    settings.IDP_SIGNUP_OPEN = True
    answer = Client().post("/accounts/signup/", {"email": email, "password1": PASSWORD})
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == ["email"]
    assert not User.objects.exists()


@pytest.mark.django_db
def test_marks_do_not_make_a_password_long_enough(settings: Any) -> None:
    settings.IDP_SIGNUP_OPEN = True
    answer = Client().post("/accounts/signup/", {"email": ADDRESS, "password1": apart("äöüäöü")})
    assert list(answer.context["form"].errors) == ["password1"]


@pytest.mark.usefixtures("person")
@pytest.mark.parametrize("typed", [TYPED_ADDRESS, apart(TYPED_ADDRESS), wide(ADDRESS)])
def test_a_reset_finds_the_person_and_goes_to_the_address_that_is_kept(typed: str) -> None:
    """Never to the address as it was typed: that may be the mailbox of somebody else."""
    Client().post("/accounts/password/reset/", {"email": typed})
    assert [(one.to, "/accounts/password/reset/key/" in str(one.body)) for one in mail.outbox] == [([ADDRESS], True)]


def test_an_address_of_ones_own_is_known_in_any_spelling(person: User) -> None:
    http = Client()
    assert http.post("/accounts/login/", {"login": NAME, "password": apart(PASSWORD)}).status_code == 302
    answer = http.post("/accounts/email/", {"action_add": "", "email": TYPED_ADDRESS})
    assert "You have added this address already." in answer.content.decode()
    http.post("/accounts/email/", {"action_add": "", "email": "Zweite@exämple.test"})
    assert person.emailaddress_set.filter(email="zweite@xn--exmple-cua.test").exists()


def test_the_two_fields_of_a_new_password_agree_in_any_spelling(person: User) -> None:
    http = Client()
    http.post("/accounts/login/", {"login": NAME, "password": PASSWORD})
    new = {"oldpassword": apart(PASSWORD), "password1": apart("Über den Fluss"), "password2": "Über den Fluss"}
    assert http.post("/accounts/password/change/", new).status_code == 302
    person.refresh_from_db()
    assert person.check_password("Über den Fluss")


@pytest.mark.parametrize(
    ("came", "kept", "verified"),
    [
        (f"{wide('jurg')}@example.com", "jurg@example.com", False),
        ("\N{KELVIN SIGN}urg@example.com", "kurg@example.com", False),
        ("jurg@exämple.test", "jurg@xn--exmple-cua.test", True),
        ("Jurg@Example.com", "jurg@example.com", True),
    ],
)
def test_what_was_proved_of_one_mailbox_is_proved_of_no_other(
    person: User, came: str, kept: str, verified: bool
) -> None:
    """A row that came past us names another mailbox once its letters before the @ are normalized."""
    EmailAddress.objects.filter(user=person).update(email=came)
    EmailAddress.objects.get(user=person).set_as_primary()
    address = EmailAddress.objects.get(user=person)
    assert (address.email, address.verified) == (kept, verified)


@pytest.mark.usefixtures("console")
def test_the_console_keeps_and_finds_people_so() -> None:
    root = browser("root")
    new = {"username": apart(NAME), "password1": apart(PASSWORD), "password2": PASSWORD, "usable_password": "true"}
    assert send(root, page("accounts_user_add"), new).status_code == 302
    made = User.objects.get(username=NAME)
    assert made.check_password(PASSWORD)
    assert send(root, page("accounts_user_change", made.pk), {"email": TYPED_ADDRESS}).status_code == 302
    made.refresh_from_db()
    assert (made.email, made.emailaddress_set.get().email) == (ADDRESS, ADDRESS)
    for searched in (apart(NAME), wide(NAME), apart("Jürg"), TYPED_ADDRESS):
        listed = root.get(page("accounts_user_changelist"), {"q": searched}).context["cl"].result_list
        assert [one.pk for one in listed] == [made.pk], searched


@pytest.mark.usefixtures("console")
def test_the_console_says_who_has_a_name_or_an_address_in_any_spelling() -> None:
    User.objects.create_user(NAME, ADDRESS)
    root, person = browser("root"), User.objects.get(username="person")
    for field, typed in (("username", apart(NAME)), ("username", wide("root")), ("email", TYPED_ADDRESS)):
        refused = problems(send(root, page("accounts_user_change", person.pk), {field: typed}))
        assert list(refused) == [field], typed
    refused = problems(send(root, page("accounts_user_change", person.pk), {"email": "zoé@example.com"}))
    assert "without accents" in "".join(refused["email"])


@pytest.mark.usefixtures("console")
def test_members_and_testers_are_named_in_any_spelling() -> None:
    made = User.objects.create_user(NAME)
    testers = [apart(NAME), wide("owner")]
    for wanted in ({"editors": [apart(NAME)]}, {"editors": [], "viewers": [wide(NAME)]}):
        apply({"version": 1, "projects": [{"id": "acme", "members": wanted, "test_users": testers}]})
        assert {one.username for one in project().test_users.all()} == {NAME, "owner"}
    assert project().members.get(user=made).role == "viewer"
    new = {"members-0-username": wide("owner"), "members-0-role": "owner"}
    new |= {"members-1-username": apart(NAME), "members-1-role": "editor", "members-TOTAL_FORMS": "2"}
    assert send(browser("root"), page("projects_project_add"), {"name": "New", "key": "new", **new}).status_code == 302
    assert {row.user.username for row in project("new").members.all()} == {"owner", NAME}
    twice = {"members-0-username": NAME, "members-0-role": "owner"}
    twice |= {"members-1-username": apart(NAME), "members-1-role": "editor", "members-TOTAL_FORMS": "2"}
    refused = problems(send(browser("root"), page("projects_project_add"), {"name": "Other", "key": "other", **twice}))
    assert "is a member already" in str(refused)


@pytest.mark.django_db
def test_the_file_finds_people_and_names_them_so() -> None:
    people = [{"username": apart(NAME), "password": apart(PASSWORD), "email": TYPED_ADDRESS, "email_verified": True}]
    tester = {"id": "acme", "name": "Acme", "test_users": [NAME]}
    apply({"version": 1, "users": people, "projects": [tester]})
    made = User.objects.get(username=NAME)
    assert (made.email, made.email_verified, made.check_password(PASSWORD)) == (ADDRESS, True, True)
    people[0] |= {"username": wide(NAME), "password": PASSWORD, "email": ADDRESS}
    assert [one.action for one in apply({"version": 1, "users": people}).changes] == ["unchanged"]
    with pytest.raises(ConfigurationError) as refused:
        apply({"version": 1, "users": [*people, {"username": NAME}, {"username": "other", "email": TYPED_ADDRESS}]})
    told = [problem.message for problem in refused.value.problems]
    assert "twice" in told[0]
    assert told[1:] == ["Another account has this e-mail address."]


@pytest.mark.usefixtures("person")
def test_createsuperuser_says_who_has_the_name_in_another_spelling() -> None:
    for username, email in ((apart(NAME), "new@example.com"), (wide("new"), TYPED_ADDRESS), ("new", "zoé@example.com")):
        with pytest.raises(CommandError):
            call_command("createsuperuser", "--noinput", "--username", username, "--email", email)
    arguments = ("--noinput", "--username", wide("new"), "--email", "new@example.com")
    call_command("createsuperuser", *arguments, stdout=io.StringIO())
    assert User.objects.get(is_superuser=True).username == "new"


@pytest.mark.django_db
def test_quickstart_sets_the_password_that_browsers_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_PASSWORD", apart(PASSWORD))
    call_command("quickstart", "--no-demo", stdout=io.StringIO(), stderr=io.StringIO())
    assert sign_in("admin", PASSWORD)


@pytest.mark.usefixtures("person")
@pytest.mark.parametrize("typed", [apart(NAME), wide(NAME), TYPED_ADDRESS])
def test_commands_find_a_person_in_any_spelling(typed: str) -> None:
    assert [one.username for one in candidates(typed, typed)] == [NAME]
    assert User.objects.get(username=wide(NAME)).username == NAME


# --- Letters that are the same in capitals, to Python or to a database ---------------------------------------------

KELVIN, DOTLESS = "\N{KELVIN SIGN}im@people.example", "k\N{LATIN SMALL LETTER DOTLESS I}m@people.example"


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("came", "same"),
    [
        ("kim@people.example", True),
        ("Kim@People.example", True),
        (KELVIN, False),
        (DOTLESS, False),
        (wide("kim") + "@people.example", False),
        ("kim@other.example", False),
        ("", False),
    ],
)
def test_which_mailbox_an_address_names(came: str, same: bool) -> None:
    assert normalization.is_same_mailbox(came, "kim@people.example") is same


@pytest.mark.django_db
@pytest.mark.parametrize("other", [KELVIN, DOTLESS])
def test_nobody_has_proved_a_mailbox_by_another_one_that_looks_like_it(other: str) -> None:
    """Rows that came past us: saved by us, an address would be another one already."""
    made = User.objects.create_user("kim", "kim@people.example", PASSWORD)
    row = EmailAddress.objects.create(user=made, email="kim@people.example", verified=True, primary=True)
    EmailAddress.objects.filter(pk=row.pk).update(email=other)
    assert not made.email_verified
    emails.replace_primary_address(made, "kim@people.example")
    assert list(EmailAddress.objects.order_by("pk").values_list("email", "verified", "primary")) == [
        (other, True, False),
        ("kim@people.example", False, True),
    ]
    User.objects.filter(pk=made.pk).update(email=Value(other))
    assert newcomers.owner_of("kim@people.example") is None
    assert candidates("", "kim@people.example") == []


@pytest.mark.django_db
def test_who_gets_another_mailbox_is_told_and_the_one_before_is_gone() -> None:
    made = User.objects.create_user("kim", "kim@people.example", PASSWORD)
    EmailAddress.objects.bulk_create([EmailAddress(user=made, email=KELVIN, verified=True, primary=True)])
    emails.replace_primary_address(made, KELVIN)
    emails.record_change(made, KELVIN, verified=True)
    assert list(EmailAddress.objects.values_list("email", "verified")) == [("kim@people.example", False)]
    assert AccountEvent.objects.filter(kind="email.changed").count() == 1


@pytest.mark.django_db
def test_a_group_is_named_by_its_own_letters() -> None:
    groups.make("admin", OPERATOR)
    assert getattr(groups.named("ADMIN"), "name", "") == "admin"
    assert groups.named("adm\N{LATIN SMALL LETTER DOTLESS I}n") is None
