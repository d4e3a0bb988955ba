"""People's accounts in the console: for superusers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group as DjangoGroup
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import attribute_fields, attributes, changes, emails, events, groups, normalization, notices, provisioning
from accounts import directory_admin as directory_admin
from accounts.attribute_types import MAX_ITEMS, MAX_TEXT
from accounts.attributes import Definition, Editor
from accounts.changes import NOT_FROM_YOURSELF, finish
from accounts.console import GOOD, WARN, ConsoleAdmin, actor, badge
from accounts.console_forms import ConsoleForm, shortened
from accounts.forms import NormalizedPasswords
from accounts.fresh_proof import SuperusersAdmin, is_superuser
from accounts.models import AccountEvent, Group, User
from accounts.moments import moment_problem
from common.json_type import Json

if TYPE_CHECKING:
    from django.contrib.admin.options import _FieldsetSpec

    PasswordForm = AdminPasswordChangeForm[User]
    ChangeForm = UserChangeForm[User]
    CreationForm = AdminUserCreationForm[User]
    BaseUserAdmin = DjangoUserAdmin[User]
else:
    PasswordForm = AdminPasswordChangeForm
    ChangeForm = UserChangeForm
    CreationForm = AdminUserCreationForm
    BaseUserAdmin = DjangoUserAdmin

# Django's own text mentions other authentication backends, and there are none.
NO_PASSWORD = gettext_lazy(
    "If disabled, no password opens this account. A passkey still works, and a person with an e-mail address may set "
    "a new password by “Forgot your password?”."
)
PASSWORD_LOST = gettext_lazy("The password it has now is lost.")


class UserForm(ConsoleForm, ChangeForm):
    # Made for the person that is edited (`UserAdmin.get_form`).
    definitions: ClassVar[Sequence[Definition]] = ()
    before: ClassVar[Mapping[str, Json]] = MappingProxyType({})
    changes: Mapping[str, Json] = MappingProxyType({})
    member_of = forms.CharField(
        label=gettext_lazy("Groups"),
        required=False,
        max_length=MAX_TEXT * MAX_ITEMS,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One per line. What connectors say of them stays beside this."),
    )

    def clean_member_of(self) -> str:
        names = self.cleaned_data["member_of"].splitlines()
        if unknown := groups.known_groups(filter(str.strip, names))[1]:
            raise ValidationError(_("There is no group of this name: %(names)s.") % {"names": shortened(unknown)})
        return "\n".join(names)

    def clean_username(self) -> str:
        """As for a new account: people type their name in any case, so two names must differ in more than that."""
        username: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=username).exclude(pk=self.instance.pk).exists():
            raise ValidationError(self.instance.unique_error_message(User, ["username"]))
        return username

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email and User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("Another account has this e-mail address."))
        if "email" in self.changed_data and self.instance.is_verified_by_another(email):
            raise ValidationError(_("Another account has verified this e-mail address."))
        return email

    def clean_tokens_not_before(self) -> datetime | None:
        before, after = self.instance.tokens_not_before, super().clean_tokens_not_before()
        if after != before and (problem := moment_problem(before, after)):
            raise ValidationError(problem)
        return after

    def clean(self) -> dict[str, object]:
        """Superusers cannot take their own rights away by a slip of the mouse."""
        super().clean()
        self.changes = attribute_fields.read_form(self, Editor.ADMINISTRATOR, self.definitions, self.before)
        if self.instance.pk == self.actor.pk:
            for name in ("is_active", "is_staff", "is_superuser"):
                if not self.cleaned_data.get(name):
                    self.add_error(name, NOT_FROM_YOURSELF)
        return self.cleaned_data


class NewUserForm(NormalizedPasswords, CreationForm):
    usable_password = CreationForm.create_usable_password_field(NO_PASSWORD)


class PasswordSetForm(NormalizedPasswords, PasswordForm):
    # The admin's styles show the list only while “Disabled” is chosen.
    _help_text = '{} <ul id="id_unusable_warning" class="messagelist"><li class="warning">{}</li></ul>'
    usable_password_help_text = cast("str", format_lazy(_help_text, NO_PASSWORD, PASSWORD_LOST))

    def save(self, commit: bool = True) -> User:
        """A password set by somebody else ends every sign-in made with the old one."""
        user = super().save(commit)
        notices.password_replaced(user)
        return user


# Importing Django's admin registered it. Groups are ours (accounts.directory_admin).
admin.site.unregister(DjangoGroup)


class UserAdmin(SuperusersAdmin, BaseUserAdmin):
    """The form of an account, and the list of all. Registered with the page of a person (`provider.admin.person`)."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = PasswordSetForm
    list_display = ["username", "full_name", "email", "rights", "state", "last_login"]
    menu_name = gettext_lazy("People")
    add_words = gettext_lazy("New person")
    list_filter = ["is_active", "is_staff", "is_superuser"]
    search_fields = ["username", "email", "first_name", "last_name"]  # and the whole `sub`
    readonly_fields = ["sub", "email_is_verified", "looked_after_by", "last_login", "date_joined"]
    filter_horizontal = []
    fieldsets = [
        (None, {"fields": ["username", "password", "sub"]}),
        (
            gettext_lazy("Person"),
            {"fields": ["first_name", "last_name", "email", "email_is_verified"]},
        ),
        (
            gettext_lazy("Access"),
            {
                "fields": ["is_active", "is_staff", "is_superuser", "tokens_not_before"],
                "description": gettext_lazy(
                    "Staff enter this console and see the projects they are members of. Superusers may do everything. "
                    "Somebody who is not active cannot sign in, and their tokens end for good: active again, they "
                    "sign in anew."
                ),
            },
        ),
        (gettext_lazy("Dates"), {"fields": ["last_login", "date_joined", "looked_after_by"]}),
    ]

    def counted(self, number: int) -> str:
        words = ngettext("%(number)s person", "%(number)s people", number)
        return words % {"number": number_format(number, force_grouping=True)}

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> _FieldsetSpec:
        sets = [*super().get_fieldsets(request, obj)]
        if obj is not None:
            sets.insert(
                2, (_("Groups and attributes"), {"fields": ["member_of", *attribute_fields.fields(_definitions(), {})]})
            )
        return sets

    def get_form(
        self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **kwargs: object
    ) -> type[forms.ModelForm[Any]]:
        """With a field for each attribute of this installation."""
        if isinstance(obj, User):
            definitions, before = _definitions(), attributes.values_of(obj)
            made = attribute_fields.fields(definitions, before)
            for one in definitions:
                if not one.editable_for(Editor.ADMINISTRATOR):
                    made[one.name].disabled = True
            own = {"definitions": definitions, "before": before}
            by_hand = Group.objects.filter(members__user=obj, members__source="").order_by("name")
            made["member_of"] = deepcopy(UserForm.base_fields["member_of"])
            made["member_of"].initial = "\n".join(by_hand.values_list("name", flat=True))
            kwargs["form"] = type("UserForm", (UserForm,), {**made, **own})
        form = super().get_form(request, obj, change=change, **kwargs)
        known = attributes.schema()
        for name, column in attributes.NAMES.items():
            if column in form.base_fields and not known[name].editable_for(Editor.ADMINISTRATOR):
                form.base_fields[column].disabled = True
        return form

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        words = [normalization.mail_address(word) for word in search_term.split()]
        found, may_repeat = super().get_search_results(request, queryset, " ".join(words))
        return found | queryset.filter(sub=search_term), may_repeat

    @admin.display(description=gettext_lazy("Looked after by"))
    def looked_after_by(self, user: User) -> str:
        """The directory that changes this account by SCIM."""
        return provisioning.source_of(user) or "—"

    @admin.display(description=gettext_lazy("name"), ordering="first_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description=gettext_lazy("console"), ordering="-is_superuser")
    def rights(self, user: User) -> str:
        if user.is_superuser:
            return badge(_("Superuser"))
        return badge(_("Staff")) if user.is_staff else ""

    @admin.display(description=gettext_lazy("state"), ordering="is_active")
    def state(self, user: User) -> str:
        return badge(_("Active"), GOOD) if user.is_active else badge(_("Not active"), WARN)

    @admin.display(description=gettext_lazy("e-mail verified"), boolean=True)
    def email_is_verified(self, user: User) -> bool:
        return user.email_verified

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm[User], change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            verified = emails.was_verified(obj, before := form.initial["email"])
            emails.replace_primary_address(obj, before)
            emails.record_change(obj, before, verified)
        if change and isinstance(form, UserForm):
            changed = attributes.keep(obj, form.changes)
            finish(obj, form.changed_data, by := events.person(actor(request)), changed)
            if "member_of" in form.changed_data:
                names = [*filter(str.strip, form.cleaned_data["member_of"].splitlines())]
                groups.set_groups_of(obj, names, "", by)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        events.record_deletion(obj, None)
        super().delete_model(request, obj)

    def stands_in_the_way(self, request: HttpRequest, obj: User) -> list[str]:
        return changes.obstacles(obj, actor(request))


@admin.register(AccountEvent)
class AccountEventAdmin(ConsoleAdmin):
    """What happened to people's accounts: for superusers, and read-only for them too."""

    list_display = ["at", "kind", "sub", "address"]
    list_filter = ["kind", "at"]
    search_fields = ["sub__exact", "=address"]
    menu_name = gettext_lazy("Events of accounts")
    fields = ["at", "kind", "sub", "address", "detail"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


def _definitions() -> list[Definition]:
    """What the page shows beside the names, which are columns."""
    return [*attributes.further().values()]
