"""A mail to the person who allowed something sensitive, or something to an app that is new to them.

If it was somebody else at their browser, they hear of it.
"""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.core import context
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from accounts import notices
from accounts.models import User
from clients.models import Authorization
from projects.models import Project
from projects.scopes import SIGN_IN_SCOPES
from provider.endpoints import consent, guest_words, permission_words
from provider.endpoints.interaction import EndUser
from provider.protocol.request import AuthorizationRequest


def tell(request: HttpRequest, end_user: EndUser, decided: AuthorizationRequest, *, first: bool) -> None:
    """Write to the person, once it is committed, about sensitive scopes allowed on this page and not before.

    Else about an app of a project they allow something for the first time, unless they turned that off. Only to an
    address they proved to own: what they allow is nobody else's to know.
    """
    fresh = set(consent.newly_allowed(decided, end_user)) - set(SIGN_IN_SCOPES)
    first = first and notices.wants(end_user.user, notices.APP_ACCESS)
    if not (fresh or first) or not end_user.user.email_verified:
        return
    project = Project.objects.select_related("consent_screen").get(pk=decided.client.project.id)
    audiences = (*decided.ceiling.audiences, *end_user.given.audiences)
    lines, template = permission_words.sensitive(project, sorted(fresh), audiences), "account/email/sensitive_access"
    if first and not lines:
        groups = permission_words.groups(project, decided.ceiling.scopes, audiences)
        lines, template = [line for group in groups for line in group.lines], "account/email/app_access"
    if lines:
        guest = guest_words.of_guest(decided.client, decided.channel.redirect_uri)
        app = _flat(str(guest or permission_words.app_name(project)))
        told = [_flat(str(line)) for line in lines]
        # Whatever goes wrong with a mail is logged, and the person goes on to the app.
        transaction.on_commit(lambda: _send(request, end_user.user, template, app, told), robust=True)


def is_new(client: int, user: User) -> bool:
    """Whether this person has allowed the app of this row nothing so far."""
    return not Authorization.objects.filter(user=user, client=client).exists()


def _send(request: HttpRequest, user: User, template: str, app: str, told: list[str]) -> None:
    said = {"app_name": app, "items": told, "link": reverse("account_apps")}
    with context.request_context(request):  # from which browser: the mail says so
        get_adapter(request).send_notification_mail(template, user, said, user.email)


def _flat(text: str) -> str:
    """On one line: words of an app's owner write no lines of their own into our mail."""
    return " ".join(text.split())
