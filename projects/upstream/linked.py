"""The sign-ins from elsewhere that open an account. Its person links and unlinks them, with a fresh proof."""

from __future__ import annotations

from allauth.account.utils import get_next_redirect_url
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base import AuthProcess
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import events, notices, sign_in
from accounts.console import actor
from accounts.fresh_proof import asks_for_proof
from accounts.models import AccountEventKind, SignIn, User
from common import clock
from projects.upstream import connectors
from projects.upstream.mapping import take_back_groups
from projects.upstream.models import Connector
from projects.upstream.views import go


@login_required
@asks_for_proof
@require_http_methods(["GET", "POST"])
def linked(request: HttpRequest) -> HttpResponse:
    person = actor(request)
    if request.method == "POST":
        return _link(request, request.POST["link"]) if "link" in request.POST else _unlink(request, person)
    rows = {one.provider: one for one in accounts_of(person)}
    names = dict(Connector.objects.filter(key__in=rows).values_list("key", "name"))
    mine = [{"key": key, "name": names.get(key, key), "since": row.date_joined} for key, row in rows.items()]
    others = [one for one in connectors.shown(request) if one.key not in rows]
    context = {"mine": mine, "others": others, "removable": len(rows) > 1 or has_own_way(person)}
    return render(request, "upstream/linked.html", {**context, "next": get_next_redirect_url(request) or ""})


def accounts_of(person: User) -> QuerySet[SocialAccount]:
    rows: QuerySet[SocialAccount] = SocialAccount.objects.filter(user=person).order_by("date_joined", "pk")
    return rows


def has_own_way(person: User) -> bool:
    """Whether they can sign in here without anybody elsewhere: by a password, or a passkey."""
    return person.has_usable_password() or Authenticator.objects.filter(user=person, type="webauthn").exists()


def _link(request: HttpRequest, key: str) -> HttpResponse:
    connector = next((one for one in connectors.shown(request) if one.key == key), None)
    return go(request, connector, "", process=AuthProcess.CONNECT) if connector else redirect("upstream_linked")


def _unlink(request: HttpRequest, person: User) -> HttpResponse:
    """Never the last way in. The sign-ins that came that way end, but for the one that says so."""
    key = request.POST.get("unlink", "")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        rows = accounts_of(person)
        last = not has_own_way(person) and not rows.exclude(provider=key).exists()
        if last:
            messages.error(request, _("This is the only way into your account. Set a password or add a passkey first."))
        elif rows.filter(provider=key).delete()[0]:
            came = SignIn.objects.filter(user=person, connector=key, ended_at=None)
            take_back_groups(key, person)
            came.exclude(sid=request.session[sign_in.SESSION_KEY]).update(ended_at=clock.now())
            events.record(person, AccountEventKind.UNLINKED, request, connector=key)
            name = Connector.objects.filter(key=key).values_list("name", flat=True).first() or key
            notices.tell(person, "socialaccount/email/account_disconnected", {"provider": name})
            messages.success(request, _("This sign-in opens your account no more."))
    return redirect("upstream_linked")
