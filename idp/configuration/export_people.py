"""Accounts in an exported file. What they prove themselves by beside a password stays where it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allauth.account.models import EmailAddress
from django.db.models import Q, QuerySet

from accounts.models import User
from common.hashers import problem_of_hash
from common.json_type import Json
from idp.configuration.export_secrets import SecretsAs
from idp.configuration.schema import USER
from projects.models import Project

NOT_HERE = "Accounts: passkeys, second factors, further e-mail addresses and sign-ins are not in the file."
APART = ("username", "password", "password_from", "password_hash", "email", "email_verified", "attributes")


def people(projects: Sequence[Project], secrets: SecretsAs, left_out: list[str]) -> Iterator[dict[str, Json]]:
    """All of them, or those that these projects name."""
    users = _of(projects) if projects else User.objects.all()
    verified = set(EmailAddress.objects.filter(verified=True).values_list("user_id", "email"))
    left_out.append(NOT_HERE)
    for user in users.order_by("username"):
        yield _user(user, secrets, verified=(user.pk, user.email.lower()) in verified)


def _of(projects: Sequence[Project]) -> QuerySet[User]:
    tested = Project.test_users.through.objects.filter(project__in=projects).values("user")
    return User.objects.filter(Q(memberships__project__in=projects) | Q(pk__in=tested)).distinct()


def _user(user: User, secrets: SecretsAs, *, verified: bool) -> dict[str, Json]:
    shown: dict[str, Json] = {"username": user.username}
    if secrets is SecretsAs.HASHES and problem_of_hash(user.password) is None:
        shown["password_hash"] = user.password
    shown["email"] = user.email
    if user.email:
        shown["email_verified"] = verified
    columns = {key: getattr(user, USER.column(key)) for key in USER.keys if key not in APART}
    return shown | columns | ({"attributes": dict(user.attributes)} if user.attributes else {})
