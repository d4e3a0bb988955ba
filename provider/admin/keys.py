"""Signing keys in the console: superusers make, activate and revoke them. Private parts are never shown."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.console import badge
from accounts.fresh_proof import FreshProofAdmin
from clients.models import SigningKey
from clients.models.keys import KeyState
from common import clock, sealing
from common.command import Refused
from common.jws import ALGORITHMS
from projects.door import actor_of
from provider.admin import key_view
from provider.keys import keyring, needed, registration, rounds

_LIST = "admin:clients_signingkey_changelist"


@admin.register(SigningKey)
class SigningKeyAdmin(FreshProofAdmin):
    just_shown = (*FreshProofAdmin.just_shown, "change")
    sent_from_list = ("make",)
    change_list_template = "admin/clients/signingkey/change_list.html"
    change_form_template = "admin/clients/signingkey/change_form.html"
    list_display = ["algorithm", "stage", "kid", "created_at", "activated_at", "retired_at"]
    ordering = ["algorithm", "-created_at"]
    fields = ["kid", "algorithm", "state", "created_at", "activated_at", "retired_at", "believed_until", "public_jwk"]

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def stage(self, key: SigningKey) -> str:
        words, tone = key_view.STAGES[KeyState(key.state)]
        return badge(words, tone)

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
            path("rotate/", wrap(self.rotate_view), name="clients_signingkey_rotate"),
            path("make/", wrap(self.make_view), name="clients_signingkey_make"),
            path("<slug:kid>/activate/", wrap(self.activate_view), name="clients_signingkey_activate"),
            path("<slug:kid>/revoke/", wrap(self.revoke_view), name="clients_signingkey_revoke"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        extra = {"view": key_view.view(clock.now()), "title": _("Signing keys"), **(extra_context or {})}
        return super().changelist_view(request, extra)

    def rotate_view(self, request: HttpRequest) -> HttpResponse:
        """The next step of every algorithm, as the worker takes it."""
        self._only_superusers(request)
        if request.method != "POST":
            return self._page(request, "rotate", {"title": _("Rotate the keys"), "steps": key_view.steps()})
        try:
            steps = rounds.take([*ALGORITHMS], actor_of(request))
        except Refused as error:
            messages.error(request, str(error))  # for operators: it names their setting, and what to run
        else:
            for step in steps:
                level = messages.INFO if step.action == "wait" else messages.SUCCESS
                messages.add_message(request, level, key_view.said(step, done=True))
        return redirect(_LIST)

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
        waiting = SigningKey.objects.filter(pk=kid, state=KeyState.NEXT).first()
        if waiting is not None and (problem := needed.why_servers_may_lack_it(waiting.algorithm)):
            messages.error(request, problem)  # for operators: only they know which servers were restarted
            return
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
        waiting = SigningKey.objects.filter(pk=kid, state=KeyState.NEXT).first()
        return self._ask(request, "activate", _("Activate a key"), waiting)

    def _revoke(self, request: HttpRequest, kid: str) -> None:
        try:
            with transaction.atomic():
                key = registration.revoke(kid, actor_of(request))
                if key is not None:
                    self.log_change(request, key, _("Revoked."))
        except sealing.Unreadable as error:
            messages.error(request, str(error))
            return
        if key is None:
            messages.error(request, _("There is no such key, or it is revoked already."))
        else:
            messages.success(request, _("The key is revoked. Nothing it signed is believed any more."))

    def revoke_view(self, request: HttpRequest, kid: str) -> HttpResponse:
        """The key has leaked: nothing it signed is believed any more, and where it was active the next one signs."""
        self._only_superusers(request)
        if request.method == "POST":
            self._revoke(request, kid)
            return redirect(_LIST)
        return self._ask(request, "revoke", _("Revoke a key"), keyring.revocable(kid))

    def _ask(self, request: HttpRequest, name: str, title: str, key: SigningKey | None) -> HttpResponse:
        if key is None:
            raise Http404
        return self._page(request, name, {"title": title, "original": key})

    def _page(self, request: HttpRequest, name: str, context: dict[str, object]) -> HttpResponse:
        request.current_app = self.admin_site.name
        full = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/clients/signingkey/{name}.html", full)

    def _only_superusers(self, request: HttpRequest) -> None:
        if not self.has_module_permission(request):
            raise PermissionDenied
