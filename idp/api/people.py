"""People: for superusers, and for machines that were given every project."""

from __future__ import annotations

from collections.abc import Sequence

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import is_password_usable
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from accounts import changes, normalization
from accounts.models import GroupMember, User
from common.json_type import Json
from idp.api import deletion, pages, person_changes, repeats
from idp.api.described import PAGE, WRITE, operation
from idp.api.documents import refuse_another, said_in
from idp.api.problems import not_found
from idp.api.provider_wide import ProviderWide
from idp.api.resource import storable, url_of
from projects.events import record
from projects.json_shape import as_json


class OfPerson(ProviderWide):
    """Whatever is below a person."""

    tag = "users"

    def person(self, sub: str, *, locked: bool = False) -> User:
        found = self.person_or_none(sub, locked=locked)
        if found is None:
            raise not_found()
        return found

    def person_or_none(self, sub: str, *, locked: bool = False) -> User | None:
        self.refuse_others(hidden=True)
        rows = User.objects.select_for_update() if locked else User.objects.all()
        found = rows.filter(sub=sub).first() if storable(sub) else None
        if locked:
            self.refuse_others(hidden=True)  # who waited may have lost the right meanwhile
        return found


class PeopleList(ProviderWide):
    @operation("list_users", "List people", answers="UserPage", parameters=(*PAGE, "username", "email"))
    def get(self, request: HttpRequest) -> HttpResponse:
        """All of them, or who has exactly this user name or this e-mail address, in any capitals."""
        self.refuse_others()
        return self.listed(self._named(request, User.objects.all()), "pk", represent)

    @operation(
        "create_user",
        "Make an account",
        answers="User",
        status=201,
        sends="UserWanted",
        parameters=("idempotency_key",),
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """With the hash of a password that was brought along, or without any: then its person sets one by mail, where
        there is an address. `sub` is made, unless they bring one that apps know them by."""
        self.refuse_others()
        return self.once(self._make, allow=self.refuse_others)

    def _make(self) -> HttpResponse:
        with transaction.atomic():
            made = person_changes.make(said_in(self.sent(), person_changes.read_new), self.by)
        return self.made(represent([made])[0], "users", made.sub)

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
        "put_user",
        "Make an account of this sub, or replace it",
        answers="User",
        sends="UserWhole",
        parameters=WRITE,
        also={201: "It is new."},
    )
    def put(self, request: HttpRequest, sub: str) -> HttpResponse:
        """Members that are not named get their defaults, and attributes that are not named go. The password and
        `tokens_not_before` stay, and so does what only an import edits. What is answered may be sent as it is."""
        with transaction.atomic():
            user, by = self.person_or_none(sub, locked=True), self.by
            before = represent([user])[0] if user else None
            self.require(before)
            said = person_changes.whole(said_in(self.sent(), person_changes.read_whole), user, before or {})
            refuse_another(said, "sub", sub)
            if created := user is None:
                user = person_changes.make({**said, "sub": sub}, by)
            else:
                person_changes.change(user, said, by)
            return self.made(represent([user])[0], "users", sub, created=created)

    @operation(
        "patch_user",
        "Change a person's account, or deactivate it",
        answers="User",
        sends="UserPatch",
        parameters=("if_match",),
    )
    def patch(self, request: HttpRequest, sub: str) -> HttpResponse:
        """JSON Merge Patch (RFC 7396). Who is not active cannot sign in, and all they have ends for good: active again,
        they sign in anew. So does whoever was signed in with a password that is replaced. An address that is changed is
        verified by its person, not here."""
        with transaction.atomic():
            user, by = self.person(sub, locked=True), self.by
            self.require(represent([user])[0])
            person_changes.change(user, said_in(self.sent(), person_changes.read), by)
            return self.shown(represent([user])[0])

    @operation("delete_user", "Delete an account", answers="Deletion", parameters=("dry_run", "if_match"))
    def delete(self, request: HttpRequest, sub: str) -> HttpResponse:
        """With everything that is theirs. Nobody has this `sub` ever again, unless they bring it along. Who changed
        something in the console stays in its history: deactivate them."""
        with transaction.atomic():
            user, by = self.person(sub, locked=True), self.by
            self.require(represent([user])[0])
            return deletion.delete(
                self, user, changes.obstacles(user, self.caller.user), lambda: person_changes.delete(user, by)
            )


class SecondSteps(OfPerson):
    @operation("delete_second_steps", "Remove a person's second steps", status=204)
    def delete(self, request: HttpRequest, sub: str) -> HttpResponse:
        """For who lost their devices and codes. Whoever was signed in is signed out. 404: there is none."""
        with transaction.atomic():
            user = self.person(sub, locked=True)
            if not changes.remove_second_steps(user):
                raise not_found()
            record(self.by, "person.changed", person=user.sub, changed=["second_steps"], is_active=user.is_active)
        return HttpResponse(status=204)


@receiver(post_delete, sender=User, dispatch_uid="api.answers_of_person")
def _forget(instance: User, **_signal: object) -> None:
    """Whichever way they went."""
    repeats.forget(url_of("users", instance.sub))


def represent(users: Sequence[User]) -> list[dict[str, Json]]:
    """What proves who they are is never shown."""
    proved = EmailAddress.objects.filter(user__in=users, verified=True).values_list("user_id", "email")
    belongs: dict[int, set[str]] = {}
    for user_id, name in GroupMember.objects.filter(user__in=users).values_list("user_id", "group__name"):
        belongs.setdefault(user_id, set()).add(name)
    verified = {(user, normalization.small(email)) for user, email in proved}
    return [
        {
            "sub": one.sub,
            "username": one.username,
            "email": one.email,
            "email_verified": (one.pk, normalization.small(one.email)) in verified,
            "given_name": one.first_name,
            "family_name": one.last_name,
            "attributes": one.attributes,
            "groups": sorted(belongs.get(one.pk, ())),
            "is_active": one.is_active,
            "is_staff": one.is_staff,
            "is_superuser": one.is_superuser,
            "has_password": is_password_usable(one.password),
            "tokens_not_before": as_json(one.tokens_not_before),
            "created_at": as_json(one.date_joined),
            "last_sign_in_at": as_json(one.last_login),
        }
        for one in users
    ]
