"""What tests of second steps share: a person, their sign-in, and the code an authenticator app would show."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qs, urlsplit

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from django.urls import reverse

from accounts.mfa import MFAAdapter
from accounts.models import User
from tests.world import Response

PASSWORD = "correct horse battery staple"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # of RFC 6238


def code(secret: str = SECRET, ahead: int = 0) -> str:
    """The code of now, or of `ahead` periods of 30 seconds later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead))


def wrong_code(secret: str = SECRET) -> str:
    right = {code(secret, ahead) for ahead in range(-3, 4)}
    return next(
        text
        for text in ("000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777")
        if text not in right
    )


def enrol(user: User) -> None:
    """An authenticator app with SECRET, and recovery codes."""
    box = MFAAdapter()
    Authenticator.objects.create(user=user, type="totp", data={"secret": box.encrypt(SECRET)})
    Authenticator.objects.create(user=user, type="recovery_codes", data={"seed": box.encrypt("a seed"), "used_mask": 0})


def give_password(client: Client, user: User, next_url: str = "") -> Response:
    form = {"login": user.username, "password": PASSWORD, **({"next": next_url} if next_url else {})}
    return client.post(reverse("account_login"), form)


def give_code(client: Client, given: str) -> Response:
    return client.post(reverse("mfa_authenticate"), {"code": given})


def recovery_codes(user: User) -> list[str]:
    wrapped: list[str] = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    return wrapped


def secret_on(page: Response) -> str:
    """The secret an authenticator app would be given."""
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.content.decode())
    assert found
    return found[1].replace(" ", "")


def sent_on(response: Response) -> tuple[str, str]:
    """The page that somebody is sent to, and where it leads then."""
    assert response.status_code == 302, response
    parts = urlsplit(response["Location"])
    return parts.path, parse_qs(parts.query)["next"][0]
