"""What is hard to undo asks people once more who they are: a session that somebody else has taken is not enough."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _

from accounts import sign_in
from accounts.console import ConsoleAdmin, actor
from accounts.models import User
from common import clock

View = Callable[..., HttpResponseBase]
_FACTOR_PAGES = {
    Authenticator.Type.TOTP: "mfa_reauthenticate",
    Authenticator.Type.WEBAUTHN: "mfa_reauthenticate_webauthn",
}


def is_fresh(request: HttpRequest) -> bool:
    """Whether they proved who they are a few minutes ago; who has a second step, with that."""
    too_old: bool = get_adapter(request).is_reauthentication_required(app="console")
    return not too_old and (not _factor_pages(actor(request)) or _second_step_is_fresh(request))


def proof_url(request: HttpRequest, next_url: str) -> str:
    """Where they prove it, and then go on to `next_url`."""
    pages = _factor_pages(actor(request))
    if not pages:
        return sign_in.reauthenticate_url(request, next_url)
    return f"{reverse(pages[0])}?{urlencode({REDIRECT_FIELD_NAME: next_url})}"


def _factor_pages(user: User) -> list[str]:
    enrolled = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    return [page for kind, page in _FACTOR_PAGES.items() if kind in enrolled]


def _second_step_is_fresh(request: HttpRequest) -> bool:
    """A factor that was set up in this session proves nothing about who set it up."""
    records = get_authentication_records(request, actor(request))
    used = [float(one["at"]) for one in records if one.get("type") and not one.get(sign_in.ENROLLED)]
    return bool(clock.now().timestamp() - max(used, default=0) <= app_settings.REAUTHENTICATION_TIMEOUT)


def asks_for_proof(view: View, *, on_opening: bool = True, back: str = "") -> View:
    """The view, for whoever has just proved who they are; others prove it first, and then decide anew.

    What they sent is not kept meanwhile: it may hold a password. `back`: the page to decide on, if it is another one.
    """

    @wraps(view)
    def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        sent = request.method == "POST"
        if not (sent or on_opening) or not request.user.is_authenticated or is_fresh(request):
            return view(request, *args, **kwargs)
        if sent:
            messages.warning(request, _("Nothing was changed yet. Confirm that it is you, then do it again."))
        return redirect(proof_url(request, reverse(back) if back else request.get_full_path()))

    return checked


def asks_everybody(view: View, *, on_opening: bool = True) -> View:
    """The view of a page where allauth asks for the proof. It asks nobody who has no password and no second step here,
    for it knows no other: they prove it elsewhere, or sign in anew."""
    asking = asks_for_proof(view, on_opening=on_opening)

    @wraps(view)
    def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        asked_there = not request.user.is_authenticated or get_reauthentication_flows(request.user)
        return (view if asked_there else asking)(request, *args, **kwargs)

    return checked


class FreshProofAdmin(ConsoleAdmin):
    """Console pages where people prove who they are before they change something: when they open one, and send it."""

    just_shown: tuple[str, ...] = ("changelist", "history")  # pages that anybody who may see them opens as they are
    sent_from_list: tuple[str, ...] = ()  # addresses that have no page of their own
    ask_themselves: tuple[str, ...] = ()  # pages that ask for the proof when something is done on them, not before

    @property
    def urls(self) -> list[URLPattern]:
        """Not `get_urls`: a page that a subclass adds there would be forgotten."""
        urls: list[URLPattern] = super().urls
        for one in urls:
            name = one.name or ""
            if self.ask_themselves and name.endswith(self.ask_themselves):
                continue
            back = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
            one.callback = asks_for_proof(
                one.callback,
                on_opening=not name.endswith((*self.just_shown, *self.sent_from_list)),
                back=back if name.endswith(self.sent_from_list) else "",
            )
        return urls


class SuperusersAdmin(FreshProofAdmin):
    """The same, for superusers only."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return is_superuser(request)


def is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser
