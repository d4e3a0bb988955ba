"""People: for superusers, and for machines that were given every project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts import normalization
from accounts.changes import NOT_FROM_YOURSELF, finish
from accounts.models import User
from common.json_type import Json
from idp.api import pages
from idp.api.described import PAGE, operation
from idp.api.documents import said_in
from idp.api.problems import not_found
from idp.api.provider_wide import ProviderWide
from idp.api.resource import storable
from projects.actors import Actor
from projects.events import record
from projects.json_shape import Members, Spot, as_json, flag, read_members, text
from projects.problems import Problem, of_validation, require

WANTED: Members = {"given_name": text, "family_name": text, "is_active": flag}
COLUMNS = {"given_name": "first_name", "family_name": "last_name", "is_active": "is_active"}
DEFAULTS: Mapping[str, Json] = {"given_name": "", "family_name": "", "is_active": True}


class OfPerson(ProviderWide):
    """Whatever is below a person."""

    tag = "users"

    def person(self, sub: str, *, locked: bool = False) -> User:
        self.refuse_others(hidden=True)
        rows = User.objects.select_for_update() if locked else User.objects.all()
        found = rows.filter(sub=sub).first() if storable(sub) else None
        if found is None:
            raise not_found()
        return found


class PeopleList(ProviderWide):
    @operation("list_users", "List people", answers="UserPage", parameters=(*PAGE, "username", "email"))
    def get(self, request: HttpRequest) -> HttpResponse:
        """All of them, or who has exactly this user name or this e-mail address, in any capitals."""
        self.refuse_others()
        return self.listed(self._named(request, User.objects.all()), "pk", represent)

    def _named(self, request: HttpRequest, rows: QuerySet[User]) -> QuerySet[User]:
        username, email = (pages.parameter(request, name) for name in ("username", "email"))
        if not all(storable(one) for one in (username, email) if one is not None):
            return rows.none()
        if username is not None:
            rows = rows.filter(username__iexact=normalization.user_name(username))
        if email is not None:
            address = normalization.mail_address(email)
            rows = rows.filter(email__iexact=address) if address else rows.none()
        return rows


class OnePerson(OfPerson):
    @operation("get_user", "Get a person", answers="User")
    def get(self, request: HttpRequest, sub: str) -> HttpResponse:
        return self.shown(represent([self.person(sub)])[0])

    @operation(
        "patch_user",
        "Change a person's names, or deactivate them",
        answers="User",
        sends="UserPatch",
        parameters=("if_match",),
    )
    def patch(self, request: HttpRequest, sub: str) -> HttpResponse:
        """JSON Merge Patch (RFC 7396). Who is not active cannot sign in, and all they have ends for good: active again,
        they sign in anew."""
        with transaction.atomic():
            user, by = self.person(sub, locked=True), self.by
            self.require(represent([user])[0])
            sent = {name: DEFAULTS.get(name) if value is None else value for name, value in self.sent().items()}
            _change(user, said_in(sent, _read), by)
            return self.shown(represent([user])[0])


def _change(user: User, said: Mapping[str, object], by: Actor) -> None:
    moved = [name for name, value in said.items() if getattr(user, COLUMNS[name]) != value]
    if "is_active" in moved and by.sub == user.sub:
        require([Problem("is_active", str(NOT_FROM_YOURSELF))])
    for name in moved:
        setattr(user, COLUMNS[name], said[name])
    try:
        user.clean_fields(exclude={one.name for one in User._meta.fields} - {COLUMNS[name] for name in moved})
    except ValidationError as error:
        require(of_validation(error, {column: name for name, column in COLUMNS.items()}))
    if moved:
        user.save()
        finish(user, [COLUMNS[name] for name in moved], by)
        record(by, "person.changed", person=user.sub, changed=sorted(moved), is_active=user.is_active)


def _read(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(WANTED, spot), spot.found


def represent(users: Sequence[User]) -> list[dict[str, Json]]:
    """What proves who they are is never shown."""
    proved = EmailAddress.objects.filter(user__in=users, verified=True).values_list("user_id", "email")
    verified = {(user, email.lower()) for user, email in proved}
    return [
        {
            "sub": one.sub,
            "username": one.username,
            "email": one.email,
            "email_verified": (one.pk, one.email.lower()) in verified,
            "given_name": one.first_name,
            "family_name": one.last_name,
            "is_active": one.is_active,
            "is_staff": one.is_staff,
            "is_superuser": one.is_superuser,
            "created_at": as_json(one.date_joined),
            "last_sign_in_at": as_json(one.last_login),
        }
        for one in users
    ]
