"""The secrets of a client: a list, one more, one less. A secret is shown by the answer that made it, and never again.

Nothing keeps it in clear on the way: no message, no session, no cookie, no log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clients import registration, secrets
from clients.admin import shown_once
from clients.admin.shown_once import Once, Value
from clients.admin.tabs import tabs
from clients.models import Client
from clients.policy import metadata_of
from clients.reach import secret_problem
from clients.rotation import limit_all, make_room
from clients.secret_form import NewSecretForm
from projects.actors import Actor
from projects.door import actor_anew, actor_of
from projects.problems import RegistrationError

MOST = 2  # at once

if TYPE_CHECKING:
    from projects.console import ProjectScopedAdmin as Base
else:
    Base = object


class SecretPages(Base):
    """Mixed into the page of clients. Looking needs the right to view a client; everything else to change it."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        pages: list[URLPattern] = [
            path("<path:object_id>/secrets/", wrap(self.secrets_view), name="clients_client_secrets"),
            path("<path:object_id>/secrets/new/", wrap(self.new_secret_view), name="clients_client_new_secret"),
            path(
                "<path:object_id>/secrets/<int:secret_id>/revoke/",
                wrap(self.revoke_secret_view),
                name="clients_client_revoke_secret",
            ),
        ]
        return pages + super().get_urls()

    def secrets_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = self._client(request, object_id, self.has_view_permission)
        return self._list(request, client, None)

    def new_secret_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        client = self._client(request, object_id, self.has_change_permission)
        form = NewSecretForm(request.POST)
        if not form.is_valid():
            return self._list(request, client, form)
        if form.cleaned_data["seen"] != _newest(client):
            messages.warning(request, _("The secrets changed since that page was shown. Nothing was made."))
            return self._to_list(client)
        if client.public:
            messages.error(request, _("A public client has no secret. Make it confidential first."))
            return self._to_list(client)
        label = form.cleaned_data["label"]
        try:
            with transaction.atomic():
                by = actor_of(request)
                make_room(client, by, timezone.now())
                if form.others_end_at is not None:
                    limit_all(client, by, form.others_end_at)
                secret = registration.generate_secret(client, by, label=label, expires_at=form.expires_at)
                self.log_change(request, client, _("Generated a secret: %s.") % (label or _("no label")))
        except secrets.TooManySecrets:
            messages.error(request, _("This client has two secrets already. Revoke one first."))
            return self._to_list(client)
        except RegistrationError as error:
            messages.error(request, error.problems[0].message)
            return self._to_list(client)
        except Client.DoesNotExist:  # deleted since it was looked at
            raise Http404 from None
        return self.show_once(request, client, secret)

    def revoke_secret_view(self, request: HttpRequest, object_id: str, secret_id: int) -> HttpResponse:
        client = self._client(request, object_id, self.has_change_permission)
        secret = client.secrets.filter(pk=secret_id).first()
        if secret is None:
            raise Http404
        already = secret.revoked_at is not None
        if request.method == "POST":
            with transaction.atomic():
                already = not registration.revoke_secret(secret, actor_of(request))
                if not already:
                    self.log_change(request, client, _("Revoked a secret: %s.") % secret)
        if already:
            messages.info(request, _("This secret was revoked already."))
            return self._to_list(client)
        if request.method == "POST":
            messages.success(request, _("The secret does not work any more."))
            return self._to_list(client)
        context = {"title": _("Revoke a secret"), "original": client, "secret": secret}
        return self._page(request, "revoke_secret.html", "secrets", context)

    def show_once(self, request: HttpRequest, client: Client, secret: str) -> HttpResponse:
        """The page with the client ID and the secret."""
        once = Once(
            title=_("Keep this secret"),
            warning=_("This secret is shown once. Copy it now; it cannot be shown again."),
            values=(
                Value("client-id", _("Client ID"), client.client_id),
                Value("secret", _("Client secret"), secret),
            ),
            onward=reverse("admin:clients_client_secrets", args=[quote(client.pk)]),
            onward_words=_("I have copied it: go on"),
        )
        return shown_once.answer(request, self.admin_site, client, once, tabs(self, request, client, "secrets"))

    def _client(self, request: HttpRequest, object_id: str, allowed: Any) -> Client:
        client = self.get_object(request, unquote(object_id))
        if client is None:
            raise Http404
        if not allowed(request, client):
            raise PermissionDenied
        found: Client = client
        return found

    def _for_change(self, request: HttpRequest, client: Client) -> tuple[Client, Actor]:
        """It as it is once nobody else changes it, and who changes it: within a transaction, until that ends."""
        found = registration.locked([client.client_id]).get(client.client_id)
        by = actor_anew(request)
        if found is None or found.pk != client.pk:
            raise Http404  # deleted since it was looked at
        if not self.has_change_permission(request, found):
            raise PermissionDenied
        return found, by

    def _list(self, request: HttpRequest, client: Client, form: NewSecretForm | None) -> HttpResponse:
        now, rows = timezone.now(), list(client.secrets.all())
        live = [one for one in rows if one.slot is not None and (one.expires_at is None or one.expires_at > now)]
        form = form or NewSecretForm(initial={"seen": _newest(client)})
        if not live:
            del form.fields["others"]
        context = {
            "title": _("Secrets of %(app)s") % {"app": client},
            "original": client,
            "secrets": rows,
            "now": now,
            "form": form,
            "why_not": secret_problem(metadata_of(client), client.home, actor_of(request).once_proved()),
            "may_change": self.has_change_permission(request, client),
            "full": len(live) >= MOST,
        }
        return self._page(request, "secrets.html", "secrets", context)

    def _page(self, request: HttpRequest, template: str, here: str, context: dict[str, Any]) -> HttpResponse:
        """A page of the app that is `original`. `here`: the tab that it belongs to."""
        request.current_app = self.admin_site.name
        own = {"opts": self.opts, **tabs(self, request, context["original"], here), **context}
        full = {**self.admin_site.each_context(request), **own}
        return TemplateResponse(request, f"admin/clients/client/{template}", full)

    @staticmethod
    def _to_list(client: Client) -> HttpResponse:
        return redirect(reverse("admin:clients_client_secrets", args=[quote(client.pk)]))


def _newest(client: Client) -> str:
    newest = client.secrets.order_by("-pk").values_list("pk", flat=True).first()
    return str(newest or "")
