"""How much there may be of what requests have to look at. docs/operations.md names each number.

Bounds of one client or API hold for everybody: whoever asks at the authorization endpoint, signed in or not, pays for
them. Those of a project are for its members; a superuser and a file may go beyond them.
"""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from projects.actors import Actor, Right

DEFAULT_AUDIENCES = 20  # of one client: all of them are looked at when a request names none
AUDIENCES = 100  # of one client
CLIENT_SCOPES = 200
LISTED = 200  # redirect URIs of one client, and values of its other lists
REDIRECT_URI = 2000  # characters
ABOUT_THE_APP = 20  # contacts of one client, and values of acr that it prefers
API_SCOPES = 100
APIS = 100  # of one project
CLIENTS = 2000  # of one project
ROLES = 100  # of one project, for everybody: a token has to say all that a person has
ROLE_HOLDERS = 1000  # people of one role, and groups of one role
WEBHOOKS = 20  # of one project


def too_many(most: int) -> str:
    return _("At most %(most)s values.") % {"most": most}


def no_room(count: Callable[[], int], most: int, by: Actor) -> str:
    """Why a project gets no further client or API, or an empty string. A file with thousands counts nothing."""
    if by.may(Right.EXCEED_QUOTAS) or count() < most:
        return ""
    return _("This project has %(most)s of them, which is the limit. Delete one, or ask a superuser.") % {"most": most}
