"""People delete their own accounts: all that is theirs is deleted at once, but the log of security events stays."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.logout import logout
from allauth.account.internal.flows.reauthentication import (
    is_reauthentication_required,
    raise_if_reauthentication_required,
)
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import events
from accounts.console import actor
from accounts.fresh_proof import asks_everybody
from accounts.models import User
from projects import access
from projects.models import Project

ATTEMPTS = 3


@never_cache
@login_required
@asks_everybody
@require_http_methods(["GET", "POST"])
def delete_account(request: HttpRequest) -> HttpResponse:
    """Deleting needs a recent authentication. Without one, people authenticate first and then see the question.

    allauth would store a form that came too late and send it again after the password. Here people decide anew.
    """
    if request.method == "POST" and is_reauthentication_required(request, app="idp"):
        return redirect("account_delete")
    raise_if_reauthentication_required(request, app="idp")
    return _respond(request)


def _respond(request: HttpRequest) -> HttpResponse:
    person = actor(request)
    if request.method == "POST" and _delete_with_retries(request, person):
        messages.success(request, _("Your account is deleted."))
        return redirect("home")
    context = {"obstacles": _obstacles(person)}
    return render(request, "account/delete.html", context, status=409 if request.method == "POST" else 200)


def _delete_with_retries(request: HttpRequest, person: User) -> bool:
    """Whether the account is gone. A token issued at this very moment makes one attempt fail, not the next."""
    email = person.email
    for retries_left in reversed(range(ATTEMPTS)):
        try:
            if not _try_delete(request, person):
                return False
            break
        except IntegrityError:
            if not retries_left:
                raise
    logout(request, show_message=False)
    get_adapter().send_notification_mail("account/email/account_deleted", person, {"link": ""}, email)
    return True


def _try_delete(request: HttpRequest, person: User) -> bool:
    """Delete, unless there are obstacles. Locks keep two people who must not both leave from leaving at once."""
    with transaction.atomic():
        list(User.objects.select_for_update().filter(is_superuser=True).order_by("pk"))
        list(Project.objects.select_for_update().filter(members__user=person).order_by("pk"))
        if _obstacles(person):
            return False
        events.record_deletion(person, request)
        # This deletes addresses and second factors, too, and consents, sign-ins, authorizations with every code and
        # token, unless there are very many: those are worth nothing from now on, and cleared later (`clients.remains`).
        User.objects.get(pk=person.pk).delete()
    return True


def _obstacles(person: User) -> list[str]:
    """What has to happen before this person can leave, in sentences."""
    sentences = [
        _("You are the only owner of “%(project)s”. Make somebody else an owner first.") % {"project": project.name}
        for project in access.solely_owned(person)
    ]
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=person.pk)
    if person.is_superuser and not others.exists():
        sentences.append(_("You are the last superuser. Make somebody else a superuser first."))
    if person.logentry_set.exists():
        sentences.append(
            _("You have made changes in the console, and its history keeps them. Ask a superuser to deactivate you.")
        )
    return sentences
