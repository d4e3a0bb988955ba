"""People look after their own account: profile, browsers they are signed in with, and what happened."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import browsers, decoys, sign_in
from accounts.models import AccountEvent, AccountEventKind, SignIn, User
from clients.models import SecurityEvent
from tests.accounts.second_steps import PASSWORD, enrol, give_code, give_password, wrong_code

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"


@pytest.fixture
def person() -> User:
    return User.objects.create_user("person", "person@example.com", PASSWORD)


def kinds(user: User) -> list[str]:
    return list(AccountEvent.objects.filter(sub=str(user.sub)).order_by("pk").values_list("kind", flat=True))


# --- Who an app expects ----------------------------------------------------------------------------------------------


def login_page(client: Client, **query: str) -> str:
    return client.get(f"{reverse('account_login')}?{urlencode(query)}").content.decode()


def authorize(**query: str) -> str:
    return f"/oauth2/authorize?{urlencode(query)}"


@pytest.mark.any_database
def test_a_login_hint_fills_in_the_name_and_nothing_else(client: Client, person: User) -> None:
    hinted = login_page(client, next=authorize(client_id="web", login_hint="person@example.com"))
    assert 'value="person@example.com"' in hinted
    assert 'value="nobody@example.com"' in login_page(client, login_hint="nobody@example.com")
    assert not client.get("/").wsgi_request.user.is_authenticated


def test_a_login_hint_does_not_tell_who_has_an_account(client: Client, person: User) -> None:
    pages = []
    for hint in ("person@example.com", "nobody@example.com"):
        lines = login_page(client, next=authorize(login_hint=hint)).replace(hint.split("@")[0], "…").splitlines()
        pages.append([line for line in lines if "csrfmiddlewaretoken" not in line])
    assert pages[0] == pages[1]


@pytest.mark.parametrize("hint", ["x" * 255, "a\nb", "a\0b", "\u202eevil", ""])
def test_a_login_hint_that_is_no_name_is_left_out(client: Client, hint: str) -> None:
    page = login_page(client, next=authorize(login_hint=hint))
    assert 'name="login" value=' not in page.replace("'", '"')
    assert page.count("<form") == 2


def test_two_login_hints_are_none(client: Client) -> None:
    page = login_page(client, next=authorize(login_hint="one") + "&login_hint=two")
    assert 'value="one"' not in page
    assert 'value="two"' not in page


def test_a_login_hint_writes_only_text(client: Client) -> None:
    assert "<script>alert" not in login_page(client, login_hint='"><script>alert(1)</script>')


# --- Profile ---------------------------------------------------------------------------------------------------------


def test_people_change_what_they_say_of_themselves_and_not_their_user_name(client: Client, person: User) -> None:
    client.force_login(person)
    told = {"first_name": "Pat", "last_name": "Doe", "phone_number": "+1 555 0100", "address": "1 Main St\nSpringfield"}
    response = client.post(reverse("account_profile"), {**told, "username": "other", "is_staff": "on"})
    assert response.status_code == 302
    person.refresh_from_db()
    assert (person.first_name, person.last_name, person.attributes["phone_number"]) == ("Pat", "Doe", "+1 555 0100")
    assert person.attributes["address"]["formatted"].splitlines() == ["1 Main St", "Springfield"]
    assert (person.username, person.is_staff) == ("person", False)
    assert kinds(person)[-1] == AccountEventKind.PROFILE_CHANGED


@pytest.mark.parametrize("field", ["first_name", "last_name", "phone_number", "address"])
@pytest.mark.parametrize("value", ["x" * 501, "a\0b"])
def test_a_profile_that_cannot_be_saved_is_refused_in_words(
    client: Client, person: User, field: str, value: str
) -> None:
    client.force_login(person)
    response = client.post(reverse("account_profile"), {field: value})
    assert response.status_code == 200
    assert response.context["form"].errors[field]


# --- Browsers --------------------------------------------------------------------------------------------------------


def two_browsers(person: User) -> tuple[Client, Client]:
    here, there = Client(HTTP_USER_AGENT=FIREFOX), Client(HTTP_USER_AGENT=IPHONE, REMOTE_ADDR="192.0.2.7")
    give_password(here, person)
    give_password(there, person)
    return here, there


def sid(client: Client) -> str:
    return str(client.session[sign_in.SESSION_KEY])


def test_the_page_lists_browsers_in_plain_words(person: User) -> None:
    here, _there = two_browsers(person)
    page = here.get(reverse("account_sessions")).content.decode()
    for words in ("Firefox on Linux", "Safari on iPhone", "192.0.2.7"):
        assert words in page
    assert page.count("This browser") == 1
    assert page.index("This browser") < page.index("Safari on iPhone")


def test_ending_one_browser_signs_it_out_at_once(person: User) -> None:
    here, there = two_browsers(person)
    assert here.post(reverse("account_sessions"), {"sid": sid(there)}).status_code == 302
    assert not there.get("/").wsgi_request.user.is_authenticated
    assert here.get("/").wsgi_request.user.is_authenticated
    assert kinds(person)[-1] == AccountEventKind.SESSION_ENDED


def test_ending_all_others_keeps_this_one(person: User) -> None:
    here, there = two_browsers(person)
    here.post(reverse("account_sessions"), {"others": ""})
    assert not there.get("/").wsgi_request.user.is_authenticated
    assert here.get("/").wsgi_request.user.is_authenticated


@pytest.mark.parametrize("given", ["", "x", "00000000-0000-0000-0000-000000000000", None])
def test_nobody_ends_a_browser_of_somebody_else(client: Client, person: User, given: str | None) -> None:
    other = User.objects.create_user("other", password=PASSWORD)
    theirs = Client()
    give_password(theirs, other)
    give_password(client, person)
    client.post(reverse("account_sessions"), {"sid": sid(theirs) if given is None else given})
    assert theirs.get("/").wsgi_request.user.is_authenticated
    assert AccountEventKind.SESSION_ENDED not in kinds(person)


def test_browsers_that_forgot_their_session_are_not_listed(client: Client, person: User) -> None:
    client.force_login(person)
    old = SignIn.objects.create(user=person, user_agent=IPHONE)
    SignIn.objects.filter(pk=old.pk).update(seen_at=timezone.now() - timedelta(days=15))
    assert "iPhone" not in client.get(reverse("account_sessions")).content.decode()


def test_when_a_browser_was_seen_is_written_once_an_hour(client: Client, person: User) -> None:
    client.force_login(person)
    SignIn.objects.update(seen_at=timezone.now() - timedelta(minutes=59))
    before = SignIn.objects.get().seen_at
    client.get("/")
    assert SignIn.objects.get().seen_at == before
    SignIn.objects.update(seen_at=timezone.now() - timedelta(minutes=61))
    client.get("/")
    assert SignIn.objects.get().seen_at > before


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Safari/605.1.15", "Safari on macOS"),
        ("curl/8.5", "curl"),
        ("", "Unknown browser"),
        ("<script>alert(1)</script>", "Unknown browser"),
    ],
)
def test_browsers_have_names_people_know(sent: str, words: str) -> None:
    assert browsers.describe(sent) == words


def test_a_strange_user_agent_is_cut_and_cleaned(person: User) -> None:
    client = Client(HTTP_USER_AGENT="a\0b\x1b" + "x" * 5000)
    give_password(client, person)
    kept = SignIn.objects.get().user_agent
    assert len(kept) <= 200
    assert kept.startswith("abx")


# --- What happened ---------------------------------------------------------------------------------------------------


def test_what_happens_to_an_account_is_written_down(client: Client, person: User) -> None:
    client.post(reverse("account_login"), {"login": "person", "password": "a guess"})
    give_password(client, person)
    changed = {"oldpassword": PASSWORD, "password1": "another long phrase", "password2": "another long phrase"}
    client.post(reverse("account_change_password"), changed)
    client.post(reverse("account_email"), {"action_add": "", "email": "second@example.com"})
    client.post(reverse("account_email"), {"action_remove": "", "email": "second@example.com"})
    assert kinds(person) == ["sign_in.failed", "sign_in", "password.changed", "email.added", "email.removed"]


def test_a_wrong_code_after_the_right_password_is_written_down(client: Client, person: User) -> None:
    enrol(person)
    give_password(client, person)
    give_code(client, wrong_code())
    assert kinds(person) == ["second_step.failed"]


def test_no_event_holds_a_name_an_address_or_a_secret(client: Client, person: User) -> None:
    test_what_happens_to_an_account_is_written_down(client, person)
    text = str(list(AccountEvent.objects.values()))
    for one in ("person", "example.com", PASSWORD, "another long phrase", "a guess"):
        assert one not in text


@pytest.mark.parametrize("known", ["person", "person@example.com"])
def test_a_guess_costs_the_same_statements_whether_or_not_there_is_such_an_account(person: User, known: str) -> None:
    counted = []
    decoys.learn()  # once in ten minutes, by whoever guesses
    for login in (known, known.replace("person", "nobody")):
        with CaptureQueriesContext(connection) as asked:
            Client().post(reverse("account_login"), {"login": login, "password": "a guess"})
        counted.append([query["sql"].split()[0] for query in asked.captured_queries])
    assert counted[0] == counted[1]
    assert "INSERT" in counted[0]


def test_people_see_their_own_activity_in_plain_words(client: Client, world: None, person: User) -> None:
    other = User.objects.get(username="owner")
    for who in (person, other):
        SecurityEvent.objects.create(
            kind="token.cross_client", client_id="web", target_client_id="sibling", sub=str(who.sub)
        )
    AccountEvent.objects.create(sub=str(other.sub), kind=AccountEventKind.PASSWORD_RESET)
    SecurityEvent.objects.create(kind="client.created", client_id="web", sub=str(person.sub))
    client.defaults["HTTP_USER_AGENT"] = FIREFOX
    give_password(client, person)
    page = client.get(reverse("account_activity")).content.decode()
    assert "Signed in" in page
    assert "Firefox on Linux, 127.0.0.1" in page
    assert page.count("Acme web told Acme sibling who you are") == 1
    assert "Password reset by mail" not in page
    assert "client.created" not in page


def test_activity_is_paged(client: Client, person: User) -> None:
    client.force_login(person)
    AccountEvent.objects.bulk_create(
        AccountEvent(sub=str(person.sub), kind=AccountEventKind.EMAIL_ADDED) for _number in range(60)
    )
    lines = [client.get(f"{reverse('account_activity')}?page={page}").context["entries"] for page in (1, 2, 3)]
    assert [len(part) for part in lines] == [25, 25, 11]
    assert 'rel="next"' not in client.get(f"{reverse('account_activity')}?page=3").content.decode()


@pytest.mark.any_database
@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 400, "\0", "²"])
def test_a_page_that_is_none_is_the_first(client: Client, person: User, page: str) -> None:
    client.force_login(person)
    response = client.get(f"{reverse('account_activity')}?{urlencode({'page': page})}")
    assert response.status_code == 200
    assert len(response.context["entries"]) == 1


def test_a_password_change_tells_by_mail_in_our_words(client: Client, person: User) -> None:
    give_password(client, person)
    changed = {"oldpassword": PASSWORD, "password1": "another long phrase", "password2": "another long phrase"}
    client.post(reverse("account_change_password"), changed)
    (sent,) = mail.outbox
    assert sent.subject == "Your password at Vestibule was changed"
    assert "If it was not you, reset your password now" in sent.body


def test_the_console_shows_events_to_superusers_who_cannot_change_them(client: Client, person: User) -> None:
    AccountEvent.objects.create(sub=str(person.sub), kind=AccountEventKind.SIGN_IN)
    url = reverse("admin:accounts_accountevent_changelist")
    User.objects.filter(pk=person.pk).update(is_staff=True)
    client.force_login(person)
    assert client.get(url).status_code == 403
    User.objects.filter(pk=person.pk).update(is_superuser=True)
    assert client.get(url).status_code == 200
    row = AccountEvent.objects.first()
    assert row is not None
    assert client.post(reverse("admin:accounts_accountevent_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
