"""Connectors in the console: for superusers, who have just proved who they are."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.asked_first import Hurt, unless_told
from accounts.fresh_proof import FreshProofAdmin
from projects.door import actor_of
from projects.upstream import registration
from projects.upstream.choices import TELLING, Kind
from projects.upstream.connectors import callback_url, logout_url
from projects.upstream.console_forms import ConnectorForm
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector


@admin.register(Connector)
class ConnectorAdmin(FreshProofAdmin):
    form = ConnectorForm
    comes_when = _("With a connector people sign in with an account that they have elsewhere.")
    list_display = ["name", "key", "kind", "project", "enabled", "position"]
    list_filter = ["kind", "enabled"]
    list_select_related = ["project"]
    search_fields = ["name", "key", "issuer"]
    ordering = ["position", "key"]
    readonly_fields = ["redirect_uri", "logout_uri", "people"]
    fieldsets = [
        (None, {"fields": ["name", "key", "kind", "enabled", "position", "project"]}),
        (
            _("The provider there"),
            {"fields": ["redirect_uri", "logout_uri", "issuer", "tenant", "client_id", "client_secret", "scope"]},
        ),
        (_("SAML and LDAP"), {"fields": ["metadata_uri", "metadata", "search_base", "search_filter"]}),
        (_("Its people"), {"fields": ["people", "domains", "owns_domains", "creates_people"]}),
        (_("What is believed of it"), {"fields": ["trusts_email", "trusts_mfa", "mfa_acr_values"]}),
        (_("What is taken over"), {"fields": ["attributes", "groups_claim", "groups"]}),
    ]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [*self.readonly_fields, *(["key"] if obj else [])]

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """One of SAML can get another key."""
        key = (_("Its key"), {"fields": ["new_key"]})
        return [*self.fieldsets, *([key] if isinstance(obj, Connector) and obj.kind == Kind.SAML else [])]

    @admin.display(description=_("Redirect URI"))
    def redirect_uri(self, row: Connector) -> str:
        """What to register there."""
        return callback_url(row.key) if row.pk else callback_url("key").replace("/key/", "/KEY/")

    @admin.display(description=_("Logout URI"))
    def logout_uri(self, row: Connector) -> str:
        """The same, where the provider tells who signed out."""
        return logout_url(row.key) if row.pk and row.kind in TELLING else "-"

    @admin.display(description=_("People who are linked"))
    def people(self, row: Connector) -> str:
        return str(registration.people_of(row.key) if row.pk else 0)

    def save_model(self, request: HttpRequest, obj: Connector, form: Any, change: bool) -> None:
        with transaction.atomic():
            if change:
                unless_told(request, _hurts(obj, form.wanted))
                key = bool(form.cleaned_data.get("new_key"))
                registration.change(obj, form.wanted, actor_of(request), form.secret, new_key=key)
            else:
                made = registration.register(form.wanted, actor_of(request), form.secret)
                vars(obj).update(vars(made))  # Django goes on with the row it gave the form

    def delete_model(self, request: HttpRequest, obj: Connector) -> None:
        registration.delete(obj, actor_of(request))


def _hurts(row: Connector, wanted: ConnectorMetadata) -> list[Hurt]:
    """Whoever signs in by it cannot while it is disabled."""
    number = registration.people_of(row.key) if row.enabled and not wanted.enabled else 0
    said = ngettext(
        "%(number)s person can no longer sign in by it.", "%(number)s people can no longer sign in by it.", number
    )
    return [Hurt("enabled", said % {"number": number})] if number else []
