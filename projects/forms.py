"""The console's forms for projects, their members and their APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console_forms import ConsoleForm, LinesField, shortened
from accounts.models import User
from projects import access, matcher
from projects.models import Api, ConsentMode, Member, Project, Shared

if TYPE_CHECKING:
    InlineFormSet = forms.BaseInlineFormSet[Any, Any, Any]
else:
    InlineFormSet = forms.BaseInlineFormSet

LONGEST_LIFETIME = 10 * 365 * 24 * 3600
NOT_FOUND = gettext_lazy("No account has this username: %(names)s. Check the spelling, capitals included.")


class ProjectForm(ConsoleForm):
    test_users = LinesField(
        label=gettext_lazy("Test users"),
        help_text=gettext_lazy("Usernames, one per line. While the project is in testing only they may sign in."),
    )

    class Meta:
        model = Project
        fields = ["name", "key", "status", "test_users", "consent_mode", "cross_client", "tokens_not_before"]
        help_texts = {
            "name": gettext_lazy("Shown here, and to people unless the consent screen says another name."),
            "status": gettext_lazy("Only a superuser changes this."),
            "consent_mode": gettext_lazy(
                "People who are asked see what they share. Only a superuser makes a project first party."
            ),
            "cross_client": gettext_lazy(
                "With a person's refresh token one client may get an ID token made for another client here."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["test_users"] = [user.get_username() for user in self.initial.get("test_users") or ()]

    def clean_test_users(self) -> list[User]:
        return people(self.cleaned_data["test_users"].split())

    def clean(self) -> dict[str, Any]:
        """Who may sign in without being asked is the provider's decision, not the project's (protocol section 0)."""
        super().clean()
        if not self.actor.is_superuser:
            if "status" in self.changed_data:
                self.add_error("status", _("Only a superuser may change the status."))
            if "consent_mode" in self.changed_data and self.cleaned_data.get("consent_mode") == ConsentMode.IMPLICIT:
                self.add_error("consent_mode", _("Only a superuser may make a project first party."))
        return self.cleaned_data


class MemberForm(ConsoleForm):
    """A member is named by the exact username, never chosen from a list: nobody learns who else has an account.

    Owners of a project can tell whether a username they type exists. That is the price of adding members at all, and
    the reason why editors cannot.
    """

    username = forms.CharField(
        label=gettext_lazy("Username"),
        max_length=150,
        help_text=gettext_lazy("The exact username. A superuser lets the person into this console (staff status)."),
    )

    class Meta:
        model = Member
        fields = ["role"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["username"].disabled = True
            self.initial["username"] = self.instance.user.get_username()

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if not self.instance.pk:
            self.instance.user = people([name])[0]
        return name


class MemberFormSet(InlineFormSet):
    def clean(self) -> None:
        super().clean()
        # Members this page does not show: somebody added them since it was opened.
        shown = [form.instance.pk for form in self.initial_forms]
        others = Member.objects.filter(project=self.instance.pk).exclude(pk__in=shown)
        seen = set(others.values_list("user", flat=True))
        for form in self.forms:
            person = form.instance.user_id
            if person is None or form.cleaned_data.get("DELETE"):
                continue
            if person in seen:
                form.add_error("username", _("This person is a member already. Change the role there."))
            seen.add(person)


class ApiForm(ConsoleForm):
    token_lifetime = forms.IntegerField(
        label=gettext_lazy("Access token lifetime in seconds"),
        help_text=gettext_lazy("Tokens for this API live no longer than this. Empty: as the client says."),
        required=False,
        min_value=1,
        max_value=LONGEST_LIFETIME,
    )
    shared_with = LinesField(
        label=gettext_lazy("Listed projects"),
        help_text=gettext_lazy("Keys of projects, one per line."),
    )

    class Meta:
        model = Api
        fields = [
            "project",
            "identifier",
            "name",
            "description",
            "token_format",
            "token_lifetime",
            "shared",
            "shared_with",
        ]
        help_texts = {
            "identifier": gettext_lazy(
                "An absolute URI such as https://api.example.com/orders. Tokens for this API carry it as “aud”."
            ),
            "token_format": gettext_lazy(
                "Opaque tokens are asked about at the introspection endpoint; JWTs are checked with the JWKS alone."
            ),
            "shared": gettext_lazy("Whose clients may list this API among their audiences."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["shared_with"] = [project.key for project in self.initial.get("shared_with") or ()]

    def clean_identifier(self) -> str:
        identifier: str = self.cleaned_data["identifier"]
        try:
            canonical = matcher.canonical(identifier)
        except matcher.Malformed as error:
            raise ValidationError(str(error)) from None
        project = self.cleaned_data.get("project")
        if Api.objects.filter(canonical=canonical, project=project).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("This project has an API with this identifier already."))
        return identifier

    def clean_shared_with(self) -> list[Project]:
        """Projects one sees, and those listed before: which other projects exist is nobody's business."""
        keys = self.cleaned_data["shared_with"].split()
        known = {project.key: project for project in access.visible(self.actor).filter(key__in=keys)}
        if self.instance.pk:
            known |= {project.key: project for project in self.instance.shared_with.filter(key__in=keys)}
        if unknown := [key for key in keys if key not in known]:
            if self.actor.is_superuser:
                raise ValidationError(_("There is no project with this key: %(keys)s.") % {"keys": shortened(unknown)})
            raise ValidationError(_("Not a project you are a member of: %(keys)s.") % {"keys": shortened(unknown)})
        return list(known.values())

    def clean(self) -> dict[str, Any]:
        super().clean()
        listed = self.cleaned_data.get("shared_with")
        if self.cleaned_data.get("shared") == Shared.LISTED and listed == []:
            self.add_error("shared_with", _("List at least one project, or share with nobody."))
        return self.cleaned_data


def people(usernames: list[str]) -> list[User]:
    """The accounts with exactly these usernames, or an error that names those nobody has."""
    found = {user.username: user for user in User.objects.filter(username__in=usernames)}
    if unknown := [name for name in usernames if name not in found]:
        raise ValidationError(NOT_FOUND % {"names": shortened(unknown)})
    return [found[name] for name in usernames]
