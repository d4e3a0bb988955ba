"""Initial access tokens in the console: made by owners and shown once, listed with what came of them, revoked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console_forms import LinesField
from clients import initial_tokens
from clients.admin import shown_once
from clients.admin.shown_once import Once, Value
from clients.initial_tokens import LONGEST, MOST, Wanted
from clients.models import Client, InitialAccessToken
from common import clock
from projects import access
from projects.console import ProjectFilter, ProjectScopedAdmin
from projects.door import DoorForm, actor_of

USUAL = Wanted()


class InitialTokenForm(DoorForm):
    scope = LinesField(
        separator=" ",
        label=gettext_lazy("Scopes"),
        help_text=gettext_lazy("What its apps may ask people for, one per line."),
    )
    audiences = LinesField(
        label=gettext_lazy("Audiences"),
        help_text=gettext_lazy("Addresses of the APIs that its apps may ask for, one per line. Empty: none."),
    )
    most = forms.IntegerField(label=gettext_lazy("Apps at most"), min_value=1, max_value=MOST, initial=USUAL.most)
    days = forms.IntegerField(
        label=gettext_lazy("Works for so many days"), min_value=1, max_value=LONGEST, initial=USUAL.days
    )

    class Meta:
        model = InitialAccessToken
        fields = ["project", "label", "scope", "audiences", "most", "days", "require_pkce"]
        help_texts = {
            "label": gettext_lazy("Whom it is for. Events and apps name it by this."),
            "require_pkce": gettext_lazy("Untick it for apps with a secret that know no PKCE."),
        }

    names = {"audience": "audiences"}
    wanted: Wanted

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["scope"] = USUAL.scope.split()

    def clean(self) -> dict[str, Any]:
        super().clean()
        said, project = self.cleaned_data, self.cleaned_data.get("project")
        if project is not None and not self.errors:
            self.wanted = Wanted(
                label=said["label"],
                scope=" ".join(self.words("scope")),
                audience=self.words("audiences"),
                require_pkce=said["require_pkce"],
                most=said["most"],
                days=said["days"],
            )
            self.show(initial_tokens.problems(self.wanted, project, self.by))
        return said


@admin.register(InitialAccessToken)
class InitialTokenAdmin(ProjectScopedAdmin):
    form = InitialTokenForm
    editors = access.OWNERS
    comes_when = gettext_lazy("With such a token a program registers apps of a project by itself.")
    list_display = ["label_or_number", "state", "project", "registered_of_most", "expires_at"]
    list_filter = [ProjectFilter]
    list_select_related = ["project"]
    search_fields = ["label"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return list(InitialTokenForm.Meta.fields)
        said = ["project", "label", "scope", "in_lines", "require_pkce"]
        return [*said, "registered_of_most", "created_at", "expires_at", "state", "apps"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj) if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self._has_role(request, access.OWNERS, None)

    @admin.display(description=gettext_lazy("label"))
    def label_or_number(self, token: InitialAccessToken) -> str:
        return str(token)

    @admin.display(description=gettext_lazy("audiences"))
    def in_lines(self, token: InitialAccessToken) -> str:
        return "\n".join(token.audiences)

    @admin.display(description=gettext_lazy("apps registered"))
    def registered_of_most(self, token: InitialAccessToken) -> str:
        return _("%(used)s of %(most)s") % {"used": token.used, "most": token.most}

    @admin.display(description=gettext_lazy("state"))
    def state(self, token: InitialAccessToken) -> str:
        if token.revoked_at is not None:
            return _("revoked")
        if token.expires_at <= clock.now():
            return _("expired")
        return _("used up") if token.used >= token.most else _("works")

    @admin.display(description=gettext_lazy("its apps"))
    def apps(self, token: InitialAccessToken) -> str:
        rows = Client.objects.filter(registration_access__initial_token=token).order_by("-created")[:100]
        return format_html_join("", "{} ({})<br>", ((client.name, client.client_id) for client in rows)) or "-"

    def save_model(self, request: HttpRequest, obj: InitialAccessToken, form: Any, change: bool) -> None:
        """The registration writes it; Django only notes it for its history. The text is for `response_add` alone."""
        made, token = initial_tokens.make(form.wanted, form.cleaned_data["project"], actor_of(request))
        vars(obj).update(vars(made))
        vars(request)["made_once"] = token

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The only answer that ever shows it."""
        once = Once(
            title=_("Keep this token"),
            warning=_("This token is shown once. Copy it now; it cannot be shown again."),
            note=_("Whoever has it registers apps in the project, until it is used up, expires or is revoked."),
            values=(Value("token", _("Initial access token"), vars(request).pop("made_once")),),
            onward=reverse("admin:clients_initialaccesstoken_changelist"),
            onward_words=_("I have copied it: go on to the tokens"),
        )
        return shown_once.answer(request, self.admin_site, obj, once)

    @admin.action(description=gettext_lazy("Revoke the selected initial access tokens"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[InitialAccessToken]) -> None:
        """Nobody registers an app with them any more; those that are there stay."""
        by = actor_of(request)
        mine = [one for one in queryset if by.owns(one.project)]
        with transaction.atomic():
            ended = [one for one in mine if initial_tokens.revoke(one, by)]
            for one in ended:
                self.log_change(request, one, _("Revoked."))
        self.message_user(request, _("Tokens revoked: %(number)s.") % {"number": len(ended)}, messages.SUCCESS)
