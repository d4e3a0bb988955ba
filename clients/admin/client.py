"""The console's pages for clients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.asked_first import Hurt, unless_told
from accounts.console import GOOD, WARN, badge
from clients import profile, registration
from clients.admin.access_page import AccessPage
from clients.admin.key_pages import KeyPages
from clients.admin.secret_pages import SecretPages
from clients.admin.tabs import tabs
from clients.forms import ABOUT, AudienceEntryForm, AudienceEntryFormSet, ClientForm
from clients.metadata import CERTIFICATE_NAMES, ClientMetadata
from clients.models import AudienceEntry, Client, RegistrationAccess
from clients.models.choices import GrantType
from clients.models.response_type import ResponseType
from clients.policy import metadata_of
from clients.rules import TEXTS
from projects.console import ProjectFilter, ProjectScopedAdmin, ProjectScopedInline
from projects.door import actor_of
from projects.sign_in_fields import LetInShown

WORDS = ("secrets_in_words", "missing_for_fapi2", "came_by")  # not to be filled in


class AudienceEntryInline(ProjectScopedInline):
    model = AudienceEntry
    form = AudienceEntryForm
    formset = AudienceEntryFormSet
    extra = 1


def _label(name: str) -> str:
    """What the page calls this field."""
    field = ClientForm.base_fields.get(name)
    return str(field.label) if field else name


class ClientAdmin(AccessPage, LetInShown, KeyPages, SecretPages, ProjectScopedAdmin):
    form = ClientForm
    inlines = [AudienceEntryInline]
    change_form_template = "admin/clients/client/change_form.html"
    delete_confirmation_template = "admin/clients/client/delete.html"
    object_history_template = "admin/clients/client/history.html"
    list_display = ["name", "client_id", "project", "kind", "state"]
    menu_name = gettext_lazy("Apps")
    first_page = "connect"  # which is `provider.admin.connect`
    add_words = gettext_lazy("New app")
    comes_when = gettext_lazy("An app signs people in here, or calls an API for itself. It belongs to a project.")
    list_display_links = ["name", "client_id"]
    list_filter = [ProjectFilter, "enabled", "client_type"]
    list_select_related = ["project"]
    search_fields = ["name", "client_id"]
    fieldsets = [
        (None, {"fields": ["project", "name", "client_id", "enabled", "came_by"]}),
        (gettext_lazy("Who may sign in"), {"fields": ["sign_in", "let_in"]}),
        (
            gettext_lazy("Client authentication"),
            {
                "fields": [
                    "client_type",
                    "token_endpoint_auth_method",
                    "secrets_in_words",
                ]
            },
        ),
        (
            gettext_lazy("Keys and certificates"),
            {
                "classes": ["collapse"],  # most apps have a secret; a field that is wrong opens it
                "fields": [
                    "jwks_uri",
                    "token_endpoint_auth_signing_alg",
                    *CERTIFICATE_NAMES,
                    "request_object_signing_alg",
                ],
            },
        ),
        (
            gettext_lazy("What it may do"),
            {
                "fields": [
                    "grant_types",
                    "response_types",
                    "redirect_uris",
                    "post_logout_redirect_uris",
                    "backchannel_logout_uri",
                    "scope",
                    "require_pkce",
                    "require_pushed_authorization_requests",
                    "profile",
                    "missing_for_fapi2",
                ]
            },
        ),
        (
            gettext_lazy("Its tokens"),
            {
                "fields": [
                    "access_token_format",
                    "access_token_lifetime",
                    "id_token_lifetime",
                    "id_token_signed_response_alg",
                    "userinfo_signed_response_alg",
                    "authorization_signed_response_alg",
                    "refresh_token_lifetime",
                    "refresh_token_idle_lifetime",
                    "rotate_refresh_tokens",
                    "refresh_tokens",
                    "tokens_not_before",
                    "dpop_bound_access_tokens",
                    "tls_client_certificate_bound_access_tokens",
                ]
            },
        ),
        (
            gettext_lazy("Other apps and APIs"),
            {"fields": ["allowed_callers", "cross_client_public", "introspection", "introspects", "acts_for"]},
        ),
        (
            gettext_lazy("About the app"),
            {"classes": ["collapse"], "fields": [*ABOUT, *TEXTS]},
        ),
        (gettext_lazy("The HTTP API of this provider"), {"classes": ["collapse"], "fields": ["administers"]}),
    ]

    def counted(self, number: int) -> str:
        words = ngettext("%(number)s app", "%(number)s apps", number)
        return words % {"number": number_format(number, force_grouping=True)}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who looks only would read the column as it is stored."""
        sets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return sets
        words: dict[Any, Any] = {
            "grant_types": "grant_types_in_words",
            "response_types": "response_types_in_words",
        }
        return [(name, {**one, "fields": [words.get(field, field) for field in one["fields"]]}) for name, one in sets]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*WORDS, "project", "client_id"] if obj else [*WORDS]

    @admin.display(description=gettext_lazy("client type"), ordering="client_type")
    def kind(self, client: Client) -> str:
        return badge(_("Public") if client.public else _("Confidential"))

    @admin.display(description=gettext_lazy("state"), ordering="enabled")
    def state(self, client: Client) -> str:
        return badge(_("Enabled"), GOOD) if client.enabled else badge(_("Disabled"), WARN)

    @admin.display(description=gettext_lazy("grant types"))
    def grant_types_in_words(self, client: Client) -> str:
        words = dict(GrantType.choices)
        return "\n".join(str(words.get(one, one)) for one in client.grant_types)

    @admin.display(description=gettext_lazy("response types"))
    def response_types_in_words(self, client: Client) -> str:
        words = dict(ResponseType.choices)
        return "\n".join(str(words.get(one, one)) for one in client.response_types)

    @admin.display(description=gettext_lazy("missing for FAPI 2.0"))
    def missing_for_fapi2(self, client: Client) -> str:
        """What to do before the profile can be switched on, or since the project did."""
        lacks = profile.missing(metadata_of(client)) if client.pk else []
        lines = [(_label(one.name), one.message) for one in lacks]
        if not lines:
            return _("Nothing.") if client.pk else _("This is said when it is saved.")
        items = format_html_join("", "<li><strong>{}</strong>: {}</li>", lines)
        return format_html('<ul class="lacks">{}</ul>', items)

    @admin.display(description=gettext_lazy("registered by"))
    def came_by(self, client: Client) -> str:
        """Whether anybody vouches for it."""
        if client.registration_source == Client.RegistrationSource.MANUAL:
            return _("A member of the project, a superuser or a file.")
        access = RegistrationAccess.objects.filter(client=client).select_related("initial_token").first()
        if access is None or access.initial_token is None:
            return _("Itself.")
        return _("Itself, with the initial access token “%(token)s”.") % {"token": access.initial_token}

    @admin.display(description=gettext_lazy("secrets"))
    def secrets_in_words(self, client: Client) -> str:
        if client.pk is None:
            return _("A secret is made when you save a confidential app, and shown once.")
        if client.public:
            return _("None: a public app has no secret.")
        if not client.uses_secrets:
            return _("None: this app proves who it is in another way.")
        live = client.secrets.filter(slot__isnull=False).count()
        if not live:
            return _("None: this app cannot authenticate. Make one under “Secrets and keys”, above.")
        words = _("%(live)s of two; see “Secrets and keys”, above.")
        return words % {"live": live}

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        """Not yet: its audiences are in the rows below the form."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The registration writes all of it; Django only notes what became of the rows, for its history."""
        wanted = form.wanted
        for audiences in formsets:  # none: the form knows them itself
            audiences.save(commit=False)
            wanted = replace(wanted, audience=audiences.values())
        if change:
            unless_told(request, self.hurts(form.instance, wanted))
            registration.change(form.instance, wanted, actor_of(request))
        else:
            wanted = registration.with_default_audience(wanted)
            made = registration.register(wanted, form.project, actor_of(request))
            vars(form.instance).update(vars(made))  # Django goes on with the row it gave the form

    def hurts(self, client: Client, wanted: ClientMetadata) -> list[Hurt]:
        """Whom it hurts to save this, in numbers."""
        return []

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        """The only answer that ever shows the secret; it is made in the transaction that made the client."""
        if not obj.uses_secrets:
            return super().response_add(request, obj, post_url_continue)
        return self.show_once(request, obj, registration.generate_secret(obj, actor_of(request)))

    def lost_for_good(self, obj: Client) -> list[str]:
        return [
            _("Client ID: %(client_id)s") % {"client_id": obj.client_id},
            _("The client ID can never be used again. To pause the app, disable it instead."),
        ]

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        return super().render_delete_form(request, {**context, **tabs(self, request, context["object"], "advanced")})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        client = self.get_object(request, unquote(object_id))
        on_top = tabs(self, request, client, "advanced") if client is not None else {}
        return super().history_view(request, object_id, {**on_top, **(extra_context or {})})

    def stands_in_the_way(self, request: HttpRequest, obj: Client) -> list[str]:
        return registration.obstacles(obj)

    def delete_model(self, request: HttpRequest, obj: Client) -> None:
        registration.delete(obj, actor_of(request))
