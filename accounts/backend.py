"""Checks passwords, at the same cost whoever is asked about."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend as AllauthBackend
from allauth.account.internal.userkit import filter_users_by_email, filter_users_by_username
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest


class AuthenticationBackend(AllauthBackend):
    """Each account that answers to this login is checked once; where none does, allauth spends one hash.

    allauth itself tries an e-mail address as e-mail and as user name and again as e-mail: two hashes for an account
    that exists and one for none, which a stopwatch tells apart.
    """

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> AbstractBaseUser | None:
        password = credentials.get("password") or ""
        for user in candidates(credentials.get("username") or "", credentials.get("email") or ""):
            found: AbstractBaseUser | None = self._check_password(user, password)
            if found is not None:
                return found
        return None


def candidates(username: str, email: str) -> list[AbstractBaseUser]:
    """The accounts that answer to this login."""
    mailed = filter_users_by_email(email or username, prefer_verified=True, for_login=True)
    return list(dict.fromkeys([*mailed, *(_by_username(username) if username else [])]))


def _by_username(username: str) -> list[AbstractBaseUser]:
    """The one with this name in any capitals, or of several the one spelled so.

    The database keeps names apart in small letters and finds them in capitals, by its collation: ΑΣ and ας are two to
    the one and the same to the other. allauth finds nobody then, and neither could sign in.
    """
    alike = [one for one in filter_users_by_username(username) if one.get_username().lower() == username.lower()]
    return alike if len(alike) == 1 else [one for one in alike if one.get_username() == username]
