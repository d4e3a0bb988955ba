"""Scopes of signing in, and of the provider's own API. Pure: both `projects` and the protocol read it.

The table: which scopes there are, what people read on the consent page, what discovery lists. The claims a scope stands
for are rows of `provider.protocol.claims.CLAIMS`.
"""

from __future__ import annotations

from dataclasses import dataclass


def gettext_noop(text: str) -> str:
    """Mark a text for the catalogues: `makemessages` finds it by this name, and Django is not needed for that."""
    return text


@dataclass(frozen=True, slots=True)
class Scope:
    words: str  # to translate where they are shown


SIGN_IN_SCOPES: dict[str, Scope] = {
    "openid": Scope(gettext_noop("Know that it is you")),
    "profile": Scope(gettext_noop("See your profile: names, picture, date of birth and what else you entered")),
    "email": Scope(gettext_noop("See your e-mail address")),
    "address": Scope(gettext_noop("See your postal address")),
    "phone": Scope(gettext_noop("See your phone number")),
    "offline_access": Scope(gettext_noop("Stay connected while you are away")),
    "groups": Scope(gettext_noop("See which groups you belong to")),
    "roles": Scope(gettext_noop("See which roles you have in these apps")),
}
BY_TABLE = ("groups", "roles")  # told by a project's table: of what it says itself (`projects.claim_table`)
# Of the provider's own API. Whatever begins like these is reserved for it.
ADMIN_PREFIX = "admin."
SIGNALS_PREFIX = "ssf."
SCIM_PREFIX = "scim."
READ, WRITE = "admin.read", "admin.write"
SIGNALS_READ, SIGNALS_MANAGE = "ssf.read", "ssf.manage"  # of a receiver of Shared Signals, for itself
SCIM = "scim.manage"  # of a program that brings people and groups (idp.scim)
ADMIN_SCOPES: dict[str, Scope] = {
    READ: Scope(gettext_noop("See the projects you manage at this provider, with their apps")),
    WRITE: Scope(gettext_noop("Change the projects you manage at this provider, with their apps")),
    SIGNALS_READ: Scope(gettext_noop("Read what happens to people who use the app")),
    SIGNALS_MANAGE: Scope(gettext_noop("Choose what the app is told of people who use it")),
    SCIM: Scope(gettext_noop("Make, change and delete people and groups of this provider")),
}
