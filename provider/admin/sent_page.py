"""Register what an app sent and was refused for: a redirect URI, or scopes. The form comes filled in, and nothing else
is easier here than on the page of the app: the registration decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console_forms import shortened
from clients import registration
from clients.metadata import ClientMetadata
from clients.models import Client, RefusedRequest
from clients.policy import metadata_of
from projects.problems import RegistrationError
from provider.admin.happened import refusals

if TYPE_CHECKING:
    from clients.admin.secret_pages import SecretPages as Base
else:
    Base = object

LONGEST = 2_000
PLAIN = forms.TextInput(
    attrs={"size": 60, "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "dir": "ltr"}
)


class SentForm(forms.Form):
    """Of a redirect URI."""

    member = "redirect_uris"
    sent = forms.CharField(
        label=gettext_lazy("Redirect URI"),
        max_length=LONGEST,
        widget=PLAIN,
        help_text=gettext_lazy("As it was sent, without its query: that is not kept. Every character counts."),
    )

    def wanted(self, before: ClientMetadata) -> ClientMetadata:
        uris = (*before.redirect_uris, *self.cleaned_data["sent"].split())
        return before.changed({"redirect_uris": tuple(dict.fromkeys(uris))})


class SentScopesForm(SentForm):
    member = "scope"
    sent = forms.CharField(
        label=gettext_lazy("Scopes"),
        max_length=LONGEST,
        widget=PLAIN,
        help_text=gettext_lazy("Separated by spaces. What is registered already stays."),
    )

    def wanted(self, before: ClientMetadata) -> ClientMetadata:
        scopes = (*before.scopes, *self.cleaned_data["sent"].split())
        return before.changed({"scope": " ".join(dict.fromkeys(scopes))})


class SentPage(Base):
    """Mixed into the page of clients, for those who may change one."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.register_sent_view)
        page: URLPattern = path(
            "<path:object_id>/register-sent/<int:refusal>/", view, name="clients_client_register_sent"
        )
        return [page, *super().get_urls()]

    def register_sent_view(self, request: HttpRequest, object_id: str, refusal: int) -> HttpResponse:
        client = self._client(request, object_id, self.has_change_permission)
        row = RefusedRequest.objects.filter(pk=refusal, client_id=client.client_id).first()
        if row is None or not refusals.is_whole(row):
            raise Http404
        uri, scopes = refusals.sent_redirect_uri(row), refusals.sent_scopes(row)
        if not (uri or scopes):
            raise Http404
        kind = SentForm if uri else SentScopesForm
        form = kind(request.POST if request.method == "POST" else None, initial={"sent": uri or " ".join(scopes)})
        if request.method == "POST" and form.is_valid() and self._register(request, client, form):
            return redirect(reverse("admin:clients_client_access", args=[client.pk]))
        context = {
            "title": _("Register a redirect URI") if uri else _("Add scopes"),
            "original": client,
            "form": form,
            "uri": uri,
            "times": row.count,
            "registered": client.redirect_uri_list if uri else client.scope.split(),
            "back": reverse("admin:activity", query={"app": client.client_id, "kind": "refused"}),
        }
        return self._page(request, "register_sent.html", "activity", context)

    def _register(self, request: HttpRequest, shown: Client, form: SentForm) -> bool:
        """Whether it was done; else the form says what is in the way."""
        said = shortened(form.cleaned_data["sent"].split())
        try:
            with transaction.atomic():
                client, by = self._for_change(request, shown)
                if registration.change_locked(client, form.wanted(metadata_of(client)), by):
                    self.log_change(request, client, _("Registered what was sent: %(sent)s") % {"sent": said})
        except RegistrationError as error:
            for one in error.problems:
                form.add_error("sent" if one.name == form.member else None, one.message)
            return False
        self.message_user(request, _("Registered: %(sent)s") % {"sent": said})
        return True
