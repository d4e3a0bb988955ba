"""Nobody in particular asks at the authorization endpoint: that leaves nothing behind that has to be kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client as Http
from django.utils import timezone

from tests.world import Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
OWNER = {"login": "owner", "password": "owner-pw"}


def test_a_thousand_requests_of_nobody_leave_no_session() -> None:
    for number in range(1000):
        assert Browser().authorize("web", state=str(number)).status_code == 302
    assert Session.objects.count() == 0


@pytest.mark.parametrize("params", [{"prompt": "login"}, {"max_age": "60"}, {"prompt": "select_account"}])
def test_what_a_visitor_leaves_behind_ends_soon(params: dict[str, str]) -> None:
    sent_on = Browser().authorize("web", **params)
    assert Session.objects.get().expire_date < timezone.now() + timedelta(minutes=16)
    assert sent_on.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 900


def test_signing_in_gives_the_session_its_usual_age() -> None:
    http = Http()
    sent_on = Browser("", http).authorize("web", prompt="login")
    http.post(sent_on["Location"], OWNER)
    assert Session.objects.get().expire_date > timezone.now() + timedelta(days=13)
    assert http.session.get_expiry_age() == settings.SESSION_COOKIE_AGE
