"""What leads on from a row: to what mends it, for those who may, and to what it is about."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.models import Client
from projects import access
from projects.console import roles_of
from provider.admin.happened import refusals
from provider.admin.happened.entries import Entry

BY_AUDIENCE = ("invalid_target", "invalid_audience")


@dataclass(frozen=True, slots=True)
class Mend:
    words: str
    url: str
    first: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as the page shows it. `sent`, `registered`: what does not fit, side by side."""

    entry: Entry
    mends: list[Mend]
    sent: tuple[str, ...] = ()
    registered: tuple[str, ...] = ()
    hint: str = ""


def row(entry: Entry, request: HttpRequest) -> Row:
    refusal, client = entry.refusal, entry.client
    if refusal is None or client is None:
        return Row(entry, _open(entry))
    uri, scopes = refusals.sent_redirect_uri(refusal), refusals.sent_scopes(refusal)
    registered = tuple(client.redirect_uri_list) if uri else tuple(client.scope.split()) if scopes else ()
    mends = [*_mends(entry, client, may_change(request, client)), *_open(entry)]
    return Row(entry, mends, (uri,) if uri else scopes, registered, _hint(registered) if uri else "")


def may_change(request: HttpRequest, client: Client) -> bool:
    return roles_of(request).in_project(client.project_id, access.EDITORS)


def _mends(entry: Entry, client: Client, may: bool) -> list[Mend]:
    refusal = entry.refusal
    if refusal is None or client.guest:
        return []
    found = []
    register = reverse("admin:clients_client_register_sent", args=[client.pk, refusal.pk])
    if may and refusals.is_whole(refusal) and refusals.sent_redirect_uri(refusal):
        found.append(Mend(_("Register the sent redirect URI"), register, first=True))
    if may and refusals.is_whole(refusal) and refusals.sent_scopes(refusal):
        found.append(Mend(_("Add the scope"), register, first=True))
    if refusal.error in BY_AUDIENCE:
        found.append(Mend(_("Try an audience"), reverse("admin:clients_client_audience", args=[client.pk]), first=True))
    if refusal.error == "invalid_client" and client.uses_secrets:
        found.append(Mend(_("Look at its secrets"), reverse("admin:clients_client_secrets", args=[client.pk])))
    return found


def _open(entry: Entry) -> list[Mend]:
    place = (_("Open the app"), entry.app) if entry.app.url else (_("Open the project"), entry.project)
    pages = (place, (_("Open the person"), entry.about))
    return [Mend(words, one.url) for words, one in pages if one.url]


def _hint(registered: tuple[str, ...]) -> str:
    if any("*" in one for one in registered):
        return _("A “*” stands for nothing here: it is a character like any other.")
    return ""
