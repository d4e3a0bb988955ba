"""Signing keys in the console: superusers make the next key and let it sign. Private parts are never shown."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from accounts.console import ConsoleAdmin
from clients.models import SigningKey
from clients.models.keys import KeyState
from common import sealing
from common.jws import ALGORITHMS
from projects.door import actor_of
from provider.keys import registration

_LIST = "admin:clients_signingkey_changelist"


@admin.register(SigningKey)
class SigningKeyAdmin(ConsoleAdmin):
    change_list_template = "admin/clients/signingkey/change_list.html"
    list_display = ["algorithm", "state", "created_at", "activated_at", "retired_at", "kid"]
    ordering = ["algorithm", "-created_at"]
    fields = ["kid", "algorithm", "state", "created_at", "activated_at", "retired_at", "public_jwk"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("make/", wrap(self.make_view), name="clients_signingkey_make"),
            path("<slug:kid>/activate/", wrap(self.activate_view), name="clients_signingkey_activate"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        waiting = SigningKey.objects.filter(state=KeyState.NEXT)
        without = set(ALGORITHMS) - {key.algorithm for key in waiting}
        extra = {"waiting": waiting, "without_next": sorted(without), **(extra_context or {})}
        return super().changelist_view(request, extra)

    def make_view(self, request: HttpRequest) -> HttpResponse:
        """Make the next key of an algorithm: published from now on, so that apps know it before it signs."""
        self._only_superusers(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        algorithm = request.POST.get("algorithm", "")
        if algorithm not in ALGORITHMS:
            raise BadRequest("Unknown algorithm.")
        try:
            with transaction.atomic():
                key = registration.make(algorithm, actor_of(request))
                self.log_change(request, key, _("Created."))
        except IntegrityError:
            messages.error(request, _("This algorithm has a next key already. Activate it first."))
        else:
            messages.success(request, _("The next key is made and published. It does not sign yet."))
        return redirect(_LIST)

    def _activate(self, request: HttpRequest, kid: str) -> None:
        try:
            with transaction.atomic():
                key = registration.activate(kid, actor_of(request))
                if key is not None:
                    self.log_change(request, key, _("Activated."))
        except sealing.Unreadable as error:
            messages.error(request, str(error))  # for operators: it names their setting
            return
        if key is None:
            messages.error(request, _("This key is not waiting to be activated."))
        else:
            messages.success(request, _("The key signs from now on. Make the next one soon."))

    def activate_view(self, request: HttpRequest, kid: str) -> HttpResponse:
        """Let the next key sign; the active one retires and stays published."""
        self._only_superusers(request)
        if request.method == "POST":
            self._activate(request, kid)
            return redirect(_LIST)
        key = SigningKey.objects.filter(pk=kid, state=KeyState.NEXT).first()
        if key is None:
            raise Http404
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Activate a key"),
            "original": key,
        }
        return TemplateResponse(request, "admin/clients/signingkey/activate.html", context)

    def _only_superusers(self, request: HttpRequest) -> None:
        if not self.has_module_permission(request):
            raise PermissionDenied
