"""`python -m tests.idp.toolkit_site.fill`: makes its tables, 100 people, 20 apps and 30 sign-ins that go on."""

from __future__ import annotations

import json
import os
import sys
import uuid
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.idp.toolkit_site.settings")
django.setup()

from allauth.account.models import EmailAddress  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider import models as toolkit  # noqa: E402

from tests.idp.toolkit_site.models import Employee  # noqa: E402

tables: Any = toolkit  # the product's own, to mypy
Address: Any = EmailAddress

SIGN_INS = 30


def people() -> list[Employee]:
    made = Employee.objects.bulk_create(
        Employee(
            username=f"employee{number}",
            email=f"Employee{number}@Company.example",
            password=make_password(f"password {number}"),
            first_name="Emma",
            is_active=number != 99,
            is_superuser=number == 0,
            is_staff=number == 0,
        )
        for number in range(100)
    )
    Address.objects.bulk_create(
        Address(user=one, email=one.email.lower(), verified=number % 2 == 0, primary=True)
        for number, one in enumerate(made)
    )
    Address.objects.create(user=made[0], email="second@company.example", verified=True)
    Employee.objects.filter(username="employee98").update(password="md5$salt$0cc175b9c0f1b6a831c399e269772661")
    Employee.objects.filter(username="employee97").update(password="!")
    return list(Employee.objects.order_by("pk"))


def app(name: str, kind: str = "confidential", grant: str = "authorization-code", **more: object) -> Any:
    signs_in = grant not in ("client-credentials", "password")
    return tables.Application.objects.create(
        name=name,
        client_id=name,
        client_secret=f"{name}-secret",
        client_type=kind,
        authorization_grant_type=grant,
        redirect_uris=f"https://{name}.company.example/cb" if signs_in else "",
        algorithm="RS256" if signs_in and grant != "implicit" else "",
        **more,
    )


def apps() -> list[Any]:
    made = [app(f"web-{number}") for number in range(11)]
    made += [app("mobile", "public"), *(app(f"service-{number}", grant="client-credentials") for number in range(4))]
    app("legacy", grant="password")
    app("spa", "public", "implicit")
    wild = app("wild", skip_authorization=True)
    tables.Application.objects.filter(pk=wild.pk).update(
        redirect_uris="https://*.company.example/cb https://wild.company.example/cb"
    )
    old = app("old")
    tables.Application.objects.filter(pk=old.pk).update(
        algorithm="HS256", hash_client_secret=False, client_secret="old-secret"
    )
    return made


def sign_ins(everybody: list[Employee], made: list[Any]) -> list[dict[str, str]]:
    told = []
    for number in range(SIGN_INS):
        one, user = made[number % 12], everybody[number]
        scope = "openid email read" if (number + number // 12) % 3 else "openid read write"
        access = tables.AccessToken.objects.create(
            user=user,
            application=one,
            token=f"access-{number}-{uuid.uuid4()}",
            expires=timezone.now() + timedelta(hours=10),
            scope=scope,
        )
        refresh = tables.RefreshToken.objects.create(
            user=user,
            application=one,
            token=f"refresh-{number}-{uuid.uuid4()}",
            access_token=access,
            token_family=uuid.uuid4(),
        )
        secret = "" if one.client_type == "public" else f"{one.client_id}-secret"
        told.append(
            {
                "client_id": one.client_id,
                "client_secret": secret,
                "access_token": access.token,
                "refresh_token": refresh.token,
                "scope": scope,
                "sub": str(user.pk),
            }
        )
    return told


def main() -> None:
    call_command("migrate", verbosity=0)
    json.dump(sign_ins(people(), apps()), sys.stdout)


if __name__ == "__main__":
    main()
