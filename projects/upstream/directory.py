"""Directories (LDAP), by django-auth-ldap. Loaded where somebody signs in by one, and only if requirements/ldap.txt is
installed.

The name and the password are typed here and tried there. The directory makes no account and writes none: what it says
goes the way of every other sign-in from elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import SimpleNamespace

import ldap
from django.dispatch import receiver
from django.http import HttpRequest
from django_auth_ldap.backend import LDAPBackend, LDAPSettings, ldap_error
from django_auth_ldap.config import LDAPSearch

from projects.upstream.connectors import secret_of
from projects.upstream.directory_entries import Values, told_by
from projects.upstream.models import Connector
from projects.upstream.told import Refused, Told

logger = logging.getLogger(__name__)
FILTER = "(uid=%(user)s)"
SECONDS = 5
_AWAY = (ldap.SERVER_DOWN, ldap.TIMEOUT, ldap.CONNECT_ERROR, ldap.UNAVAILABLE, ldap.BUSY)
# How some answer a wrong password, and one for an account that is locked or has to get a new one.
_WRONG = (ldap.UNWILLING_TO_PERFORM, ldap.CONSTRAINT_VIOLATION)


class Directory(LDAPBackend):  # type: ignore[misc]
    """Of one connector. What it finds is no account of ours."""

    def __init__(self, connector: Connector) -> None:
        filter_ = connector.search_filter or FILTER
        said = {
            "SERVER_URI": connector.issuer,
            "BIND_DN": connector.client_id,
            "BIND_PASSWORD": secret_of(connector),
            "USER_SEARCH": LDAPSearch(connector.search_base, ldap.SCOPE_SUBTREE, filter_),
            "USER_ATTRLIST": ["*", "+"],
            "ALWAYS_UPDATE_USER": False,
            "CACHE_TIMEOUT": 0,
            "CONNECTION_OPTIONS": {
                ldap.OPT_REFERRALS: 0,  # it says nothing for others
                ldap.OPT_NETWORK_TIMEOUT: SECONDS,
                ldap.OPT_TIMEOUT: SECONDS,
                ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND,
                ldap.OPT_X_TLS_NEWCTX: 0,
            },
        }
        self.settings = LDAPSettings(f"DIRECTORY_{connector.pk}_", said)

    def get_or_build_user(self, username: str, ldap_user: object) -> tuple[SimpleNamespace, bool]:
        return SimpleNamespace(), False

    def ldap_to_django_username(self, username: str) -> str:
        return username


@receiver(ldap_error, dispatch_uid="upstream.directory_error")
def _tell(exception: ldap.LDAPError, **_signal: object) -> None:
    """It would pass for a wrong password; some of it is as good as one, and is counted."""
    if isinstance(exception, _WRONG):
        logger.warning("The directory answers a password with %s.", type(exception).__name__)
        return
    reason = "unreachable" if isinstance(exception, _AWAY) else "not_set_up"
    raise Refused(reason, f"The directory answers with {type(exception).__name__}.")


def find(connector: Connector, request: HttpRequest, login: str, password: str) -> Told | None:
    """Who has this name and this password there; None: nobody. Raises Refused, sealing.Unreadable."""
    found = Directory(connector).authenticate(request, username=login, password=password)
    if found is None:
        return None
    attributes: Mapping[str, Values] = dict(found.ldap_user.attrs)
    return told_by(str(found.ldap_user.dn), attributes)
