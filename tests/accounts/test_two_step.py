"""Two-step verification: a password alone no longer signs in, and codes work once."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import guesses, sign_in
from accounts.models import SignIn, User
from common import counters
from tests.accounts.second_steps import (
    PASSWORD,
    code,
    enrol,
    give_code,
    give_password,
    recovery_codes,
    secret_on,
    wrong_code,
)
from tests.world import Browser, redirected

pytestmark = pytest.mark.django_db

NEXT = "/oauth2/authorize?client_id=web&state=s"


@pytest.fixture
def person() -> User:
    return User.objects.create_user("person", "person@example.com", PASSWORD)


@pytest.fixture
def careful(person: User) -> User:
    enrol(person)
    return person


def is_signed_in(client: Client) -> bool:
    return bool(client.get("/").wsgi_request.user.is_authenticated)


def test_a_right_password_alone_signs_nobody_in(client: Client, careful: User) -> None:
    response = give_password(client, careful)
    assert response["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    assert not SignIn.objects.exists()
    assert client.get(reverse("account_email")).status_code == 302


def test_the_code_of_the_app_completes_the_sign_in(client: Client, careful: User) -> None:
    give_password(client, careful, NEXT)
    page = client.get(reverse("mfa_authenticate"))
    assert "authenticator app" in page.content.decode()
    response = give_code(client, code())
    assert (response.status_code, response["Location"]) == (302, NEXT)
    row = SignIn.objects.get()
    assert (row.amr, row.acr, row.ended_at) == (["pwd", "otp", "mfa"], "aal2", None)
    assert is_signed_in(client)


def test_a_recovery_code_works_once(client: Client, careful: User) -> None:
    first = recovery_codes(careful)[0]
    give_password(client, careful)
    assert give_code(client, f"{first[:4]} {first[4:]}").status_code == 302
    assert SignIn.objects.get().amr == ["pwd", "otp", "mfa"]
    other = Client()
    give_password(other, careful)
    assert give_code(other, first).status_code == 200
    assert not is_signed_in(other)


@pytest.mark.parametrize("ahead", [-1, 0, 1])
def test_a_code_of_the_app_works_once_as_long_as_it_is_right(careful: User, ahead: int) -> None:
    with time_machine.travel(timezone.now(), tick=False):  # the oldest code that is right is so until the period turns
        given = code(ahead=ahead)
        first, second = Client(), Client()
        give_password(first, careful)
        give_password(second, careful)
        assert give_code(first, given).status_code == 302
        page = give_code(second, given)
    assert page.status_code == 200
    assert "used already" in page.content.decode()
    assert not is_signed_in(second)


def test_nor_does_it_work_again_when_it_is_about_to_end(careful: User) -> None:
    """allauth forgets after one period that a code was used; with the tolerance it is right for three."""
    period = app_settings.TOTP_PERIOD
    start = (int(time.time()) // period + 1) * period
    with time_machine.travel(start, tick=False):
        given, first = code(ahead=1), Client()
        give_password(first, careful)
        assert give_code(first, given).status_code == 302
    with time_machine.travel(start + 3 * period - 1, tick=False):
        given_again, second = code(ahead=-1), Client()
        give_password(second, careful)
        page = give_code(second, given)
    assert given_again == given, "it is still right"
    assert (page.status_code, is_signed_in(second)) == (200, False)


def test_it_works_once_also_when_the_cache_has_forgotten_it(careful: User) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        for given, works in ((code(), True), (code(), False), (code(ahead=-1), False), (code(ahead=1), True)):
            counters.shared().clear()
            browser = Client()
            give_password(browser, careful)
            assert (give_code(browser, given).status_code == 302, is_signed_in(browser)) == (works, works)


def test_a_code_that_could_not_be_looked_up_is_not_wrong(careful: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> bool:
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(TOTP, "validate_code", fail)
        browser = Client(raise_request_exception=False)
        give_password(browser, careful)
        assert give_code(browser, code()).status_code >= 500
    assert not counters.clear(guesses.CODES, str(careful.sub), "")


def test_an_old_code_is_wrong(client: Client, careful: User) -> None:
    give_password(client, careful)
    assert give_code(client, code(ahead=-3)).status_code == 200
    assert not is_signed_in(client)


def test_wrong_codes_are_limited_by_account_from_wherever_they_come(careful: User) -> None:
    for number in range(5):
        client = Client(REMOTE_ADDR=f"192.0.2.{number}")
        give_password(client, careful)
        assert "code is wrong" in give_code(client, wrong_code()).content.decode()
    last = Client(REMOTE_ADDR="192.0.2.99")
    give_password(last, careful)
    assert "Too many wrong tries" in give_code(last, code()).content.decode()
    assert not is_signed_in(last)


def test_a_sign_in_between_two_steps_gets_no_authorization_code(client: Client, world: None) -> None:
    owner = User.objects.get(username="owner")
    enrol(owner)
    client.post(reverse("account_login"), {"login": "owner", "password": "owner-pw"})
    browser = Browser(http=client)
    assert browser.authorize("web")["Location"].startswith("/accounts/login/")
    assert redirected(browser.authorize("web", prompt="none"))["error"] == "interaction_required"


def test_the_last_app_is_the_one_to_go_on_to(client: Client, careful: User) -> None:
    give_password(client, careful, "/first")
    response = client.get(f"{reverse('account_login')}?next=/second")
    assert response["Location"] == reverse("mfa_authenticate")
    assert give_code(client, code())["Location"] == "/second"


def test_somebody_between_two_steps_can_start_anew(client: Client, careful: User) -> None:
    give_password(client, careful)
    client.post(reverse("account_logout"), {"next": reverse("account_login")})
    assert "Forgot your password" in client.get(reverse("account_login")).content.decode()


def test_a_sign_in_that_waits_for_its_code_ends_with_its_password(client: Client, careful: User) -> None:
    give_password(client, careful, NEXT)
    careful.set_password("another long phrase")
    careful.save()
    response = give_code(client, code())
    assert response["Location"] == reverse("account_login")
    assert "Your password was changed meanwhile" in client.get(response["Location"]).content.decode()
    assert not is_signed_in(client)
    assert not SignIn.objects.exists()
    assert give_code(client, code(ahead=1)).status_code == 302, "nothing waits here any more"
    assert not is_signed_in(client)


def test_a_password_changed_in_another_browser_leaves_the_new_one_as_the_way_in(client: Client, careful: User) -> None:
    thief = Client()
    give_password(client, careful)
    give_code(client, code())
    give_password(thief, careful)
    changed = {"oldpassword": PASSWORD, "password1": "another long phrase", "password2": "another long phrase"}
    assert client.post(reverse("account_change_password"), changed)["Location"] == reverse("account_change_password")
    give_code(thief, recovery_codes(careful)[0])
    assert not is_signed_in(thief)
    form = {"login": careful.username, "password": "another long phrase"}
    assert thief.post(reverse("account_login"), form)["Location"] == reverse("mfa_authenticate")
    give_code(thief, recovery_codes(careful)[0])
    assert is_signed_in(thief)


def test_a_sign_in_that_waits_for_its_code_is_completed_by_nobody_who_was_deactivated(
    client: Client, careful: User
) -> None:
    """Else a browser would be signed in again as soon as the account is active again."""
    give_password(client, careful)
    User.objects.update(is_active=False)
    assert give_code(client, code())["Location"] == reverse("account_inactive")
    assert not SignIn.objects.exists()
    User.objects.update(is_active=True)
    assert not is_signed_in(client)
    assert give_code(client, code())["Location"] == reverse("account_login"), "nothing waits here any more"


def test_the_browser_of_a_deleted_account_that_waited_for_its_code_begins_anew(client: Client, careful: User) -> None:
    give_password(client, careful)
    careful.delete()
    assert client.get(reverse("account_login"))["Location"] == reverse("mfa_authenticate")
    assert give_code(client, "123456")["Location"] == reverse("account_login")
    assert client.get(reverse("account_login")).status_code == 200


def test_whoever_waits_for_a_code_that_an_administrator_made_needless_begins_anew(
    client: Client, careful: User
) -> None:
    """They lost their phone, asked for help, and come back to the same browser."""
    give_password(client, careful, NEXT)
    Authenticator.objects.all().delete()
    back = client.get(reverse("mfa_authenticate"))["Location"]
    assert back == f"{reverse('account_login')}?{urlencode({'next': NEXT})}"
    assert client.get(back).status_code == 200
    assert give_password(client, careful, NEXT)["Location"] == NEXT


def test_an_administrator_with_a_second_step_cannot_enter_the_console_with_the_password(
    client: Client, careful: User
) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    give_password(client, careful, "/admin/")
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert client.get("/admin/login/?next=/admin/").status_code == 302
    assert client.post("/admin/login/", {"username": careful.username, "password": PASSWORD}).status_code == 302
    assert not is_signed_in(client)
    give_code(client, code())
    assert client.get("/admin/").status_code == 200


# --- Setting up ------------------------------------------------------------------------------------------------------


def set_up_app(client: Client, next_url: str = "") -> Any:
    url = reverse("mfa_activate_totp") + (f"?{urlencode({'next': next_url})}" if next_url else "")
    secret = secret_on(client.get(url))
    return client.post(url, {"code": code(secret), **({"next": next_url} if next_url else {})})


@pytest.mark.django_db(transaction=True)  # mails go out on commit
def test_setting_up_an_app_shows_recovery_codes_and_tells_by_mail(client: Client, person: User) -> None:
    give_password(client, person)
    response = set_up_app(client)
    assert response["Location"] == reverse("mfa_view_recovery_codes")
    page = client.get(response["Location"]).content.decode()
    for one in recovery_codes(person):
        assert f"{one[:4]} {one[4:]}" in page
    (sent,) = mail.outbox
    assert sent.to == ["person@example.com"]
    assert sent.subject == "An authenticator app was set up for your account at Vestibule"
    assert "signing in takes a code" in sent.body
    assert "127.0.0.1" in sent.body


def test_secrets_rest_encrypted_and_wait_encrypted_too(client: Client, person: User) -> None:
    give_password(client, person)
    secret = secret_on(client.get(reverse("mfa_activate_totp")))
    waiting = [str(session.get_decoded()) for session in Session.objects.all()]
    assert waiting
    assert not any(secret in text for text in waiting)
    assert client.post(reverse("mfa_activate_totp"), {"code": code(secret)}).status_code == 302
    kept = {row.type: row.data for row in Authenticator.objects.all()}
    assert secret not in str(kept)
    assert kept["totp"]["secret"].startswith("gAAAA")
    assert kept["recovery_codes"]["seed"].startswith("gAAAA")


def test_a_wrong_first_code_keeps_the_secret_and_sets_nothing_up(client: Client, person: User) -> None:
    give_password(client, person)
    secret = secret_on(client.get(reverse("mfa_activate_totp")))
    page = client.post(reverse("mfa_activate_totp"), {"code": wrong_code(secret)})
    assert page.status_code == 200
    assert secret_on(page) == secret
    assert not Authenticator.objects.exists()


def test_the_issuer_names_the_account_in_the_app(client: Client, person: User) -> None:
    give_password(client, person)
    response = client.get(reverse("mfa_activate_totp"), HTTP_HOST="127.0.0.1")
    assert response.context["totp_url"].endswith("&issuer=localhost")


def test_turning_the_app_off_deletes_the_recovery_codes_and_tells_by_mail(client: Client, careful: User) -> None:
    give_password(client, careful)
    give_code(client, code())
    mail.outbox.clear()
    assert client.get(reverse("mfa_deactivate_totp")).status_code == 200
    assert client.post(reverse("mfa_deactivate_totp")).status_code == 302
    assert not Authenticator.objects.exists()
    assert [sent.subject for sent in mail.outbox] == [
        "The authenticator app of your account at Vestibule was turned off"
    ]


def test_new_recovery_codes_take_the_place_of_the_old(client: Client, careful: User) -> None:
    old = recovery_codes(careful)
    give_password(client, careful)
    give_code(client, code())
    assert client.post(reverse("mfa_generate_recovery_codes")).status_code == 302
    assert not set(old) & set(recovery_codes(careful))
    download = client.get(reverse("mfa_download_recovery_codes"))
    assert download["Content-Type"].startswith("text/plain")
    assert "no-store" in download["Cache-Control"]
    assert [line.replace(" ", "") for line in download.content.decode().split("\n") if line] == recovery_codes(careful)


@pytest.mark.parametrize(
    "name",
    [
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_download_recovery_codes",
        "mfa_add_webauthn",
    ],
)
def test_an_old_sign_in_is_asked_again_before_anything_changes(client: Client, person: User, name: str) -> None:
    if name != "mfa_activate_totp":
        enrol(person)
    client.force_login(person)
    SignIn.objects.update(auth_time="2020-01-01T00:00:00Z")
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('account_reauthenticate')}?{urlencode({'next': reverse(name)})}"


def test_somebody_with_a_second_step_may_add_an_address(client: Client, careful: User) -> None:
    give_password(client, careful)
    give_code(client, code())
    client.post(reverse("account_email"), {"action_add": "", "email": "second@example.com"})
    assert careful.emailaddress_set.filter(email="second@example.com").exists()


# --- Stepping up -----------------------------------------------------------------------------------------------------


def row_of(client: Client) -> SignIn:
    return SignIn.objects.get(sid=client.session[sign_in.SESSION_KEY])


def step_up(client: Client, person: User) -> str:
    request = client.get("/").wsgi_request
    return sign_in.step_up_url(request, NEXT)


def test_whoever_has_a_second_step_gives_it_and_goes_on(client: Client, person: User) -> None:
    give_password(client, person)
    enrol(person)
    url = step_up(client, person)
    assert url.startswith(reverse("mfa_reauthenticate"))
    assert client.get(url).status_code == 200
    assert client.post(url, {"code": wrong_code()}).status_code == 200
    client.get("/")
    assert row_of(client).acr == "aal1"
    before = row_of(client).auth_time
    response = client.post(url, {"code": code()})
    assert (response.status_code, response["Location"]) == (302, NEXT)
    client.get("/")
    row = row_of(client)
    assert (row.amr, row.acr) == (["pwd", "otp", "mfa"], "aal2")
    assert row.auth_time > before


def test_whoever_has_none_sets_one_up_and_goes_on_without_being_asked_again(client: Client, person: User) -> None:
    give_password(client, person)
    url = step_up(client, person)
    assert url.startswith(reverse("mfa_index"))
    page = client.get(url).content.decode()
    assert "wants two steps" in page
    assert f"{reverse('mfa_activate_totp')}?{urlencode({'next': NEXT})}".replace("&", "&amp;") in page
    response = set_up_app(client, NEXT)
    assert response["Location"] == f"{reverse('mfa_view_recovery_codes')}?{urlencode({'next': NEXT})}"
    page = client.get(response["Location"]).content.decode()
    assert f'href="{NEXT}"'.replace("&", "&amp;") in page
    client.get("/")
    assert (row_of(client).amr, row_of(client).acr) == (["pwd", "otp", "mfa"], "aal2")


def test_setting_up_a_factor_is_no_proof_of_who_one_is(client: Client, person: User) -> None:
    """Whoever finds a browser somebody left a minute ago could sign in afresh with an app of their own."""
    give_password(client, person)
    before = row_of(client).auth_time
    set_up_app(client)
    client.get("/")
    assert (row_of(client).acr, row_of(client).auth_time) == ("aal2", before)


def test_the_first_factor_signs_out_browsers_that_did_not_use_it(client: Client, person: User) -> None:
    """Somebody who knows the password may be one of them, and could remove the factor with it."""
    other = Client()
    for browser in (other, client):
        give_password(browser, person)
    set_up_app(client)
    assert is_signed_in(client)
    assert not is_signed_in(other)


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
@pytest.mark.parametrize("name", ["mfa_index", "mfa_view_recovery_codes"])
def test_the_way_on_never_leaves_the_site(client: Client, careful: User, name: str, evil: str) -> None:
    give_password(client, careful)
    give_code(client, code())
    page = client.get(f"{reverse(name)}?{urlencode({'next': evil})}").content.decode()
    assert f'href="{evil}' not in page


def test_codes_at_the_page_that_asks_again_are_limited(client: Client, person: User) -> None:
    give_password(client, person)
    enrol(person)
    url = step_up(client, person)
    for _number in range(5):
        client.post(url, {"code": wrong_code()})
    assert "Too many wrong tries" in client.post(url, {"code": code()}).content.decode()
    client.get("/")
    assert row_of(client).acr == "aal1"


def test_time_is_of_the_last_step(client: Client, careful: User) -> None:
    give_password(client, careful)
    between = time.time()
    give_code(client, code())
    assert row_of(client).auth_time.timestamp() >= between
