"""What somebody should look after, with the link that mends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import User
from clients.models import ClientSecret, SigningKey, TimerRun
from clients.models.keys import KeyState
from common import clock
from idp.console.to_do import ToDo
from projects.models import Member, Project
from tests.console import browser, client, page, project

pytestmark = pytest.mark.usefixtures("console")


def said(username: str, **query: str) -> list[str]:
    return [one.said for one in browser(username).get(page("index"), query).context["overview"].to_do]


def to_do_of(username: str) -> list[ToDo]:
    found: list[ToDo] = browser(username).get(page("index")).context["overview"].to_do
    return found


def links(username: str) -> list[str]:
    return [one.url for one in browser(username).get(page("index")).context["overview"].to_do if one.url]


def with_step(username: str) -> None:
    Authenticator.objects.create(user=User.objects.get(username=username), type="totp", data={})


@pytest.fixture(autouse=True)
def _nothing_else(settings: Any) -> None:
    settings.IDP_MAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"


def test_an_account_without_a_second_step_is_told_so() -> None:
    sentence = "Your account has no second step: whoever knows its password gets in."
    assert said("viewer") == [sentence]
    with_step("viewer")
    assert said("viewer") == []
    assert sentence in said("root")


def test_administrators_without_a_second_step_are_counted() -> None:
    with_step("root")
    User.objects.create_superuser("second")
    User.objects.create_superuser("third")
    User.objects.create_superuser("left", is_active=False)
    assert "2 other administrators have no second step." in said("root")
    with_step("second")
    assert "1 other administrator has no second step." in said("root")
    assert said("owner")[1:] == []


@pytest.mark.parametrize("kind", ["console", "filebased", "dummy"])
def test_mail_that_goes_nowhere_is_the_superusers_to_mend(settings: Any, kind: str) -> None:
    settings.IDP_MAIL_BACKEND = f"django.core.mail.backends.{kind}.EmailBackend"
    assert any("EMAIL_URL" in one for one in said("root"))
    assert any(one.typed.startswith("EMAIL_URL=") for one in to_do_of("root"))
    assert not any("EMAIL_URL" in one for one in said("owner"))
    assert not any("EMAIL_URL" in one for one in said("root", project="acme"))


def test_a_next_key_that_waited_too_long_leads_to_its_activation() -> None:
    key = {"algorithm": "RS256", "public_jwk": {}, "private_jwk": "sealed"}
    made = SigningKey(kid="next", state=KeyState.NEXT, **key)
    made.save()
    assert not any("RS256" in one for one in said("root"))
    SigningKey.objects.filter(pk=made.pk).update(created_at=clock.now() - timedelta(days=45))
    assert any(one.startswith("The next RS256 key has waited for") for one in said("root"))
    assert page("clients_signingkey_activate", "next") in links("root")
    assert not any("RS256" in one for one in said("owner"))


def test_a_key_is_old_by_how_long_keys_are_to_sign(settings: Any) -> None:
    key = {"algorithm": "RS256", "public_jwk": {}, "private_jwk": "sealed"}
    ago = clock.now() - timedelta(days=105)
    SigningKey(kid="first", state=KeyState.ACTIVE, activated_at=ago, **key).save()
    SigningKey(kid="second", state=KeyState.NEXT, **key).save()
    SigningKey.objects.filter(kid="second").update(created_at=ago + timedelta(days=10))
    assert len([one for one in said("root") if "RS256" in one]) == 2
    settings.IDP_KEY_ROTATION_DAYS = 90
    assert not [one for one in said("root") if "RS256" in one]


def test_timers_that_did_not_run_are_named(settings: Any) -> None:
    now = clock.now()
    settings.IS_LOCAL = True
    assert not any("cleartokens" in one for one in said("root"))
    run = TimerRun.objects.create(
        command="cleartokens", began_at=now, ended_at=now - timedelta(days=3), run_by="timer@host"
    )
    assert any(one.startswith("cleartokens has not run for 3") for one in said("root"))
    run.failed = True
    run.save()
    assert "cleartokens failed when it last ran." in said("root")
    run.delete()
    settings.IS_LOCAL = False
    assert "cleartokens has never run. It needs a timer." in said("root")


def test_a_project_without_an_owner_who_can_sign_in_is_named() -> None:
    assert not any("no owner" in one for one in said("root"))
    User.objects.filter(username="owner").update(is_active=False)
    assert "The project Acme has no owner who can sign in." in said("root")
    assert page("projects_project_members", project().pk) in links("root")
    assert not any("no owner" in one for one in said("editor"))
    Member.objects.all().delete()
    Project.objects.bulk_create(Project(key=f"p{number}", name=f"P {number}") for number in range(9))
    assert sum("no owner" in one for one in said("root")) == 3


def test_a_secret_that_ends_soon_is_named_to_its_members() -> None:
    secret = ClientSecret.objects.get(client=client())
    for days, named in ((3, True), (30, False), (-1, False)):
        ClientSecret.objects.filter(pk=secret.pk).update(expires_at=clock.now() + timedelta(days=days))
        assert any("A secret of Acme web ends on" in one for one in said("owner")) is named, days
        assert not any("Acme" in one for one in said("outsider"))


def test_each_says_what_mends_it() -> None:
    """A link, or what somebody has to type where no page can."""
    past = clock.now() - timedelta(days=9)
    TimerRun.objects.create(command="cleartokens", began_at=past, ended_at=past, run_by="a test")
    assert all(one.url or one.typed for one in to_do_of("root"))
    assert any(one.typed == "manage.py worker" for one in to_do_of("root"))
