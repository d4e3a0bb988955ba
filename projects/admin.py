"""The console's pages for projects and APIs. `clients.admin` adds what clients have to say, and registers them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.asked_first import Hurt, unless_told
from accounts.console import GOOD, WARN, actor, badge
from accounts.console_forms import shortened
from projects import access, api_registration, inviting, logos, registration
from projects.actors import Actor
from projects.choices import ConsentMode, CrossClient, Shared, Status, TokenFormat
from projects.claim_pages import ClaimPages
from projects.console import ProjectFilter, ProjectScopedAdmin, ProjectScopedInline, forget_roles
from projects.door import actor_of
from projects.forms import (
    ApiForm,
    ApiScopeForm,
    ApiScopeFormSet,
    MemberForm,
    MemberFormSet,
    ProjectForm,
)
from projects.invitation_admin import InvitationAdmin as InvitationAdmin  # registers itself
from projects.member_pages import MemberPages
from projects.metadata import ApiMetadata, ProjectMetadata
from projects.models import Api, ApiScope, ConsentScreen, Member, Project, one_at_a_time
from projects.project_pages import ProjectPages
from projects.project_tabs import tabs
from projects.screen_forms import ConsentScreenForm
from projects.sign_in_fields import LetInShown

OF_IT = ("apis_of_it", "map_of_it", "roles_of_it", "claims_of_it")  # where its things are


def link_to_list(page: str, project: Project, number: int) -> str:
    """A link to the list of a project's things; saying only how many there are."""
    if not number:
        return gettext("None yet.")
    url = reverse(f"admin:{page}_changelist", query={"project": project.key})
    return format_html('<a href="{}">{}</a>', url, gettext("Show %(number)s") % {"number": number})


class ConsentScreenInline(ProjectScopedInline):
    model = ConsentScreen
    form = ConsentScreenForm
    template = admin.StackedInline.template
    project_path = ""
    can_delete = False
    verbose_name_plural = _("consent screen")
    classes = ["collapse"]  # it has a page of its own, with a preview

    @admin.display(description=_("logo"))
    def logo(self, screen: ConsentScreen) -> str:
        """For those who look only; editors get the form's field of that name."""
        path = logos.path(screen.logo_digest)
        return format_html('<img src="{}" alt="" width="64" height="64">', path) if path else gettext("None yet.")


class MemberInline(ProjectScopedInline):
    model = Member
    form = MemberForm
    formset = MemberFormSet
    project_path = ""
    editors = access.OWNERS
    extra = 1
    fields = ["username", "role"]
    classes = ["collapse"]  # they have a page of their own

    @admin.display(description=_("username"))
    def username(self, member: Member) -> str:
        """For those who look only; owners get the form's field of that name."""
        return member.user.get_username()


class ProjectAdmin(LetInShown, ClaimPages, MemberPages, ProjectPages, ProjectScopedAdmin):
    """Owners change a project, editors its consent screen; only superusers add one."""

    project_path = ""
    form = ProjectForm
    inlines = [ConsentScreenInline, MemberInline]
    list_display = ["name", "key", "state", "asks", "siblings"]
    add_words = _("New project")
    comes_when = _("A project holds apps and APIs that belong together. People allow something per project.")
    list_filter = ["status", "consent_mode"]
    search_fields = ["name", "key"]
    fieldsets = [
        (None, {"fields": ["name", "key", *OF_IT]}),
        (_("Who may sign in"), {"fields": ["status", "test_users", "sign_in", "let_in"]}),
        (_("What people are asked"), {"fields": ["consent_mode", "consent_uri"]}),
        (_("Guest apps"), {"fields": ["guest_apps", "guest_hosts", "guest_longest_grant"]}),
        (_("Tokens"), {"fields": ["subject_type", "cross_client", "longest_grant", "tokens_not_before"]}),
        (_("Authorization requests"), {"fields": ["require_pushed_authorization_requests", "profile"]}),
    ]

    change_form_template = "admin/projects/change_form.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The settings, below the tabs."""
        found = self.get_queryset(request).filter(pk=object_id).first() if object_id.isdecimal() else None
        more = tabs(self, request, found, "change") if found is not None else {}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return actor(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._has_role(request, access.OWNERS, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        if obj is None:
            return [*OF_IT]
        if self._has_role(request, access.OWNERS, obj):
            return ["key", *OF_IT]
        return [*ProjectForm.Meta.fields, "let_in", *OF_IT]

    @admin.display(description=_("status"), ordering="status")
    def state(self, project: Project) -> str:
        return badge(_("Testing"), WARN) if project.status == Status.TESTING else badge(_("Production"), GOOD)

    @admin.display(description=_("consent"), ordering="consent_mode")
    def asks(self, project: Project) -> str:
        return badge(_("First party") if project.consent_mode == ConsentMode.IMPLICIT else _("Asks"))

    @admin.display(description=_("cross-client ID tokens"), ordering="cross_client")
    def siblings(self, project: Project) -> str:
        return badge(_("Off") if project.cross_client == CrossClient.OFF else _("Same project"))

    @admin.display(description=_("APIs"))
    def apis_of_it(self, project: Project) -> str:
        return link_to_list("projects_api", project, project.apis.count() if project.pk else 0)

    @admin.display(description=_("Who may call what"))
    def map_of_it(self, project: Project) -> str:
        if not project.pk:
            return gettext("None yet.")
        url = reverse("admin:projects_api_map", query={"project": project.key})
        return format_html('<a href="{}">{}</a>', url, gettext("Audience map"))

    @admin.display(description=_("roles"))
    def roles_of_it(self, project: Project) -> str:
        return link_to_list("projects_projectrole", project, project.roles.count() if project.pk else 0)

    @admin.display(description=_("What apps are told"))
    def claims_of_it(self, project: Project) -> str:
        if not project.pk:
            return gettext("None yet.")
        url = reverse("admin:projects_project_claims", args=[project.pk])
        return format_html('<a href="{}">{}</a>', url, gettext("Claims of groups, roles and attributes"))

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        """Not yet: its members and its consent screen are in the rows below the form."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The registration writes all of it; Django only notes what became of the rows, for its history."""
        wanted, by = form.wanted, actor_of(request)
        for formset in formsets:
            formset.save(commit=False)
            if formset.model is ConsentScreen:
                for form_of_screen in filter(ConsentScreenForm.has_changed, formset.forms):  # none: it stays
                    wanted = replace(wanted, consent_screen=form_of_screen.screen())
            elif not change or by.owns(form.instance):
                wanted = replace(wanted, members=formset.values())
        if change:
            unless_told(request, self.hurts(form.instance, wanted, by))
            registration.change(form.instance, wanted, by)
        else:
            made = registration.register(wanted, by)
            vars(form.instance).update(vars(made))  # Django goes on with the row it gave the form
        self._invite(request, form.instance, formsets)
        forget_roles(request)
        if self._has_role(request, access.OWNERS, form.instance):
            self._name_those_outside(request, form.instance)

    def hurts(self, project: Project, wanted: ProjectMetadata, by: Actor) -> list[Hurt]:
        """What a change does to people, to be read before it is saved."""
        return []

    def _invite(self, request: HttpRequest, project: Project, formsets: Any) -> None:
        """Whoever was named by an address among the members."""
        for _form, wanted in (one for rows in formsets if rows.model is Member for one in rows.invited()):
            invitation = inviting.invite(wanted, project, actor_of(request))
            sentence = gettext("The invitation to %(email)s is sent.") % {"email": invitation.email}
            self.message_user(request, sentence, messages.SUCCESS)

    def _name_those_outside(self, request: HttpRequest, project: Project) -> None:
        """A role alone opens no door, and who gave it may not be able to open it."""
        outside = project.members.filter(user__is_staff=False).order_by("user__username")
        names = list(outside.values_list("user__username", flat=True))
        if not names:
            return
        sentence = ngettext(
            "This member cannot enter the console yet: %(names)s. A superuser opens it at Members.",
            "These members cannot enter the console yet: %(names)s. A superuser opens it at Members.",
            len(names),
        )
        self.message_user(request, sentence % {"names": shortened(names)}, messages.WARNING)


class ApiScopeInline(ProjectScopedInline):
    model = ApiScope
    form = ApiScopeForm
    formset = ApiScopeFormSet
    extra = 1


class ApiAdmin(ProjectScopedAdmin):
    """The identifier stays: tokens carry it, allowlists name it, and other APIs are kept away from it."""

    form = ApiForm
    inlines = [ApiScopeInline]
    list_display = ["name", "identifier", "project", "reach", "tokens"]
    add_words = _("New API")
    comes_when = _("An API is what apps ask tokens for: its address, and the scopes that say what they may do there.")
    list_filter = [ProjectFilter, "shared", "token_format"]
    list_select_related = ["project"]
    search_fields = ["name", "identifier"]
    fieldsets = [
        (None, {"fields": ["project", "identifier", "name", "description"]}),
        (
            _("Access tokens for it"),
            {"fields": ["token_format", "token_signing_alg", "token_lifetime", "tokens_not_before"]},
        ),
        (_("Who may ask for it"), {"fields": ["shared", "shared_with"]}),
    ]

    actions = ["end_tokens"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["project", "identifier"] if obj else []

    @admin.display(description=_("shared"), ordering="shared")
    def reach(self, api: Api) -> str:
        words = {Shared.LISTED: _("Listed projects"), Shared.PUBLIC: _("Every project")}
        return badge(words.get(Shared(api.shared), _("This project")))

    @admin.display(description=_("token format"), ordering="token_format")
    def tokens(self, api: Api) -> str:
        words: dict[str, str | Promise] = {TokenFormat.JWT: "JWT", TokenFormat.OPAQUE: _("Opaque")}
        return badge(words.get(api.token_format, _("As the client says")))

    @admin.action(description=_("End every token for the selected APIs"), permissions=["change"])
    def end_tokens(self, request: HttpRequest, queryset: QuerySet[Api]) -> None:
        """Whoever has them, in whatever project. Apps that may ask for new ones go on."""
        mine = list(queryset.filter(project__in=access.editable(actor(request))).select_related("project"))
        with transaction.atomic():
            for api in mine:
                api_registration.end_tokens(api, actor_of(request))
                self.log_change(request, api, gettext("Tokens ended."))
        done = ngettext("Tokens for %(number)s API ended.", "Tokens for %(number)s APIs ended.", len(mine))
        self.message_user(request, done % {"number": len(mine)}, messages.SUCCESS)
        if queryset.count() > len(mine):
            left = gettext("Some belong to projects you may only look at. They were left alone.")
            self.message_user(request, left, messages.WARNING)

    def locked(self, pk: object) -> Model | None:
        one_at_a_time()
        return super().locked(pk)

    def hurts(self, api: Api, wanted: ApiMetadata, by: Actor) -> list[Hurt]:
        """What a change does to people, to be read before it is saved."""
        return []

    def register(self, wanted: ApiMetadata, project: Project, by: Actor) -> Api:
        return api_registration.register(wanted, project, by)

    def save_model(self, request: HttpRequest, obj: Api, form: Any, change: bool) -> None:
        """Not yet: its scopes are in the rows below the form."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The registration writes all of it; Django only notes what became of the rows, for its history."""
        [scopes] = formsets
        scopes.save(commit=False)
        wanted, by = replace(form.wanted, scopes=scopes.values()), actor_of(request)
        if change:
            unless_told(request, self.hurts(form.instance, wanted, by))
            api_registration.change(form.instance, wanted, by)
        else:
            made = self.register(wanted, form.cleaned_data["project"], by)
            vars(form.instance).update(vars(made))  # Django goes on with the row it gave the form
