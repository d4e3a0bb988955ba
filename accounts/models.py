"""Who people are, and when and how they signed in."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Self, Unpack

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts import normalization, subjects
from accounts.directory import Attribute as Attribute  # Django looks for models here
from accounts.directory import EditableBy as EditableBy
from accounts.directory import Group as Group
from accounts.directory import GroupMember as GroupMember
from accounts.directory import Provisioned as Provisioned
from accounts.event_kinds import AccountEventKind as AccountEventKind
from accounts.fields import MailAddressColumn, UserNameColumn, as_in_django
from accounts.mails import Mail as Mail
from common import clock
from common.shapes import SaveOptions

if TYPE_CHECKING:
    BaseUserManager = DjangoUserManager["User"]
else:
    BaseUserManager = DjangoUserManager


class UserManager(BaseUserManager):
    use_in_migrations = False

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra_fields: object
    ) -> User:
        """`createsuperuser` shows a ValidationError as a sentence, so a taken address raises one."""
        wanted = self.model(username=username, email=email or "")
        wanted.clean_fields(exclude=["password"])
        wanted.validate_constraints()
        if wanted.is_verified_by_another(wanted.email):
            raise ValidationError(_("Another account has verified this e-mail address."))
        return super().create_superuser(username, email, password, **extra_fields)

    def _create_user_object(
        self, username: str, email: str | None, password: str | None, **extra_fields: object
    ) -> User:
        """Django makes the hash here, and not by `set_password`."""
        normalized = None if password is None else normalization.password(password)
        made: User = super()._create_user_object(username, email, normalized, **extra_fields)  # type: ignore[misc]
        return made


class User(AbstractUser):
    """A person. `sub` is the identifier every token carries: it never changes and is never reused.

    New people get a UUID. Those who were brought along keep what their apps know them by (`accounts.subjects`).
    """

    username = UserNameColumn(**as_in_django("username"))
    email = MailAddressColumn(**as_in_django("email"))
    sub = models.CharField(
        _("subject"),
        max_length=subjects.MAX_LENGTH,
        default=subjects.new,
        unique=True,
        editable=False,
        validators=[subjects.check],
    )
    # Of a password that a file set: spares `applyconfig` the slow hash (common.chosen).
    password_fingerprint = models.CharField(max_length=64, blank=True, default="", editable=False)
    # What is known of them, by the names of `accounts.attributes`. Replaced, never changed in place: what a row was
    # read with is compared with what it has when it is saved.
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    tokens_not_before = models.DateTimeField(
        _("tokens not before"),
        null=True,
        blank=True,
        help_text=_("Tokens issued before this moment stop working."),
    )
    muted_mails = models.JSONField(default=list, blank=True, editable=False)  # of accounts.notices.CHOICES
    # What their passkeys name them by (`accounts.passkeys`).
    passkey_handle = models.BinaryField(null=True, unique=True, editable=False)
    updated_at = models.DateTimeField(_("last changed"), auto_now=True)

    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(sub__regex=subjects.CLEAN), name="subject_is_a_clean_text"),
            # The email claim identifies people to apps: two accounts must never share one.
            models.UniqueConstraint(
                Lower("email"),
                condition=~models.Q(email=""),
                name="one_account_per_email",
                violation_error_message=_("Another account has this e-mail address."),
            ),
            # People sign in with it in any case.
            models.UniqueConstraint(
                Lower("username"),
                name="one_account_per_username",
                violation_error_message=_("Another account has this user name in other capitals."),
            ),
        ]

    _as_read: Mapping[str, object] = MappingProxyType({})  # columns as the database had them; none of who is new

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[object], **_more: object) -> Self:
        user = super().from_db(db, field_names, values)
        user._as_read = user._columns(field_names)
        return user

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Self] | None = None,
    ) -> None:
        super().refresh_from_db(using, fields, from_queryset)
        self._as_read = {**self._as_read, **self._columns(fields)}

    def save(self, **options: Unpack[SaveOptions]) -> None:
        """What somebody had who is deactivated is over for good, whoever writes it: activating them revives nothing.

        Their sign-ins end both times: one may have been under way while they were deactivated.
        Only what was changed here is written: a row that was read before somebody else deactivated its person, or set
        their password, takes none of that back. Nor is a person who was deleted written anew.
        """
        before, named = self._as_read, options.get("update_fields")
        written = None if named is None else {*named}
        if before and written is None and not self._state.adding:
            written = {"updated_at", *self._changed()}
        if switched := before.get("is_active", self.is_active) != self.is_active:
            self.tokens_not_before = clock.end_of_all_before(self.tokens_not_before, on=self.is_active)
            written = written and written | {"tokens_not_before"}
        options["update_fields"] = written
        with transaction.atomic() if switched else nullcontext():
            super().save(**options)
            if switched:
                kind = AccountEventKind.ACTIVATED if self.is_active else AccountEventKind.DEACTIVATED
                AccountEvent.objects.create(sub=self.sub, kind=kind)
                SignIn.objects.filter(user=self.pk, ended_at=None).update(ended_at=clock.now())
        self._as_read = {**before, **self._columns(written)}

    def _changed(self) -> Iterator[str]:
        """Columns that will have another value than the database had, once they are normalized."""
        now, before = self._columns(), self._as_read
        for field in self._meta.concrete_fields:
            name = field.attname
            if name in now and name in before and field.to_python(now[name]) != before[name]:
                yield name

    def _columns(self, names: Iterable[str] | None = None) -> dict[str, object]:
        """What it has in these columns or all, as far as they were read."""
        known = {field.attname for field in self._meta.concrete_fields} & vars(self).keys()
        return {name: vars(self)[name] for name in (known if names is None else known.intersection(names))}

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(None if raw_password is None else normalization.password(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """Hashes that were brought along may be of the text as it was typed: such a one is tried, and made anew."""
        normalized = raw_password and normalization.password(raw_password)
        if super().check_password(normalized):
            return True
        if normalized == raw_password or not super().check_password(raw_password):
            return False
        self.set_password(raw_password)
        self.save(update_fields=["password"])
        return True

    @property
    def email_verified(self) -> bool:
        """Whether the person verified the address in `email`."""
        proved = self.emailaddress_set.filter(verified=True).values_list("email", flat=True) if self.email else ()
        return normalization.small(self.email) in map(normalization.small, proved)

    def is_verified_by_another(self, email: str) -> bool:
        """Whether somebody else verified this address, perhaps as a second one: it signs in that person only."""
        theirs = EmailAddress.objects.exclude(user_id=self.pk)
        return bool(theirs.filter(email=normalization.mail_address(email), verified=True).exists())


_TO_ANNOUNCE = models.Q(ended_at__isnull=False, announced_at__isnull=True)


class SignIn(models.Model):
    """One sign-in in one browser: `auth_time`, `amr`, `acr` and `sid` in tokens come from here.

    Ending it ends everything that depends on it. The rows that have ended say which apps to notify. A row is deleted
    only when no authorization refers to it, and then there is nobody to notify.
    """

    sid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Cleared after the person (`clients.remains`), like everything there may be very much of.
    user = models.ForeignKey(User, on_delete=models.DO_NOTHING, db_constraint=False, related_name="sign_ins")
    auth_time = models.DateTimeField(default=clock.now)
    amr = models.JSONField(default=list, blank=True)
    acr = models.CharField(max_length=100, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # When the apps to notify of its end were listed.
    announced_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    # Exact to an hour (sign_in.SEEN_INTERVAL): a write for every page would cost too much.
    seen_at = models.DateTimeField(default=clock.now)
    user_agent = models.CharField(max_length=200, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    # What the pages spoke: mails to this person do, too.
    language = models.CharField(max_length=10, blank=True, default="")
    connector = models.CharField(max_length=40, blank=True, default="")  # the key of that it came by (`upstream`)
    upstream_sid = models.CharField(max_length=64, blank=True, default="")  # of the session there, as a digest

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        indexes = [
            # Only the few that are not announced yet, however many sign-ins there are.
            models.Index(fields=["ended_at"], condition=_TO_ANNOUNCE, name="sign_in_to_announce"),
            models.Index(fields=["connector"], condition=~models.Q(connector=""), name="sign_in_by_connector"),
            models.Index(fields=["upstream_sid"], condition=~models.Q(upstream_sid=""), name="sign_in_by_upstream_sid"),
        ]

    def __str__(self) -> str:
        return f"Sign-in of {self.user} at {self.auth_time:%Y-%m-%d %H:%M}"


class AccountEvent(models.Model):
    """Append-only log of what happened to people's accounts: by `sub`, never a name, a mail address or a secret.

    It outlives the account. A wrong password for an account that does not exist has no `sub`.
    """

    at = models.DateTimeField(_("time"), auto_now_add=True, db_index=True)
    sub = models.CharField(max_length=subjects.MAX_LENGTH, blank=True)
    kind = models.CharField(_("what happened"), max_length=60, choices=AccountEventKind.choices)
    address = models.CharField(_("network address"), max_length=45, blank=True)
    detail = models.JSONField(_("details"), default=dict)

    class Meta:
        verbose_name = _("account event")
        verbose_name_plural = _("account events")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["sub", "-at"], name="events_of_person")]

    def __str__(self) -> str:
        return f"{self.kind} {self.sub}"
