"""The console's pages for projects and APIs. `clients.admin` adds what clients have to say, and registers them."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.console import actor
from accounts.console_forms import shortened
from projects import access
from projects.console import ProjectFilter, ProjectScopedAdmin, ProjectScopedInline, forget_roles
from projects.forms import ApiForm, MemberForm, MemberFormSet, ProjectForm
from projects.models import ApiScope, ConsentScreen, Member, Project


def link_to_list(page: str, project: Project, number: int) -> str:
    """A link to the list of a project's things; saying only how many there are."""
    if not number:
        return gettext("None yet.")
    url = reverse(f"admin:{page}_changelist", query={"project": project.key})
    return format_html('<a href="{}">{}</a>', url, gettext("Show %(number)s") % {"number": number})


class ConsentScreenInline(ProjectScopedInline):
    model = ConsentScreen
    template = admin.StackedInline.template
    project_path = ""
    can_delete = False
    verbose_name_plural = _("consent screen")
    fields = ["app_name", "support_email", "homepage_uri", "policy_uri", "tos_uri"]


class MemberInline(ProjectScopedInline):
    model = Member
    form = MemberForm
    formset = MemberFormSet
    project_path = ""
    editors = access.OWNERS
    extra = 1
    fields = ["username", "role"]

    @admin.display(description=_("username"))
    def username(self, member: Member) -> str:
        """For those who look only; owners get the form's field of that name."""
        return member.user.get_username()


class ProjectAdmin(ProjectScopedAdmin):
    """Owners change a project, editors its consent screen; only superusers add one."""

    project_path = ""
    form = ProjectForm
    inlines = [ConsentScreenInline, MemberInline]
    list_display = ["name", "key", "status", "consent_mode", "cross_client"]
    list_filter = ["status", "consent_mode"]
    search_fields = ["name", "key"]
    fieldsets = [
        (None, {"fields": ["name", "key", "apis_of_it"]}),
        (_("Who may sign in"), {"fields": ["status", "test_users"]}),
        (_("What people are asked"), {"fields": ["consent_mode"]}),
        (_("Tokens"), {"fields": ["cross_client", "tokens_not_before"]}),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return actor(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._has_role(request, access.OWNERS, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        if obj is None:
            return ["apis_of_it"]
        if self._has_role(request, access.OWNERS, obj):
            return ["key", "apis_of_it"]
        return [*ProjectForm.Meta.fields, "apis_of_it"]

    @admin.display(description=_("APIs"))
    def apis_of_it(self, project: Project) -> str:
        return link_to_list("projects_api", project, project.apis.count() if project.pk else 0)

    def save_related(self, request: HttpRequest, form: ProjectForm, formsets: object, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        forget_roles(request)
        ConsentScreen.objects.get_or_create(project=form.instance)  # an untouched form saves none
        if self._has_role(request, access.OWNERS, form.instance):
            self._name_those_outside(request, form.instance)

    def _name_those_outside(self, request: HttpRequest, project: Project) -> None:
        """A role alone opens no door, and who gave it may not be able to open it."""
        outside = project.members.filter(user__is_staff=False).order_by("user__username")
        names = list(outside.values_list("user__username", flat=True))
        if not names:
            return
        sentence = ngettext(
            "%(names)s cannot enter the console yet: a superuser has to tick “Staff status” of the account.",
            "%(names)s cannot enter the console yet: a superuser has to tick “Staff status” of each account.",
            len(names),
        )
        self.message_user(request, sentence % {"names": shortened(names)}, messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        super().delete_model(request, obj)
        forget_roles(request)


class ApiScopeInline(ProjectScopedInline):
    model = ApiScope
    fields = ["name", "description", "sensitive"]
    extra = 1


class ApiAdmin(ProjectScopedAdmin):
    """The identifier stays: tokens carry it, allowlists name it, and other APIs are kept away from it."""

    form = ApiForm
    inlines = [ApiScopeInline]
    list_display = ["name", "identifier", "project", "shared", "token_format"]
    list_filter = [ProjectFilter, "shared", "token_format"]
    list_select_related = ["project"]
    search_fields = ["name", "identifier"]
    fieldsets = [
        (None, {"fields": ["project", "identifier", "name", "description"]}),
        (_("Access tokens for it"), {"fields": ["token_format", "token_lifetime"]}),
        (_("Who may ask for it"), {"fields": ["shared", "shared_with"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["project", "identifier"] if obj else []
