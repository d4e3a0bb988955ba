"""A proxy ends TLS: what it shows us of a request is not what the browser sees."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

pytestmark = pytest.mark.django_db


def sign_in_page_answers(origin: str) -> int:
    browser = Client(enforce_csrf_checks=True, headers={"host": "localhost"})  # without the public port
    page: Any = browser.get("/accounts/login/")
    token = page.context["csrf_token"]
    sent = {"login": "nobody", "password": "wrong", "csrfmiddlewaretoken": str(token)}
    return browser.post("/accounts/login/", sent, headers={"origin": origin}).status_code


def test_our_own_forms_are_known_by_the_issuer() -> None:
    assert sign_in_page_answers(settings.IDP_ISSUER) == 200


@pytest.mark.parametrize("origin", ["https://localhost:8000", "http://localhost:8001", "https://evil.example", "null"])
def test_forms_of_other_origins_are_refused(origin: str) -> None:
    assert sign_in_page_answers(origin) == 403
