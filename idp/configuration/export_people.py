"""Accounts in an exported file. What they prove themselves by beside a password stays where it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allauth.account.models import EmailAddress
from django.db.models import Q, QuerySet

from accounts.attributes import schema
from accounts.models import Attribute, Group, User
from accounts.normalization import small
from common.hashers import problem_of_hash
from common.json_type import Json
from idp.configuration.export_secrets import SecretsAs
from idp.configuration.schema import SHORT, USER
from idp.directory import attribute_document, group_document
from projects.models import Project

NOT_HERE = "Accounts: passkeys, second factors, further e-mail addresses and sign-ins are not in the file."
APART = (
    "username",
    "password",
    "password_from",
    "password_hash",
    "email",
    "email_verified",
    "attributes",
    "groups",
    *SHORT,
)


def people(projects: Sequence[Project] | None, secrets: SecretsAs, left_out: list[str]) -> Iterator[dict[str, Json]]:
    """All of them (`None`), or those that these projects name."""
    users = User.objects.all() if projects is None else _of(projects)
    rows = EmailAddress.objects.filter(verified=True).values_list("user_id", "email")
    verified = {(user, small(email)) for user, email in rows}
    left_out.append(NOT_HERE)
    for user in users.order_by("username").prefetch_related("group_members__group"):
        yield _user(user, secrets, verified=(user.pk, small(user.email)) in verified)


def attributes() -> list[Json]:
    """Those of this installation, and the standard ones of which it said who may edit them."""
    rows = set(Attribute.objects.values_list("name", flat=True))
    return [
        {"name": one.name, "editable_by": one.editable_by.value} if one.standard else attribute_document(one)
        for one in schema().values()
        if one.name in rows
    ]


def groups() -> list[Json]:
    return [group_document(one) for one in Group.objects.order_by("name")]


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
    columns: dict[str, Json] = {key: getattr(user, USER.column(key)) for key in USER.keys if key not in APART}
    if user.attributes:
        columns["attributes"] = dict(user.attributes)
    return shown | columns | {"groups": sorted(one.group.name for one in user.group_members.all() if not one.source)}
