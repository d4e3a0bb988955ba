"""The addresses of django-oauth-toolkit, for apps of a site that moved here and have them written down.

They lead to the same endpoints as ours, and no document names them. Off unless `IDP_TOOLKIT_PATHS` says where.
"""

from __future__ import annotations

import re

from django.conf import settings
from django.urls import URLPattern, re_path

from idp import discovery
from provider.endpoints.authorize import authorize
from provider.endpoints.http import Endpoint
from provider.endpoints.introspect import introspect
from provider.endpoints.logout import end_session
from provider.endpoints.revoke import revoke
from provider.endpoints.token import token
from provider.endpoints.userinfo import userinfo

_NAMES: dict[str, Endpoint] = {
    "token": token,
    "introspect": introspect,
    "revoke_token": revoke,
    "userinfo": userinfo,
    ".well-known/openid-configuration": discovery.configuration,
    ".well-known/jwks.json": discovery.jwks,
}


def endpoints() -> dict[str, Endpoint]:
    """Those of apps, by their paths."""
    where = settings.IDP_TOOLKIT_PATHS
    return {f"{where}/{name}": endpoint for name, endpoint in _NAMES.items()} if where else {}


def pages() -> list[URLPattern]:
    """Those of browsers."""
    where = settings.IDP_TOOLKIT_PATHS
    views = {"authorize": authorize, "logout": end_session}
    return [re_path(rf"^{re.escape(where[1:])}/{name}/?$", view) for name, view in views.items()] if where else []
