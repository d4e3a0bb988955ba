"""Which app a page of signing in leads on to, so that the page can say so.

Only what would lead there is named: a client that is known, at a redirect URI of its own, by the name that its project
registered. Everything else leads nowhere, and the page says nothing.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from allauth.account.internal.stagekit import get_pending_stage
from django.core import signing
from django.http import HttpRequest, QueryDict
from django.urls import Resolver404, resolve

from projects import logos
from projects.models import ConsentScreen, Project
from provider.authorization_request import NotRedirectable, leads_to
from provider.endpoints import begun, device, guest_words, permission_words, try_again
from provider.endpoints.app_pages import logo_of
from provider.endpoints.authorize import authorize
from provider.protocol.channel import Channel
from provider.protocol.errors import Refusal
from provider.store import devices


@dataclass(frozen=True, slots=True)
class Onward:
    name: str
    logo: str = ""  # where our pages find it
    address: str = ""  # of ours: where the request goes on


def app_of(request: HttpRequest) -> Onward | None:
    """None: it leads to a page of ours, or nowhere."""
    address = try_again.next_url(request) or _of_pending_sign_in(request)
    channel = _channel(request, address) if address else None
    return _shown(channel, address) if channel is not None else None


def _of_pending_sign_in(request: HttpRequest) -> str:
    """Where somebody goes on to who is between two steps."""
    stage = get_pending_stage(request)
    return str(stage.login.redirect_url or "") if stage is not None else ""


def _channel(request: HttpRequest, address: str) -> Channel | None:
    path, _mark, query = address.partition("?")
    try:
        view = resolve(path).func
        if view is authorize:
            return leads_to(query, functools.partial(begun.has_begun, request))
        return _of_device(query) if view is device.confirm else None
    except (Resolver404, Refusal, NotRedirectable, ValueError):
        return None


def _of_device(query: str) -> Channel | None:
    """The app on the device whose code was right."""
    try:
        waiting = devices.find(device.code_found(QueryDict(query).get(device.FOUND, "")))
    except signing.BadSignature:
        return None
    return Channel(waiting.client, device=True) if waiting is not None else None


def _shown(channel: Channel, address: str) -> Onward | None:
    project = Project.objects.select_related("consent_screen").filter(pk=channel.client.project.id).first()
    if guest := guest_words.of_guest(channel.client, channel.redirect_uri):
        return Onward(str(guest), address=address)
    if project is None:
        return None
    screen = permission_words.screen_of(project)
    return Onward(permission_words.app_name(project), picture_of(screen, channel), address)


def picture_of(screen: ConsentScreen, channel: Channel) -> str:
    """The logo of the project's consent screen, or that of the app itself."""
    return logos.path(screen.logo_digest) or logo_of(channel.client)
