"""In the console people and keys are changed by who has just proved who they are: a stolen session is not enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client as Http
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from clients.models import Authorization, SigningKey
from clients.models.keys import KeyState
from tests.accounts.second_steps import PASSWORD, code, enrol, give_code, give_password, sent_on
from tests.console import browser, client, form_of, page

pytestmark = pytest.mark.usefixtures("console", "keys")
LATER = timedelta(seconds=301)


def user(username: str) -> User:
    return User.objects.get(username=username)


def waiting() -> str:
    return SigningKey.objects.get(state=KeyState.NEXT, algorithm="ES256").kid


def somebody() -> Authorization:
    return Authorization.objects.create(client=client(), user=user("person"), auth_time=timezone.now())


def chosen(action: str, key: object) -> dict[str, Any]:
    return {"action": action, "_selected_action": [str(key)], "confirmed": "yes"}


# What is sent, and where to.
CHANGES: dict[str, Callable[[], tuple[str, dict[str, Any]]]] = {
    "a person becomes a superuser": lambda: (
        page("accounts_user_change", user("owner").pk),
        {"username": "owner", "is_active": "on", "is_staff": "on", "is_superuser": "on"},
    ),
    "a password is set": lambda: (
        page("auth_user_password_change", user("owner").pk),
        {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"},
    ),
    "an account is made": lambda: (
        page("accounts_user_add"),
        {"username": "new", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"},
    ),
    "an account is deleted": lambda: (page("accounts_user_delete", user("person").pk), {"post": "yes"}),
    "a key is activated": lambda: (page("clients_signingkey_activate", waiting()), {}),
    "a key is revoked": lambda: (page("clients_signingkey_revoke", waiting()), {}),
    "access is ended": lambda: (page("clients_authorization_changelist"), chosen("end", somebody().pk)),
}


def everything() -> list[Any]:
    """Whatever those change."""
    tables = (User, Authenticator, SigningKey, Authorization)
    return [
        sorted(map(str, model._default_manager.exclude(username="root").values()))
        if model is User
        else sorted(map(str, model._default_manager.values()))
        for model in tables
    ]


@pytest.fixture
def root() -> Iterator[Http]:
    """A superuser who signed in a while ago."""
    somebody = user("root")
    somebody.set_password(PASSWORD)
    somebody.save()
    http = Http()
    assert give_password(http, somebody).status_code == 302
    with time_machine.travel(timezone.now() + LATER):
        yield http


@pytest.mark.parametrize("change", CHANGES)
def test_a_session_alone_changes_no_people_and_no_keys(change: str, root: Http) -> None:
    enrol(user("owner"))
    address, fields = CHANGES[change]()
    before = everything()
    assert sent_on(root.post(address, fields)) == (reverse("account_reauthenticate"), address)
    assert everything() == before
    assert "Nothing was changed" in root.get(reverse("account_reauthenticate")).content.decode()


@pytest.mark.parametrize("change", CHANGES)
def test_who_gives_the_password_again_does_it(change: str, root: Http) -> None:
    enrol(user("owner"))
    address, fields = CHANGES[change]()
    before = everything()
    assert (
        root.post(f"{reverse('account_reauthenticate')}?next={address}", {"password": PASSWORD})["Location"] == address
    )
    assert root.post(address, fields).status_code == 302
    assert everything() != before


def test_a_key_is_not_made_either_and_the_way_leads_back_to_the_list(root: Http) -> None:
    SigningKey.objects.filter(state=KeyState.NEXT).delete()
    back = page("clients_signingkey_changelist")
    answer = root.post(page("clients_signingkey_make"), {"algorithm": "ES256"})
    assert sent_on(answer) == (reverse("account_reauthenticate"), back)
    assert not SigningKey.objects.filter(state=KeyState.NEXT).exists()


def test_pages_that_only_show_open_as_they_are(root: Http) -> None:
    one = somebody()
    for address in (
        page("accounts_user_changelist"),
        page("accounts_user_history", user("owner").pk),
        page("clients_signingkey_changelist"),
        page("clients_signingkey_change", waiting()),
        page("clients_authorization_changelist"),
        page("clients_authorization_change", one.pk),
        page("projects_project_changelist"),
    ):
        assert root.get(address).status_code == 200, address
    forms = [page("accounts_user_add"), page("accounts_user_change", one.user.pk)]
    for address in forms:  # nobody fills in a form that is refused when it is sent
        assert sent_on(root.get(address)) == (reverse("account_reauthenticate"), address)


def test_with_a_second_step_the_password_is_not_enough(root: Http) -> None:
    enrol(user("root"))
    address, fields = CHANGES["a password is set"]()
    root.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert sent_on(root.post(address, fields)) == (reverse("mfa_reauthenticate"), address)
    assert not user("owner").has_usable_password()
    given = root.post(f"{reverse('mfa_reauthenticate')}?next={address}", {"code": code()})
    assert given["Location"] == address
    assert root.post(address, {**form_of(root.get(address)), **fields}).status_code == 302
    assert user("owner").check_password(PASSWORD)


def test_who_has_just_signed_in_with_both_steps_is_not_asked_again() -> None:
    somebody = user("root")
    somebody.set_password(PASSWORD)
    somebody.save()
    enrol(somebody)
    http = Http()
    give_password(http, somebody)
    give_code(http, code())
    assert http.get(page("accounts_user_add")).status_code == 200


def test_who_has_no_password_and_no_second_step_signs_in_anew() -> None:
    http = browser("root")
    with time_machine.travel(timezone.now() + LATER):
        assert sent_on(http.get(page("accounts_user_add")))[0] == reverse("account_switch")
