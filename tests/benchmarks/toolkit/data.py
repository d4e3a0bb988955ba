"""Fills the toolkit's database, in a process of its own: `prepare`, `codes CLIENT COUNT`."""

from __future__ import annotations

import secrets
import sys
from datetime import timedelta

import django

django.setup()

from django.contrib.auth.hashers import make_password  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider.models import Application, Grant  # noqa: E402

from tests.benchmarks.flows import CHALLENGE, REDIRECT_URI  # noqa: E402
from tests.benchmarks.peers.base import GOOD_FOR_ALL  # noqa: E402

GRANTS = {"machine": "client-credentials", "api": "client-credentials", "web": "authorization-code"}


def prepare() -> None:
    call_command("migrate", verbosity=0)
    user = User.objects.create(username="bench", email="bench@people.example")
    for suffix, hasher in (("", "default"), ("-cheap", "md5")):
        for role, grant in GRANTS.items():
            Application.objects.create(
                client_id=f"bench-{role}{suffix}",
                client_secret=make_password(GOOD_FOR_ALL, hasher=hasher),
                client_type=Application.CLIENT_CONFIDENTIAL,
                authorization_grant_type=grant,
                algorithm=Application.RS256_ALGORITHM,
                redirect_uris=REDIRECT_URI,
                user=user,
            )


def codes(client_id: str, count: int) -> list[str]:
    application = Application.objects.get(client_id=client_id)
    rows = [
        Grant(
            user=application.user,
            application=application,
            code=secrets.token_urlsafe(24),
            expires=timezone.now() + timedelta(hours=1),
            redirect_uri=REDIRECT_URI,
            scope="openid read",
            code_challenge=CHALLENGE,
            code_challenge_method="S256",
            nonce="bench",
            claims="{}",
        )
        for _ in range(count)
    ]
    Grant.objects.bulk_create(rows, batch_size=1000)
    return [row.code for row in rows]


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare()
    else:
        sys.stdout.write("\n".join(codes(sys.argv[2], int(sys.argv[3]))))
